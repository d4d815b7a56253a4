"""Reading a volume at the points of another grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.checks import check_affine
from mindvis_gui.data.subject import FloatArray, Volume

_T = TypeVar("_T", bound=np.generic)
_HALF = (
    0.5 + 1e-9
)  # a coordinate plus this rounds down to the nearest voxel, whatever its last bits


class GridSampler:
    """Reads `volume` at the points of a grid, a slice at a time: the nearest voxel.

    Half-way between two voxels it is the one with the greater index, so that every voxel of a
    grid with twice the step has the same number of points. Nothing is copied, unless the
    volume's array is not contiguous.

    Parameters
    ----------
    volume : Volume
    affine : (4, 4) float64
        Grid indices → mm.
    shape : tuple of int, length 3
        Points of the grid.

    Raises
    ------
    DataError
        If the volume's affine is singular.
    """

    def __init__(
        self, volume: Volume, affine: NDArray[np.float64], shape: tuple[int, int, int]
    ) -> None:
        data = volume.data
        data = data if data.flags.forc else np.ascontiguousarray(data)
        self._data, self._shape = data, shape
        self._flat = data.ravel(order="K")  # a view, in the order of the memory
        self._strides = [step // data.itemsize for step in data.strides]
        to_voxel = np.linalg.inv(check_affine(volume.affine, "the affine of the volume")) @ affine
        to_voxel[np.abs(to_voxel) < 1e-9] = 0  # rounding, which would make all axes depend on all
        self._to_voxel = to_voxel

    def slice(self, axis: int, index: int) -> FloatArray:
        """Return the values of the slice at `index` of `axis`, other axes in order; NaN outside."""
        return self.picture(axis, index, lambda values: values, np.float32(np.nan))

    def picture(
        self, axis: int, index: int, colour: Callable[[FloatArray], NDArray[_T]], outside: _T
    ) -> NDArray[_T]:
        """Return `colour` of the values of a slice, and `outside` where the volume is not.

        Where the grids are parallel `colour` is asked for the voxels of the volume alone, of which
        there are fewer than pixels.
        """
        first, second = (each for each in range(3) if each != axis)
        shape = self._shape[first], self._shape[second]
        rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])
        inside: NDArray[np.bool_] = np.ones((1, 1), dtype=np.bool_)
        points = []
        for row, count in zip(self._to_voxel[:3], self._data.shape, strict=True):
            # A coordinate has an axis of length 1 where it does not depend on rows or on columns:
            # between parallel grids this is a few hundred roundings, not one a pixel.
            point: NDArray[np.float64] = np.full((1, 1), row[3] + row[axis] * index + _HALF)
            if row[first]:
                point = point + row[first] * rows
            if row[second]:
                point = point + row[second] * columns
            inside = inside & (point >= 0) & (point < count)
            points.append(point.astype(np.intp))  # rounds down inside; elsewhere it is not seen
        picture = self._look_up(points, colour)
        return np.where(np.broadcast_to(inside, shape), picture, outside)

    def _look_up(
        self, points: list[NDArray[np.intp]], colour: Callable[[FloatArray], NDArray[_T]]
    ) -> NDArray[_T]:
        along = [max(range(2), key=lambda axis: point.shape[axis]) for point in points]
        varying = [i for i, point in enumerate(points) if point.size > 1]
        parallel = all(1 in point.shape for point in points)
        if not parallel or sorted(along[i] for i in varying) != [0, 1]:
            terms = [point * step for point, step in zip(points, self._strides, strict=True)]
            places = sum(sorted(terms, key=lambda term: term.size), start=np.intp(0))
            return colour(self._flat.take(places, mode="clip").astype(np.float32, copy=False))
        points = [
            np.clip(point, 0, count - 1)
            for point, count in zip(points, self._data.shape, strict=True)
        ]
        fixed = tuple(slice(None) if i in varying else int(p.item()) for i, p in enumerate(points))
        cut = self._data[fixed].astype(np.float32)  # (axis of the first varying, of the second)
        colours = colour(cut)
        if along[varying[0]] == 1:
            colours = colours.T
            varying.reverse()
        return colours[points[varying[0]].reshape(-1, 1), points[varying[1]].reshape(1, -1)]

    def values(self, points: NDArray[np.number]) -> FloatArray:
        """Return the values (n,) at points (n, 3) of the grid, whole ones or not; NaN outside."""
        mapped = points @ self._to_voxel[:3, :3].T + (self._to_voxel[:3, 3] + _HALF)
        inside = ((mapped >= 0) & (mapped < self._data.shape)).all(axis=1)
        values = np.full(len(mapped), np.nan, dtype=np.float32)
        values[inside] = self._data[tuple(mapped[inside].astype(np.intp).T)]
        return values

    def at(self, point: tuple[int, int, int]) -> float:
        """Return the value at a point of the grid, NaN outside the volume."""
        return float(self.values(np.array([point]))[0])
