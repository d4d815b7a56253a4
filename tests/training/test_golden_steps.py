"""One optimisation step of stages A and B against what the published code did."""

import pytest
import torch
from torch.nn.utils import clip_grad_norm_

from mindvis_gui.decoding.convert import convert_published
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.training.dcldm import DoubleConditioned, trained_parameters
from mindvis_gui.training.loop import warmup_cosine
from mindvis_gui.training.mbm import mbm_optimiser, random_kept


@pytest.fixture
def pipeline(published_files):
    """Return the published files converted, for this test to train."""
    return convert_published(
        published_files["model.ckpt"],
        published_files["finetuned.pth"],
        published_files["fmri_encoder.pth"],
    )


def test_step_of_stage_a(monkeypatch, golden, pipeline):
    step = golden("01_mbm_train_step")
    pretrained, sizes = pipeline.masked_model.state_dict(), pipeline.masked_model.config
    model = MaskedBrainModel(  # as it was pre-trained: at 528 padded voxels
        512, 16, 64, 2, 4, sizes.decoder_width, sizes.decoder_depth, sizes.decoder_heads
    )
    positions = {name: model.state_dict()[name] for name in pretrained if "pos_embed" in name}
    model.load_state_dict({**pretrained, **positions})
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
    before = model.decoder_pred.weight.detach().clone()
    optimiser.step()
    delta = model.decoder_pred.weight.detach() - before
    torch.testing.assert_close(delta, step["delta/decoder_pred.weight"], rtol=0, atol=1e-6)
    after = model.loss(vectors, kept).item()
    assert after == pytest.approx(step["loss_after"].item(), rel=1e-5)


def test_step_of_stage_b(monkeypatch, golden, pipeline):
    step = golden("07_stageB_train_step")
    encoder = pipeline.encoder.requires_grad_(True)
    network = DoubleConditioned(encoder, pipeline.conditioner.requires_grad_(True), pipeline.unet)
    chosen = trained_parameters(pipeline.unet)
    with torch.no_grad():
        latents = pipeline.vqvae.encode(step["image"].permute(0, 3, 1, 2)).latents
    torch.testing.assert_close(latents, step["z"], rtol=0, atol=1e-5)
    monkeypatch.setattr(torch, "randn", lambda *_, **__: step["noise"])
    monkeypatch.setattr(torch, "randint", lambda *_, **__: step["t"])

    def loss():
        draws = latents[:, None]
        return network.loss(pipeline.scheduler, step["fmri"][:, 0], draws, torch.Generator())

    before_step = loss()
    assert before_step.item() == pytest.approx(step["loss"].item(), rel=1e-5)
    before_step.backward()
    trained = [*encoder.parameters(), *pipeline.conditioner.parameters(), *chosen.values()]
    norm = clip_grad_norm_(trained, 0.5)
    assert norm.item() == pytest.approx(step["grad_total_norm_unique"].item(), rel=1e-4)
    weight = encoder.blocks[0].norm2.weight
    before = weight.detach().clone()
    torch.optim.AdamW(trained, lr=5.3e-5, weight_decay=0.01).step()
    expected = step["delta/cond_stage_model.mae.blocks.0.norm2.weight"]
    torch.testing.assert_close(weight.detach() - before, expected, rtol=0, atol=1e-7)
    assert loss().item() == pytest.approx(step["loss_after"].item(), rel=1e-5)
