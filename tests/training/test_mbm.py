"""Masked modelling: which patches are kept, what is scored, and a few steps of training."""

from dataclasses import replace

import pytest
import torch

from mindvis_gui.data.focus import Focus
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.published_keys import MASKED_MODEL, renamed
from mindvis_gui.training import mbm
from mindvis_gui.training.mbm import (
    fitted_to,
    masked_correlation,
    mbm_optimiser,
    mbm_rate,
    plotted_recovery,
    random_kept,
    recovery,
    train_masked_model,
)
from mindvis_gui.training.settings import STAGES, MaskingSettings


@pytest.fixture
def full_depth_model():
    """Return SC-MBM of the reduced published configuration."""
    return MaskedBrainModel(
        512, width=64, depth=2, heads=4, decoder_width=32, decoder_depth=8, decoder_heads=4
    )


def test_every_row_keeps_the_same_number(rng):
    kept = random_kept(5, 33, 0.75, rng)
    assert kept.sum(dim=1).tolist() == [8] * 5
    assert not torch.equal(kept[0], kept[1])


def test_masks_are_the_published_ones_for_the_same_noise(golden, monkeypatch):
    numbers = golden("01_mbm_forward")
    monkeypatch.setattr(torch, "rand", lambda *_, **__: numbers["noise"])
    for ratio in (75, 50):
        kept = random_kept(3, 33, ratio / 100, torch.Generator())
        assert torch.equal(kept, numbers[f"mask_{ratio}"] == 0)


def test_focus_is_masked_more_often(rng):
    focus = Focus.on_range(64, 160, 16)  # patches 4 to 9 of 20
    kept = random_kept(4000, 20, 0.5, rng, focus)
    assert set(kept.sum(dim=1).tolist()) == {10}
    masked = 1 - kept.float().mean(dim=0)
    inside, outside = masked[4:10], torch.cat([masked[:4], masked[10:]])
    assert float(inside.min()) > 0.57
    assert float(outside.max()) < 0.5
    # As many as SC-MBM's own rule masks, to the last digit that 4,000 draws give.
    assert float(masked.mean()) == pytest.approx(0.5)
    even = random_kept(4000, 20, 0.5, rng, Focus(focus.patches, 0.5)).float().mean(dim=0)
    assert float((even - 0.5).abs().max()) < 0.04


def test_optimiser_spares_biases_norms_and_fixed_positions(masked_model):
    optimiser = mbm_optimiser(masked_model)
    without, decayed = optimiser.param_groups
    assert (without["weight_decay"], decayed["weight_decay"]) == (0.0, 0.05)
    assert optimiser.defaults["betas"] == (0.9, 0.95)
    groups = {
        name: any(parameter is p for p in decayed["params"])
        for name, parameter in masked_model.named_parameters()
        if parameter.requires_grad
    }
    assert groups["cls_token"]
    assert groups["mask_token"]
    assert groups["encoder.patch_embed.proj.weight"]
    assert not groups["encoder.norm.weight"]
    assert not groups["decoder_pred.bias"]
    assert "encoder.pos_embed" not in groups
    assert "decoder_pos_embed" not in groups


def test_weight_decay_spares_what_it_spares_in_the_published_code(golden_json, full_depth_model):
    groups = golden_json("01_stageA_param_groups")
    without, decayed = mbm_optimiser(full_depth_model).param_groups
    names = {parameter: name for name, parameter in full_depth_model.named_parameters()}
    for ours, theirs in (
        (without, "no_decay(weight_decay=0)"),
        (decayed, "decay(weight_decay=0.05)"),
    ):
        published = set(renamed(groups[theirs], MASKED_MODEL).values())
        assert {names[parameter] for parameter in ours["params"]} == published
    frozen = {name for p, name in names.items() if not p.requires_grad}
    assert frozen == set(renamed(groups["frozen"], MASKED_MODEL).values())


def test_rate_warms_up_as_long_as_in_the_paper():
    rate = mbm_rate(500, 2.5e-4)
    assert rate(20) == pytest.approx(1.25e-4)
    assert rate(40) == pytest.approx(2.5e-4)
    assert rate(270) == pytest.approx(1.25e-4)


def test_the_preset_has_the_batches_of_the_paper():
    # The text says 500 for A1; of A2 and B the published configuration, for GOD.
    published = {"mbm": 500, "adapt": 16, "ldm": 5}
    assert {name: STAGES[name].PRESETS["paper"].get("batch") for name in published} == published


def test_correlation_looks_at_masked_voxels_only(rng):
    responses = torch.randn(3, 112, generator=rng)
    kept = random_kept(3, 7, 0.5, rng)
    visible = kept.repeat_interleave(16, dim=1)
    predicted = torch.where(visible, -responses, 2 * responses + 1)
    torch.testing.assert_close(masked_correlation(predicted, responses, kept), torch.ones(3))


def test_training_learns_what_neighbours_share(masked_model, plan, metrics, rng):
    shared = torch.randn(64, 1, generator=rng)
    responses = shared + 0.1 * torch.randn(64, 112, generator=rng)
    plan = replace(plan, steps=60, validate_every=60, log_every=15, clip=0.8)
    train_masked_model(masked_model, responses[8:], responses[:8], MaskingSettings(batch=16), plan)
    losses = metrics("loss")
    assert losses[-1] < 0.9 * losses[0]


def test_error_of_visible_patches_counts_as_much_as_asked_for(
    masked_model, plan, metrics, monkeypatch
):
    monkeypatch.setattr(mbm, "random_kept", lambda n, *_: (torch.arange(7) == 2).expand(n, -1))
    responses = torch.zeros(16, 112)
    responses[:, 32:48] = 10.0  # what is seen: an untrained model is wrong there, else nearly right
    losses = {}
    for visible in (0.0, 0.5, 1.0):
        own = replace(plan, folder=plan.folder / str(visible), rate=lambda step: 0.0, log_every=1)
        settings = MaskingSettings(batch=4, visible=visible)
        train_masked_model(masked_model, responses, responses, settings, own)
        losses[visible] = torch.tensor(metrics("loss", folder=own.folder))
    added = losses[1.0] - losses[0.0]
    assert (losses[0.0] < 5).all()
    assert (added > 50).all()
    torch.testing.assert_close(losses[0.5] - losses[0.0], added / 2)


def test_training_with_a_focus(masked_model, plan, metrics, rng):
    responses = torch.randn(16, 112, generator=rng)
    focus = Focus.on_range(0, 48, 16)
    settings = MaskingSettings(batch=4)
    train_masked_model(masked_model, responses, responses, settings, plan, focus=focus)
    with_focus = metrics("loss")
    other = replace(plan, folder=plan.folder.with_name("other"))
    train_masked_model(masked_model, responses, responses, settings, other)
    assert with_focus != metrics("loss", folder=other.folder)


def test_recovery_is_one_value_a_response_and_repeatable(masked_model, rng):
    responses = torch.randn(4, 112, generator=rng)
    first = recovery(masked_model, responses)
    assert first.shape == (4,)
    assert torch.equal(first, recovery(masked_model, responses))


def test_model_is_fitted_to_another_length(masked_model):
    longer = fitted_to(masked_model, 200)
    assert (longer.n_patches, longer.config.n_voxels, longer.config.width) == (13, 200, 32)
    for name in ("encoder.pos_embed", "decoder_pos_embed"):
        positions, before = (m.state_dict()[name] for m in (longer, masked_model))
        nearest = (torch.arange(13) * 7) // 13
        assert torch.equal(positions, before[:, nearest])
    assert torch.equal(longer.mask_token, masked_model.mask_token)
    assert not longer.encoder.pos_embed.requires_grad
    same = fitted_to(masked_model, 105)  # as many patches
    assert torch.equal(same.encoder.pos_embed, masked_model.encoder.pos_embed)


def test_plot_shows_what_is_recovered(masked_model, rng):
    responses = torch.randn(2, 112, generator=rng)
    picture = plotted_recovery(masked_model, responses, 0.75)
    assert picture.ndim == 3
    assert picture.dtype.name == "uint8"
    reddish = (picture[..., 0] > 150) & (picture[..., 2] < 80)
    assert reddish.sum() > 200  # the recovered parts are drawn
