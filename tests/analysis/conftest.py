"""Decode results made by hand, without any decoder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.data.subject import ImageArray, Subject
from mindvis_gui.decoding.request import (
    DecodeRequest,
    DecodeResult,
    ModelInfo,
    Sample,
)
from mindvis_gui.decoding.sampling_settings import Sampling

SIDE = 32


def noisy(picture: ImageArray, trial: int, seed: int, amount: float) -> ImageArray:
    """Return `picture` at the samples' size with noise that depends on trial and seed alone."""
    step = picture.shape[0] / SIDE
    rows = (np.arange(SIDE) * step).astype(int)
    small = picture[rows][:, rows].astype(np.float64)
    key = int.from_bytes(hashlib.sha256(f"{trial}/{seed}".encode()).digest()[:8])
    noise = np.random.default_rng(key).normal(size=small.shape) * amount
    return np.clip(small + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def decoded(subject: Subject) -> Callable[..., DecodeResult]:
    """Return ``decoded(trial, seeds)``: noisy copies of the trial's stimulus."""

    def make(
        trial: int = 1,
        seeds: tuple[int, ...] = (0, 1, 3),
        noise: float = 20.0,
        **changes: object,
    ) -> DecodeResult:
        shown = subject.trials[trial]
        picture = subject.stimulus(shown)
        if picture is None:
            picture = np.full((48, 48, 3), 128, np.uint8)
        request = DecodeRequest(
            subject=subject.name,
            trial=trial,
            vector=np.full(subject.n_voxels, trial, np.float32),
            seeds=seeds,
            sampling=Sampling("dpm++", 20, "fp32"),
            model="fake",
            model_hash="ab" * 32,
            stimulus_id=shown.stimulus_id,
            label=shown.label,
        )
        request = replace(request, **changes)  # type: ignore[arg-type]
        samples = tuple(Sample(noisy(picture, trial, seed, noise), seed) for seed in seeds)
        return DecodeResult(request, samples, seconds=1.25)

    return make


@pytest.fixture
def model_info(subject: Subject) -> ModelInfo:
    return ModelInfo("fake", "folder", subject.n_voxels, 16, 44, SIDE, 20_000_000, hash="ab" * 32)
