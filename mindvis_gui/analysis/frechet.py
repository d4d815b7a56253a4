"""The Fréchet distance of two sets of features (FID; Heusel et al. 2017)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.errors import DataError


def frechet_distance(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Return the Fréchet distance of the normal distributions fitted to two sets of features.

    ``|μa - μb|² + tr(Σa + Σb - 2 (Σa Σb)^½)`` with unbiased covariances. With fewer pictures than
    features the covariances are singular and the distance is dominated by what was not sampled.

    Parameters
    ----------
    a, b : (n, d), (m, d)

    Raises
    ------
    DataError
        If a set has fewer than two members.
    """
    if min(len(a), len(b)) < 2:
        raise DataError(f"FID needs two pictures or more of each kind, not {len(a)} and {len(b)}")
    a, b = a.astype(np.float64), b.astype(np.float64)
    difference = a.mean(axis=0) - b.mean(axis=0)
    first, second = (np.atleast_2d(np.cov(each, rowvar=False)) for each in (a, b))
    # The trace of a square root is the sum of the square roots of the eigenvalues.
    roots = np.sqrt(np.linalg.eigvals(first @ second).astype(np.complex128)).real.sum()
    return float(difference @ difference + np.trace(first) + np.trace(second) - 2 * roots)
