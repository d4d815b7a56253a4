"""What a masked response is recovered to without any model: the bar that SC-MBM has to clear."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.subject import FloatArray


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
    if masked.sum() < 2 or not kept.any():
        return float("nan")
    positions = np.arange(vector.size)
    guess = np.interp(positions[masked], positions[kept], vector[kept])
    truth = vector[masked].astype(np.float64)
    guess, truth = guess - guess.mean(), truth - truth.mean()
    norm = float(np.linalg.norm(guess) * np.linalg.norm(truth))
    return float(guess @ truth) / norm if norm > 0 else float("nan")
