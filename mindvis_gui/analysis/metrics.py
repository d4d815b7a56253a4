"""How much a decoded picture is like the one that was seen.

Pictures are (h, w, 3) uint8, 0–255, both of the same size. The definitions are
those of the published evaluation code (its ``pcc``, ``ssim`` and pair-wise
scores), which the golden numbers in the tests confirm; section 4 of the paper
reports the semantic scores, which need a classifier and are not in here.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.subject import FloatArray, ImageArray
from mindvis_gui.errors import DataError

TWO_WAY_CHANCE = 0.5
_SSIM_WINDOW = 7  # pixels, the usual uniform window


def standardised(image: ImageArray) -> FloatArray:
    """Return all RGB values of a picture with mean 0 and Euclidean norm 1.

    The dot product of two such vectors is Pearson's correlation. A picture of one
    colour has no deviation from its mean to scale and becomes all 0.

    Returns
    -------
    (h · w · 3,) float32
    """
    values = image.reshape(-1).astype(np.float32)
    values -= values.mean(dtype=np.float64)
    norm = float(np.linalg.norm(values))
    # Rounding of the mean leaves a trace of it in a constant picture; one grey level is far above.
    return values / np.float32(norm) if norm > 0.1 else np.zeros_like(values)


def pixel_correlation(image: ImageArray, reference: ImageArray) -> float:
    """Return Pearson's correlation over all RGB values of two pictures (PixCorr, PCC).

    ``r = Σ (a - ā)(b - b̄) / sqrt(Σ (a - ā)² Σ (b - b̄)²)``, the sums over all
    h · w · 3 values. From -1 to 1; 0 where one of them is a single flat colour.
    Chance is 0 for unrelated pixels; but real pictures share backgrounds and layouts, so two
    that show different things often correlate above it: judge a score beside that with *other*
    stimuli.
    """
    _check_sizes(image, reference)
    r = float(np.dot(standardised(image), standardised(reference)))
    return min(1.0, max(-1.0, r))


def structural_similarity(image: ImageArray, reference: ImageArray) -> float:
    """Return the structural similarity index (SSIM; Wang et al. 2004), mean over R, G and B.

    ``(2 μa μb + c1)(2 σab + c2) / ((μa² + μb² + c1)(σa² + σb² + c2))``, averaged over
    windows of 7 × 7 pixels, with ``c1 = (0.01 · 255)²`` and ``c2 = (0.03 · 255)²``.
    From -1 to 1. It has no fixed chance level; compare it with the score against other stimuli.

    Raises
    ------
    DataError
        If the pictures differ in size or are smaller than the window.
    """
    _check_sizes(image, reference)
    if min(image.shape[:2]) < _SSIM_WINDOW:
        raise DataError(
            f"SSIM needs pictures of at least {_SSIM_WINDOW} × {_SSIM_WINDOW} pixels, "
            f"not {image.shape[0]} × {image.shape[1]}"
        )
    from skimage.metrics import structural_similarity as ssim  # pulls in scipy, half a second

    return float(ssim(image, reference, win_size=_SSIM_WINDOW, data_range=255, channel_axis=-1))


def rank(own: float, others: NDArray[np.floating]) -> int:
    """Return the place of the own stimulus among all candidates, 1 being the best.

    ``1 +`` the number of the n - 1 `others` that score at least as well: ties count
    against the sample, so that a picture of one flat colour cannot win by luck.
    Chance is `rank_chance`.
    """
    return 1 + int(np.count_nonzero(others >= own))


def rank_chance(n_candidates: int) -> float:
    """Return the mean `rank` of a guess among n candidates, ``(n + 1) / 2``."""
    return (n_candidates + 1) / 2


def two_way_identification(own: float, others: NDArray[np.floating]) -> float:
    """Return the fraction of the n - 1 `others` that score below the own stimulus.

    The pair-wise score of the paper's code: the own stimulus against one other at a
    time, over all others; equal to ``(n - rank) / (n - 1)``. From 0 to 1, chance is
    `TWO_WAY_CHANCE`.
    """
    if others.size == 0:
        raise DataError("two-way identification needs at least one other stimulus")
    return float(np.mean(others < own))


def _check_sizes(image: ImageArray, reference: ImageArray) -> None:
    if image.shape != reference.shape:
        raise DataError(f"pictures of {image.shape} and {reference.shape} cannot be compared")
