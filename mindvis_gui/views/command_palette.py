"""Find an action by typing a part of its name."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from mindvis_gui.views.theme import GAP

_WIDTH, _HEIGHT = 440, 320
_ROW_HEIGHT = 24


class CommandPalette(QDialog):
    """A line to type in above the actions that match; Return does the chosen one."""

    def __init__(self, actions: Iterable[QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._actions = [action for action in actions if action.objectName() != "palette"]
        self.setAccessibleName("Find an action")
        self.resize(_WIDTH, _HEIGHT)
        self.line = QLineEdit(placeholderText="What to do?")
        self.line.setAccessibleName("Name of an action")
        self.line.installEventFilter(self)
        self.found = QTreeWidget()
        self.found.setColumnCount(2)
        self.found.setHeaderHidden(True)
        self.found.setRootIsDecorated(False)
        self.found.header().setStretchLastSection(False)
        self.found.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.found.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.found.setAccessibleName("Actions found")
        self.found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(GAP, GAP, GAP, GAP)
        column.addWidget(self.line)
        column.addWidget(self.found)
        self.line.textChanged.connect(self._find)
        self.line.returnPressed.connect(self._do)
        self.found.itemClicked.connect(self._do)
        self._find("")
        self.line.setFocus()  # X11 never activates a popup, which would give it the focus

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrow keys walk the list while the line keeps the focus."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None:
                self._walk(step)
                return True
        return super().eventFilter(watched, event)

    def _walk(self, step: int) -> None:
        """Choose the next action up or down that can be done now."""
        row, count = self.found.currentIndex().row() + step, self.found.topLevelItemCount()
        while 0 <= row < count:
            item = self.found.topLevelItem(row)
            if item is not None and not item.isDisabled():
                self.found.setCurrentItem(item)
                return
            row += step

    def _find(self, text: str) -> None:
        words = text.lower().split()
        self.found.clear()
        for action in self._actions:
            name = action.text().rstrip("…")
            if all(word in f"{name} {action.toolTip()}".lower() for word in words):
                keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
                item = QTreeWidgetItem([name, keys])
                item.setData(0, Qt.ItemDataRole.UserRole, action)
                item.setSizeHint(0, QSize(0, _ROW_HEIGHT))
                item.setDisabled(not action.isEnabled())
                self.found.addTopLevelItem(item)
        self._walk(1)  # from before the first

    def _do(self) -> None:
        item = self.found.currentItem()
        if item is not None and not item.isDisabled():
            action = item.data(0, Qt.ItemDataRole.UserRole)
            self.accept()
            action.trigger()
