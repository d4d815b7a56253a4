"""Reading a volume at the points of another grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.checks import check_affine
from mindvis_gui.data.subject import FloatArray, Volume


class GridSampler:
    """Reads `volume` at the points of a grid, a slice at a time: nearest voxel, nothing copied.

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
        self._data, self._shape = volume.data, shape
        to_voxel = np.linalg.inv(check_affine(volume.affine, "the affine of the volume")) @ affine
        to_voxel[np.abs(to_voxel) < 1e-9] = 0  # rounding, which would make all axes depend on all
        self._to_voxel = to_voxel

    def slice(self, axis: int, index: int) -> FloatArray:
        """Return the values of the slice at `index` of `axis`, other axes in order; NaN outside."""
        first, second = (each for each in range(3) if each != axis)
        rows, columns = np.arange(self._shape[first])[:, None], np.arange(self._shape[second])
        inside: NDArray[np.bool_] = np.ones((1, 1), dtype=np.bool_)
        points = []
        for row, count in zip(self._to_voxel[:3], self._data.shape, strict=True):
            # An axis that a coordinate does not depend on stays of length 1: where the grids are
            # parallel this costs a few hundred roundings, not one a pixel.
            point: NDArray[np.float64] = np.full((1, 1), row[3] + row[axis] * index)
            for step, along in ((row[first], rows), (row[second], columns)):
                if step:
                    point = point + step * along
            nearest = np.rint(point).astype(np.intp)
            inside = inside & (nearest >= 0) & (nearest < count)
            points.append(np.clip(nearest, 0, count - 1))
        values = np.broadcast_to(
            self._data[tuple(points)], (self._shape[first], self._shape[second])
        ).astype(np.float32)
        values[~np.broadcast_to(inside, values.shape)] = np.nan
        return values

    def values(self, points: NDArray[np.number]) -> FloatArray:
        """Return the values (n,) at points (n, 3) of the grid, whole ones or not; NaN outside."""
        voxels = np.rint(points @ self._to_voxel[:3, :3].T + self._to_voxel[:3, 3]).astype(np.intp)
        inside = ((voxels >= 0) & (voxels < self._data.shape)).all(axis=1)
        values = np.full(len(voxels), np.nan, dtype=np.float32)
        values[inside] = self._data[tuple(voxels[inside].T)]
        return values

    def at(self, point: tuple[int, int, int]) -> float:
        """Return the value at a point of the grid, NaN outside the volume."""
        return float(self.values(np.array([point]))[0])
