"""One anatomical plane: anatomy, overlay, region outlines and the crosshair."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QGraphicsPathItem, QLabel, QWidget

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.plane import Plane
from mindvis_gui.session import Session
from mindvis_gui.session.overlays import GREY, Look
from mindvis_gui.views.colour_maps import colour_table, unpacked
from mindvis_gui.views.layers import Layer, compose

_CROSSHAIR = QColor(130, 230, 140, 190)
_LETTERS = QColor(205, 209, 214)
_READOUT = "background: rgba(0, 0, 0, 170); color: #cdd1d6; padding: 1px 5px;"
_NOTCH = 120  # angle delta of one click of a mouse wheel
_ZOOM = 1.2  # a notch
_MAX_ZOOM = 20.0


class SliceView(pg.GraphicsView):
    """Shows the slice of `plane` that the session's crosshair lies in; click and drag move it.

    The wheel and Shift+Up/Down go through slices, arrows move in the plane, Ctrl+wheel zooms,
    the middle button pans, a double click shows the whole slice again.
    """

    zoomed = Signal(float)  # by which factor; the planes are zoomed together
    reset = Signal()
    hovered = Signal(object, object)  # this view, and the grid point under the mouse or None

    def __init__(self, session: Session, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent, background="k")
        self.setAntialiasing(False)
        self._session = session
        self._grid: DisplayGrid | None = None
        self.plane: Plane | None = None
        self._frame = (1.0, 1.0)
        self._zoom = 1.0
        self._notches = 0
        self._grabbed: QPointF | None = None
        self._layers: list[Layer] = []
        self._labels: NDArray[np.int16] | None = None
        self._outlines: list[tuple[int, QGraphicsPathItem]] = []

        self._view = pg.ViewBox(
            lockAspect=True, enableMouse=False, enableMenu=False, defaultPadding=0
        )
        self._view.disableAutoRange()
        self.setCentralItem(self._view)
        self._anatomy = _SmoothImage(axisOrder="row-major")
        self._overlay = pg.ImageItem(axisOrder="row-major")
        pen = pg.mkPen(_CROSSHAIR, width=1)
        self._lines = (pg.InfiniteLine(angle=90, pen=pen), pg.InfiniteLine(angle=0, pen=pen))
        for item in (self._anatomy, self._overlay, *self._lines):
            self._view.addItem(item, ignoreBounds=True)
        for depth, line in enumerate(self._lines):
            line.setZValue(20 + depth)

        self._readout = QLabel(self.viewport())
        self._readout.setStyleSheet(_READOUT)
        self._readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._readout.hide()
        self.viewport().setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName(f"{name} slice")
        self.setAccessibleDescription(
            "Arrows move the crosshair, Shift+Up and Shift+Down go through slices"
        )
        self.setMinimumSize(120, 120)

    # -- what is shown -----------------------------------------------------------------------

    def set_grid(self, grid: DisplayGrid, plane: Plane, frame: tuple[float, float]) -> None:
        """Show `plane` of `grid`; `frame` (mm) is what all planes fit in at the same scale."""
        self._grid, self.plane, self._frame, self._zoom = grid, plane, frame, 1.0
        self._labels, self._layers = None, []
        self._draw_anatomy()
        across, up = plane.shape
        self._overlay.setImage(np.zeros((up, across, 4), dtype=np.uint8), autoLevels=False)
        width, height = plane.extent
        for image in (self._anatomy, self._overlay):
            image.setRect(QRectF(0, 0, width, height))
        self._fit()
        self._move_lines()

    def set_layers(self, layers: list[Layer]) -> None:
        """Lay `layers`, the lowest first, over the anatomy."""
        self._layers = layers
        self._draw_overlay()

    def set_anatomy(self, look: Look) -> None:
        """Draw the anatomy in another way."""
        self._anatomy.setVisible(look.visible)
        self._anatomy.setOpacity(look.opacity)
        # pyqtgraph draws grey levels as they are twice as fast as through any table.
        plain = look.colour_map == GREY and (look.low, look.high) == (0, 255)
        self._anatomy.setLevels(None if plain else (look.low, look.high))
        self._anatomy.setLookupTable(None if plain else colour_table(look.colour_map))
        self._draw_anatomy()

    def set_outlines(self, labels: NDArray[np.int16] | None, colours: Mapping[int, QColor]) -> None:
        """Outline the regions numbered in `labels` (n_voxels + 1,); None draws no outline."""
        for _, item in self._outlines:
            self._view.removeItem(item)
        self._labels = labels
        self._outlines = [(number, _outline_item(colour)) for number, colour in colours.items()]
        for _, item in self._outlines:
            self._view.addItem(item, ignoreBounds=True)
        self._draw_outlines()

    def follow_crosshair(self, before: tuple[int, int, int] | None) -> None:
        """Show the crosshair where it is now; it was at `before`."""
        if self._grid is None or self.plane is None:
            return
        through = self.plane.through
        if before is None or before[through] != self._session.brain.crosshair[through]:
            self._draw_anatomy()
            self._draw_overlay()
            self._draw_outlines()
        self._move_lines()

    def show_readout(self, text: str) -> None:
        """Write `text` into the lower left corner; an empty one takes the label away."""
        self._readout.setVisible(bool(text))
        self._readout.setText(text)
        room = self.viewport().width() - 8
        self._readout.setWordWrap(False)
        if self._readout.sizeHint().width() > room:
            self._readout.setWordWrap(True)
            self._readout.setMaximumWidth(room)
        self._readout.adjustSize()
        self._readout.move(4, self.viewport().height() - self._readout.height() - 4)

    def zoom(self, factor: float) -> None:
        """Zoom about the crosshair."""
        if self.plane is None:
            return
        factor = float(np.clip(self._zoom * factor, 1.0, _MAX_ZOOM)) / self._zoom
        self._zoom *= factor
        if self._zoom == 1.0:
            self._fit()
        else:
            centre = QPointF(*self.plane.position(self._session.brain.crosshair))
            self._view.scaleBy((1 / factor, 1 / factor), center=centre)

    def show_all(self) -> None:
        """Show the whole slice."""
        self._zoom = 1.0
        self._fit()

    def _fit(self) -> None:
        if self.plane is None:
            return
        (width, height), (w, h) = self.plane.extent, self._frame
        whole = QRectF((width - w) / 2, (height - h) / 2, w, h)
        self._view.setRange(whole, padding=0.05, disableAutoRange=True)

    def _slice(self, volume: NDArray[np.generic]) -> NDArray[np.generic]:
        assert self.plane is not None
        return self.plane.slice(volume, self._session.brain.crosshair[self.plane.through])

    def _draw_anatomy(self) -> None:
        if self._grid is not None:
            picture = np.ascontiguousarray(self._slice(self._grid.anatomy))
            self._anatomy.setImage(picture, autoLevels=False)

    def _draw_overlay(self) -> None:
        if self._grid is not None and self.plane is not None and self._layers:
            index = self._session.brain.crosshair[self.plane.through]
            picture = unpacked(compose(self._layers, self._grid, self.plane, index))
            self._overlay.setImage(picture, autoLevels=False)

    def _draw_outlines(self) -> None:
        if self._grid is None or self.plane is None or self._labels is None:
            return
        numbers = self._labels[self._slice(self._grid.voxel_at)]
        points, sides = _borders(numbers)
        points = points * np.asarray(self.plane.spacing)
        for number, item in self._outlines:
            own = points[(sides == number).any(axis=1)].reshape(-1, 2)
            item.setVisible(len(own) > 0)
            if len(own):
                item.setPath(pg.arrayToQPath(own[:, 0], own[:, 1], connect="pairs"))

    def _move_lines(self) -> None:
        assert self.plane is not None
        for line, value in zip(
            self._lines, self.plane.position(self._session.brain.crosshair), strict=True
        ):
            line.setValue(value)

    # -- events ------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the whole slice in view."""
        super().resizeEvent(event)
        if getattr(self, "_zoom", 0) == 1.0:  # pyqtgraph resizes before this is set up
            self._fit()

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Write the plane's name and the directions over the picture."""
        if self.plane is None:
            return
        painter.save()
        painter.resetTransform()
        painter.setPen(_LETTERS)
        painter.setFont(self.font())
        area = self.viewport().rect().adjusted(8, 6, -8, -6)
        align = Qt.AlignmentFlag
        left, right, bottom, top = self.plane.edges
        painter.drawText(area, align.AlignLeft | align.AlignTop, self.plane.name)
        aside = area.translated(12, 0)  # of the crosshair, which is often in the middle
        for letter, place, side in (
            (left, area, align.AlignLeft | align.AlignVCenter),
            (right, area, align.AlignRight | align.AlignVCenter),
            (top, aside, align.AlignHCenter | align.AlignTop),
            (bottom, aside, align.AlignHCenter | align.AlignBottom),
        ):
            painter.drawText(place, side, letter)
        painter.restore()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the crosshair, paint while there is a brush, or begin to pan."""
        if event.button() == Qt.MouseButton.LeftButton and self._session.regions.brush:
            erase = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._session.regions.begin_stroke(erase=erase)
            self._paint(event.position())
        elif event.button() == Qt.MouseButton.LeftButton:
            self._pick(event.position())
        elif event.button() == Qt.MouseButton.MiddleButton:
            self._grabbed = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the crosshair, the brush or the picture."""
        if event.buttons() & Qt.MouseButton.LeftButton and self._session.regions.brush:
            self._paint(event.position())
        elif event.buttons() & Qt.MouseButton.LeftButton:
            self._pick(event.position())
        elif event.buttons() & Qt.MouseButton.MiddleButton and self._grabbed is not None:
            shift = self._to_mm(self._grabbed) - self._to_mm(event.position())
            self._view.translateBy(x=shift.x(), y=shift.y())
            self._grabbed = event.position()
        else:
            self.hovered.emit(self, self._point(event.position()))

    def leaveEvent(self, event: QEvent) -> None:
        """Say nothing of what was under the mouse."""
        super().leaveEvent(event)
        self.hovered.emit(self, None)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the stroke of the brush, or panning."""
        self._grabbed = None
        if event.button() == Qt.MouseButton.LeftButton and self._session.regions.brush:
            self._session.regions.end_stroke()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show the whole slice again; while painting it is a second click."""
        if self._session.regions.brush:
            self.mousePressEvent(event)
        else:
            self.reset.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Go through slices, or zoom with Ctrl."""
        delta = event.angleDelta().y() or event.angleDelta().x()  # Shift turns the wheel on macOS
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.zoomed.emit(_ZOOM ** (delta / _NOTCH))
        else:
            self._notches += delta  # a touchpad sends many small ones
            steps = int(self._notches / _NOTCH)  # towards zero, both ways alike
            self._notches -= steps * _NOTCH
            self._go_through(steps)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the crosshair by one grid point."""
        moves = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, 1),
            Qt.Key.Key_Down: (0, -1),
        }
        move = moves.get(Qt.Key(event.key()))
        if move is None or self.plane is None:
            event.ignore()
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._go_through(move[1])
        else:
            x, y = self.plane.position(self._session.brain.crosshair)
            across, up = self.plane.spacing
            self._go_to(x + move[0] * across, y + move[1] * up)

    def _to_mm(self, pixel: QPointF) -> QPointF:
        return self._view.mapSceneToView(self.mapToScene(pixel.toPoint()))

    def _paint(self, pixel: QPointF) -> None:
        """Let the brush run over the voxels drawn around a pixel."""
        brush = self._session.regions.brush
        if self.plane is None or self._grid is None or brush is None:
            return
        mm = self._to_mm(pixel)
        near = self.plane.disc((mm.x(), mm.y()), brush.radius)
        voxels = np.unique(self._slice(self._grid.voxel_at)[near]).astype(np.int64)
        self._session.regions.extend_stroke(voxels[voxels >= 0])

    def _point(self, pixel: QPointF) -> tuple[int, int, int] | None:
        """Return the grid point drawn at a pixel, None beside the picture."""
        if self.plane is None or self._grid is None:
            return None
        mm = self._to_mm(pixel)
        point = self.plane.voxel(mm.x(), mm.y(), self._session.brain.crosshair)
        inside = all(0 <= p < n for p, n in zip(point, self._grid.shape, strict=True))
        return point if inside else None

    def _pick(self, pixel: QPointF) -> None:
        point = self._to_mm(pixel)
        self._go_to(point.x(), point.y())

    def _go_to(self, x: float, y: float) -> None:
        if self.plane is not None:
            self._session.brain.set_crosshair(self.plane.voxel(x, y, self._session.brain.crosshair))

    def _go_through(self, steps: int) -> None:
        if self.plane is not None and steps:
            voxel = list(self._session.brain.crosshair)
            voxel[self.plane.through] += steps
            self._session.brain.set_crosshair((voxel[0], voxel[1], voxel[2]))


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


def _borders(
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
