"""Buttons with a name that screen readers say, in the kinds of the style sheet."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QPushButton, QToolButton

from mindvis_gui.views.theme import ICON


def icon_button(image: QIcon, name: str, tip: str = "", size: int = ICON) -> QToolButton:
    """Make a button that is no more than its icon until the mouse or the focus is on it."""
    button = QToolButton()
    button.setIcon(image)
    button.setIconSize(QSize(size, size))
    button.setProperty("kind", "quiet")
    button.setAccessibleName(name)
    button.setToolTip(tip or name)
    return button


def push_button(text: str, name: str, kind: str = "", *, checkable: bool = False) -> QPushButton:
    """Make a button with a text; `kind` is one of the style sheet's."""
    button = QPushButton(text)
    button.setProperty("kind", kind)
    button.setAccessibleName(name)
    button.setCheckable(checkable)
    return button
