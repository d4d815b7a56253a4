"""Every key, from the table of actions."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from mindvis_gui.views.entry import Entry
from mindvis_gui.views.fitting import fit_screen
from mindvis_gui.views.theme import GAP, MARGIN, label

# Keys that work only where the mouse or the focus is; the help page lists them, too.
OTHER_KEYS = (
    ("Space, held", "Show the stimulus over the samples"),
    ("Arrow keys", "Move the crosshair, or through the trials"),
    ("Wheel, Shift + ↑ ↓", "Go through the slices"),
    ("Ctrl + wheel", "Zoom a slice, the signal, or the grid"),
    ("Double click", "The whole slice or signal; a picture large"),
    ("Return, on a picture", "Show it large"),
    ("W, B, D, when large", "Wipe, blink, show the difference"),
    ("A, S, when large", "Compare with this one, the stimulus"),
    ("← →, on the signal", "Choose a patch; Return paints it"),
    ("Shift, painting a region", "Take voxels away"),
    ("Return, S, Delete, in History", "Bring back, star, forget"),
    ("Delete, Alt + ↑ ↓, in Queue", "Remove what waits, or move it"),
)


class ShortcutsDialog(QDialog):
    """Lists keys and what they do, by menu."""

    def __init__(self, entries: Iterable[Entry], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._entries = tuple(entries)
        self.setWindowTitle("Keyboard shortcuts")
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(3 * GAP)
        self._grid.setVerticalSpacing(4)
        columns: list[list[str]] = [
            ["File", "Edit", "Decode", "Help"],
            ["View", "Compare", "Brain", "Regions"],
            ["Elsewhere"],
        ]
        for column, menus in enumerate(columns):
            row = 0
            for menu in menus:
                row = self._add_menu(menu, row, 3 * column)
            if column:
                self._grid.setColumnMinimumWidth(3 * column - 1, 2 * GAP)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())  # words are enough
        close.rejected.connect(self.reject)
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * MARGIN, MARGIN, 2 * MARGIN, MARGIN)
        page.setSpacing(MARGIN)
        self.area = QScrollArea()  # a small screen has no room for all of it
        self.area.setWidgetResizable(True)
        page.addWidget(self.area)
        page.addWidget(close)
        listed = QWidget()
        listed.setLayout(self._grid)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self.area.setWidget(listed)
        for each in self.findChildren(QWidget):
            each.ensurePolished()  # or texts in bold would count as narrower
        frame = 2 * self.area.frameWidth()
        whole = listed.sizeHint() + QSize(frame, frame)
        fit_screen(self, self.sizeHint() - self.area.sizeHint() + whole)

    def _add_menu(self, menu: str, row: int, column: int) -> int:
        """Add the keys of one menu from `row` on; return the next free row."""
        if menu == "Elsewhere":
            lines = list(OTHER_KEYS)
        else:
            lines = [
                (", ".join(map(_shown, entry.keys)), entry.text.rstrip("…"))
                for entry in self._entries
                if entry.menu == menu and entry.keys
            ]
        self._grid.addWidget(label(menu, "heading"), row, column, 1, 2)
        for keys, text in lines:
            row += 1
            self._grid.addWidget(label(keys, "strong"), row, column)
            self._grid.addWidget(label(text), row, column + 1)
        self._grid.setRowMinimumHeight(row + 1, GAP)
        return row + 2


def _shown(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)
