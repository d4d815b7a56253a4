"""The colours of an overlay between the ends of its range, with its unit."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolButton

from mindvis_gui.session.overlays import Look
from mindvis_gui.views.colour_maps import colour_table
from mindvis_gui.views.theme import muted

_STOPS = 16


class ColourBar(QToolButton):
    """A button that shows the range of an overlay; what is not drawn is left out of the bar."""

    def __init__(self) -> None:
        super().__init__()
        self._look: Look | None = None
        self._ends = ("", "")
        self.hide()
        self.setProperty("kind", "quiet")
        self.setAccessibleName("Colours of the topmost overlay")

    def show_look(self, look: Look | None, unit: str = "", name: str = "") -> None:
        """Show the range of `look`; None shows nothing."""
        self._look = look
        self.setVisible(look is not None)
        if look is not None:
            self._ends = _number(look.low), f"{_number(look.high)} {unit}".rstrip()
            self.setToolTip(f"{name}: range, threshold and opacity")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return room for the numbers and a bar."""
        wide = sum(self.fontMetrics().horizontalAdvance(end) for end in self._ends)
        return QSize(wide + 82, self.fontMetrics().height() + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bar between the numbers at its ends."""
        super().paintEvent(event)
        if self._look is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(muted(self))
        area, align = self.rect().adjusted(6, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter
        painter.drawText(area, align | Qt.AlignmentFlag.AlignLeft, self._ends[0])
        painter.drawText(area, align | Qt.AlignmentFlag.AlignRight, self._ends[1])
        metrics = self.fontMetrics()
        left = area.left() + metrics.horizontalAdvance(self._ends[0]) + 5
        right = area.right() - metrics.horizontalAdvance(self._ends[1]) - 5
        box = QRectF(left, area.center().y() - 3.5, max(right - left, 1), 8)
        paint_colours(painter, box, self._look)
        self._cut(painter, box)

    def _cut(self, painter: QPainter, box: QRectF) -> None:
        """Take out of the bar what the look hides."""
        look = self._look
        assert look is not None
        ground = self.palette().color(self.backgroundRole())
        hidden = (
            (look.low, look.clip_low),
            (look.clip_high, look.high),
            (-look.threshold, look.threshold),
        )
        for start, stop in hidden:
            low, high = (
                box.left() + box.width() * min(max((value - look.low) / _width(look), 0.0), 1.0)
                for value in (start, stop)
            )
            if high > low:
                painter.fillRect(QRectF(low, box.top(), high - low, box.height()), ground)


def paint_colours(painter: QPainter, box: QRectF, look: Look) -> None:
    """Fill `box` with the colours from the low to the high end."""
    gradient = QLinearGradient(box.topLeft(), box.topRight())
    table = colour_table(look.colour_map)
    for stop in range(_STOPS + 1):
        place = stop / _STOPS
        gradient.setColorAt(place, QColor(*table[round(place * (len(table) - 1))].tolist()))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(gradient)
    painter.drawRoundedRect(box, 2, 2)


def _width(look: Look) -> float:
    return max(look.high - look.low, 1e-12)


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
