"""The published files converted, and the noise schedule."""

from __future__ import annotations

import pytest

from mindvis_gui.decoding.convert import convert_published
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
