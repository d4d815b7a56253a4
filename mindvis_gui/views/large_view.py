"""One sample large beside the stimulus, over the whole window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from mindvis_gui.views.picture import Picture, to_qimage
from mindvis_gui.views.theme import accent

_BACK = QColor(14, 16, 19)
_TEXT = QColor(225, 228, 232)
_DIM = QColor(150, 156, 164)
_MARGIN = 48
_GAP = 16
_KEYS = "Left, Right: other samples · hold Space: stimulus · W: wipe · Esc: close"


class LargeView(QWidget):
    """Shows stimulus and sample side by side, or one wiped over the other; keys walk on."""

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._pictures: list[Picture] = []
        self.index = 0
        self.wiping = False
        self.covered = False  # Space is held: the stimulus in the sample's place
        self._divider = 0.5
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Large view")
        self.setAccessibleDescription(_KEYS)
        parent.installEventFilter(self)
        self.hide()

    def open(self, pictures: Sequence[Picture], index: int) -> None:
        """Show ``pictures[index]``; the stimulus among them is what it is compared with."""
        self._pictures = [picture for picture in pictures if picture.image is not None]
        self.index = self._pictures.index(pictures[index])
        if self.current.seen and len(self._pictures) > self.index + 1:
            self.index += 1
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()
        self.setFocus()

    @property
    def current(self) -> Picture:
        """The picture that is compared with the stimulus."""
        return self._pictures[self.index]

    @property
    def stimulus(self) -> Picture | None:
        """What was seen, if the file has it."""
        return next((picture for picture in self._pictures if picture.seen), None)

    def walk(self, step: int) -> None:
        """Go to the next or the previous sample, around the end."""
        others = [i for i, picture in enumerate(self._pictures) if not picture.seen]
        if others and self.index in others:
            self.index = others[(others.index(self.index) + step) % len(others)]
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw one picture, two side by side, or a wipe."""
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        painter.fillRect(self.rect(), _BACK)
        painter.setPen(_DIM)
        foot = self.rect().adjusted(0, 0, 0, -14)
        painter.drawText(foot, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom, _KEYS)
        stimulus, current = self.stimulus, self.current
        if stimulus is None or stimulus is current:
            self._paint(painter, current, self._box(0, 1))
        elif self.wiping:
            box = self._box(0, 1)
            self._paint(painter, current, box)
            x = box.left() + self._divider * box.width()
            assert stimulus.image is not None
            painter.setClipRect(QRectF(box.topLeft(), QPointF(x, box.bottom())))
            painter.drawImage(box, to_qimage(stimulus.image))
            painter.setClipping(False)
            painter.setPen(QPen(accent(self), 2))
            painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        else:
            self._paint(painter, stimulus, self._box(0, 2))
            self._paint(painter, stimulus if self.covered else current, self._box(1, 2))

    def _box(self, place: int, places: int) -> QRectF:
        """Return the square of the picture at `place` of `places` in a row."""
        width = (self.width() - 2 * _MARGIN - _GAP * (places - 1)) / places
        side = max(min(width, self.height() - 2 * _MARGIN - 40), 1)
        left = (self.width() - side * places - _GAP * (places - 1)) / 2 + place * (side + _GAP)
        return QRectF(left, (self.height() - 40 - side) / 2, side, side)

    def _paint(self, painter: QPainter, picture: Picture, box: QRectF) -> None:
        assert picture.image is not None
        painter.drawImage(box, to_qimage(picture.image))
        if picture.seen:
            painter.setPen(QPen(accent(self), 2))
            painter.drawRect(box)
        painter.setPen(accent(self) if picture.seen else _TEXT)
        align = Qt.AlignmentFlag
        area = QRectF(box.left(), box.bottom() + 8, box.width(), 24)
        title = f"seen | {picture.title}" if self.wiping and not picture.seen else picture.title
        painter.drawText(area, align.AlignLeft | align.AlignTop, title)
        painter.setPen(_DIM)
        painter.drawText(area, align.AlignRight | align.AlignTop, "".join(picture.notes[:1]))

    def event(self, event: QEvent) -> bool:
        """Take the keys that the window has shortcuts for."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk, wipe, cover or close."""
        key = event.key()
        if key == Qt.Key.Key_Escape:
            self.leave()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.walk(1 if key == Qt.Key.Key_Right else -1)
        elif key == Qt.Key.Key_W:
            self.wiping = not self.wiping
        elif key == Qt.Key.Key_Space:
            self.covered = True
        self.update()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Uncover the sample."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.covered = False
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the divider of a wipe; a click beside the pictures closes."""
        if self.wiping:
            self.mouseMoveEvent(event)
        elif not any(self._box(i, 2).contains(event.position()) for i in range(2)):
            self.leave()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the divider."""
        if self.wiping:
            box = self._box(0, 1)
            self._divider = min(max((event.position().x() - box.left()) / box.width(), 0.0), 1.0)
            self.update()

    def leave(self) -> None:
        """Close."""
        self.hide()
        self.covered = False
        self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as large as the window."""
        if event.type() == QEvent.Type.Resize and watched is self._window:
            self.setGeometry(self._window.rect())
        return False
