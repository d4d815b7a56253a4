"""Networks small enough to train for a few steps in a second."""

import csv
from collections.abc import Callable

import pytest
import torch

from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.networks import build_scheduler, build_unet, build_vqvae, time_width
from mindvis_gui.training.loop import Plan
from mindvis_gui.training.metrics import METRICS

N_VOXELS = 100  # 112 with padding: 7 patches


@pytest.fixture
def plan(tmp_path):
    """Return a plan of a few steps at a constant rate."""
    return Plan(tmp_path / "stage", 6, lambda step: 2e-3, validate_every=3, checkpoint_every=3)


@pytest.fixture
def vqvae():
    torch.manual_seed(0)
    return build_vqvae(32, 4, codes=16, sample_size=32, multipliers=(1, 1, 1), layers=1)


@pytest.fixture
def masked_model():
    torch.manual_seed(0)
    return MaskedBrainModel(
        N_VOXELS, width=32, depth=1, heads=2, decoder_width=16, decoder_depth=1, decoder_heads=2
    )


@pytest.fixture
def unet():
    torch.manual_seed(0)
    return build_unet(
        32, 16, 4, sample_size=8, multipliers=(1, 1), attention=(False, True), layers=1
    )


@pytest.fixture
def conditioner(unet, masked_model):
    torch.manual_seed(0)
    tokens = masked_model.encoder.n_tokens
    return Conditioner(tokens, 32, 16, time_width(unet), context_tokens=5)


@pytest.fixture
def scheduler():
    return build_scheduler()


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def metrics(plan) -> Callable[..., list[float]]:
    """Return a function: name and kind → the values that were written, in their order."""

    def read(name: str, kind: str = "train", folder=plan.folder) -> list[float]:
        rows = csv.DictReader((folder / METRICS).read_text(encoding="utf-8").splitlines())
        return [float(row["value"]) for row in rows if (row["name"], row["kind"]) == (name, kind)]

    return read
