"""Which region every part of the response vector belongs to, and how well each is recovered."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QToolTip, QWidget

from mindvis_gui.data.subject import Subject
from mindvis_gui.views.numerals import coefficient
from mindvis_gui.views.overlay import region_labels
from mindvis_gui.views.theme import muted, roi_colours

_BAND = 10  # pixels
_APART = 6  # pixels between words that stand beside each other


class RegionBand(QWidget):
    """Coloured runs of the regions along the vector, with names and numbers where they fit.

    Parameters
    ----------
    x_of : callable
        Where a voxel is drawn, in pixels; shared with the strip above.
    """

    def __init__(self, x_of: Callable[[float], float]) -> None:
        super().__init__()
        self._x_of = x_of
        self._runs: list[tuple[int, int, str, QColor]] = []  # from, to, region, colour
        self._correlations: Mapping[str, float] = {}
        self._line = self.fontMetrics().height()
        self.setFixedHeight(_BAND + 4 + 2 * self._line)
        self.setAccessibleName("Regions along the response vector")

    def set_subject(self, subject: Subject) -> None:
        """Show the regions of `subject`."""
        colours = roi_colours(subject)
        own = frozenset(roi.name for roi in subject.rois if not roi.made)
        labels = region_labels(subject, own or frozenset(colours))[:-1]
        starts = np.flatnonzero(np.diff(labels, prepend=-1)).tolist()
        self._runs = []
        for start, stop in zip(starts, [*starts[1:], labels.size], strict=True):
            if labels[start]:
                name = subject.rois[labels[start] - 1].name
                self._runs.append((start, stop, name, colours[name]))
        self.show_recovery({})

    def show_recovery(self, correlations: Mapping[str, float]) -> None:
        """Show Pearson's r of recovered and true response beneath the names."""
        self._correlations = correlations
        names = dict.fromkeys(name for _, _, name, _ in self._runs)
        self.setAccessibleDescription(", ".join(self._description(name) for name in names))
        self.update()

    def _description(self, name: str) -> str:
        number = self._number(name)
        return f"{name}: recovered {number}" if number else name

    def _number(self, name: str) -> str:
        return f"r {coefficient(self._correlations[name])}" if name in self._correlations else ""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the runs, and every name once: under its widest run, if that has room."""
        painter = QPainter(self)
        left, right = self._x_of(0), float(self.width())
        painter.setClipRect(QRectF(left, 0, right - left, self.height()))
        widest: dict[str, tuple[float, float]] = {}
        for start, stop, name, colour in self._runs:
            low, high = max(self._x_of(start), 0.0), min(self._x_of(stop), right)
            if high <= low:
                continue
            painter.fillRect(QRectF(low, 1, max(high - low - 1, 1), _BAND), colour)
            if high - low > widest.get(name, (0.0, 0.0))[1]:
                widest[name] = (low, high - low)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        for name, (low, width) in widest.items():
            for line, (word, colour) in enumerate(
                ((name, muted(self)), (self._number(name), text))
            ):
                if self.fontMetrics().horizontalAdvance(word) + _APART <= width:
                    area = QRectF(low, _BAND + 2 + line * self._line, width, self._line)
                    painter.setPen(colour)
                    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, word)

    def event(self, event: QEvent) -> bool:
        """Name the region under the mouse, with its number."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            x = event.pos().x()
            names = [n for a, b, n, _ in self._runs if self._x_of(a) <= x < self._x_of(b)]
            tip = self._description(names[0]) if names else ""
            QToolTip.showText(event.globalPos(), tip, self)
            return True
        return super().event(event)
