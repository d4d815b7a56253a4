"""SC-MBM learns what a simulated brain's regions share; the mean response knows nothing of it."""

from dataclasses import replace

import torch
from torch import Generator

from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.training.mbm import (
    masked_correlation,
    mbm_rate,
    random_kept,
    recovery,
    train_masked_model,
)
from mindvis_gui.training.settings import MaskingSettings


def test_masked_voxels_are_recovered_far_better_than_by_the_mean_response(plan, rng):
    """A response of 3 hidden causes that all patches read: what is kept tells what is masked."""
    mixing = torch.randn(3, 112, generator=rng)
    responses = torch.randn(320, 3, generator=rng) @ mixing
    responses = (responses + 0.5 * torch.randn(320, 112, generator=rng)) / 2
    train, test = responses[:256], responses[256:]
    torch.manual_seed(0)
    model = MaskedBrainModel(
        100, width=32, depth=1, heads=2, decoder_width=32, decoder_depth=1, decoder_heads=2
    )
    plan = replace(plan, steps=200, rate=mbm_rate(200, 5e-3), clip=0.8, validate_every=200)
    train_masked_model(model, train, test, MaskingSettings(batch=32, mask_ratio=0.5), plan)
    kept = random_kept(len(test), model.n_patches, 0.5, Generator().manual_seed(0))
    mean = masked_correlation(train.mean(dim=0).expand_as(test), test, kept)
    assert abs(float(mean.mean())) < 0.15
    assert float(recovery(model, test, 0.5).mean()) > 0.5
