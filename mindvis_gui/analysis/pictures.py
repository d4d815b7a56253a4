"""Samples and stimuli at one size, and how similar they are, own and others apart."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis import ssim
from mindvis_gui.analysis.comparison import resized
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.metrics import standardised
from mindvis_gui.data.subject import ImageArray, IntArray
from mindvis_gui.errors import DataError

_PANEL_OTHERS = 2  # stimuli a sample that chance is measured on: a pair takes 50 ms
_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, eq=False, slots=True)
class Pictures:
    """The pictures of some decoded trials.

    Attributes
    ----------
    trials : tuple of DecodedTrial
        Those with a stimulus.
    without_stimulus : tuple of int
        Numbers of the others.
    seeds : tuple of int
    samples : (n_trials, n_samples, h, w, 3) uint8
    ids : tuple of str
        What was shown in each trial.
    stimuli : (n_stimuli, h, w, 3) uint8
        The distinct ones, at the size of the samples.
    originals : tuple of (h, w, 3) uint8
        The same as the subject's file holds them.
    own : (n_trials,) int64
        Position of each trial's stimulus in `stimuli`.
    """

    trials: tuple[DecodedTrial, ...]
    without_stimulus: tuple[int, ...]
    seeds: tuple[int, ...]
    samples: ImageArray
    ids: tuple[str, ...]
    stimuli: ImageArray
    originals: tuple[ImageArray, ...]
    own: IntArray

    @classmethod
    def of(cls, trials: Sequence[DecodedTrial]) -> Pictures:
        """Bring the pictures of trials together.

        Raises
        ------
        DataError
            If no trial has a stimulus, or trials differ in seeds or in the size of samples.
        """
        shown = [trial for trial in trials if trial.stimulus is not None]
        if not shown:
            raise DataError(
                f"none of {len(trials)} decoded trials has a stimulus, so nothing can be scored"
            )
        seeds = [tuple(sample.seed for sample in trial.samples) for trial in shown]
        shapes = [sample.image.shape for trial in shown for sample in trial.samples]
        for what, found in (("seeds", seeds), ("size of samples", shapes)):
            if len(set(found)) > 1:
                raise DataError(
                    f"trials differ in {what} ({found[0]} and "
                    f"{next(each for each in found if each != found[0])}); evaluate them apart"
                )
        height, width = shapes[0][:2]
        distinct: dict[str, ImageArray] = {}
        ids = []
        for trial in shown:
            assert trial.stimulus is not None
            name = trial.request["stimulus_id"] or sha256(trial.stimulus.tobytes()).hexdigest()
            ids.append(name)
            distinct.setdefault(name, trial.stimulus)
        order = {name: i for i, name in enumerate(distinct)}
        return cls(
            trials=tuple(shown),
            without_stimulus=tuple(
                trial.request["trial"] for trial in trials if trial.stimulus is None
            ),
            seeds=seeds[0],
            samples=np.stack([[sample.image for sample in trial.samples] for trial in shown]),
            ids=tuple(ids),
            stimuli=np.stack([resized(picture, width, height) for picture in distinct.values()]),
            originals=tuple(distinct.values()),
            own=np.array([order[name] for name in ids], dtype=np.int64),
        )

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the samples."""
        return self.samples.shape[3], self.samples.shape[2]


@dataclass(frozen=True, eq=False, slots=True)
class Similarities:
    """How similar samples are to their `own` stimulus and to `others`.

    `own` is (n_trials, n_samples), `others` (n_trials, n_samples, n_others). Where `is_distance`,
    less is more similar.
    """

    own: NDArray[np.float64]
    others: NDArray[np.float64]
    is_distance: bool = False


def measure(
    source: str,
    pictures: Pictures,
    features: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> Generator[str, None, Similarities]:
    """Measure one kind of similarity between all samples and all stimuli.

    Parameters
    ----------
    source : str
        ``pcc``, ``mse``, ``mse-uint8``, ``ssim``, ``ssim-425`` or ``features``.
    pictures : Pictures
    features : (n_stimuli, d) and (n_trials · n_samples, d), optional
        What ``features`` are correlated.

    Yields
    ------
    str
        What is being computed.

    Returns
    -------
    Similarities
    """
    if source == "ssim-425":
        return (yield from _panel(pictures))
    samples = pictures.samples.reshape(-1, *pictures.stimuli.shape[1:])
    if source == "ssim":
        yield "SSIM"
        blocks = ssim.ssim_table(samples, pictures.stimuli, ssim.PUBLISHED)
        while True:
            try:
                yield f"SSIM of all pairs, {next(blocks):.0%}"
            except StopIteration as stop:
                table = stop.value
                break
    elif source == "features":
        assert features is not None
        table = _unit(features[1]) @ _unit(features[0]).T
    elif source == "pcc":
        stimuli = np.stack([standardised(each) for each in pictures.stimuli])
        table = np.stack([stimuli @ standardised(each) for each in samples])
    else:
        error = {"mse": _squared_error, "mse-uint8": _wrapped_squared_error}[source]
        table = np.array([[error(each, other) for other in pictures.stimuli] for each in samples])
    return _apart(table.reshape(*pictures.samples.shape[:2], -1), pictures, source)


def _apart(table: NDArray[np.floating], pictures: Pictures, source: str) -> Similarities:
    """Take a table (n_trials, n_samples, n_stimuli) apart into own and others."""
    rows = zip(table.astype(np.float64), pictures.own, strict=True)
    own, others = zip(*((row[:, i], np.delete(row, i, axis=1)) for row, i in rows), strict=True)
    return Similarities(np.stack(own), np.stack(others), is_distance=source.startswith("mse"))


def _panel(pictures: Pictures) -> Generator[str, None, Similarities]:
    """SSIM as newer papers define it; with few others, which do for a chance level."""
    yield "SSIM 425"
    stimuli = [ssim.panel_picture(picture) for picture in pictures.originals]
    n = len(stimuli)
    own, others = [], []
    for i, (samples, at) in enumerate(zip(pictures.samples, pictures.own, strict=True)):
        yield f"SSIM 425, trial {pictures.trials[i].request['trial']}"
        for j, picture in enumerate(samples):
            sample = ssim.panel_picture(picture)
            own.append(ssim.ssim(sample, stimuli[at], ssim.PANEL))
            steps = [1 + (i + j + m) % (n - 1) for m in range(min(_PANEL_OTHERS, n - 1))]
            others.append([ssim.ssim(sample, stimuli[(at + s) % n], ssim.PANEL) for s in steps])
    shape = pictures.samples.shape[:2]
    return Similarities(np.reshape(own, shape), np.reshape(others, (*shape, -1)))


def _unit(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return each row (n, d) with mean 0 and norm 1; a constant row becomes 0."""
    values = features.astype(np.float64)
    values -= values.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.where(norms > 0, norms, 1.0)


def _squared_error(image: ImageArray, reference: ImageArray) -> float:
    """Return the mean squared error of two pictures, 0–255²."""
    difference = image.astype(np.float32) - reference
    return float(np.mean(difference * difference, dtype=np.float64))


def _wrapped_squared_error(image: ImageArray, reference: ImageArray) -> float:
    """Return the squared error that the published code computes on bytes, modulo 256."""
    return float(np.mean(np.square(image - reference)))
