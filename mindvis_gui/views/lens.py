"""Which part of every picture is looked at: zoom and pan that pictures share."""

from __future__ import annotations

from PySide6.QtCore import QObject, QPointF, QRectF, QSizeF, Signal

_LARGEST = 16.0


class Lens(QObject):
    """A square window onto the unit square; 1 is the whole picture.

    Attributes
    ----------
    scale : float
        How many times a picture is enlarged.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.scale = 1.0
        self._left, self._top = 0.0, 0.0

    def zoom(self, factor: float, at: QPointF) -> None:
        """Enlarge by `factor`; the point `at` (0–1 of what is seen) stays where it is."""
        scale = min(max(self.scale * factor, 1.0), _LARGEST)
        if scale != self.scale:
            moved = 1 / self.scale - 1 / scale
            self._left += at.x() * moved
            self._top += at.y() * moved
            self.scale = scale
            self._clip()

    def pan(self, by: QPointF) -> None:
        """Move what is seen by parts of its own width and height."""
        self._left -= by.x() / self.scale
        self._top -= by.y() / self.scale
        self._clip()

    def reset(self) -> None:
        """See the whole picture again."""
        self.scale, self._left, self._top = 1.0, 0.0, 0.0
        self.changed.emit()

    def _clip(self) -> None:
        most = 1 - 1 / self.scale
        self._left = min(max(self._left, 0.0), most)
        self._top = min(max(self._top, 0.0), most)
        self.changed.emit()

    def part(self, size: QSizeF) -> QRectF:
        """Return the part of a picture of that size that is seen."""
        return QRectF(
            self._left * size.width(),
            self._top * size.height(),
            size.width() / self.scale,
            size.height() / self.scale,
        )
