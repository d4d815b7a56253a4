"""Windows that are no larger than the screen has room for."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

_SMALL_SCREEN = 940  # pixels that the window needs with a panel at each side
_NARROWEST = 320  # of its middle on a smaller one, such as a projector of 1280 pixels at 150 %
_FRAME = QSize(4, 40)  # what a window system adds at most: no frame is known before it is shown


def fit_screen(window: QWidget, wanted: QSize) -> None:
    """Give a window a size, or as much of it as its screen has room for."""
    room = window.screen().availableGeometry().size() - _FRAME
    window.resize(wanted.boundedTo(room))


def least_width(widget: QWidget, wanted: int) -> int:
    """Return how narrow what is in the middle of the window may be: `wanted`, or what there is."""
    small = widget.screen().availableGeometry().width() < _SMALL_SCREEN
    return min(wanted, _NARROWEST) if small else wanted
