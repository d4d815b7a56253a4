"""The grid behind voxel positions in mm, where a file gives nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.checks import MAX_GRID
from mindvis_gui.data.orientation import as_ras
from mindvis_gui.data.subject import IntArray

_SLACK = 0.1  # of a step that a position may lie beside the grid
_OBLIQUE_SLACK = 0.15  # where rounding on three axes adds up
_FARTHEST = 1e4  # mm; no head is larger
_SAME = 0.1  # mm; coordinates closer than this are the same
_FINEST = 0.3  # mm; no voxel is smaller, but rounded positions of an oblique grid are as dense
_MOST_PLANES = 1000  # on an axis
_NEIGHBOURS = 26  # of a voxel inside a grid
_MOST_ASKED = 20_000  # positions for their neighbours; more say the same
_FEWEST = 64  # positions by which nine steps and an origin are told from chance
_SQUARE = 0.2  # largest cosine between two axes
_GUESSED = 0.3  # of an axis that a difference between neighbours may lie beside it at first

_Grid = tuple[IntArray, NDArray[np.float64]]


def infer_grid(mm: NDArray[np.float64]) -> _Grid | None:
    """Return voxel indices and affine of the coarsest grid that holds all positions.

    First looked for along the axes, and where there is none, in any direction. Positions may
    be rounded. None if they lie on no such grid, or two of them at the same place.

    Parameters
    ----------
    mm : (n, 3) float64
        In RAS+.

    Returns
    -------
    ijk : (n, 3) int
        Each index from 0; along the axes, the affine begins at the first voxel on each of them.
    affine : (4, 4) float64
    """
    if not (np.abs(mm) < _FARTHEST).all():  # NaN included
        return None
    return _along_axes(mm) or _oblique(mm)


def _along_axes(mm: NDArray[np.float64]) -> _Grid | None:
    steps = np.array([_step(mm[:, axis]) for axis in range(3)])
    if not steps.any():
        return None
    steps[steps == 0] = steps.max()  # all voxels in one plane: any step will do
    if not steps.min() >= _FINEST:
        return None
    low = mm.min(axis=0)
    exact = (mm - low) / steps
    exact -= np.median(exact - np.rint(exact), axis=0)  # the lowest may have been rounded most
    affine = np.diag([*steps, 1.0])
    affine[:3, 3] = low
    return _placed(exact, affine, _SLACK)


def _step(values: NDArray[np.float64]) -> float:
    """Return the distance of planes that coordinates lie on: 0 if all in one, NaN if too many."""
    at = np.unique(values)
    at = at[np.diff(at, prepend=-np.inf) > _SAME]
    if len(at) > _MOST_PLANES:
        return np.nan
    gaps = np.diff(at)
    if not gaps.size:
        return 0.0
    # Rounding makes single gaps too long or too short, but not their sum; the better the step
    # is known, the longer are the gaps that it counts.
    step = float(gaps[gaps < 1.5 * gaps.min()].mean())
    for longest in (1, 4, 16, _MOST_PLANES):
        counts = np.maximum(np.rint(gaps / step), 1)
        counted = counts <= longest
        if counted.any():
            step = float(gaps[counted].sum() / counts[counted].sum())
    planes = np.concatenate([[0], np.cumsum(np.maximum(np.rint(gaps / step), 1))])
    one, other = np.triu_indices(len(at), 1)
    # The median of all slopes (Sen 1968), which a coordinate beside the grid does not sway.
    return float(np.median((at[other] - at[one]) / (planes[other] - planes[one])))


def _oblique(mm: NDArray[np.float64]) -> _Grid | None:
    from scipy.spatial import cKDTree

    if len(mm) < _FEWEST:
        return None
    some = mm[:: len(mm) // _MOST_ASKED + 1]
    _, near = cKDTree(mm).query(some, k=_NEIGHBOURS + 1)
    between = (mm[near[:, 1:]] - some[:, None]).reshape(-1, 3)
    axes = _square_axes(between)
    if axes is None:
        return None
    counts = np.rint(between @ np.linalg.inv(axes))
    axes = np.linalg.lstsq(counts, between, rcond=None)[0]
    origin = mm[0]
    for _ in range(3):  # each time more exactly, so that the farthest are counted aright
        if abs(np.linalg.det(axes)) < _FINEST**3:
            return None
        exact = (mm - origin) @ np.linalg.inv(axes)
        fitted = np.column_stack([np.rint(exact), np.ones(len(mm))])
        *axes, origin = np.linalg.lstsq(fitted, mm, rcond=None)[0]
        axes = np.array(axes)
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = axes.T, origin
    exact = (mm - origin) @ np.linalg.inv(axes)
    affine[:3, 3] += np.rint(exact.min(axis=0)) @ axes
    placed = _placed(exact, affine, _OBLIQUE_SLACK)
    return placed and as_ras(*placed, tuple((placed[0].max(axis=0) + 1).tolist()))


def _square_axes(between: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the shortest differences of neighbours (n, 3) at right angles, (3, 3), one a row."""
    lengths = np.linalg.norm(between, axis=1)
    if not lengths.min() > _SAME:  # two positions at one place
        return None
    left = np.ones(len(between), dtype=np.bool_)
    axes: list[NDArray[np.float64]] = []
    for _ in range(3):
        if not left.any():
            return None
        first = between[left][np.argmin(lengths[left])]
        along = between * np.sign(between @ first)[:, None]
        alike = np.linalg.norm(along - first, axis=1) < _GUESSED * np.linalg.norm(first)
        axis = along[alike].mean(axis=0)
        axes.append(axis)
        left &= np.abs(between @ axis) < _SQUARE * lengths * np.linalg.norm(axis)
    return np.array(axes)


def _placed(exact: NDArray[np.float64], affine: NDArray[np.float64], slack: float) -> _Grid | None:
    """Return whole indices from 0 with the affine; None if they are none, or two the same."""
    whole = np.rint(exact)
    if not (np.abs(exact - whole) <= slack).all():
        return None
    whole -= whole.min(axis=0)
    if (whole.max(axis=0) + 1).prod() > MAX_GRID:
        return None
    positions = whole.astype(np.int64)
    if len(np.unique(positions, axis=0)) != len(positions):
        return None
    return positions, affine
