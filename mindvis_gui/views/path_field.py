"""A field for a file or a folder: typed, chosen in a dialog, or dropped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from mindvis_gui.settings import Settings
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.drops import DropField
from mindvis_gui.views.theme import GAP, tight


class PathField(DropField):
    """Tells of a path once it is complete: chosen, dropped, or typed and left.

    Parameters
    ----------
    name : str
        What the path is of, for dialogs and screen readers.
    folders : bool
        Whether a folder will do, too.
    """

    changed = Signal()

    def __init__(
        self, name: str, settings: Settings, *, hint: str = "", folders: bool = False
    ) -> None:
        super().__init__()
        self._name, self._settings = name, settings
        self._told = ""
        self.line = QLineEdit(placeholderText=hint)
        self.line.setAccessibleName(name)
        self.line.setClearButtonEnabled(True)
        self.line.setAcceptDrops(False)  # or the line would take a file as text
        self.line.editingFinished.connect(self._tell)
        self.line.textChanged.connect(lambda text: None if text else self._tell())
        self.file = push_button("File…", f"Choose a file: {name}")
        self.folder = push_button("Folder…", f"Choose a folder: {name}")
        self.file.clicked.connect(lambda: self._choose(file_dialogs.ask_any_file))
        self.folder.clicked.connect(lambda: self._choose(file_dialogs.ask_any_folder))
        self.folder.setVisible(folders)
        self.dropped.connect(lambda paths: self.choose(paths[0]))
        self.setFocusProxy(self.line)
        row = tight(QHBoxLayout(self), GAP)
        row.addWidget(self.line, 1)
        for button in (self.file, self.folder):
            button.setAutoDefault(False)
            row.addWidget(button)

    @property
    def path(self) -> Path | None:
        """The path, None if the field is empty."""
        text = self.line.text().strip()
        try:
            return Path(text).expanduser() if text else None
        except RuntimeError:  # ~ of somebody who is not known here
            return Path(text)

    def set_path(self, path: Path | str | None) -> None:
        """Show another path, and tell nobody."""
        self._told = "" if path is None else str(path)
        self.line.setText(self._told)

    def choose(self, path: Path) -> None:
        """Take a path as if it had been typed."""
        self._settings.folder = path.parent
        self.line.setText(str(path))
        self._tell()

    def _choose(self, ask: Callable[[QWidget, str, Path], Path | None]) -> None:
        path = ask(self, self._name, self._settings.folder)
        if path is not None:
            self.choose(path)

    def _tell(self) -> None:
        text = self.line.text().strip()
        if text != self._told:
            self._told = text
            self.changed.emit()
