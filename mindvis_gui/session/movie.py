"""Trials one after the other, as a movie."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

RATES = (1, 2, 4, 8)  # trials a second


class Movie(QObject):
    """Calls `advance` at a steady rate while it plays.

    Attributes
    ----------
    rate : int
        Trials a second.
    """

    changed = Signal()

    def __init__(self, advance: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rate = 2
        self._timer = QTimer(self)
        self._timer.timeout.connect(advance)

    @property
    def playing(self) -> bool:
        """Whether it plays."""
        return self._timer.isActive()

    def play(self, on: bool) -> None:
        """Begin or stop."""
        if on and not self.playing:
            self._timer.start(1000 // self.rate)
        elif not on:
            self._timer.stop()
        self.changed.emit()

    def set_rate(self, rate: int) -> None:
        """Go through `rate` trials a second."""
        self.rate = rate
        self._timer.setInterval(1000 // rate)
        self.changed.emit()
