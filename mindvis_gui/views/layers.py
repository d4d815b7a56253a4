"""What a slice draws over the anatomy, made from the session's overlays.

Overlays of the response's voxels that follow each other become one table of colours, one row a
voxel: however many there are, a slice is one indexing. A volume is read slice by slice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.sampling import GridSampler
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.session.overlays import Look, Overlay
from mindvis_gui.views.colour_maps import value_colours
from mindvis_gui.views.plane import Plane


class Layer(Protocol):
    """Something that has a colour at every point of the grid."""

    def colours(self, grid: DisplayGrid, plane: Plane, index: int) -> ImageArray:
        """Return the RGBA picture (up, across, 4) of a slice, row 0 at the bottom."""
        ...

    def at(self, voxels: NDArray[np.int32], points: NDArray[np.floating]) -> ImageArray:
        """Return the RGBA colours (n, 4) at places of the cortex.

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

    `table` (n_voxels + 1, 4) has a last row that is transparent, which -1 (no voxel) finds.
    """

    table: ImageArray

    def colours(self, grid: DisplayGrid, plane: Plane, index: int) -> ImageArray:
        """Return the RGBA picture (up, across, 4) of a slice."""
        packed = self.table.view(np.uint32).reshape(-1)  # a pixel is one number, indexed in one go
        rows = np.ascontiguousarray(packed[plane.slice(grid.voxel_at, index)])
        return rows.view(np.uint8).reshape(*rows.shape, 4)

    def at(self, voxels: NDArray[np.int32], points: NDArray[np.floating]) -> ImageArray:
        """Return the RGBA colours (n, 4) of voxels (n,)."""
        return self.table[voxels]


@dataclass(frozen=True, eq=False, slots=True)
class VolumeLayer:
    """A volume on a grid of its own."""

    sampler: GridSampler
    look: Look

    def colours(self, grid: DisplayGrid, plane: Plane, index: int) -> ImageArray:
        """Return the RGBA picture (up, across, 4) of a slice."""
        values = plane.turned(self.sampler.slice(plane.through, index))
        return value_colours(np.ascontiguousarray(values), self.look)

    def at(self, voxels: NDArray[np.int32], points: NDArray[np.floating]) -> ImageArray:
        """Return the RGBA colours (n, 4) at points (n, 3) of the grid."""
        return value_colours(self.sampler.values(points), self.look)


def make_layers(
    overlays: Iterable[Overlay],
    regions: ImageArray,
    grid: DisplayGrid,
    highlighted: NDArray[np.bool_],
    highlight: tuple[int, int, int, int],
) -> list[Layer]:
    """Return what to draw, lowest first.

    Parameters
    ----------
    overlays : iterable of Overlay
        Lowest first; the hidden ones are left out here.
    regions : (n_voxels + 1, 4) uint8
        Colours of the overlay without numbers: the regions.
    highlighted : (n_voxels + 1,) bool
        Voxels drawn in the colour `highlight`, on top of everything.
    """
    layers: list[Layer] = []
    table: ImageArray | None = None
    empty = np.zeros_like(regions)
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
            own = regions if overlay.values is None else empty.copy()
            if overlay.values is not None:
                own[:-1] = value_colours(overlay.values, overlay.look)
            table = own if table is None else over(own, table)
    table = empty if table is None else table.copy()
    table[highlighted] = highlight
    return [*layers, VoxelLayer(table)]


def over(upper: ImageArray, lower: ImageArray) -> ImageArray:
    """Lay the RGBA colours `upper` (…, 4) over `lower` (…, 4)."""
    above = upper[..., 3:].astype(np.float32) / 255
    below = lower[..., 3:].astype(np.float32) / 255 * (1 - above)
    alpha = above + below
    result = np.empty_like(upper)
    weight = np.divide(above, alpha, out=np.zeros_like(alpha), where=alpha > 0)
    result[..., :3] = np.rint(upper[..., :3] * weight + lower[..., :3] * (1 - weight))
    result[..., 3:] = np.rint(255 * alpha)
    return result


def compose(layers: list[Layer], grid: DisplayGrid, plane: Plane, index: int) -> ImageArray:
    """Return the RGBA picture (up, across, 4) of all layers at a slice."""
    picture = layers[0].colours(grid, plane, index)
    for layer in layers[1:]:
        picture = over(layer.colours(grid, plane, index), picture)
    return picture
