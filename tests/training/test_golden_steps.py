"""One optimisation step of stages A and B against what the published code did."""

import pytest
import torch
from torch.nn.utils import clip_grad_norm_

from mindvis_gui.decoding.convert import convert_masked_model, convert_published
from mindvis_gui.decoding.published_keys import MASKED_MODEL, ldm_table, renamed
from mindvis_gui.training.dcldm import DoubleConditioned, trained_parameters
from mindvis_gui.training.loop import warmup_cosine
from mindvis_gui.training.mbm import masked_correlation, mbm_optimiser, random_kept

LDM = ldm_table(unet_levels=4, unet_layers=2, first_stage_levels=3)


@pytest.fixture
def pipeline(published_files):
    """Return the published files converted, for this test to train."""
    return convert_published(
        published_files["model.ckpt"],
        published_files["finetuned.pth"],
        published_files["fmri_encoder.pth"],
    )


def test_step_of_stage_a(monkeypatch, golden, published_files):
    step = golden("01_mbm_train_step")
    model = convert_masked_model(published_files["fmri_encoder.pth"])
    vectors = step["x"][:, 0]
    with monkeypatch.context() as patch:
        patch.setattr(torch, "rand", lambda *_, **__: step["noise"])
        kept = random_kept(4, 33, 0.75, torch.Generator())
    optimiser = mbm_optimiser(model)
    for group in optimiser.param_groups:
        group["lr"] = warmup_cosine(3, 1e-3, 2, 10)
    assert optimiser.param_groups[0]["lr"] == pytest.approx(step["lr"].item(), rel=1e-6)

    loss = model.loss(vectors, kept)
    assert loss.item() == pytest.approx(step["loss_before"].item(), rel=1e-5)
    loss.backward()
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    norm = clip_grad_norm_(trained, 0.8)
    assert norm.item() == pytest.approx(step["grad_norm"].item(), rel=1e-5)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.no_grad():
        nothing = torch.zeros_like(kept)  # the published trainer correlates all voxels
        correlations = masked_correlation(model(vectors, kept), vectors, nothing)
    assert correlations.mean().item() == pytest.approx(step["cor"].item(), abs=1e-5)
    optimiser.step()
    after = model.state_dict()
    for theirs, ours in names_in(step, "delta/", MASKED_MODEL):
        published, new = step[f"delta/{theirs}"], step[f"after/{theirs}"]
        if "pos_embed" in theirs:  # without the class token's row here
            published, new = published[:, 1:], new[:, 1:]
        assert_close(after[ours] - before[ours], published, 2e-6)
        assert_close(after[ours], new, 2e-6)
    assert model.loss(vectors, kept).item() == pytest.approx(step["loss_after"].item(), rel=1e-5)


def test_step_of_stage_b(golden, golden_json, pipeline):
    step, lists = golden("07_stageB_train_step"), golden_json("07_stageB_trainable")
    encoder = pipeline.encoder.requires_grad_(True)
    conditioner = pipeline.conditioner.requires_grad_(True)
    network = DoubleConditioned(encoder, conditioner, pipeline.unet)
    chosen = trained_parameters(pipeline.unet)
    trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
    names = renamed(lists["effectively_trained"], LDM)
    assert set(names.values()) == set(trained)
    assert len(trained) == lists["n_effectively_trained_tensors"] == 153
    latents = _latents(pipeline, step)
    drawn = step["noise"][:, None], step["t"][:, None]

    def loss():
        draws = latents[:, None]
        return network.loss(pipeline.scheduler, step["fmri"][:, 0], draws, drawn)

    before_step = loss()
    assert before_step.item() == pytest.approx(step["loss"].item(), rel=1e-5)
    before_step.backward()
    for theirs, ours in names_in(step, "grad/", LDM):
        published = _without_class_token(theirs, step[f"grad/{theirs}"])
        assert_close(trained[ours].grad, published, 1e-5)
    for theirs, norm in lists["grad_norms"].items():
        found = trained[names[theirs]].grad.norm().item()
        assert found == pytest.approx(norm, rel=1e-3, abs=1e-6), theirs
    optimised = [*encoder.parameters(), *conditioner.parameters(), *chosen.values()]
    norm = clip_grad_norm_(optimised, 0.5)
    assert norm.item() == pytest.approx(step["grad_total_norm_unique"].item(), rel=1e-4)
    before = {name: p.detach().clone() for name, p in trained.items()}
    torch.optim.AdamW(optimised, lr=5.3e-5, weight_decay=0.01).step()
    for theirs, ours in names_in(step, "delta/", LDM):
        published = _without_class_token(theirs, step[f"delta/{theirs}"])
        # Adam's first step is the sign of the gradient: where that is 0, rounding decides.
        clear = trained[ours].grad.abs() > 1e-6
        assert_close((trained[ours].detach() - before[ours])[clear], published[clear], 2e-7)
    assert loss().item() == pytest.approx(step["loss_after"].item(), rel=1e-5)


def test_noise_and_prediction_of_stage_b(golden, pipeline):
    step = golden("07_stageB_train_step")
    latents = _latents(pipeline, step)
    assert_close(latents, step["z"], 1e-5)
    with torch.inference_mode():
        noisy = pipeline.scheduler.add_noise(latents, step["noise"], step["t"])
        context, time = pipeline.condition(step["fmri"][:, 0])
        predicted = pipeline.predict_noise(noisy, step["t"], (context, time))
    assert_close(noisy, step["x_noisy"], 1e-5)
    assert_close(context, step["context"], 1e-5)
    assert_close(predicted, step["eps"], 1e-5)
    assert step["loss_simple"] == step["loss"]  # the variational term has no weight there


def test_published_optimiser_holds_some_norms_twice_ours_once(golden, golden_json):
    """Each listing is an update of its own there, and counts in the norm that is clipped."""
    step, lists = golden("07_stageB_train_step"), golden_json("07_stageB_trainable")
    assert len(lists["duplicates"]) == lists["n_list"] - lists["n_unique"] == 4
    name = "cond_stage_model.mae.blocks.0.norm2.weight"
    assert name in lists["duplicates"]
    ratio = step[f"delta_dup/{name}"] / step[f"delta/{name}"]
    assert ratio.median().item() == pytest.approx(2, abs=0.01)
    for other in ("norm1.weight", "norm2.weight"):
        key = f"cond_stage_model.mae.blocks.0.{other}"
        same = torch.allclose(step[f"delta_dup/{key}"], step[f"delta/{key}"], atol=1e-6)
        assert same == (other == "norm1.weight")
    twice = sum(lists["grad_norms"][name] ** 2 for name in lists["duplicates"])
    unique = step["grad_total_norm_unique"].item()
    assert step["grad_total_norm_dup"].item() == pytest.approx((unique**2 + twice) ** 0.5, rel=1e-5)


def test_first_stage_norms_in_the_published_list_never_change(golden_json, pipeline):
    lists = golden_json("07_stageB_trainable")
    listed = set(lists["first_stage_norm2_in_optimizer"])
    assert listed < set(lists["in_optimizer_but_never_gets_a_gradient"])
    ours = renamed(listed, LDM).values()
    assert {name.removeprefix("vqvae.") for name in ours} <= set(pipeline.vqvae.state_dict())


def names_in(step, prefix, table):
    """Yield the published and our name of each weight that is under `prefix`."""
    theirs = [name.removeprefix(prefix) for name in step if name.startswith(prefix)]
    yield from renamed(theirs, table).items()


def assert_close(actual, expected, atol):
    torch.testing.assert_close(actual, expected, rtol=0, atol=atol)


def _latents(pipeline, step):
    with torch.no_grad():
        return pipeline.vqvae.encode(step["image"].permute(0, 3, 1, 2)).latents


def _without_class_token(name, value):
    return value[:, 1:] if name.endswith("pos_embed") else value
