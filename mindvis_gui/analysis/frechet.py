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
    difference = a.mean(axis=0, dtype=np.float64) - b.mean(axis=0, dtype=np.float64)
    first, second = _root(a), _root(b)
    # tr (Σa Σb)^½ is the sum of the singular values of the product of their roots, which rounds
    # to less error than the eigenvalues of Σa Σb do and is had from n × m numbers, not d × d.
    shared = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    apart = np.square(first).sum() + np.square(second).sum() - 2 * shared
    return float(difference @ difference + max(apart, 0.0))


def _root(features: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return a matrix R (min(n, d), d) with RᵀR the unbiased covariance of features (n, d)."""
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    scaled = centred / np.sqrt(len(features) - 1)
    return np.asarray(np.linalg.qr(scaled, mode="r"), dtype=np.float64)
