"""The published files converted, the noise schedule, and a decoder with random networks."""

from __future__ import annotations

import pytest

from mindvis_gui.decoding import device
from mindvis_gui.decoding.convert import convert_published
from mindvis_gui.decoding.models import load_decoder
from mindvis_gui.decoding.networks import build_scheduler
from mindvis_gui.decoding.pipeline import MindVisPipeline


@pytest.fixture(scope="session")
def published_pipeline(published_files) -> MindVisPipeline:
    """Return the published files converted."""
    return convert_published(
        published_files["model.ckpt"],
        published_files["finetuned.pth"],
        published_files["fmri_encoder.pth"],
    )


@pytest.fixture
def scheduler():
    return build_scheduler()


@pytest.fixture(scope="module")
def tiny(tiny_model_folder):
    """Return the decoder with random networks: 100 voxels, 7 patches of 16."""
    return load_decoder(tiny_model_folder, device="cpu", precision="fp32")


@pytest.fixture
def bf16_everywhere(monkeypatch):
    """Every processor computes in bf16, fast or not."""
    monkeypatch.setattr(device, "_has_bf16", lambda name: True)
