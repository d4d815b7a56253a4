"""The trials of a subject as a list model: filtered, with thumbnails read in the background."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, QStringListModel, Qt
from PySide6.QtGui import QImage

from mindvis_gui.data.subject import Subject, Trial
from mindvis_gui.errors import DataError
from mindvis_gui.session import Session
from mindvis_gui.views.picture_reader import PictureReader
from mindvis_gui.views.theme import THUMBNAIL

TRIAL_ROLE = Qt.ItemDataRole.UserRole
DECODED_ROLE = Qt.ItemDataRole.UserRole + 1  # bool
_DECODED = {"decoded:yes": True, "decoded:no": False}
_BATCH = 32  # stimuli read in one job: a screenful
_CACHED = 2000  # thumbnails kept, 6 KiB each
_PIXELS = 2 * THUMBNAIL  # sharp on a high-density screen, too
_Index = QModelIndex | QPersistentModelIndex


class TrialModel(QStringListModel):
    """Rows are the trials that pass the filter; asking for a thumbnail puts it on the list to read.

    Nothing is read until a row is drawn, so 30,000 trials cost what a screenful costs. A view asks
    for the number of rows once a row: the strings of the base class are empty, and are there so
    that Qt counts them without Python.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._subject: Subject | None = None
        self._texts: list[str] = []
        self._of_split: dict[str, list[int]] = {}
        self._rows: list[int] = []
        self._thumbnails = PictureReader(session.jobs, self, _BATCH, _CACHED)
        self._thumbnails.arrived.connect(self._show_thumbnails)

    def set_subject(self, subject: Subject | None) -> None:
        """Show the trials of another subject, all of them."""
        trials = subject.trials if subject else ()
        self._subject = subject
        self._texts = [_searched(trial) for trial in trials]
        self._of_split = {}
        for trial in trials:
            self._of_split.setdefault(trial.split, []).append(trial.index)
        self._thumbnails.forget()
        self._show(list(range(len(trials))))

    def set_filter(self, split: str, words: str) -> None:
        """Show the trials of `split` (all if empty) that match every one of `words`.

        A word is looked for in label, category and trial number; ``split:test`` in the split;
        ``decoded:yes`` and ``decoded:no`` say whether there are samples.
        """
        if self._subject is None:
            return
        wanted = words.lower().split()
        splits = {word.removeprefix("split:") for word in wanted if word.startswith("split:")}
        splits |= {split} if split else set()
        texts, rows = self._texts, list(range(len(self._texts)))
        if splits:
            rows = self._of_split.get(splits.pop(), []) if len(splits) == 1 else []
        has_samples = self._session.collection.has_trial
        for word in wanted:
            if word in _DECODED:
                rows = [row for row in rows if has_samples(row) == _DECODED[word]]
            elif not word.startswith("split:"):
                rows = [row for row in rows if word in texts[row]]
        self._show(rows)

    def _show(self, rows: list[int]) -> None:
        self._rows = rows
        self.setStringList([""] * len(rows))  # resets the model

    def trials_at(self, rows: Iterable[int]) -> list[Trial]:
        """Return the trials at some rows, without a question of Qt's for each."""
        trials = self._subject.trials if self._subject else ()
        return [trials[self._rows[row]] for row in rows]

    def row_of(self, trial: Trial) -> int:
        """Return the row that shows `trial`, or -1 when the filter hides it."""
        try:
            return self._rows.index(trial.index)
        except ValueError:
            return -1

    def flags(self, index: _Index) -> Qt.ItemFlag:
        """Return what every row can be: chosen, not edited (called by Qt)."""
        if not index.isValid():
            return Qt.ItemFlag.NoItemFlags
        leaf = Qt.ItemFlag.ItemNeverHasChildren
        return Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled | leaf

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        if self._subject is None or not index.isValid():
            return None
        trial = self._subject.trials[self._rows[index.row()]]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return trial.label or trial.stimulus_id or f"trial {trial.index}"
            case Qt.ItemDataRole.AccessibleTextRole:
                decoded = ", decoded" * self._session.collection.has_trial(trial.index)
                return f"{trial.label or trial.stimulus_id}, {caption(trial)}{decoded}"
            case Qt.ItemDataRole.DecorationRole:
                read = partial(_thumbnail, self._subject, trial)
                return self._thumbnails.get(trial.stimulus_id, read)
            case Qt.ItemDataRole.UserRole:
                return trial
            case _ if role == DECODED_ROLE:
                return self._session.collection.has_trial(trial.index)
        return None

    def _show_thumbnails(self) -> None:
        if self._rows:
            last = self.index(len(self._rows) - 1)
            self.dataChanged.emit(self.index(0), last, [Qt.ItemDataRole.DecorationRole])


def caption(trial: Trial) -> str:
    """Return the line beneath a trial's label."""
    return " · ".join(
        part for part in (trial.split, f"trial {trial.index}", trial.category) if part
    )


def _searched(trial: Trial) -> str:
    return f"{trial.label} {trial.category} trial {trial.index}".lower()


def _thumbnail(subject: Subject, trial: Trial) -> QImage | None:
    """Return the stimulus cut to a square, or None when there is none that can be read."""
    try:
        picture = subject.stimulus(trial)
    except DataError:
        return None  # choosing the trial says what is wrong; the list goes on
    if picture is None:
        return None
    pixels = np.ascontiguousarray(picture)
    height, width, _ = pixels.shape
    whole = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    small = whole.scaled(
        QSize(_PIXELS, _PIXELS),
        Qt.AspectRatioMode.KeepAspectRatioByExpanding,
        Qt.TransformationMode.SmoothTransformation,
    )
    left, top = (small.width() - _PIXELS) // 2, (small.height() - _PIXELS) // 2
    square = small.copy(left, top, _PIXELS, _PIXELS)
    return square.convertToFormat(QImage.Format.Format_RGB32)  # as it is drawn the fastest
