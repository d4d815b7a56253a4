"""Masked modelling: which patches are kept, what is scored, and a few steps of training."""

from dataclasses import replace

import pytest
import torch

from mindvis_gui.training.mbm import (
    interpolate_pairs,
    masked_correlation,
    mbm_optimiser,
    mbm_rate,
    random_kept,
    recovery,
    train_masked_model,
)


def test_every_row_keeps_the_same_number(rng):
    kept = random_kept(5, 33, 0.75, rng)
    assert kept.sum(dim=1).tolist() == [8] * 5
    assert not torch.equal(kept[0], kept[1])


def test_mixed_responses_lie_between_two(rng):
    responses = torch.arange(6.0).unsqueeze(1).expand(-1, 3)
    mixed = interpolate_pairs(responses, rng)
    assert bool((mixed == mixed[:, :1]).all())  # one share a response, not a voxel
    assert 0 <= float(mixed.min()) <= float(mixed.max()) <= 5


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


def test_rate_warms_up_as_long_as_in_the_paper():
    rate = mbm_rate(500, 2.5e-4)
    assert rate(20) == pytest.approx(1.25e-4)
    assert rate(40) == pytest.approx(2.5e-4)
    assert rate(270) == pytest.approx(1.25e-4)


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
    train_masked_model(masked_model, responses[8:], responses[:8], plan, batch=16)
    losses = metrics("loss")
    assert losses[-1] < 0.9 * losses[0]


def test_recovery_is_one_value_a_response_and_repeatable(masked_model, rng):
    responses = torch.randn(4, 112, generator=rng)
    first = recovery(masked_model, responses)
    assert first.shape == (4,)
    assert torch.equal(first, recovery(masked_model, responses))
