"""What a slice view draws: anatomy, overlay, region outlines and the lines of the crosshair."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem, QGraphicsPathItem, QStyleOptionGraphicsItem, QWidget

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.plane import Plane
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.session.overlays import GREY, Look
from mindvis_gui.views.colour_maps import colour_table, unpacked
from mindvis_gui.views.layers import Layer, compose

_CROSSHAIR = QColor(130, 230, 140, 190)


class SlicePicture:
    """One slice of a grid, drawn in the millimetres of its plane into `box`.

    Attributes
    ----------
    anatomy : pyqtgraph.ImageItem
    overlay : OverlayImage
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
        self.outlines: list[tuple[int, QGraphicsPathItem]] = []
        self.anatomy = _SmoothImage(axisOrder="row-major")
        self.overlay = OverlayImage()
        pen = pg.mkPen(_CROSSHAIR, width=1)
        self._lines = (pg.InfiniteLine(angle=90, pen=pen), pg.InfiniteLine(angle=0, pen=pen))
        for item in (self.anatomy, self.overlay, *self._lines):
            box.addItem(item, ignoreBounds=True)
        for depth, line in enumerate(self._lines):
            line.setZValue(20 + depth)

    def set_grid(self, grid: DisplayGrid, plane: Plane, crosshair: tuple[int, int, int]) -> None:
        """Show `plane` of `grid` where the crosshair is, without layers and outlines at first."""
        self._grid, self._plane, self._crosshair = grid, plane, crosshair
        self._labels, self._layers = None, []
        self._draw_anatomy()
        across, up = plane.shape
        place = QRectF(0, 0, *plane.extent)
        self.anatomy.setRect(place)
        self.overlay.set_image(np.zeros((up, across, 4), dtype=np.uint8), place)
        self._move_lines()

    def set_layers(self, layers: list[Layer]) -> None:
        """Lay `layers`, the lowest first, over the anatomy."""
        self._layers = layers
        self._draw_overlay()

    def set_anatomy(self, look: Look) -> None:
        """Draw the anatomy in another way."""
        self.anatomy.setVisible(look.visible)
        self.anatomy.setOpacity(look.opacity)
        # pyqtgraph draws grey levels as they are twice as fast as through any table.
        plain = look.colour_map == GREY and (look.low, look.high) == (0, 255)
        self.anatomy.setLevels(None if plain else (look.low, look.high))
        self.anatomy.setLookupTable(None if plain else colour_table(look.colour_map))
        self._draw_anatomy()

    def set_outlines(self, labels: NDArray[np.int16] | None, colours: Mapping[int, QColor]) -> None:
        """Outline the regions numbered in `labels` (n_voxels + 1,); None draws no outline."""
        for _, item in self.outlines:
            self._box.removeItem(item)
        self._labels = labels
        self.outlines = [(number, _outline_item(colour)) for number, colour in colours.items()]
        for _, item in self.outlines:
            self._box.addItem(item, ignoreBounds=True)
        self._draw_outlines()

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
            picture = np.ascontiguousarray(self._slice(self._grid.anatomy))
            self.anatomy.setImage(picture, autoLevels=False)

    def _draw_overlay(self) -> None:
        if self._grid is not None and self._plane is not None and self._layers:
            index = self._crosshair[self._plane.through]
            picture = unpacked(compose(self._layers, self._grid, self._plane, index))
            self.overlay.set_image(picture, QRectF(0, 0, *self._plane.extent))

    def _draw_outlines(self) -> None:
        if self._grid is None or self._plane is None or self._labels is None:
            return
        rows, columns = self._plane.window(self._grid.box)
        numbers = self._labels[self._slice(self._grid.voxel_at)[rows, columns]]
        points, sides = borders(numbers)
        corner = np.array([columns.start, rows.start])
        points = (points + corner) * np.asarray(self._plane.spacing)
        for number, item in self.outlines:
            own = points[(sides == number).any(axis=1)].reshape(-1, 2)
            item.setVisible(len(own) > 0)
            if len(own):
                item.setPath(pg.arrayToQPath(own[:, 0], own[:, 1], connect="pairs"))

    def _move_lines(self) -> None:
        assert self._plane is not None
        for line, value in zip(self._lines, self._plane.position(self._crosshair), strict=True):
            line.setValue(value)


class OverlayImage(QGraphicsItem):
    """Premultiplied colours drawn as they are: no interpolation, no conversion.

    Attributes
    ----------
    image : (up, across, 4) uint8
        Row 0 at the bottom.
    """

    def __init__(self) -> None:
        super().__init__()
        self.image: ImageArray = np.zeros((1, 1, 4), dtype=np.uint8)
        self._drawn = QImage()
        self._place = QRectF()

    def set_image(self, image: ImageArray, place: QRectF) -> None:
        """Draw `image` (up, across, 4), R, G and B times A, at `place` in mm."""
        self.image = image
        up, across = image.shape[:2]
        form = QImage.Format.Format_RGBA8888_Premultiplied
        self._drawn = QImage(image.data, across, up, 4 * across, form)  # `image` owns the bytes
        if place != self._place:
            self.prepareGeometryChange()
            self._place = place
        self.update()

    def boundingRect(self) -> QRectF:
        """Return where it is drawn (called by Qt)."""
        return self._place

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionGraphicsItem,
        widget: QWidget | None = None,
    ) -> None:
        """Draw the image (called by Qt)."""
        painter.drawImage(self._place, self._drawn)


class _SmoothImage(pg.ImageItem):
    """An image whose pixels are interpolated, as anatomy is; overlays keep their voxels."""

    def paint(self, painter: QPainter, *args: object) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        super().paint(painter, *args)


def _outline_item(colour: QColor) -> QGraphicsPathItem:
    item = QGraphicsPathItem()
    pen = QPen(colour, 1)  # wider ones take ten times longer to draw
    pen.setCosmetic(True)
    item.setPen(pen)
    item.setZValue(10)
    return item


def borders(
    numbers: NDArray[np.int16],
) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    """Return the pixel edges at which the region changes.

    Parameters
    ----------
    numbers : (up, across) int
        Region of every pixel, 0 for none.

    Returns
    -------
    points : (n, 2, 2) int
        Column and row of both ends of every edge.
    sides : (n, 2) int
        The regions that it separates.
    """
    rows, columns = (np.flatnonzero(numbers.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return np.empty((0, 2, 2), dtype=np.int64), np.empty((0, 2), dtype=np.int16)
    # Regions fill a small part of the slice: looking there alone is ten times faster.
    inside = np.pad(numbers[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 1)
    corner = np.array([columns[0], rows[0]])
    found = []
    for first, second, along in (
        (inside[1:-1, :-1], inside[1:-1, 1:], (0, 1)),  # upright edges
        (inside[:-1, 1:-1], inside[1:, 1:-1], (1, 0)),  # level edges
    ):
        row, column = np.nonzero(first != second)
        start = np.stack([column, row], axis=1) + corner
        ends = np.stack([start, start + along], axis=1)
        found.append((ends, np.stack([first[row, column], second[row, column]], axis=1)))
    (upright, beside), (level, above) = found
    return np.concatenate([upright, level]), np.concatenate([beside, above])
