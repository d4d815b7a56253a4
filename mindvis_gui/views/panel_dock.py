"""The dock of a panel, which is built when it is first seen."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette, QShowEvent
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QWidget

from mindvis_gui.views.buttons import icon_button
from mindvis_gui.views.icons import icon
from mindvis_gui.views.theme import MARGIN, label

_CLOSE_ICON = 12


class PanelDock(QDockWidget):
    """Has its panel built when it is first seen; moves between the sides of the window.

    Parameters
    ----------
    name : str
        By which its place is saved.
    title : str
    build : callable
        Gives the dock its panel.
    """

    def __init__(self, name: str, title: str, build: Callable[[], QWidget]) -> None:
        super().__init__(title)
        self._build = build
        self.setObjectName(name)
        # Not floating: floating docks misbehave on some window systems and hide behind the window.
        self.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetMovable
            | QDockWidget.DockWidgetFeature.DockWidgetClosable
        )
        sides = Qt.DockWidgetArea.LeftDockWidgetArea | Qt.DockWidgetArea.RightDockWidgetArea
        self.setAllowedAreas(sides)
        self.setTitleBarWidget(_DockTitle(title, self))

    def showEvent(self, event: QShowEvent) -> None:
        """Have the panel built (called by Qt, also when the dock comes to the front of tabs)."""
        if self.widget() is None:
            self._build()
        super().showEvent(event)


class _DockTitle(QWidget):
    """A quiet heading with a cross; the dock is dragged by it."""

    def __init__(self, title: str, dock: QDockWidget) -> None:
        super().__init__(dock)
        cross = icon("close", QPalette.ColorRole.PlaceholderText)
        tip = "Close this panel; the menu View brings it back"
        close = icon_button(cross, f"Close the panel {title}", tip, _CLOSE_ICON)
        close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        close.clicked.connect(dock.close)
        row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN, 6, MARGIN - 6, 2)
        row.addWidget(label(title, "heading"))
        row.addStretch()
        row.addWidget(close)
