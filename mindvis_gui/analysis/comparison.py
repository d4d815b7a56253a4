"""Samples beside the stimulus: scores, their chance levels, and how far the samples agree."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from weakref import WeakKeyDictionary

import numpy as np
from PIL import Image

from mindvis_gui.analysis.metrics import (
    pixel_correlation,
    rank,
    rank_chance,
    standardised,
    structural_similarity,
)
from mindvis_gui.data.subject import FloatArray, ImageArray, Subject, Trial, read_only
from mindvis_gui.decoding.request import DecodeResult, Sample
from mindvis_gui.errors import DataError

MAX_OTHERS = 200  # stimuli a sample is ranked against
_SSIM_OTHERS = 4  # a sample: SSIM costs 20 ms a pair of 256-pixel pictures
_LARGEST_SD = 127.5  # of values in 0–255: half of them 0, half 255


@dataclass(frozen=True, slots=True)
class SampleScores:
    """Scores of one sample against its stimulus; None where there is none to compare with.

    Attributes
    ----------
    seed : int
    pixel_correlation : float or None
        Pearson's r over all RGB values.
    ssim : float or None
        Structural similarity, mean over R, G and B.
    rank : int or None
        Place of the own stimulus among the candidates by pixel correlation, 1 the best.
    """

    seed: int
    pixel_correlation: float | None = None
    ssim: float | None = None
    rank: int | None = None


@dataclass(frozen=True, slots=True)
class ChanceLevels:
    """What the same samples score against stimuli that were *not* seen in this trial.

    `pixel_correlation` and `ssim` are means over samples and other candidates (for SSIM a few);
    `rank` is (n + 1) / 2, the mean of a guess. Measured, because pictures that
    share a background correlate above 0 whatever they show.
    """

    pixel_correlation: float
    ssim: float
    rank: float


@dataclass(frozen=True, eq=False, slots=True)
class Comparison:
    """A decode result beside what was seen.

    Attributes
    ----------
    result : DecodeResult
    stimulus : (h, w, 3) uint8 or None
        What was seen, at the size of the samples: the pixels that the scores compare.
    scores : tuple of SampleScores
        In the order of ``result.samples``.
    n_candidates : int
        Stimuli the rank is among: those of the test split and the own one; 0 without stimulus.
    chance : ChanceLevels or None
        None without other stimuli to measure it on.
    consistency : (h, w) float32 or None
        How far the samples agree at each pixel: 1 - SD / 127.5, the standard deviation over samples
        averaged over R, G and B. 1 where all are the same, 0 where they differ as much as values
        of 0–255 can. None with fewer than two samples.
    agreement : float or None
        Mean pixel correlation over all pairs of samples; None with fewer than two.
    notes : tuple of str
        What could not be scored and why, one sentence each.
    unread : tuple of str
        Why stimuli that the subject has could not be read.
    """

    result: DecodeResult
    stimulus: ImageArray | None
    scores: tuple[SampleScores, ...]
    n_candidates: int
    chance: ChanceLevels | None
    consistency: FloatArray | None
    agreement: float | None
    notes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()


def compare(result: DecodeResult, subject: Subject) -> Comparison:
    """Score the samples of `result` against the stimulus of their trial.

    The rank is among the distinct stimuli of the subject's test split (at most
    `MAX_OTHERS`, evenly chosen) and the own one. All pictures are first brought to the
    size of the samples.
    """
    samples = result.samples
    trial = subject.trials[result.request.trial]
    consistency, agreement = _consistency(samples), _agreement(samples)
    shown, trouble = seen(subject, trial)
    if shown is None:
        scores = tuple(SampleScores(sample.seed) for sample in samples)
        note = f"trial {trial.index} of {subject.name} has no stimulus, so nothing can be scored"
        if trouble:
            note = f"trial {trial.index} of {subject.name} cannot be scored: {trouble}"
        why = (trouble,) if trouble else ()
        return Comparison(result, None, scores, 0, None, consistency, agreement, (note,), why)
    height, width = samples[0].image.shape[:2]
    stimulus = resized(shown, width, height)
    candidates = _test_stimuli(subject, width, height)
    others = candidates.without(trial.stimulus_id)
    table = _correlations(samples, np.concatenate([stimulus[None], others]))
    own, rest = table[:, 0], table[:, 1:]
    scores = tuple(
        SampleScores(
            seed=sample.seed,
            pixel_correlation=float(r),
            ssim=structural_similarity(sample.image, stimulus),
            rank=rank(float(r), row) if len(others) else None,
        )
        for sample, r, row in zip(samples, own, rest, strict=True)
    )
    chance: ChanceLevels | None = None
    notes: tuple[str, ...] = ()
    if len(others):
        ssim = np.mean(
            [
                # Each sample meets others than the one before: few are enough for the mean.
                structural_similarity(sample.image, others[(at + i) % len(others)])
                for i, sample in enumerate(samples)
                for at in _spread(len(others), _SSIM_OTHERS)
            ]
        )
        chance = ChanceLevels(float(rest.mean()), float(ssim), rank_chance(1 + len(others)))
    else:
        notes = (f"{subject.name} has no other test stimulus: no rank and no chance level",)
    unread = candidates.unread
    if unread:
        notes += (f"unreadable test stimuli are no candidates ({len(unread)}): {unread[0]}",)
    return Comparison(
        result, stimulus, scores, 1 + len(others), chance, consistency, agreement, notes, unread
    )


def seen(subject: Subject, trial: Trial) -> tuple[ImageArray | None, str]:
    """Return what was seen in a trial, and why not if the file has it but it cannot be read."""
    try:
        return subject.stimulus(trial), ""
    except DataError as error:
        return None, str(error)


def resized(picture: ImageArray, width: int, height: int) -> ImageArray:
    """Return `picture` (h, w, 3) at `width` × `height` pixels, averaged where it shrinks.

    Both sides are scaled independently, as for training.
    """
    if picture.shape[:2] == (height, width):
        return picture
    image = Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR)
    return read_only(np.array(image))


@dataclass(frozen=True, eq=False, slots=True)
class _Candidates:
    """Stimuli at one size: `ids`, and `pictures` (n, h, w, 3) uint8 in the same order.

    `unread` says why others are not among them.
    """

    ids: tuple[str, ...]
    pictures: ImageArray
    unread: tuple[str, ...]

    def without(self, stimulus_id: str) -> ImageArray:
        """Return the pictures of all candidates but one."""
        return self.pictures[[i for i, other in enumerate(self.ids) if other != stimulus_id]]


# Opening and shrinking the candidates takes longer than scoring, and every decode needs them.
_cached: WeakKeyDictionary[Subject, _Candidates] = WeakKeyDictionary()


def _test_stimuli(subject: Subject, width: int, height: int) -> _Candidates:
    """Return the distinct stimuli of the test split that have a picture, at the given size."""
    known = _cached.get(subject)
    if known is not None and known.pictures.shape[1:3] == (height, width):
        return known
    shown = {t.stimulus_id: t for t in subject.trials if t.split == "test" and t.stimulus_id}
    trials = list(shown.values())
    chosen = [trials[i] for i in _spread(len(trials), MAX_OTHERS)]
    small: list[tuple[str, ImageArray]] = []
    unread: list[str] = []
    for trial in chosen:
        image, trouble = seen(subject, trial)
        if image is not None:
            small.append((trial.stimulus_id, resized(image, width, height)))
        elif trouble:
            unread.append(trouble)
    pictures = np.zeros((len(small), height, width, 3), dtype=np.uint8)
    for i, (_, image) in enumerate(small):
        pictures[i] = image
    names = tuple(name for name, _ in small)
    candidates = _Candidates(names, read_only(pictures), tuple(unread))
    _cached[subject] = candidates
    return candidates


def _spread(n: int, at_most: int) -> list[int]:
    """Return positions evenly spread over ``range(n)``, all of them if they are few enough."""
    return list(range(n)) if n <= at_most else [i * n // at_most for i in range(at_most)]


def _correlations(samples: tuple[Sample, ...], pictures: ImageArray) -> FloatArray:
    """Return Pearson's r of every sample with every picture, (n_samples, n_pictures)."""
    flat = np.stack([standardised(sample.image) for sample in samples])
    return np.stack([flat @ standardised(picture) for picture in pictures], axis=1)


def _consistency(samples: tuple[Sample, ...]) -> FloatArray | None:
    if len(samples) < 2:
        return None
    images = np.stack([sample.image for sample in samples]).astype(np.float32)
    deviation = images.std(axis=0).mean(axis=-1)
    return read_only((1 - deviation / _LARGEST_SD).astype(np.float32))


def _agreement(samples: tuple[Sample, ...]) -> float | None:
    pairs = list(combinations(samples, 2))
    if not pairs:
        return None
    return float(np.mean([pixel_correlation(a.image, b.image) for a, b in pairs]))
