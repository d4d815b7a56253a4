"""Trials one after the other, as a movie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session

RATES = (1, 2, 4, 8)  # trials a second


class Movie(QObject):
    """Goes through the trials of the chosen one's split at a steady rate while it plays.

    Attributes
    ----------
    rate : int
        Trials a second.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.rate = 2
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._show_next)

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

    def _show_next(self) -> None:
        subject, shown = self._session.subject, self._session.trial
        if subject is None or shown is None:
            self.play(False)
            return
        alike = [trial.index for trial in subject.trials if trial.split == shown.split]
        self._session.set_trial(alike[(alike.index(shown.index) + 1) % len(alike)])
