"""Where the keyboard goes: in which order Tab comes to what is made later, and where in a panel."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QWidget


def come_after(before: QWidget, made: QWidget) -> None:
    """Have Tab come to a widget after another one; what is made last would be the last of all.

    `before` may take no focus itself, as a widget that holds others.
    """
    policy = before.focusPolicy()
    before.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # Qt takes no order from one without
    QWidget.setTabOrder(before, made)
    before.setFocusPolicy(policy)


def takes_keyboard(panel: QWidget) -> bool:
    """Whether the keyboard has somewhere to go in a panel."""
    field = first_field(panel)
    takes = bool(field.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return field.focusProxy() is not None or takes


def first_field(panel: QWidget) -> QWidget:
    """Return where the keyboard goes in a panel: where the panel says, or else its first field."""
    inside = panel.widget() if isinstance(panel, QDockWidget) else panel
    if inside is None or inside.focusProxy() is not None:
        return inside or panel  # nothing is inside before it was seen
    # Not along the chain of focus: PySide takes what `nextInFocusChain` returns for a child of what
    # it is asked of. The whole window, where a panel has no field, ended with one of its pictures.
    takes = Qt.FocusPolicy.TabFocus
    fields = (each for each in inside.findChildren(QWidget) if each.focusPolicy() & takes)
    return next((each for each in fields if each.isVisible() and each.isEnabled()), inside)
