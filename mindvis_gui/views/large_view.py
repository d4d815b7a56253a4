"""One sample large beside the stimulus or another sample, over the whole window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from mindvis_gui.analysis.difference import FULL_DIFFERENCE, difference_map
from mindvis_gui.views.lens import Lens
from mindvis_gui.views.overlay import sequential_colours
from mindvis_gui.views.picture import Picture, to_qimage
from mindvis_gui.views.theme import accent

_BACK = QColor(14, 16, 19)
_TEXT = QColor(225, 228, 232)
_DIM = QColor(150, 156, 164)
_MARGIN = 48
_GAP = 16
_BLINK = 600  # ms that each of two pictures is shown
_ZOOM = 1.2  # a notch of the wheel
_KEYS = (
    "←  →  other samples   ·   Space  reference   ·   W  wipe   ·   B  blink   ·   D  difference"
    "   ·   A  compare with this one   ·   S  with the stimulus   ·   wheel  zoom   ·   Esc  close"
)
_MODES = {Qt.Key.Key_W: "wipe", Qt.Key.Key_B: "blink", Qt.Key.Key_D: "difference"}


class LargeView(QWidget):
    """Shows a sample beside its reference, wiped over it, in turn with it, or their difference.

    The reference is the stimulus, or any other sample. Zoom and pan are shared.

    Attributes
    ----------
    mode : {"beside", "wipe", "blink", "difference"}
    covered : bool
        Whether the reference is shown in the sample's place: while Space is held, or by blinking.
    """

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._window = parent
        self._pictures: list[Picture] = []
        self._images: dict[int, QImage] = {}  # by id of the picture
        self._against: Picture | None = None
        self.index = 0
        self.mode = "beside"
        self.covered = False
        self._divider = 0.5
        self._grabbed: QPointF | None = None
        self.lens = Lens(self)
        self.lens.changed.connect(self.update)
        self._blink = QTimer(self, interval=_BLINK)
        self._blink.timeout.connect(self._change_over)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Large view")
        self.setAccessibleDescription(_KEYS)
        parent.installEventFilter(self)
        self.hide()

    def open(self, pictures: Sequence[Picture], index: int) -> None:
        """Show ``pictures[index]``; the stimulus among them is what it is compared with."""
        self._pictures = [picture for picture in pictures if picture.image is not None]
        self._images.clear()
        self._against = None
        self.index = self._pictures.index(pictures[index])
        if self.current.seen and len(self._pictures) > self.index + 1:
            self.index += 1
        self.lens.reset()
        self.set_mode("beside")
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()
        self.setFocus()

    @property
    def current(self) -> Picture:
        """The picture that is compared with the reference."""
        return self._pictures[self.index]

    @property
    def stimulus(self) -> Picture | None:
        """What was seen, if the file has it."""
        return next((picture for picture in self._pictures if picture.seen), None)

    @property
    def reference(self) -> Picture | None:
        """What the current picture is compared with."""
        return self._against or self.stimulus

    @property
    def wiping(self) -> bool:
        """Whether one picture is wiped over the other."""
        return self.mode == "wipe"

    def set_mode(self, mode: str) -> None:
        """Show both pictures in another way."""
        self.mode = mode
        self.covered = False
        if mode == "blink":
            self._blink.start()
        else:
            self._blink.stop()
        self.update()

    def compare_with_current(self) -> None:
        """Make the current sample the reference of the others."""
        self._against = self.current
        self.walk(1)
        self.update()

    def compare_with_stimulus(self) -> None:
        """Make the stimulus the reference again."""
        self._against = None
        self.update()

    def walk(self, step: int) -> None:
        """Go to the next or the previous sample, around the end."""
        count = len(self._pictures)
        ahead = ((self.index + step * by) % count for by in range(1, count + 1))
        for place in ahead:
            picture = self._pictures[place]
            if not picture.seen and picture is not self._against:
                self.index = place
                self.update()
                return

    def _change_over(self) -> None:
        self.covered = not self.covered
        self.update()

    # -- drawing -----------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw one picture, two side by side, a wipe, or a difference."""
        painter = QPainter(self)
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        painter.fillRect(self.rect(), _BACK)
        painter.setPen(_DIM)
        foot = self.rect().adjusted(8, 0, -8, -14)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom
        painter.drawText(foot, flags | Qt.TextFlag.TextWordWrap, _KEYS)
        reference, current = self.reference, self.current
        if reference is None or reference is current:
            self._paint(painter, current, self._box(0, 1))
        elif self.mode == "wipe":
            self._paint_wipe(painter, reference, current)
        elif self.mode == "blink":
            self._paint(painter, reference if self.covered else current, self._box(0, 1))
        else:
            shown = self._difference(current) if self.mode == "difference" else current
            self._paint(painter, reference, self._box(0, 2))
            self._paint(painter, reference if self.covered else shown, self._box(1, 2))

    def _paint_wipe(self, painter: QPainter, reference: Picture, current: Picture) -> None:
        box = self._box(0, 1)
        self._paint(painter, current, box, f"{reference.title} | {current.title}")
        x = box.left() + self._divider * box.width()
        painter.setClipRect(QRectF(box.topLeft(), QPointF(x, box.bottom())))
        self._draw(painter, reference, box)
        painter.setClipping(False)
        painter.setPen(QPen(accent(self), 2))
        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))

    def _difference(self, current: Picture) -> Picture:
        reference = self.reference
        assert reference is not None
        assert reference.image is not None
        assert current.image is not None
        values = difference_map(current.image, reference.image)
        return Picture(
            f"{current.title} − {reference.title}",
            (f"mean difference {values.mean():.0f} of 255",),
            sequential_colours(values / FULL_DIFFERENCE),
        )

    def _box(self, place: int, places: int) -> QRectF:
        """Return the square of the picture at `place` of `places` in a row."""
        width = (self.width() - 2 * _MARGIN - _GAP * (places - 1)) / places
        side = max(min(width, self.height() - 2 * _MARGIN - 40), 1)
        left = (self.width() - side * places - _GAP * (places - 1)) / 2 + place * (side + _GAP)
        return QRectF(left, (self.height() - 40 - side) / 2, side, side)

    def _paint(self, painter: QPainter, picture: Picture, box: QRectF, title: str = "") -> None:
        self._draw(painter, picture, box)
        if picture.seen:
            painter.setPen(QPen(accent(self), 2))
            painter.drawRect(box)
        painter.setPen(accent(self) if picture.seen else _TEXT)
        align = Qt.AlignmentFlag
        area = QRectF(box.left(), box.bottom() + 8, box.width(), 24)
        painter.drawText(area, align.AlignLeft | align.AlignTop, title or picture.heading)
        painter.setPen(_DIM)
        painter.drawText(area, align.AlignRight | align.AlignTop, "".join(picture.notes[:1]))

    def _draw(self, painter: QPainter, picture: Picture, box: QRectF) -> None:
        assert picture.image is not None
        image = self._images.get(id(picture))
        if image is None:
            image = to_qimage(picture.image)
            if picture in self._pictures:
                self._images[id(picture)] = image
        painter.drawImage(box, image, self.lens.part(QSizeF(image.size())))

    # -- acting ------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Take the keys that the window has shortcuts for."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Walk, change the mode or the reference, cover or close."""
        key = Qt.Key(event.key())
        if key == Qt.Key.Key_Escape:
            self.leave()
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self.walk(1 if key == Qt.Key.Key_Right else -1)
        elif key in _MODES:
            self.set_mode("beside" if self.mode == _MODES[key] else _MODES[key])
        elif key == Qt.Key.Key_A:
            self.compare_with_current()
        elif key == Qt.Key.Key_S:
            self.compare_with_stimulus()
        elif key == Qt.Key.Key_0:
            self.lens.reset()
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Minus):
            self.lens.zoom(_ZOOM if key == Qt.Key.Key_Plus else 1 / _ZOOM, QPointF(0.5, 0.5))
        elif key == Qt.Key.Key_Space:
            self.covered = True
        self.update()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Uncover the sample."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.covered = False
            self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom into all pictures at the place of the mouse."""
        box = self._box_at(event.position())
        if box is not None:
            inside = event.position() - box.topLeft()
            at = QPointF(inside.x() / box.width(), inside.y() / box.height())
            self.lens.zoom(_ZOOM ** (event.angleDelta().y() / 120), at)

    def _box_at(self, position: QPointF) -> QRectF | None:
        single = self.mode in ("wipe", "blink")
        boxes = [self._box(0, 1)] if single else [self._box(i, 2) for i in range(2)]
        return next((box for box in boxes if box.contains(position)), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the divider or of the pictures; a click beside them closes."""
        if self._box_at(event.position()) is None and not self.wiping:
            self.leave()
            return
        self._grabbed = event.position()
        if self.wiping:
            self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the divider of a wipe, or what is seen of the pictures; with Ctrl always these."""
        if self._grabbed is None:
            return
        box = self._box(0, 1 if self.mode in ("wipe", "blink") else 2)
        if self.wiping and not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._divider = min(max((event.position().x() - box.left()) / box.width(), 0.0), 1.0)
            self.update()
        else:
            self.lens.pan((event.position() - self._grabbed) / box.width())
        self._grabbed = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        self._grabbed = None

    def leave(self) -> None:
        """Close."""
        self.hide()
        self.set_mode("beside")
        self.closed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as large as the window."""
        if event.type() == QEvent.Type.Resize and watched is self._window:
            self.setGeometry(self._window.rect())
        return False
