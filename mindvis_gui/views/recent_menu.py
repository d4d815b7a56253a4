"""The menu of what was opened last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QWidget

_LETTERS = 60  # of a folder; the end tells more than the beginning


class RecentMenu(QMenu):
    """Lists subjects and sessions, the newest first, anew whenever it is opened.

    Parameters
    ----------
    recent : callable
        Returns their paths.
    open_path : callable
        Called with the one that is chosen.
    """

    def __init__(
        self,
        recent: Callable[[], Sequence[Path]],
        open_path: Callable[[Path], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Open recent", parent)
        self._recent, self._open = recent, open_path
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self._fill)

    def _fill(self) -> None:
        self.clear()
        room = self.fontMetrics().averageCharWidth() * _LETTERS
        for path in self._recent():
            folder = self.fontMetrics().elidedText(
                str(path.parent), Qt.TextElideMode.ElideLeft, room
            )
            action = self.addAction(f"{path.name}  –  {folder}".replace("&", "&&"))
            action.setToolTip(str(path))
            action.triggered.connect(partial(self._open, path))
        if self.isEmpty():
            self.addAction("Nothing was opened yet").setEnabled(False)
