"""A picture with what is written beneath it, and the tile that shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPalette,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QApplication, QWidget

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.views.theme import accent, muted, rule, smaller

_RADIUS = 6
_FRAME = 2  # accent frame around what was seen


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """What a tile shows.

    Attributes
    ----------
    title : str
        Beneath, at the left: ``"seed 3"``.
    notes : tuple of str
        Beneath, at the right: the first that fits.
    details : tuple of str
        On a second line: the first that fits.
    image : (h, w, 3) uint8 or None
    instead : str
        Written in place of a missing image.
    seed : int or None
        Seed of a finished sample.
    seen : bool
        Whether it is the stimulus: marked apart from everything decoded.
    hint : str
        Tool tip.
    """

    title: str
    notes: tuple[str, ...] = ()
    image: ImageArray | None = None
    instead: str = ""
    seed: int | None = None
    seen: bool = False
    hint: str = ""
    details: tuple[str, ...] = ()

    @property
    def squeezed(self) -> str:
        """Whence an image was squeezed into the square that the model learns from; maybe empty."""
        height, width = (1, 1) if self.image is None else self.image.shape[:2]
        return "" if height == width else f"squeezed from {width} × {height}"

    @property
    def heading(self) -> str:
        """The title, and how the image was squeezed."""
        return ", ".join(filter(None, (self.title, self.squeezed)))


def to_qimage(image: ImageArray) -> QImage:
    """Return a copy of `image` (h, w, 3) that Qt owns."""
    rows = np.ascontiguousarray(image)
    height, width = rows.shape[:2]
    return QImage(rows.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def _fitting(texts: tuple[str, ...], metrics: QFontMetrics, room: float) -> str:
    """Return the first text that fits, none if none does."""
    return next((text for text in texts if metrics.horizontalAdvance(text) <= room), "")


def title_within(title: str, metrics: QFontMetrics, room: float) -> str:
    """Return as much of a title as there is room for; of a seed the number stays."""
    short = title.removeprefix("seed ")
    cut = metrics.elidedText(short, Qt.TextElideMode.ElideRight, int(room))
    return _fitting((title, short), metrics, room) or cut


class PictureTile(QWidget):
    """Shows one `Picture` as a square with a caption."""

    opened = Signal()
    menu_wanted = Signal(object)  # global position
    dragged = Signal()  # out of its place, with the left button

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture = Picture("")
        self._pressed: QPoint | None = None
        self._cover: QImage | None = None
        self._image: QImage | None = None
        self._scaled: QPixmap | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_picture(self, picture: Picture) -> None:
        """Show another picture."""
        self.picture = picture
        self._image = None if picture.image is None else to_qimage(picture.image)
        self._scaled = None
        self.setAccessibleName(", ".join((picture.title, *picture.notes[:1], *picture.details[:1])))
        self.setAccessibleDescription(picture.hint or picture.instead)
        self.setToolTip(picture.hint)
        self.setCursor(
            Qt.CursorShape.ArrowCursor if self._image is None else Qt.CursorShape.PointingHandCursor
        )
        self.update()

    def cover(self, image: ImageArray | None) -> None:
        """Show `image` in place of the picture for a while; None uncovers it."""
        self._cover = None if image is None else to_qimage(image)
        self._scaled = None
        self.update()

    @property
    def shown(self) -> QImage | None:
        """The image on screen."""
        return self._image if self._cover is None else self._cover

    @classmethod
    def caption_height(cls, widget: QWidget) -> int:
        """Pixels that the caption takes beneath the square."""
        return 2 * widget.fontMetrics().height() + 6

    def sizeHint(self) -> QSize:
        """Return a square and its caption."""
        return QSize(160, 160 + self.caption_height(self))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the square, its frame and its caption."""
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        inset = _FRAME + 1
        side = self.width() - 2 * inset
        box = QRectF(inset, inset, side, side)
        shape = QPainterPath()
        shape.addRoundedRect(box, _RADIUS, _RADIUS)
        if self.shown is None:
            self._paint_placeholder(painter, shape, box)
        else:
            painter.setClipPath(shape)
            painter.drawPixmap(box.topLeft(), self._pixmap(self.shown, box))
            painter.setClipping(False)
        if self.picture.seen or self._cover is not None or self.hasFocus():
            width = _FRAME if self.picture.seen or self._cover is not None else 1
            painter.setPen(QPen(accent(self), width))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(-1.5, -1.5, 1.5, 1.5), _RADIUS + 1, _RADIUS + 1)
        self._paint_caption(painter, box)

    def _pixmap(self, image: QImage, box: QRectF) -> QPixmap:
        """Return the image at the size of the square, kept until either changes."""
        ratio = self.devicePixelRatioF()
        size = (box.size() * ratio).toSize()
        if self._scaled is None or self._scaled.size() != size:
            scaled = image.scaled(
                size,
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            self._scaled = QPixmap.fromImage(scaled)
            self._scaled.setDevicePixelRatio(ratio)
        return self._scaled

    def _paint_placeholder(self, painter: QPainter, shape: QPainterPath, box: QRectF) -> None:
        painter.fillPath(shape, self.palette().color(QPalette.ColorRole.Base))
        painter.setPen(QPen(rule(self), 1))
        painter.drawPath(shape)
        painter.setPen(muted(self))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(box.adjusted(8, 8, -8, -8), flags, self.picture.instead)

    def _paint_caption(self, painter: QPainter, box: QRectF) -> None:
        font = smaller(self.font(), 0.9)
        font.setBold(self.picture.seen)
        painter.setFont(font)
        area = QRectF(box.left(), box.bottom() + 4, box.width(), self.height() - box.bottom() - 4)
        painter.setPen(accent(self) if self.picture.seen else self.palette().windowText().color())
        align = Qt.AlignmentFlag
        title = title_within(self.picture.title, painter.fontMetrics(), area.width())
        painter.drawText(area, align.AlignLeft | align.AlignTop, title)
        room = area.width() - painter.fontMetrics().horizontalAdvance(title) - 8
        font.setBold(False)
        painter.setFont(font)
        painter.setPen(muted(self))
        metrics = painter.fontMetrics()
        note = _fitting(self.picture.notes, metrics, room)
        painter.drawText(area, align.AlignRight | align.AlignTop, note)
        detail = _fitting(self.picture.details, metrics, area.width())
        second = area.adjusted(0, metrics.height(), 0, 0)
        painter.drawText(second, align.AlignLeft | align.AlignTop, detail)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Open the picture once released here; maybe a drag begins."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Take the picture out of its place."""
        if self._pressed is not None:
            far = (event.position().toPoint() - self._pressed).manhattanLength()
            if far >= QApplication.startDragDistance():
                self._pressed = None
                self.dragged.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open the picture."""
        pressed, self._pressed = self._pressed, None
        if pressed is not None and self.rect().contains(event.position().toPoint()):
            self.opened.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open with Return; Left and Right go to the neighbours."""
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if plain and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        elif plain and event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.focusNextPrevChild(event.key() == Qt.Key.Key_Right)
        else:
            event.ignore()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu."""
        self.menu_wanted.emit(event.globalPos())

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show where the keyboard is."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Show that the keyboard is elsewhere."""
        super().focusOutEvent(event)
        self.update()
