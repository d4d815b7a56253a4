"""The three anatomical planes: which grid axis runs where on the screen, and which way.

The affine alone decides, so that a grid stored right-to-left or with permuted axes
is drawn as the person lies, and a click means the millimetres it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Window: TypeAlias = tuple[slice, slice]
Box: TypeAlias = tuple[slice, slice, slice]
_T = TypeVar("_T", bound=np.generic)
_WORLD = (("L", "R"), ("P", "A"), ("I", "S"))  # negative and positive end of x, y, z in mm
_PLANES = (("sagittal", 1, 2), ("coronal", 0, 2), ("axial", 0, 1))


@dataclass(frozen=True, slots=True)
class Plane:
    """One plane through a grid, drawn with `across` to the right and `up` upwards.

    Attributes
    ----------
    name : str
    through, across, up : int
        Grid axes: the one a slice is cut across, and the two of the picture.
    flip_across, flip_up : bool
        Whether the grid axis runs against the picture's.
    shape : tuple of int
        Grid points along `across` and `up`.
    spacing : tuple of float
        Size of a grid step along `across` and `up`, in mm.
    edges : tuple of str
        Letters at the left, right, bottom and top edge of the picture.
    """

    name: str
    through: int
    across: int
    up: int
    flip_across: bool
    flip_up: bool
    shape: tuple[int, int]
    spacing: tuple[float, float]
    edges: tuple[str, str, str, str]

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height of the picture in mm."""
        return self.shape[0] * self.spacing[0], self.shape[1] * self.spacing[1]

    def slice(self, volume: NDArray[_T], index: int) -> NDArray[_T]:
        """Return the slice (up, across) at `index`, row 0 at the bottom, as a view."""
        return self.turned(volume[(slice(None),) * self.through + (index,)])

    def window(self, box: Box) -> Window:
        """Return which rows and columns of a picture (up, across) show a box of the grid.

        The slices of `box` have a start and an end.
        """
        return (
            _along(box[self.up], self.shape[1], self.flip_up),
            _along(box[self.across], self.shape[0], self.flip_across),
        )

    def turned(self, cut: NDArray[_T]) -> NDArray[_T]:
        """Return a slice, grid axes in order, as the picture (up, across), as a view."""
        picture = cut.T if self.across < self.up else cut
        if self.flip_up:
            picture = picture[::-1]
        return picture[:, ::-1] if self.flip_across else picture

    def position(self, voxel: tuple[int, int, int]) -> tuple[float, float]:
        """Return where the centre of a grid point is drawn, in mm from the lower left corner."""
        column = self._column(voxel[self.across], self.shape[0], self.flip_across)
        row = self._column(voxel[self.up], self.shape[1], self.flip_up)
        return (column + 0.5) * self.spacing[0], (row + 0.5) * self.spacing[1]

    def voxel(self, x: float, y: float, at: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return the grid point drawn at (x, y) mm, in the slice that `at` lies in."""
        voxel = list(at)
        voxel[self.across] = self._column(
            int(np.floor(x / self.spacing[0])), self.shape[0], self.flip_across
        )
        voxel[self.up] = self._column(
            int(np.floor(y / self.spacing[1])), self.shape[1], self.flip_up
        )
        return voxel[0], voxel[1], voxel[2]

    def disc(self, centre: tuple[float, float], radius: float) -> NDArray[np.bool_]:
        """Return which pixels (up, across) have their centre within `radius` mm of a place.

        The pixel at the place belongs to it, however small the radius.
        """
        across, up = (
            (np.arange(count) + 0.5) * step - place
            for count, step, place in zip(self.shape, self.spacing, centre, strict=True)
        )
        near = up[:, None] ** 2 + across**2 <= radius**2
        column, row = (int(place // step) for place, step in zip(centre, self.spacing, strict=True))
        if 0 <= row < self.shape[1] and 0 <= column < self.shape[0]:
            near[row, column] = True
        return near

    @staticmethod
    def _column(index: int, count: int, flipped: bool) -> int:
        return count - 1 - index if flipped else index


def _along(part: slice, count: int, flipped: bool) -> slice:
    return slice(count - part.stop, count - part.start) if flipped else part


def enclosing(parts: Sequence[tuple[slice, ...]]) -> tuple[slice, ...]:
    """Return the smallest window, or box, that holds all of `parts`.

    Those without points do not count, unless there is no other.
    """
    filled = [part for part in parts if all(side.start < side.stop for side in part)]
    sides = zip(*(filled or parts[:1]), strict=True)
    return tuple(slice(min(s.start for s in each), max(s.stop for s in each)) for each in sides)


def planes(
    shape: tuple[int, int, int], affine: NDArray[np.float64], *, radiological: bool = False
) -> tuple[Plane, Plane, Plane]:
    """Return the sagittal, coronal and axial plane of a grid.

    Parameters
    ----------
    shape : (X, Y, Z)
    affine : (4, 4) float64
        Grid indices → mm in RAS+; oblique grids are drawn along their nearest axes.
    radiological : bool
        Draw the person's left on the right. The default is neurological.
    """
    axes = _nearest_axes(affine)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    made = []
    for name, x, y in _PLANES:
        across, up = axes[x], axes[y]
        mirrored = radiological and x == 0
        made.append(
            Plane(
                name=name,
                through=3 - across - up,
                across=across,
                up=up,
                flip_across=bool(affine[x, across] < 0) != mirrored,
                flip_up=bool(affine[y, up] < 0),
                shape=(shape[across], shape[up]),
                spacing=(float(spacing[across]), float(spacing[up])),
                edges=(*(_WORLD[x][::-1] if mirrored else _WORLD[x]), *_WORLD[y]),
            )
        )
    return made[0], made[1], made[2]


def _nearest_axes(affine: NDArray[np.float64]) -> tuple[int, int, int]:
    """Return the grid axis that runs most along x, along y and along z."""
    cosines = np.abs(affine[:3, :3]) / np.linalg.norm(affine[:3, :3], axis=0)
    x, y, z = max(
        permutations(range(3)),
        key=lambda axes: sum(cosines[world, axis] for world, axis in enumerate(axes)),
    )
    return x, y, z


def covered(size: Sequence[int], to_grid: NDArray[np.floating], shape: Sequence[int]) -> Box:
    """Return the part of a grid of `shape` in which all voxels of a volume of `size` lie.

    `to_grid` (4, 4) maps the indices of the volume to those of the grid.
    """
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in size])).reshape(3, -1)
    on_grid = to_grid[:3, :3] @ corners + to_grid[:3, 3:]
    low = np.clip(np.floor(on_grid.min(axis=1)), 0, shape).astype(int).tolist()
    high = np.clip(np.ceil(on_grid.max(axis=1)) + 1, 0, shape).astype(int).tolist()
    x, y, z = map(slice, low, high)
    return x, y, z
