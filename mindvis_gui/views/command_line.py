"""A line for a shell, to be read and copied."""

from __future__ import annotations

from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.theme import GAP, label, tight


class CommandLine(QWidget):
    """Shows the line that does the same on the command line."""

    def __init__(self) -> None:
        super().__init__()
        self.line = QLineEdit(readOnly=True)
        self.line.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.line.setAccessibleName("The same on the command line")
        self.copy = push_button("Copy", "Copy the command line")
        self.copy.setAutoDefault(False)
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.line.text()))
        row = tight(QHBoxLayout(self), GAP)
        row.addWidget(label("Command line", "caption"))
        row.addWidget(self.line, 1)
        row.addWidget(self.copy)

    def show_command(self, command: str) -> None:
        """Show another line, from its beginning; none if it is empty."""
        self.line.setText(command)
        self.line.setCursorPosition(0)
        self.line.setToolTip(command)
        self.copy.setEnabled(bool(command))
