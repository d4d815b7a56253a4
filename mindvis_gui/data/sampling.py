"""Reading a volume at the points of another grid."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.checks import check_affine
from mindvis_gui.data.plane import Box, covered
from mindvis_gui.data.subject import FloatArray, Volume

_T = TypeVar("_T", bound=np.generic)
_HALF = (
    0.5 + 1e-9
)  # a coordinate plus this rounds down to its nearest voxel, whatever its last bits


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
        self._parallel = bool((np.count_nonzero(to_voxel[:3, :3], axis=0) == 1).all())

    @cached_property
    def box(self) -> Box:
        """The part of the grid that the volume lies in, or a little more; points need none."""
        return covered(self._data.shape, np.linalg.inv(self._to_voxel), self._shape)

    def slice(self, axis: int, index: int) -> FloatArray:
        """Return the values of the slice at `index` of `axis`, other axes in order; NaN outside."""
        first, second = _others(axis)
        whole: FloatArray = np.full((self._shape[first], self._shape[second]), np.nan, np.float32)
        part = self.picture(axis, index, lambda values: values, np.float32(np.nan))
        whole[self.box[first], self.box[second]] = part
        return whole

    def picture(
        self, axis: int, index: int, colour: Callable[[FloatArray], NDArray[_T]], outside: _T
    ) -> NDArray[_T]:
        """Return `colour` of the values of a slice within `box`, `outside` where the volume is not.

        Where the grids are parallel `colour` is asked for the voxels of the volume alone, of which
        there are fewer than pixels.
        """
        if self._parallel:
            return self._parallel_picture(axis, index, colour, outside)
        return self._turned_picture(axis, index, colour, outside)

    def _parallel_picture(
        self, axis: int, index: int, colour: Callable[[FloatArray], NDArray[_T]], outside: _T
    ) -> NDArray[_T]:
        """Every axis of the volume runs along one of the grid: a few hundred roundings do."""
        first, second = _others(axis)
        along = [int(np.flatnonzero(row[:3])[0]) for row in self._to_voxel[:3]]  # volume's → grid's
        grid = {axis: np.array([index]), first: self._steps(first), second: self._steps(second)}
        voxels, inside = {}, {}
        for row, i, count in zip(self._to_voxel, along, self._data.shape, strict=False):
            voxel = np.floor(row[i] * grid[i] + (row[3] + _HALF)).astype(np.intp)
            inside[i] = (voxel >= 0) & (voxel < count)
            voxels[i] = np.clip(voxel, 0, count - 1)
        if not inside[axis][0]:
            return np.full((len(grid[first]), len(grid[second])), outside)
        cut = tuple(int(voxels[i][0]) if i == axis else slice(None) for i in along)
        colours = colour(self._data[cut].astype(np.float32, copy=False))
        if along.index(first) > along.index(second):
            colours = colours.T
        # Whole rows are copied last, which is the quicker half.
        picture: NDArray[_T] = colours.take(voxels[second], axis=1).take(voxels[first], axis=0)
        picture[~inside[first]] = outside
        picture[:, ~inside[second]] = outside
        return picture

    def _turned_picture(
        self, axis: int, index: int, colour: Callable[[FloatArray], NDArray[_T]], outside: _T
    ) -> NDArray[_T]:
        """Every pixel has a voxel of its own, exact to a hundred-thousandth of its size.

        Single precision and short integers take half the time of the exact ones.
        """
        first, second = _others(axis)
        rows, columns = self._steps(first)[:, None], self._steps(second)[None]
        shape = rows.size, columns.size
        whole = np.int32 if self._flat.size < np.iinfo(np.int32).max else np.int64
        places: NDArray[np.signedinteger] = np.zeros((1, 1), dtype=whole)
        inside: NDArray[np.bool_] = np.ones((1, 1), dtype=np.bool_)
        for row, count, step in zip(self._to_voxel, self._data.shape, self._strides, strict=False):
            # What does not change along rows or along columns is computed once.
            down = row[first] * rows[: None if row[first] else 1]
            down = down + (row[3] + row[axis] * index + _HALF)
            across = row[second] * columns[:, : None if row[second] else 1]
            point = down.astype(np.float32) + across.astype(np.float32)
            np.clip(point, -1, count, out=point)
            voxel = np.floor(point, out=point).astype(whole)
            inside = inside & (voxel.view(f"u{voxel.itemsize}") < count)  # -1 is the largest there
            places = places + voxel * whole(step)
        # What is outside gets some voxel's colour, and is not seen.
        values = self._flat.take(np.broadcast_to(places, shape), mode="clip")
        picture = colour(values.astype(np.float32, copy=False))
        return np.where(np.broadcast_to(inside, shape), picture, outside)

    def _steps(self, axis: int) -> NDArray[np.intp]:
        """Return the grid indices of `box` along an axis."""
        return np.arange(self.box[axis].start, self.box[axis].stop)

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


def _others(axis: int) -> tuple[int, int]:
    """Return the axes that a slice across `axis` has, in order."""
    return (1 if axis == 0 else 0), (1 if axis == 2 else 2)
