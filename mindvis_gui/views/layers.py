"""What is drawn over the anatomy and on the surface, made from the session's overlays.

Overlays of the response's voxels that follow each other become one table of colours, one a voxel:
however many there are, a slice is one indexing. Volumes that follow each other become one stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.plane import Plane, Window, enclosing
from mindvis_gui.session.overlays import Overlay
from mindvis_gui.views.blending import Colours, over
from mindvis_gui.views.colour_maps import packed_colours
from mindvis_gui.views.volume_stack import VolumeStack


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


def make_layers(
    overlays: Iterable[Overlay],
    regions: Colours,
    grid: DisplayGrid,
    highlighted: NDArray[np.bool_],
    highlight: int,
    stacks: Sequence[VolumeStack] = (),
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
    stacks : sequence of VolumeStack
        Of the layers drawn before: one with the same volumes is taken over.
    """
    layers: list[Layer] = []
    table: Colours | None = None
    shown = [overlay for overlay in overlays if overlay.look.visible]
    for are_volumes, group in groupby(shown, lambda overlay: overlay.volume is not None):
        if are_volumes:
            if table is not None:
                layers.append(VoxelLayer(table))
                table = None
            parts = [(each.volume, each.look) for each in group if each.volume is not None]
            same = (stack for stack in stacks if stack.shows(parts, grid))
            layers.append(next(same, None) or VolumeStack(parts, grid))
            continue
        for overlay in group:
            own = regions
            if overlay.values is not None:
                own = np.append(packed_colours(overlay.values, overlay.look), np.uint32(0))
            table = own if table is None else over(own, table)
    if highlighted.any() or not layers:
        table = np.zeros_like(regions) if table is None else table.copy()
        table[highlighted] = highlight
    return layers if table is None else [*layers, VoxelLayer(table)]


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
        rows, columns = enclosing([covered, window])
        covered = rows, columns
    return picture, covered


def _common(one: Window, other: Window) -> Window | None:
    """Return the rows and columns that two windows share, None if there are none."""
    rows, columns = (
        slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(one, other, strict=True)
    )
    shared = rows.start < rows.stop and columns.start < columns.stop
    return (rows, columns) if shared else None
