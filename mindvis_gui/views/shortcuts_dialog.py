"""Every key, from the table of actions."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtGui import QIcon, QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QGridLayout, QVBoxLayout, QWidget

from mindvis_gui.views.entry import Entry
from mindvis_gui.views.theme import GAP, MARGIN, label

# Keys that work only where the mouse or the focus is; the help page lists them, too.
OTHER_KEYS = (
    ("Space, held", "Show the stimulus over the samples"),
    ("Arrow keys", "Move the crosshair in a slice, or through the trials"),
    ("Shift + wheel, Shift + up or down", "Go through the slices"),
    ("Ctrl + wheel", "Zoom a slice, the signal, or all pictures of the grid"),
    ("Return, on a picture", "Show it large; then W wipes, B blinks, D shows the difference"),
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
            ["File", "Edit", "View"],
            ["Decode", "Compare", "Brain", "Regions", "Help", "Elsewhere"],
        ]
        for column, menus in enumerate(columns):
            row = 0
            for menu in menus:
                row = self._add_menu(menu, row, 3 * column)
        self._grid.setColumnMinimumWidth(2, 2 * GAP)
        close = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close.button(QDialogButtonBox.StandardButton.Close).setIcon(QIcon())  # words are enough
        close.rejected.connect(self.reject)
        page = QVBoxLayout(self)
        page.setContentsMargins(2 * MARGIN, MARGIN, 2 * MARGIN, MARGIN)
        page.setSpacing(MARGIN)
        page.addLayout(self._grid)
        page.addWidget(close)

    def _add_menu(self, menu: str, row: int, column: int) -> int:
        """Add the keys of one menu from `row` on; return the next free row."""
        if menu == "Elsewhere":
            lines = list(OTHER_KEYS)
        else:
            lines = [
                (
                    QKeySequence(entry.shortcut).toString(QKeySequence.SequenceFormat.NativeText),
                    entry.text.rstrip("…"),
                )
                for entry in self._entries
                if entry.menu == menu and entry.shortcut
            ]
        self._grid.addWidget(label(menu, "heading"), row, column, 1, 2)
        for keys, text in lines:
            row += 1
            self._grid.addWidget(label(keys, "strong"), row, column)
            self._grid.addWidget(label(text), row, column + 1)
        self._grid.setRowMinimumHeight(row + 1, GAP)
        return row + 2
