"""The grid that slices are drawn on, and which voxel of the response lies where on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.plane import Box, covered
from mindvis_gui.data.subject import FloatArray, ImageArray, IntArray, Subject, read_only
from mindvis_gui.errors import DataError

_SQUARE = 1.0  # degrees that axes may be off a right angle without a word
_MARGIN = 2  # functional voxels of air around the response when there is no anatomy


@dataclass(frozen=True, eq=False, slots=True)
class DisplayGrid:
    """Anatomy and voxel look-up on one grid, so that an overlay is one indexing a slice.

    Attributes
    ----------
    anatomy : (X, Y, Z) uint8
        Grey levels, clipped to the 2nd and 99.5th percentile; all 0 when there is none.
    affine : (4, 4) float64
        Grid indices → mm, axes closest to R, A, S.
    voxel_at : (X, Y, Z) int32
        Position in the response vector at every grid point; -1 where there is none.
    box : (slice, slice, slice)
        Part of the grid, by start and end along each axis, outside which there is no voxel.
    """

    anatomy: ImageArray
    affine: NDArray[np.float64]
    voxel_at: NDArray[np.int32]
    box: Box

    @classmethod
    def of(cls, subject: Subject) -> DisplayGrid:
        """Build the grid of `subject`: its anatomy's, or else the one of its voxels."""
        if subject.ijk is None or subject.affine is None:
            raise DataError(
                f"{subject.name}: no voxel positions in this file; the brain cannot be drawn"
            )
        if subject.anatomy is not None:
            anatomy = grey_levels(subject.anatomy.data)
            affine = subject.anatomy.affine
        else:
            low = subject.ijk.min(axis=0) - _MARGIN
            shape = tuple(int(n) for n in subject.ijk.max(axis=0) + _MARGIN + 1 - low)
            anatomy = np.zeros(shape, dtype=np.uint8)
            affine = subject.affine.copy()
            affine[:3, 3] = subject.affine[:3, :3] @ low + subject.affine[:3, 3]
        voxel_at, box = _look_up(subject.ijk, subject.affine, anatomy.shape, affine)
        return cls(read_only(anatomy), read_only(affine), read_only(voxel_at), box)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of grid points along x, y, z."""
        x, y, z = self.voxel_at.shape
        return x, y, z

    @property
    def centre(self) -> tuple[int, int, int]:
        """Grid point at the median of the response voxels."""
        at = np.flatnonzero(self.voxel_at.ravel() >= 0)  # ten times faster than argwhere
        inside = np.stack(np.unravel_index(at, self.shape), axis=1)
        middle = np.median(inside, axis=0) if len(inside) else np.array(self.shape) / 2
        # The median may fall between regions; take the nearest voxel that has a response.
        point = inside[np.argmin(((inside - middle) ** 2).sum(axis=1))] if len(inside) else middle
        return int(point[0]), int(point[1]), int(point[2])

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Size of a grid step along each axis (3,) in mm."""
        return np.asarray(np.linalg.norm(self.affine[:3, :3], axis=0))

    @property
    def shear(self) -> float:
        """By how many degrees two axes of the grid differ most from a right angle."""
        axes = self.affine[:3, :3] / self.spacing
        cosines = np.abs(axes.T @ axes - np.eye(3)).max()
        return float(np.rad2deg(np.arcsin(min(cosines, 1.0))))

    @property
    def notes(self) -> tuple[str, ...]:
        """What slices of it show otherwise than it is, one sentence each."""
        if self.shear <= _SQUARE:
            return ()
        return (
            f"The axes of the image are sheared by {self.shear:.0f}°: slices are drawn as if they "
            "were at right angles; millimetres are exact",
        )

    def to_mm(self, voxel: tuple[int, int, int]) -> NDArray[np.float64]:
        """Return the position (3,) in mm of a grid point."""
        return np.asarray(self.affine[:3, :3] @ np.asarray(voxel) + self.affine[:3, 3])

    def to_voxel(self, mm: tuple[float, float, float]) -> tuple[int, int, int]:
        """Return the grid point nearest to a position in mm (it may lie outside the grid)."""
        point = np.rint(np.linalg.solve(self.affine[:3, :3], np.asarray(mm) - self.affine[:3, 3]))
        return int(point[0]), int(point[1]), int(point[2])

    def voxel_position(self, voxel: int) -> tuple[int, int, int] | None:
        """Return a grid point of the response's `voxel`, or None if the grid misses it."""
        points = np.argwhere(self.voxel_at == voxel)
        if not len(points):
            return None
        point = points[len(points) // 2]
        return int(point[0]), int(point[1]), int(point[2])


def grey_levels(data: NDArray[np.generic]) -> ImageArray:
    """Scale a volume to 0–255 between its 2nd and 99.5th percentile; NaN and infinity become 0."""
    # A tenth of a million points tell the percentiles of millions.
    sample = data[tuple(slice(None, None, max(1, n // 64)) for n in data.shape)]
    low, high = np.percentile(_finite(sample), [2, 99.5])
    levels = np.zeros(data.shape, dtype=np.uint8)
    if high <= low:
        return levels
    scale = np.float32(255.0 / (high - low))
    for level, part in zip(levels, data, strict=True):  # slice by slice: it stays in the cache
        values = _finite(part)
        values -= np.float32(low)
        values *= scale
        np.clip(values, 0, 255, out=values)
        level[:] = values
    return levels


def _finite(data: NDArray[np.generic]) -> FloatArray:
    """Return a copy with 0 in the place of NaN and infinity."""
    values = np.array(data, dtype=np.float32)
    values[~np.isfinite(values)] = 0
    return values


def _look_up(
    ijk: IntArray,
    voxel_affine: NDArray[np.float64],
    shape: tuple[int, ...],
    grid_affine: NDArray[np.float64],
) -> tuple[NDArray[np.int32], Box]:
    """Return the nearest voxel's index at every grid point, -1 where none is, and their box."""
    low = ijk.min(axis=0)
    size = ijk.max(axis=0) - low + 1
    index = np.full(size, -1, dtype=np.int32)
    index[tuple((ijk - low).T)] = np.arange(len(ijk), dtype=np.int32)
    to_voxel = np.linalg.inv(voxel_affine) @ grid_affine
    to_voxel[:3, 3] -= low
    result = np.full(shape, -1, dtype=np.int32)
    box = covered(size, np.linalg.inv(to_voxel), shape)
    x_range, y_range, z_range = (np.arange(part.start, part.stop) for part in box)
    y, z = np.meshgrid(y_range, z_range, indexing="ij")
    for x in x_range:  # slice by slice: a 1 mm grid never exists as float coordinates
        points = [
            np.rint(row[0] * x + row[1] * y + row[2] * z + row[3]).astype(np.int64)
            for row in to_voxel[:3]
        ]
        inside = np.logical_and.reduce(
            [(p >= 0) & (p < n) for p, n in zip(points, size, strict=True)]
        )
        result[x, y[inside], z[inside]] = index[tuple(p[inside] for p in points)]
    return result, box
