"""The menu of what was opened last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from mindvis_gui.files import is_there
from mindvis_gui.jobs import Jobs

_LETTERS = 60  # of a folder; the end tells more than the beginning


class RecentMenu(QMenu):
    """Lists subjects and sessions, the newest first, anew whenever it is opened.

    Those that are gone are left out, as soon as their disk has said so.

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
        jobs: Jobs,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Open recent", parent)
        self._recent, self._open, self._jobs = recent, open_path, jobs
        self._listed: dict[Path, QAction] = {}
        self.setToolTipsVisible(True)
        self.aboutToShow.connect(self._fill)

    def _fill(self) -> None:
        self.clear()
        self._listed = listed = {path: self._add(path) for path in self._recent()}
        if listed:
            paths = list(listed)
            self._jobs.soon(lambda: gone(paths), "", lambda found: self._leave_out(found, listed))
        else:
            self.addAction("Nothing was opened yet").setEnabled(False)

    def _add(self, path: Path) -> QAction:
        room = self.fontMetrics().averageCharWidth() * _LETTERS
        folder = self.fontMetrics().elidedText(str(path.parent), Qt.TextElideMode.ElideLeft, room)
        action = self.addAction(f"{path.name}  –  {folder}".replace("&", "&&"))
        action.setToolTip(str(path))
        action.triggered.connect(partial(self._open, path))
        return action

    def _leave_out(self, found: Sequence[Path], listed: dict[Path, QAction]) -> None:
        if listed is not self._listed:
            return  # it was opened anew meanwhile
        for path in found:
            listed[path].setVisible(False)
        if len(found) == len(listed):
            self.addAction("What was opened last is gone").setEnabled(False)


def gone(paths: Sequence[Path]) -> list[Path]:
    """Return those of `paths` where nothing is; their drives may take long to answer."""
    return [path for path in paths if not is_there(path)]
