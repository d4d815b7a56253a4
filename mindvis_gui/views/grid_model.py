"""The grid of samples as a table: the stimulus first, then one column a value."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer
from PySide6.QtGui import QImage

from mindvis_gui.data.subject import Subject, Trial
from mindvis_gui.decoding.cached_decoder import PartStep
from mindvis_gui.errors import DataError
from mindvis_gui.session import Session
from mindvis_gui.session.axes import Axis
from mindvis_gui.session.collection import Drawn
from mindvis_gui.session.grid_cells import Cell
from mindvis_gui.session.grid_order import Row, needs_scores, ordered
from mindvis_gui.session.options import Options
from mindvis_gui.session.sample_blocks import SampleBlock
from mindvis_gui.views.picture import to_qimage
from mindvis_gui.views.picture_reader import PictureReader
from mindvis_gui.views.score_captions import brief_note, pixel_lines

CONTENT_ROLE = Qt.ItemDataRole.UserRole
_BATCH = 24  # pictures read in one job
_CACHED = 600  # pictures kept, 256 KiB each at 256 pixels
_SOON = 500  # ms that new scores are gathered before rows are sorted again
_Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, eq=False, slots=True)
class Content:
    """What a cell shows.

    `key` tells pictures apart; `instead` is written where there is none, `title` and `note`
    beneath at the left and the right; `seen` marks the stimulus.
    """

    key: Hashable
    image: QImage | None
    title: str
    note: str = ""
    instead: str = ""
    hint: str = ""
    seen: bool = False


class GridModel(QAbstractTableModel):
    """Shows the session's grid; a picture is read when its cell is drawn."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.rows: list[Any] = []
        self.columns: list[Any] = []
        self.order, self.words = "", ""
        self._known: tuple[Axis, tuple[Trial | None, ...]] | None = None
        self._rows: list[Row] = []  # of what is known, in its order
        self._pictures = PictureReader(session.jobs, self, _BATCH, _CACHED)
        self._pictures.arrived.connect(self._repaint)
        self._sorting = QTimer(self, singleShot=True, interval=_SOON)
        self._sorting.timeout.connect(self.rearrange)
        session.grid.axes_changed.connect(self.rearrange)
        session.grid.changed.connect(self._repaint)
        session.collection.added.connect(self._take_samples)
        session.collection.scored.connect(self._take_scores)
        session.subject_changed.connect(self._forget)
        session.queue.progressed.connect(self._repaint)
        self._active = False

    def set_active(self, active: bool) -> None:
        """Follow the session while somebody looks, and only then."""
        if active != self._active:
            self._active = active
            self.rearrange()

    # -- what is where -----------------------------------------------------------------------

    def arrange(self, order: str, words: str) -> None:
        """Choose order and filter of the rows.

        Raises
        ------
        RequestError
            If a condition in `words` makes no sense.
        """
        ordered([], order, words)
        self.order, self.words = order, words
        self.rearrange()

    def rearrange(self) -> None:
        """Look up rows and columns anew."""
        if not self._active:
            return
        grid = self._session.grid
        axis = grid.axis(grid.rows)
        columns = list(grid.axis(grid.columns).values)
        shown = list(axis.values)
        if self.order or self.words:
            rows = self._labelled(axis)
            if needs_scores(self.order, self.words):
                rows = self._scored(rows)
            shown = ordered(rows, self.order, self.words)
        if (shown, columns) != (self.rows, self.columns):
            self.beginResetModel()
            self.rows, self.columns = shown, columns
            self.endResetModel()
        else:
            self._repaint()
            if columns:
                last = len(columns)
                self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, last)
        self.want_scores()

    def _labelled(self, axis: Axis) -> list[Row]:
        """Return what rows are found and ordered by but scores; asked at every key of a filter."""
        subject = self._session.subject
        trials = subject.trials if subject and axis.option == "trial" else (self._session.trial,)
        if self._known != (axis, trials):
            self._known, self._rows = (axis, trials), [self._row(each) for each in axis.values]
        return self._rows

    def _row(self, value: Any) -> Row:
        label, trial = self.row_label(value), self.trial(value)
        words = f"{label} {trial.category} {trial.split}" if trial else label
        name = trial.label if trial and self._session.grid.rows == "trial" else label
        return Row(value, words.lower(), name)

    def _scored(self, rows: list[Row]) -> list[Row]:
        grid, find = self._session.grid, self._session.collection.scores_of
        if grid.rows == "trial":  # thousands, all of which are looked up at once
            of_trials = find(grid.samples([row.value for row in rows]))
            found = [of_trials.get(row.value, []) for row in rows]
        else:
            found = [
                [each for some in find(grid.samples([row.value])).values() for each in some]
                for row in rows
            ]
        return [
            row._replace(scores=[each.scores for each in scores]) if scores else row
            for row, scores in zip(rows, found, strict=True)
        ]

    def want_scores(self) -> None:
        """Ask for the scores that rows are sorted by, or all that are shown."""
        self._session.collection.want_scores(self._session.grid.samples(self.rows))

    def cell(self, row: Any, column: Any) -> Cell:
        """Return what belongs to the cell of two values."""
        return self._session.grid.cell(row, column)

    def cell_at(self, index: _Index) -> Cell | None:
        """Return what belongs at an index; None for the stimulus."""
        if not index.isValid() or index.column() == 0:
            return None
        return self.cell(self.rows[index.row()], self.columns[index.column() - 1])

    def drawn_at(self, index: _Index) -> Drawn | None:
        """Return the sample at an index, if there is one."""
        cell = self.cell_at(index)
        if cell is None or cell.options is None:
            return None
        return self._session.collection.get(cell.options)

    def trial(self, row: Any) -> Trial | None:
        """Return the trial that a row is about."""
        if self._session.subject is None:
            return None
        if self._session.grid.rows == "trial":
            return self._session.subject.trials[row]
        return self._session.trial

    def row_label(self, value: Any) -> str:
        """Return what stands beneath the stimulus of a row."""
        grid = self._session.grid
        if grid.rows == "trial" and self._session.subject is not None:
            trial = self._session.subject.trials[value]
            return f"{value} {trial.label}".rstrip()
        return grid.axis(grid.rows).label(value)

    # -- as Qt asks --------------------------------------------------------------------------

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else 1 + len(self.columns)

    def headerData(  # noqa: D102
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or role != Qt.ItemDataRole.DisplayRole:
            return None
        if section == 0:
            return "seen"
        grid = self._session.grid
        if section > len(self.columns):
            return None
        return grid.axis(grid.columns).label(self.columns[section - 1])

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        if not index.isValid() or index.row() >= len(self.rows):
            return None
        if role not in (
            CONTENT_ROLE,
            Qt.ItemDataRole.AccessibleTextRole,
            Qt.ItemDataRole.ToolTipRole,
        ):
            return None
        content = self.content(index)
        if role == CONTENT_ROLE:
            return content
        if role == Qt.ItemDataRole.ToolTipRole:
            return content.hint
        return ", ".join(part for part in (content.title, content.note, content.instead) if part)

    def content(self, index: _Index) -> Content:
        """Return what the cell at an index shows."""
        row = self.rows[index.row()]
        if index.column() == 0:
            return self._stimulus(row)
        column = self.columns[index.column() - 1]
        cell = self.cell(row, column)
        drawn = None if cell.options is None else self._session.collection.get(cell.options)
        if cell.options is None or drawn is None:
            return self._undrawn(cell)
        key = drawn.options
        image = self._pictures.get(key, partial(_sample, drawn), at_hand=not drawn.on_disk)
        grid = self._session.grid
        title = f"seed {key.seed}" if "seed" not in (grid.rows, grid.columns) else ""
        shown = column if grid.columns == "seed" else row if grid.rows == "seed" else key.seed
        if shown != key.seed:
            title = f"seed {key.seed}"  # drawn again: not that of the column
        score = self._session.collection.score(key)
        gone = "no longer on disk;\ndecode again" if self._pictures.is_missing(key) else ""
        if score is None:
            return Content(key, image, title, instead=gone)
        hint = "\n".join(pixel_lines(score.scores, score.n_candidates, score.chance))
        return Content(key, image, title, brief_note(score.scores, score.n_candidates), gone, hint)

    def _undrawn(self, cell: Cell) -> Content:
        """Show what becomes of a cell without a sample, or why there is none."""
        queue, options = self._session.queue, cell.options
        if options is None:
            return Content(None, None, "", instead=cell.reason)
        if options not in self._session.grid.queued:
            return Content(None, None, "")
        step = queue.step
        if not any(
            options == Options.of(each.to_json(), options.seed)
            for each in queue.together
            if each.trial == options.trial and options.seed in each.seeds
        ):
            return Content(None, None, "", instead="waiting")
        if queue.stopping:
            return Content(None, None, "", instead="stopping…")
        if not isinstance(step, PartStep) or options.seed not in step.seeds:
            return Content(None, None, "", instead="decoding…")
        note = f"step {step.index}/{step.total}"
        if step.preview is None:
            return Content(None, None, "", note, instead=note)
        image = to_qimage(step.preview[step.seeds.index(options.seed)])
        return Content(("preview", options.seed, id(step)), image, "", note)

    def _stimulus(self, row: Any) -> Content:
        trial, subject = self.trial(row), self._session.subject
        label = self.row_label(row)
        if trial is None or subject is None:
            return Content(None, None, label, seen=True)
        key = ("stimulus", trial.stimulus_id)
        image = self._pictures.get(key, partial(_seen, subject, trial))
        instead = "no stimulus" if self._pictures.is_missing(key) else ""
        return Content(key, image, label, "", instead, f"What was seen: {label}", seen=True)

    # -- following the session ---------------------------------------------------------------

    def _forget(self) -> None:
        self._pictures.forget()
        self.rearrange()

    def _take_samples(self, options: list[Options]) -> None:
        if self._active:
            self._session.collection.want_scores(SampleBlock.of(each) for each in options)
            self._repaint()

    def _take_scores(self) -> None:
        if self.order or self.words:
            self._sorting.start()
        else:
            self._repaint()

    def _repaint(self) -> None:
        if self.rows and self._active:
            last = self.index(len(self.rows) - 1, len(self.columns))
            self.dataChanged.emit(self.index(0, 0), last)


def _sample(drawn: Drawn) -> QImage | None:
    pixels = drawn.picture()
    return None if pixels is None else to_qimage(pixels)


def _seen(subject: Subject, trial: Trial) -> QImage | None:
    try:
        pixels = subject.stimulus(trial)
    except DataError:
        return None  # choosing the trial says what is wrong
    return None if pixels is None else to_qimage(pixels)
