"""What is drawn over the anatomy and on the surface, made from the session's overlays.

Overlays of the response's voxels that follow each other become one table of colours, one a voxel:
however many there are, a slice is one indexing. A volume is read slice by slice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.plane import Plane, Window
from mindvis_gui.data.sampling import GridSampler
from mindvis_gui.session.overlays import Look, Overlay
from mindvis_gui.views.colour_maps import packed_colours

Colours = NDArray[np.uint32]  # packed, see `colour_maps`
_ONE, _THREE = np.uint32(8), np.uint32(24)  # bytes, in bits
_PAIR, _ROUND = np.uint32(0x00FF00FF), np.uint32(0x00800080)


class Layer(Protocol):
    """Something that has a colour at every point of the grid."""

    def window(self, grid: DisplayGrid, plane: Plane) -> Window:
        """Return which rows and columns of any slice it can be seen in."""
        ...

    def picture(self, grid: DisplayGrid, plane: Plane, index: int) -> Colours:
        """Return the colours (up, across) of a slice within its window, row 0 at the bottom."""
        ...

    def at(self, voxels: NDArray[np.int32], points: NDArray[np.floating]) -> Colours:
        """Return the colours (n,) at places of the cortex.

        Parameters
        ----------
        voxels : (n,) int32
            Voxel of the response there, -1 for none.
        points : (n, 3) float
            Grid indices.
        """
        ...


@dataclass(frozen=True, eq=False, slots=True)
class VoxelLayer:
    """A colour for each voxel of the response.

    `table` (n_voxels + 1,) ends with a transparent colour, which -1 (no voxel) finds.
    """

    table: Colours

    def window(self, grid: DisplayGrid, plane: Plane) -> Window:
        """Return where the response has voxels."""
        return plane.window(grid.box)

    def picture(self, grid: DisplayGrid, plane: Plane, index: int) -> Colours:
        """Return the colours (up, across) of a slice within its window."""
        return self.table[plane.slice(grid.voxel_at, index)[self.window(grid, plane)]]

    def at(self, voxels: NDArray[np.int32], points: NDArray[np.floating]) -> Colours:
        """Return the colours (n,) of voxels (n,)."""
        return self.table[voxels]


@dataclass(frozen=True, eq=False, slots=True)
class VolumeLayer:
    """A volume on a grid of its own."""

    sampler: GridSampler
    look: Look

    def window(self, grid: DisplayGrid, plane: Plane) -> Window:
        """Return where the volume is."""
        return plane.window(self.sampler.box)

    def picture(self, grid: DisplayGrid, plane: Plane, index: int) -> Colours:
        """Return the colours (up, across) of a slice within its window."""
        cut = self.sampler.picture(
            plane.through, index, lambda values: packed_colours(values, self.look), np.uint32(0)
        )
        return plane.turned(cut)

    def at(self, voxels: NDArray[np.int32], points: NDArray[np.floating]) -> Colours:
        """Return the colours (n,) at points (n, 3) of the grid."""
        return packed_colours(self.sampler.values(points), self.look)


def make_layers(
    overlays: Iterable[Overlay],
    regions: Colours,
    grid: DisplayGrid,
    highlighted: NDArray[np.bool_],
    highlight: int,
) -> list[Layer]:
    """Return what to draw, lowest first; at least one layer.

    Parameters
    ----------
    overlays : iterable of Overlay
        Lowest first; the hidden ones are left out here.
    regions : (n_voxels + 1,) uint32
        Colours of the overlay without numbers: the regions.
    highlighted : (n_voxels + 1,) bool
        Voxels drawn in the colour `highlight`, on top of everything.
    """
    layers: list[Layer] = []
    table: Colours | None = None
    for overlay in overlays:
        if not overlay.look.visible:
            continue
        if overlay.volume is not None:
            if table is not None:
                layers.append(VoxelLayer(table))
                table = None
            sampler = GridSampler(overlay.volume, grid.affine, grid.shape)
            layers.append(VolumeLayer(sampler, overlay.look))
        else:
            own = regions
            if overlay.values is not None:
                own = np.append(packed_colours(overlay.values, overlay.look), np.uint32(0))
            table = own if table is None else over(own, table)
    if highlighted.any() or not layers:
        table = np.zeros_like(regions) if table is None else table.copy()
        table[highlighted] = highlight
    return layers if table is None else [*layers, VoxelLayer(table)]


def over(upper: Colours, lower: Colours) -> Colours:
    """Lay the colours `upper` (…) over `lower` (…): upper + lower · (1 - opacity of upper).

    Two channels at a time lie 16 bits apart in one number, where 8 bits times 8 bits have room.
    """
    keep = ~upper >> _THREE
    odd = _by_255((lower & _PAIR) * keep)
    even = _by_255((lower >> _ONE & _PAIR) * keep)
    return upper + (odd | even << _ONE)


def _by_255(pair: Colours) -> Colours:
    """Divide the two 16-bit halves of each number by 255, to the nearest."""
    pair = pair + _ROUND
    return ((pair + (pair >> _ONE & _PAIR)) >> _ONE) & _PAIR


def compose(
    layers: Sequence[Layer], grid: DisplayGrid, plane: Plane, index: int
) -> tuple[Colours, Window]:
    """Lay `layers` over each other.

    Returns
    -------
    picture : (up, across) uint32
        The colours of a slice.
    window : tuple of slice
        Rows and columns that hold all of them; the rest is transparent.
    """
    shape = [n for axis, n in enumerate(grid.shape) if axis != plane.through]
    picture: Colours = plane.turned(np.zeros(shape, dtype=np.uint32))  # laid out as layers are
    covered: Window = (slice(0, 0), slice(0, 0))
    for layer in layers:
        window = layer.window(grid, plane)
        colours = layer.picture(grid, plane, index)
        if common := _common(window, covered):
            inner = tuple(
                slice(both.start - own.start, both.stop - own.start)
                for both, own in zip(common, window, strict=True)
            )
            colours[inner] = over(colours[inner], picture[common])
        picture[window] = colours
        covered = _around(window, covered)
    return picture, covered


def _common(one: Window, other: Window) -> Window | None:
    """Return the rows and columns that two windows share, None if there are none."""
    rows, columns = (
        slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )
    shared = rows.start < rows.stop and columns.start < columns.stop
    return (rows, columns) if shared else None


def _around(one: Window, other: Window) -> Window:
    """Return the smallest window that holds two; one without pixels does not count."""
    for window, rest in ((one, other), (other, one)):
        if any(part.start >= part.stop for part in window):
            return rest
    rows, columns = (
        slice(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )
    return rows, columns
