"""What the application remembers between two starts, each with its type."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from mindvis_gui.files import is_there

_N_RECENT = 5


class Settings:
    """Typed preferences in a `QSettings` store.

    Parameters
    ----------
    store : QSettings, optional
        The user's own by default; tests give a file of their own.
    """

    def __init__(self, store: QSettings | None = None) -> None:
        self._store = store or QSettings("mindvis", "mindvis")

    @property
    def theme(self) -> str:
        """``"dark"``, ``"light"``, or an empty string to follow the system."""
        value = str(self._store.value("theme", ""))
        return value if value in ("dark", "light") else ""

    @theme.setter
    def theme(self, name: str) -> None:
        self._store.setValue("theme", name)

    @property
    def folder(self) -> Path:
        """Folder that file dialogs start in."""
        folder = Path(str(self._store.value("folder", "")) or Path.home())
        return folder if is_there(folder) and folder.is_dir() else Path.home()

    @folder.setter
    def folder(self, folder: Path) -> None:
        self._store.setValue("folder", str(folder))

    @property
    def recent(self) -> list[Path]:
        """Subjects and sessions opened last, the newest first.

        Some may be gone, which a disk has to say.
        """
        count = self._store.beginReadArray("recent")
        paths = []
        for i in range(count):
            self._store.setArrayIndex(i)
            paths.append(Path(str(self._store.value("path"))))
        self._store.endArray()
        return paths

    def add_recent(self, path: Path) -> None:
        """Put `path` in front of what was opened last."""
        # Links stay as they are: what they lead to may be named by a hash.
        whole = (os.path.abspath(each) for each in (path, *self.recent))  # noqa: PTH100
        known = dict.fromkeys(whole)
        paths = list(known)[:_N_RECENT]
        self._store.beginWriteArray("recent", len(paths))
        for i, each in enumerate(paths):
            self._store.setArrayIndex(i)
            self._store.setValue("path", each)
        self._store.endArray()

    @property
    def brain(self) -> dict[str, object]:
        """How slices are arranged, by the names of an `Arrangement`; empty if never changed."""
        try:
            value = json.loads(str(self._store.value("brain", "{}")))
        except ValueError:  # the file was edited by hand
            return {}
        return value if isinstance(value, dict) else {}

    @brain.setter
    def brain(self, values: Mapping[str, object]) -> None:
        self._store.setValue("brain", json.dumps(dict(values)))

    def layout(self, name: str) -> QByteArray:
        """Return the saved state ``name`` of a window, dock area or splitter; empty if none."""
        value = self._store.value(f"layout/{name}", QByteArray())
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_layout(self, name: str, state: QByteArray) -> None:
        """Save a state as Qt gives it."""
        self._store.setValue(f"layout/{name}", state)

    def forget_layout(self) -> None:
        """Go back to the default layout at the next start."""
        self._store.remove("layout")
