"""Windows that are no larger than the screen has room for."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QScrollArea, QWidget

_FRAME = QSize(4, 40)  # what a window system adds at most: no frame is known before it is shown


def fit_screen(window: QWidget, wanted: QSize) -> None:
    """Give a window a size, or as much of it as its screen has room for."""
    room = window.screen().availableGeometry().size() - _FRAME
    window.resize(wanted.boundedTo(room))


def keep_width(area: QScrollArea, least: int) -> None:
    """Let an area that scrolls downwards only be as wide as its content needs, or as `least`."""
    content, bar = area.widget(), area.verticalScrollBar().sizeHint().width()
    if content is not None:
        area.setMinimumWidth(max(least, content.minimumSizeHint().width() + bar))
