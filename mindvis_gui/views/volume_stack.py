"""Volumes that lie directly over each other, drawn as one layer."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.plane import Box, Plane, Window, enclosing
from mindvis_gui.data.sampling import GridSampler
from mindvis_gui.data.subject import FloatArray, Volume
from mindvis_gui.session.overlays import Look
from mindvis_gui.views.blending import Colours, over
from mindvis_gui.views.colour_maps import packed_colours

_MOST_POINTS = 2**26  # of a grid that is composed beforehand: 256 MiB
Part = tuple[Volume, Look]


class VolumeStack:
    """Some volumes on grids of their own, each with its look, the lowest first.

    A slice is composed when it is drawn, until the whole grid is composed (see `composing`): then
    it is a copy, however many volumes there are and however they are turned.

    Parameters
    ----------
    parts : sequence of (Volume, Look)
        At least one.
    grid : DisplayGrid
        What they are drawn on.
    """

    def __init__(self, parts: Sequence[Part], grid: DisplayGrid) -> None:
        self._parts, self._grid = tuple(parts), grid
        self._samplers = [GridSampler(volume, grid.affine, grid.shape) for volume, _ in parts]
        x, y, z = enclosing([sampler.box for sampler in self._samplers])
        self._box: Box = x, y, z
        self._whole: Colours | None = None  # of the box
        self._begun = False

    def shows(self, parts: Sequence[Part], grid: DisplayGrid) -> bool:
        """Whether it is of these volumes, with these looks, on this grid."""
        return (
            grid is self._grid
            and len(parts) == len(self._parts)
            and all(
                volume is own and look == own_look
                for (volume, look), (own, own_look) in zip(parts, self._parts, strict=True)
            )
        )

    @property
    def to_compose(self) -> bool:
        """Whether composing the grid is worth its memory, and was not begun before."""
        points = math.prod(part.stop - part.start for part in self._box)
        return not self._begun and 0 < points <= _MOST_POINTS

    def composing(self) -> Generator[None, None, None]:
        """Compose the grid, slice by slice; for a thread of its own, and once."""
        self._begun = True
        start, stop = self._box[0].start, self._box[0].stop
        shape = [part.stop - part.start for part in self._box]
        whole: Colours = np.empty(shape, dtype=np.uint32)
        for index in range(start, stop):
            whole[index - start] = self._composed(0, index)
            yield
        self._whole = whole

    def window(self, grid: DisplayGrid, plane: Plane) -> Window:
        """Return where the volumes are."""
        return plane.window(self._box)

    def picture(self, grid: DisplayGrid, plane: Plane, index: int) -> Colours:
        """Return the colours (up, across) of a slice within its window."""
        if self._whole is None:
            return plane.turned(self._composed(plane.through, index))
        along = self._box[plane.through]
        if along.start <= index < along.stop:
            return plane.slice(self._whole, index - along.start).copy()
        rows, columns = self.window(grid, plane)
        return np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint32)

    def at(self, voxels: NDArray[np.int32], points: NDArray[np.floating]) -> Colours:
        """Return the colours (n,) at points (n, 3) of the grid."""
        colours: Colours = np.zeros(len(points), dtype=np.uint32)
        for sampler, (_, look) in zip(self._samplers, self._parts, strict=True):
            colours = over(packed_colours(sampler.values(points), look), colours)
        return colours

    def _composed(self, axis: int, index: int) -> Colours:
        """Return the colours of a slice of the box, its grid axes in order."""
        sides = [part for i, part in enumerate(self._box) if i != axis]
        picture: Colours = np.zeros([part.stop - part.start for part in sides], dtype=np.uint32)
        for number, (sampler, (_, look)) in enumerate(
            zip(self._samplers, self._parts, strict=True)
        ):

            def coloured(values: FloatArray, look: Look = look) -> Colours:
                return packed_colours(values, look)

            colours = sampler.picture(axis, index, coloured, np.uint32(0))
            own = [part for i, part in enumerate(sampler.box) if i != axis]
            place = tuple(
                slice(part.start - side.start, part.stop - side.start)
                for part, side in zip(own, sides, strict=True)
            )
            picture[place] = over(colours, picture[place]) if number else colours
        return picture
