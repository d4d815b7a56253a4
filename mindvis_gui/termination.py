"""Ctrl+C in the terminal, and requests of the system to terminate, close the window."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from PySide6.QtCore import QObject, QSocketNotifier
from PySide6.QtWidgets import QWidget

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # the last when its terminal goes; not on Windows
_ENDED_BY = 128  # what shells add to the number of the signal that ended a program


class Termination(QObject):
    """Closes a window when a signal comes; one more ends the program at once.

    Python's own handlers run when Python code does next: in a window that nobody touches, never.
    So Qt waits for what Python writes into a socket as soon as there is a signal.

    Attributes
    ----------
    code : int
        What the program is to exit with: 0 where no signal came.
    """

    def __init__(self, window: QWidget, signals: socket.socket) -> None:
        super().__init__()
        self.code = 0
        self._window, self._signals = window, signals
        self._notifier = QSocketNotifier(signals.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._end)

    def stop(self) -> None:
        """Wait for no signal any more, before the socket is closed."""
        self._notifier.setEnabled(False)

    def _end(self) -> None:
        numbers = self._signals.recv(64)
        if self.code:
            return
        self.code = _ENDED_BY + numbers[0]
        for number in _heeded():
            signal.signal(number, signal.SIG_DFL)
        self._window.close()


@contextmanager
def closed_by_signals(window: QWidget) -> Iterator[Termination]:
    """Let signals close a window during the block; those that are ignored stay so, as by nohup."""
    received, written = socket.socketpair()
    with received, written:
        for end in (received, written):
            end.setblocking(False)
        before = {number: signal.getsignal(number) for number in _heeded()}
        woken = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
        for number in before:
            signal.signal(number, lambda *_: None)
        ending = Termination(window, received)
        try:
            yield ending
        finally:
            ending.stop()
            for number, handler in before.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(woken)


def _heeded() -> list[int]:
    """Return the signals that end the program as things are."""
    known = (getattr(signal, name) for name in _NAMES if hasattr(signal, name))
    return [each for each in known if signal.getsignal(each) is not signal.SIG_IGN]
