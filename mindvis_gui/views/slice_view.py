"""One anatomical plane that follows the crosshair and takes it along: mouse, wheel and keys."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QLabel, QStyle

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.plane import Plane
from mindvis_gui.session import Session
from mindvis_gui.views.announcing import announce
from mindvis_gui.views.readout import describe
from mindvis_gui.views.slice_picture import SlicePicture

_LETTERS = QColor(225, 229, 234)
_RIM = QColor(0, 0, 0, 200)
_READOUT = "background: rgba(0, 0, 0, 170); color: #cdd1d6; padding: 1px 5px;"
_NOTCH = 120  # angle delta of one click of a mouse wheel
_ZOOM = 1.2  # a notch
_MAX_ZOOM = 20.0


class SliceView(pg.GraphicsView):
    """Shows the slice of `plane` that the session's crosshair lies in; click and drag move it.

    The wheel and Shift+Up/Down go through slices, arrows move in the plane, Ctrl+wheel zooms,
    the middle button pans, a double click shows the whole slice again. What is drawn is `picture`.
    """

    zoomed = Signal(float)  # by which factor; the planes are zoomed together
    reset = Signal()
    hovered = Signal(object, object)  # this view, and the grid point under the mouse or None

    def __init__(self, session: Session, name: str) -> None:
        super().__init__(background="k")
        self.setAntialiasing(False)
        self._session = session
        self._grid: DisplayGrid | None = None
        self.plane: Plane | None = None
        self._frame = (1.0, 1.0)
        self._zoom = 1.0
        self._notches = 0
        self._grabbed: QPointF | None = None
        self._brushed = QPointF()  # where the brush was last
        self._letterings: dict[tuple[str, str, float], QPixmap] = {}

        self._view = pg.ViewBox(
            lockAspect=True, enableMouse=False, enableMenu=False, defaultPadding=0
        )
        self._view.disableAutoRange()
        self.setCentralItem(self._view)
        self.picture = SlicePicture(self._view)

        self._readout = QLabel(self.viewport())
        self._readout.setStyleSheet(_READOUT)
        self._readout.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._readout.hide()
        self.viewport().setMouseTracking(True)
        self.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the view itself has the keys
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName(f"{name} slice")
        self.setAccessibleDescription(
            "Arrows move the crosshair, Shift+Up and Shift+Down go through slices"
        )
        self.setMinimumSize(96, 80)

    # -- what is shown -----------------------------------------------------------------------

    def set_grid(self, grid: DisplayGrid, plane: Plane, frame: tuple[float, float]) -> None:
        """Show `plane` of `grid`; `frame` (mm) is what all planes fit in at the same scale."""
        self._grid, self.plane, self._frame, self._zoom = grid, plane, frame, 1.0
        self.picture.set_grid(grid, plane, self._session.brain.crosshair)
        self._fit()

    def follow_crosshair(self) -> None:
        """Show the crosshair where it is now."""
        self.picture.move(self._session.brain.crosshair)

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
        area = self.viewport().rect().adjusted(8, 6, -8, -6)
        align = Qt.AlignmentFlag
        left, right, bottom, top = self.plane.edges
        aside = area.translated(12, 0)  # of the crosshair, which is often in the middle
        metrics = self.fontMetrics()
        room = aside.center().x() - metrics.horizontalAdvance(top) // 2 - area.left() - 6
        name = metrics.elidedText(self.plane.name, Qt.TextElideMode.ElideRight, room)
        for text, place, side in (
            (name, area, align.AlignLeft | align.AlignTop),
            (left, area, align.AlignLeft | align.AlignVCenter),
            (right, area, align.AlignRight | align.AlignVCenter),
            (top, aside, align.AlignHCenter | align.AlignTop),
            (bottom, aside, align.AlignHCenter | align.AlignBottom),
        ):
            letters = self._lettering(text)
            size = letters.deviceIndependentSize().toSize()
            corner = QStyle.alignedRect(self.layoutDirection(), side, size, place).topLeft()
            painter.drawPixmap(corner, letters)
        painter.restore()

    def _lettering(self, text: str) -> QPixmap:
        """Return a picture of `text`, which is quicker to draw than the text at every frame."""
        key = text, self.font().toString(), self.devicePixelRatioF()
        if key not in self._letterings:
            self._letterings[key] = _written(text, self.font(), self.devicePixelRatioF())
        return self._letterings[key]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the crosshair, paint while there is a brush, or begin to pan."""
        if event.button() == Qt.MouseButton.LeftButton and self._session.regions.brush:
            erase = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self._session.regions.begin_stroke(erase=erase)
            self._brushed = event.position()
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
        if move is not None and self._grid is not None:
            announce(self, describe(self._session, self._session.brain.crosshair))

    def _to_mm(self, pixel: QPointF) -> QPointF:
        return self._view.mapSceneToView(self.mapToScene(pixel.toPoint()))

    def _paint(self, pixel: QPointF) -> None:
        """Let the brush run over the voxels drawn on the way to a pixel."""
        brush = self._session.regions.brush
        if self.plane is None or self._grid is None or brush is None:
            return
        index = self._session.brain.crosshair[self.plane.through]
        here = self.plane.slice(self._grid.voxel_at, index)
        start, end = self._to_mm(self._brushed), self._to_mm(pixel)
        self._brushed = pixel
        way = end - start
        step = max(brush.radius, min(self.plane.spacing) / 2)
        count = max(math.ceil(math.hypot(way.x(), way.y()) / step), 1)  # a quick mouse jumps
        places = [end - way * (i / count) for i in range(count)]
        under = [here[self.plane.disc((at.x(), at.y()), brush.radius)] for at in places]
        voxels = np.unique(np.concatenate(under)).astype(np.int64)
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


def _written(text: str, font: QFont, ratio: float) -> QPixmap:
    """Write `text` with a dark rim: it may lie on bright anatomy or a bright overlay."""
    size = QFontMetrics(font).size(0, text) + QSize(2, 2)
    picture = QPixmap(size * ratio)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setFont(font)
    inner = QRect(QPoint(1, 1), size - QSize(2, 2))
    painter.setPen(_RIM)
    for x, y in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        painter.drawText(inner.translated(x, y), 0, text)
    painter.setPen(_LETTERS)
    painter.drawText(inner, 0, text)
    painter.end()
    return picture
