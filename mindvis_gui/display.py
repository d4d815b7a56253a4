"""Where Qt draws: the display it finds, or none for a picture of the window."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

_PLATFORM = "QT_QPA_PLATFORM"
_OF_PLATFORMS = "qt.qpa."  # categories of what Qt says of displays that it tried
_OF_OFFSCREEN = "This plugin does not support "  # of the window's least size, and the like
_DISPLAY_GONE = "The X11 connection broke"  # what Qt says before it ends the program
_HINT = (
    f"check DISPLAY, WAYLAND_DISPLAY and {_PLATFORM}; `mindvis decode` needs no display, and with "
    f"{_PLATFORM}=offscreen nor does --screenshot"
)


def has_display() -> bool:
    """Whether there is a display by what the system says."""
    if not sys.platform.startswith("linux") or os.environ.get(_PLATFORM):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def need_no_display() -> None:
    """Let Qt draw in memory where it finds no display; for a picture of the window that will do.

    The variables may name displays that are gone, as in a terminal that outlives its session.
    """
    if not sys.platform.startswith("linux") or os.environ.get(_PLATFORM):
        return
    named = (("WAYLAND_DISPLAY", "wayland"), ("DISPLAY", "xcb"))
    tried = [plugin for name, plugin in named if os.environ.get(name)]
    os.environ[_PLATFORM] = ";".join([*tried, "offscreen"])


def start_qt() -> QApplication:
    """Return the QApplication; where Qt finds no display, one line says so and all ends with 1.

    By itself, Qt says it in several lines, of which some are about other things, and aborts.
    """
    said: list[str] = []
    others: list[str] = []

    def hear(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        if kind == QtMsgType.QtFatalMsg:
            # An exception would not stop Qt, which aborts once this returns.
            _say(f"Qt opens no window here: {'; '.join(dict.fromkeys(said))}; {_HINT}")
            os._exit(1)
        said.append(" ".join(text.split()).rstrip("."))
        if not (context.category or "").startswith(_OF_PLATFORMS):
            others.append(text)

    before = qInstallMessageHandler(hear)
    try:
        app = QApplication(sys.argv[:1])
    finally:
        qInstallMessageHandler(before)
    if app.platformName() != "offscreen":  # where it matters to nobody what else was tried
        for text in others:
            _say(text)
    return app


@contextmanager
def ended_with_display() -> Iterator[None]:
    """End the program with 1, while the block runs, as soon as the X server is gone.

    Qt does so by itself, but takes away the threads of jobs that run, and with those it aborts.
    """

    def end(text: str) -> bool:
        if text.startswith(_DISPLAY_GONE):
            _say("the display is gone")
            os._exit(1)
        return False

    with _heard(end):
        yield


@contextmanager
def quiet_offscreen() -> Iterator[None]:
    """Leave out, while the block runs, what a window that is drawn in memory does not need."""
    with _heard(lambda text: text.startswith(_OF_OFFSCREEN)):
        yield


@contextmanager
def _heard(takes: Callable[[str], bool]) -> Iterator[None]:
    """Ask of each message of Qt's, while the block runs, whether it is taken; else it goes on."""

    def hear(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        if takes(text):
            return
        if before is None:
            _say(text)
        else:
            before(kind, context, text)

    before: Callable[..., Any] | None = qInstallMessageHandler(hear)
    try:
        yield
    finally:
        qInstallMessageHandler(before)


def _say(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"mindvis: {text}\n")
        sys.stderr.flush()
