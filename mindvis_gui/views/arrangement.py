"""Where the panels of the workspace are: at first, as somebody put them, and saved in between."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QWidget

from mindvis_gui.views.middle import MiddleView
from mindvis_gui.views.theme import PANEL_WIDTH

LAYOUT_PARTS = ("docks", "centre", "closed", "widths")  # of a saved arrangement
HEIGHTS = (405, 150, 280)  # of brain, mask and images, at first
_LEFT, _RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
_AT_FIRST = ("subject", "decode", "brain", "mask", "images", "compare")  # open at first


class Arrangement:
    """Places docks at the sides of a window and the parts of its middle, and knows their widths.

    Parameters
    ----------
    window : QMainWindow
    middle : MiddleView
        With brain, mask and images, in this order.
    docks : mapping of str to QDockWidget
        By name; those of one side share its place as tabs.
    panels : mapping of str to QWidget
        All that can be opened and closed, docks included.
    """

    def __init__(
        self,
        window: QMainWindow,
        middle: MiddleView,
        docks: Mapping[str, QDockWidget],
        panels: Mapping[str, QWidget],
    ) -> None:
        self._window, self._middle = window, middle
        self._docks, self._panels = docks, panels
        self._widths: dict[str, int] = {}  # as they were saved

    def place(self) -> None:
        """Put every panel where it is at first, and forget the saved widths."""
        first: dict[Qt.DockWidgetArea, QDockWidget] = {}
        for name, dock in self._docks.items():
            side = _LEFT if name == "subject" else _RIGHT
            self._window.addDockWidget(side, dock)
            if side in first:
                self._window.tabifyDockWidget(first[side], dock)
            first.setdefault(side, dock)
        for name, panel in self._panels.items():
            panel.setVisible(name in _AT_FIRST)
        self._middle.follow()
        self._middle.splitter.setSizes(HEIGHTS)
        self._widths = {}

    def set_widths(self) -> None:
        """Give the docks their width, which Qt forgets while they are hidden."""
        front = self._in_front()
        widths = [
            self._widths.get(name, PANEL_WIDTH if name == "subject" else PANEL_WIDTH - 10)
            for name in front
        ]
        docks = [self._docks[name] for name in front]
        self._window.resizeDocks(docks, widths, Qt.Orientation.Horizontal)

    def _in_front(self) -> list[str]:
        """Return the docks that are not behind others: Qt gives those no width of their own."""
        only = Qt.FindChildOption.FindDirectChildrenOnly
        bars = self._window.findChildren(QTabBar, options=only)
        behind = {
            bar.tabText(i) for bar in bars for i in range(bar.count()) if i != bar.currentIndex()
        }
        return [name for name, dock in self._docks.items() if dock.windowTitle() not in behind]

    def sides(self) -> tuple[list[QDockWidget], list[QDockWidget]]:
        """Return the docks that are not behind others, of the left and of the right."""
        front = [self._docks[name] for name in self._in_front()]
        left, right = (
            [dock for dock in front if self._window.dockWidgetArea(dock) == side]
            for side in (_LEFT, _RIGHT)
        )
        return left, right

    def states(self) -> dict[str, QByteArray]:
        """Return the arrangement, by the names of `LAYOUT_PARTS`."""
        closed = " ".join(name for name, panel in self._panels.items() if panel.isHidden())
        widths = " ".join(
            f"{name}={self._docks[name].width()}"
            for name in self._in_front()
            if self._docks[name].isVisible()
        )
        return {
            "docks": self._window.saveState(),
            "centre": self._middle.splitter.saveState(),
            "closed": QByteArray(closed.encode()),
            "widths": QByteArray(widths.encode()),
        }

    def restore(self, states: Mapping[str, QByteArray]) -> None:
        """Take over what `states` returned; parts that are empty or missing are left out."""
        nothing = QByteArray()
        docks, centre = states.get("docks", nothing), states.get("centre", nothing)
        closed, widths = (
            states.get(name, nothing).toStdString().split() for name in ("closed", "widths")
        )
        if not docks.isEmpty():
            self._window.restoreState(docks)
        if not centre.isEmpty():
            self._middle.splitter.restoreState(centre)
        self._middle.splitter.setHandleWidth(1)
        for name, panel in self._panels.items():
            if name in closed:
                panel.hide()
            elif name not in self._docks and not docks.isEmpty():
                panel.show()  # the state of the docks knows of docks alone
        self._middle.follow()
        parts = (each.partition("=") for each in widths)
        self._widths = {name: int(width) for name, _, width in parts if width.isdecimal()}
        self.set_widths()
