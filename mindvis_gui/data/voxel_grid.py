"""The grid behind voxel positions in mm, where a file gives nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.checks import MAX_GRID
from mindvis_gui.data.subject import IntArray

_SLACK = 0.1  # of a step that a position may lie beside the grid
_FARTHEST = 1e4  # mm; no head is larger
_FINEST = 0.1  # mm; positions closer than this are the same


def infer_grid(mm: NDArray[np.float64]) -> tuple[IntArray, NDArray[np.float64]] | None:
    """Return voxel indices and affine of the coarsest grid along the axes that holds all positions.

    None if they lie on no such grid, or two of them at the same place.

    Parameters
    ----------
    mm : (n, 3) float64
        In RAS+.

    Returns
    -------
    ijk : (n, 3) int
        Each index from 0; the first voxel on an axis is where the affine begins.
    affine : (4, 4) float64
        The grid's steps on its diagonal.
    """
    if not (np.abs(mm) < _FARTHEST).all():  # NaN included
        return None
    steps = np.zeros(3)
    for axis in range(3):
        gaps = np.diff(np.unique(mm[:, axis]))
        gaps = gaps[gaps > _FINEST]
        steps[axis] = np.median(gaps[gaps < 1.5 * gaps.min()]) if gaps.size else 0
    if not steps.any():
        return None
    steps[steps == 0] = steps.max()  # all voxels in one plane: any step will do
    low = mm.min(axis=0)
    exact = (mm - low) / steps
    ijk = np.rint(exact)
    if (np.abs(exact - ijk) > _SLACK).any() or (ijk.max(axis=0) + 1).prod() > MAX_GRID:
        return None
    positions = ijk.astype(np.int64)
    if len(np.unique(positions, axis=0)) != len(positions):
        return None
    affine = np.diag([*steps, 1.0])
    affine[:3, 3] = low
    return positions, affine
