"""How well a masked response is recovered, by region, and by no model at all: the bar to clear."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.subject import FloatArray, Roi


def interpolation_baseline(vector: FloatArray, kept: NDArray[np.bool_]) -> float:
    """Return how well straight lines between kept voxels recover the masked ones.

    Parameters
    ----------
    vector : (n_voxels,) float32
        Normalised response.
    kept : (n_voxels,) bool
        Voxels that may be looked at.

    Returns
    -------
    float
        Pearson's r with the true response over the masked voxels; NaN where it is not
        defined: fewer than two masked voxels, none kept, or no variation.
    """
    masked = ~kept
    if not kept.any():
        return float("nan")
    positions = np.arange(vector.size)
    guess = np.interp(positions[masked], positions[kept], vector[kept])
    return _correlation(guess, vector[masked])


def recovery_by_region(
    vector: FloatArray, recovered: FloatArray, kept: NDArray[np.bool_], rois: Sequence[Roi]
) -> dict[str, float]:
    """Return how well the masked voxels of each region are recovered.

    Parameters
    ----------
    vector, recovered : (n_voxels,) float32
        True and recovered response.
    kept : (n_voxels,) bool

    Returns
    -------
    dict of str to float
        Pearson's r over the region's masked voxels; NaN with fewer than two, or no variation.
    """
    masked = ~kept
    return {
        roi.name: _correlation(recovered[hidden], vector[hidden])
        for roi in rois
        for hidden in (roi.voxels[masked[roi.voxels]],)
    }


def _correlation(guess: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
    if truth.size < 2:
        return float("nan")
    guess, truth = guess - guess.mean(dtype=np.float64), truth - truth.mean(dtype=np.float64)
    norm = float(np.linalg.norm(guess) * np.linalg.norm(truth))
    return float(guess @ truth) / norm if norm > 0 else float("nan")
