"""Signals that close the window."""

import os
import signal
import threading

import pytest
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QWidget

from mindvis_gui.termination import closed_by_signals

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sends no signal to one's own loop")


class Watched(QWidget):
    """Ends a loop when it is closed."""

    def __init__(self, loop):
        super().__init__()
        self._loop = loop

    def closeEvent(self, event):
        self._loop.quit()


@pytest.fixture
def loop(qapp):
    """Return a loop in which nothing of Python's runs, but after some seconds what ends it."""
    made = QEventLoop()
    QTimer.singleShot(5000, made, made.quit)
    return made


@pytest.fixture
def window(qtbot, loop):
    made = Watched(loop)
    qtbot.addWidget(made)
    made.show()
    return made


def send_soon(number):
    threading.Timer(0.2, lambda: os.kill(os.getpid(), number)).start()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_closes_a_window_that_nobody_touches(window, loop, name):
    number = getattr(signal, name)
    before = signal.getsignal(number)
    signal.signal(number, signal.default_int_handler)  # ignored where tests run in the background
    try:
        with closed_by_signals(window) as termination:
            send_soon(number)
            loop.exec()
            assert not window.isVisible()
            assert termination.code == 128 + number
            assert signal.getsignal(number) == signal.SIG_DFL  # once more ends at once
        assert signal.getsignal(number) == signal.default_int_handler
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_ignored_stays_so(window, loop):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with closed_by_signals(window) as termination:
            QTimer.singleShot(500, loop, loop.quit)
            send_soon(signal.SIGHUP)
            loop.exec()
            assert window.isVisible()
            assert termination.code == 0
    finally:
        signal.signal(signal.SIGHUP, before)
