"""Turning grids so that their axes run closest to right, anterior, superior (RAS+)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.subject import IntArray, Volume, read_only


def as_ras(
    ijk: IntArray, affine: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[IntArray, NDArray[np.float64]]:
    """Express voxel positions on the grid closest to RAS+; every voxel keeps its mm.

    Parameters
    ----------
    ijk : (n, 3) int
        Positions on a grid of `shape` with `affine` (4, 4).

    Returns
    -------
    ijk : (n, 3) int
    affine : (4, 4) float64
    """
    order, flipped = _closest_axes(affine)
    turned = ijk[:, order].copy()
    matrix = np.eye(4)
    matrix[:3] = affine[:3, [*order, 3]]
    for axis in np.flatnonzero(flipped):
        last = shape[order[axis]] - 1
        turned[:, axis] = last - turned[:, axis]
        matrix[:3, 3] += last * matrix[:3, axis]
        matrix[:3, axis] *= -1
    return turned, matrix


def volume_as_ras(data: NDArray[Any], affine: NDArray[np.float64]) -> Volume:
    """Return a 3-D picture on the grid closest to RAS+."""
    order, flipped = _closest_axes(affine)
    _, matrix = as_ras(np.zeros((0, 3), dtype=np.int64), affine, data.shape)
    turned = np.flip(data.transpose(order), axis=tuple(np.flatnonzero(flipped).tolist()))
    return Volume(read_only(np.ascontiguousarray(turned)), read_only(matrix))


def _closest_axes(affine: NDArray[np.float64]) -> tuple[list[int], NDArray[np.bool_]]:
    """Return the grid axis closest to each of R, A, S, and whether it runs the other way."""
    directions = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    # Nearest rotation, so that shears do not sway the choice (as nibabel's io_orientation).
    left, _, right = np.linalg.svd(directions)
    cosines = left @ right
    order = [-1, -1, -1]
    free = np.abs(cosines)
    for _ in range(3):
        world, axis = np.unravel_index(np.argmax(free), (3, 3))
        order[world] = int(axis)
        free[world, :] = -1
        free[:, axis] = -1
    return order, cosines[np.arange(3), order] < 0
