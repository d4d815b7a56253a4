"""In which order Tab comes to what is made while the window is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget


def come_after(before: QWidget, made: QWidget) -> None:
    """Have Tab come to a widget after another one; what is made last would be the last of all.

    `before` may take no focus itself, as a widget that holds others.
    """
    policy = before.focusPolicy()
    before.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # Qt takes no order from one without
    QWidget.setTabOrder(before, made)
    before.setFocusPolicy(policy)
