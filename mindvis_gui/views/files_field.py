"""A field for several files in order: chosen in a dialog, or dropped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit

from mindvis_gui.settings import Settings
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.drops import DropField
from mindvis_gui.views.theme import GAP, tight


class FilesField(DropField):
    """Tells when files are added or taken away.

    Parameters
    ----------
    name : str
        What the files are, for dialogs and screen readers.

    Attributes
    ----------
    paths : tuple of pathlib.Path
    """

    changed = Signal()

    def __init__(self, name: str, settings: Settings, *, hint: str = "") -> None:
        super().__init__()
        self._name, self._settings = name, settings
        self.paths: tuple[Path, ...] = ()
        self.line = QLineEdit(placeholderText=hint)
        self.line.setAccessibleName(name)
        self.line.setReadOnly(True)
        self.line.setAcceptDrops(False)  # or the line would take a file as text
        self.add = push_button("Add…", f"Add files: {name}")
        self.clear = push_button("Clear", f"Clear: {name}")
        self.add.clicked.connect(self._choose)
        self.clear.clicked.connect(lambda: self._take(()))
        self.dropped.connect(lambda paths: self._take((*self.paths, *paths)))
        self.setFocusProxy(self.add)
        row = tight(QHBoxLayout(self), GAP)
        row.addWidget(self.line, 1)
        for button in (self.add, self.clear):
            button.setAutoDefault(False)
            row.addWidget(button)
        self.set_paths(())

    def set_paths(self, paths: Sequence[Path]) -> None:
        """Show other files, and tell nobody."""
        self.paths = tuple(paths)
        self.line.setText(", ".join(path.name for path in self.paths))
        self.line.setToolTip("\n".join(map(str, self.paths)))
        self.clear.setEnabled(bool(self.paths))

    def _choose(self) -> None:
        paths = file_dialogs.ask_any_files(self, self._name, self._settings.folder)
        if paths:
            self._settings.folder = paths[0].parent
            self._take((*self.paths, *paths))

    def _take(self, paths: Sequence[Path]) -> None:
        self.set_paths(paths)
        self.changed.emit()
