"""What a slice view draws: anatomy, overlay, region outlines and the lines of the crosshair."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import (
    QGraphicsItem,
    QGraphicsLineItem,
    QGraphicsPathItem,
    QStyleOptionGraphicsItem,
    QWidget,
)

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.plane import Plane, Window
from mindvis_gui.session.overlays import GREY, Look
from mindvis_gui.views.blending import Colours
from mindvis_gui.views.colour_maps import packed_colours
from mindvis_gui.views.layers import Layer, compose

_CROSSHAIR = QColor(130, 230, 140, 190)
_ENDLESS = 1e4  # mm, beyond any picture
_OPAQUE = np.uint32(0xFF000000)
_HALF = 16  # bits: a region's number takes half of a pair


class SlicePicture:
    """One slice of a grid, drawn in the millimetres of its plane into `box`.

    Attributes
    ----------
    anatomy, overlay : PlaneImage
    outlines : list of (int, QGraphicsPathItem)
        Number of a region, and its border.
    """

    def __init__(self, box: pg.ViewBox) -> None:
        self._box = box
        self._grid: DisplayGrid | None = None
        self._plane: Plane | None = None
        self._crosshair = (0, 0, 0)
        self._layers: list[Layer] = []
        self._labels: NDArray[np.int16] | None = None
        self._traced: dict[int, list[QPainterPath | None]] = {}  # outlines of a slice, once drawn
        self.outlines: list[tuple[int, QGraphicsPathItem]] = []
        self._greys = _grey_table(Look(GREY, 0, 255, opacity=1.0))
        self.anatomy, self.overlay = PlaneImage(smooth=True), PlaneImage()
        self._lines = (
            QGraphicsLineItem(0, -_ENDLESS, 0, _ENDLESS),
            QGraphicsLineItem(-_ENDLESS, 0, _ENDLESS, 0),
        )
        for depth, line in enumerate(self._lines):
            line.setPen(_hairline(_CROSSHAIR))
            line.setZValue(20 + depth)
        for item in (self.anatomy, self.overlay, *self._lines):
            box.addItem(item, ignoreBounds=True)

    def set_grid(self, grid: DisplayGrid, plane: Plane, crosshair: tuple[int, int, int]) -> None:
        """Show `plane` of `grid` where the crosshair is, without layers and outlines at first."""
        self._grid, self._plane, self._crosshair = grid, plane, crosshair
        self._labels, self._layers, self._traced = None, [], {}
        for image in (self.anatomy, self.overlay):
            image.place(QRectF(0, 0, *plane.extent))
        self.overlay.set_colours(np.zeros(plane.shape[::-1], dtype=np.uint32))
        self._draw_anatomy()
        self._move_lines()

    def set_layers(self, layers: list[Layer]) -> None:
        """Lay `layers`, the lowest first, over the anatomy."""
        self._layers = layers
        self._draw_overlay()

    def set_anatomy(self, look: Look) -> None:
        """Draw the anatomy in another way."""
        self.anatomy.setVisible(look.visible)
        self._greys = _grey_table(look)
        self._draw_anatomy()

    def set_outlines(self, labels: NDArray[np.int16] | None, colours: Mapping[int, QColor]) -> None:
        """Outline the regions numbered in `labels` (n_voxels + 1,); None draws no outline."""
        for _, item in self.outlines:
            self._box.removeItem(item)
        self._labels, self._traced = labels, {}
        self.outlines = [(number, _outline_item(colour)) for number, colour in colours.items()]
        for _, item in self.outlines:
            self._box.addItem(item, ignoreBounds=True)
        self._draw_outlines()

    def show_crosshair(self, shown: bool) -> None:
        """Draw the lines of the crosshair, or leave them out."""
        for line in self._lines:
            line.setVisible(shown)

    def move(self, crosshair: tuple[int, int, int]) -> None:
        """Show the crosshair at a grid point; the slice is drawn again if it is another."""
        if self._plane is None:
            return
        before, self._crosshair = self._crosshair, crosshair
        through = self._plane.through
        if before[through] != crosshair[through]:
            self._draw_anatomy()
            self._draw_overlay()
            self._draw_outlines()
        self._move_lines()

    def _slice(self, volume: NDArray[np.generic]) -> NDArray[np.generic]:
        assert self._plane is not None
        return self._plane.slice(volume, self._crosshair[self._plane.through])

    def _draw_anatomy(self) -> None:
        if self._grid is not None:
            levels = np.ascontiguousarray(self._slice(self._grid.anatomy))
            self.anatomy.set_colours(self._greys.take(levels))

    def _draw_overlay(self) -> None:
        if self._grid is not None and self._plane is not None and self._layers:
            index = self._crosshair[self._plane.through]
            self.overlay.set_colours(*compose(self._layers, self._grid, self._plane, index))

    def _draw_outlines(self) -> None:
        if self._grid is None or self._plane is None or self._labels is None:
            return
        index = self._crosshair[self._plane.through]
        if index not in self._traced:
            self._traced[index] = self._trace(self._grid, self._plane, self._labels)
        for (_, item), path in zip(self.outlines, self._traced[index], strict=True):
            item.setVisible(path is not None)
            if path is not None:
                item.setPath(path)

    def _trace(
        self, grid: DisplayGrid, plane: Plane, labels: NDArray[np.int16]
    ) -> list[QPainterPath | None]:
        """Return each region's border in the present slice, None where it is not cut."""
        rows, columns = plane.window(grid.box)
        points, sides = borders(labels[self._slice(grid.voxel_at)[rows, columns]])
        corner = np.array([columns.start, rows.start])
        points = (points + corner) * np.asarray(plane.spacing)
        # Every line belongs to the regions on both of its sides.
        of = sides.T.reshape(-1)
        order = np.argsort(of, kind="stable")
        ends = np.searchsorted(of[order], [[number, number + 1] for number, _ in self.outlines])
        lines = points[order % max(len(points), 1)]  # (n, 2, 2), by region
        return [
            pg.arrayToQPath(*lines[start:stop].reshape(-1, 2).T, connect="pairs", finiteCheck=False)
            if stop > start
            else None
            for start, stop in ends
        ]

    def _move_lines(self) -> None:
        assert self._plane is not None
        x, y = self._plane.position(self._crosshair)
        self._lines[0].setPos(x, 0)
        self._lines[1].setPos(0, y)


class PlaneImage(QGraphicsItem):
    """Colours of the pixels of a slice, drawn without any conversion.

    Parameters
    ----------
    smooth : bool
        Interpolate, as is done with anatomy; overlays keep their voxels.

    Attributes
    ----------
    colours : (up, across) uint32
        Packed; row 0 is at the bottom.
    """

    def __init__(self, *, smooth: bool = False) -> None:
        super().__init__()
        self._smooth = smooth
        self.colours: Colours = np.zeros((1, 1), dtype=np.uint32)
        self._drawn = QImage()
        self._place, self._part = QRectF(), QRectF()  # in mm, and in pixels

    def place(self, rect: QRectF) -> None:
        """Draw it at `rect`, in mm."""
        self.prepareGeometryChange()
        self._place = rect

    def set_colours(self, colours: Colours, window: Window | None = None) -> None:
        """Draw packed `colours` (up, across); those of anatomy are opaque.

        All that is not transparent lies within `window`, if one is given.
        """
        self.colours = np.ascontiguousarray(colours)
        rows, columns = window or (slice(0, colours.shape[0]), slice(0, colours.shape[1]))
        self._part = QRectF(
            columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start
        )
        up, across = colours.shape
        formats = QImage.Format
        form = formats.Format_RGB32 if self._smooth else formats.Format_ARGB32_Premultiplied
        self._drawn = QImage(self.colours.data, across, up, 4 * across, form)  # shares the memory
        self.update()

    def boundingRect(self) -> QRectF:
        """Return where it is drawn (called by Qt)."""
        return self._place

    def paint(
        self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None
    ) -> None:
        """Draw the image (called by Qt)."""
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._smooth)
        if self._part.isEmpty():
            return
        up, across = self.colours.shape
        wide, high = self._place.width() / across, self._place.height() / up
        part = self._part
        target = QRectF(part.x() * wide, part.y() * high, part.width() * wide, part.height() * high)
        painter.drawImage(target.translated(self._place.topLeft()), self._drawn, part)


def _grey_table(look: Look) -> Colours:
    """Return the opaque colours (256,) of the grey levels of the anatomy, on black."""
    levels = np.arange(256, dtype=np.float32)
    plain = Look(look.colour_map, look.low, look.high, opacity=look.opacity)
    return packed_colours(levels, plain) | _OPAQUE


def _outline_item(colour: QColor) -> QGraphicsPathItem:
    item = QGraphicsPathItem()
    item.setPen(_hairline(colour))
    item.setZValue(10)
    return item


def _hairline(colour: QColor) -> QPen:
    pen = QPen(colour, 1)  # wider ones take ten times longer to draw
    pen.setCosmetic(True)
    return pen


def borders(numbers: NDArray[np.int16]) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    """Return the straight lines along which the region changes.

    Parameters
    ----------
    numbers : (up, across) int
        Region of every pixel, 0 for none.

    Returns
    -------
    points : (n, 2, 2) int
        Column and row of both ends of every line.
    sides : (n, 2) int
        The regions that it separates.
    """
    rows, columns = (np.flatnonzero(numbers.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return np.empty((0, 2, 2), dtype=np.int64), np.empty((0, 2), dtype=np.int16)
    # Regions fill a small part of the slice: looking there alone is ten times faster.
    inside = np.pad(numbers[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 1)
    level, above = _runs(inside[:-1, 1:-1], inside[1:, 1:-1])
    upright, beside = _runs(inside[1:-1, :-1].T, inside[1:-1, 1:].T)
    points = np.concatenate([level, upright[..., ::-1]]) + np.array([columns[0], rows[0]])
    return points, np.concatenate([above, beside])


def _runs(
    first: NDArray[np.int16], second: NDArray[np.int16]
) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    """Join neighbours in a row that differ alike: a voxel's edge is one line, not one a pixel.

    Returns
    -------
    ends : (n, 2, 2) int
        Column and row of the start and of the end of every run.
    sides : (n, 2) int
    """
    n_rows, n_columns = first.shape
    # The pair of regions as one number, 0 where both are the same; a row ends with a 0.
    pairs = np.zeros((n_rows, n_columns + 1), dtype=np.int32)
    pairs[:, :-1] = (first.astype(np.int32) << _HALF | second) * (first != second)
    flat = pairs.reshape(-1)
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat[0]:
        changes = np.insert(changes, 0, 0)
    begins = changes[flat[changes] != 0]
    stops = changes[flat[changes - 1] != 0]
    row, start = np.divmod(begins, n_columns + 1)
    ends = np.empty((len(begins), 2, 2), dtype=np.int64)
    ends[:, 0, 0], ends[:, 1, 0] = start, start + stops - begins
    ends[..., 1] = row[:, None]
    of = flat[begins]
    return ends, np.stack([of >> _HALF, of & (1 << _HALF) - 1], axis=1).astype(np.int16)
