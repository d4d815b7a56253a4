"""The grid of samples over any two options: which cells there are, and decoding those missing."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, product
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from mindvis_gui.data.mask import mask_from_json
from mindvis_gui.errors import RequestError
from mindvis_gui.session.asking import misfit, no_model
from mindvis_gui.session.axes import OPTIONS, Axis
from mindvis_gui.session.axis_values import own_values, typed_axis
from mindvis_gui.session.grid_cells import Cell, GridCells
from mindvis_gui.session.grid_models import GridModels
from mindvis_gui.session.options import Options
from mindvis_gui.session.planner import Planner
from mindvis_gui.session.sample_blocks import SampleBlock, SampleSet, within, without

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session

_SEEDS = 10_000  # a cell's new seed is drawn below it


class Grid(QObject):
    """Rows × columns over two options; all others are those of the session.

    Attributes
    ----------
    models : GridModels
    typed : dict of str to str
        Option → values as they were typed; the others have values of their own.
    trials : tuple of int
        Rows where trials are the rows.
    rows, columns : str
        Keys of `mindvis_gui.session.axes.OPTIONS`.
    """

    changed = Signal()  # what is in the cells
    axes_changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._seeds: dict[tuple[Any, Any], int] = {}  # of cells that were drawn again
        self.models = GridModels(session)
        self._made = GridCells(session, self.models)
        self.models.changed.connect(self._renew)
        self._planner = Planner(session)
        self._planner.ended.connect(self._forget_queued)
        self._axes: dict[str, Axis] = {}  # looked up thousands of times until something changes
        self._cells: dict[tuple[Any, Any], Cell] = {}
        self._common: dict[tuple[tuple[str, Any], ...], Cell] = {}  # by all but trial and seed
        self.typed: dict[str, str] = {}
        self.trials: tuple[int, ...] = ()
        self.queued = SampleSet()
        self.rows, self.columns = "trial", "seed"
        session.subject_changed.connect(self._forget)
        for signal in (
            session.trial_changed,
            session.rois_changed,
            session.options_changed,
            session.masking.mask_changed,
        ):
            signal.connect(self._renew)
        session.model_changed.connect(self._take_model)
        session.queue.decoded.connect(self._take_off)
        session.queue.changed.connect(self._forget_queued)
        session.queue.cleared.connect(self._forget_waiting)

    # -- axes --------------------------------------------------------------------------------

    def set_axes(self, rows: str, columns: str) -> None:
        """Choose what changes along the rows and along the columns.

        Raises
        ------
        RequestError
            If both are the same, or trials are to be columns: each row has one stimulus.
        """
        if rows == columns:
            raise RequestError("rows and columns show the same option; choose two")
        if columns == "trial":
            raise RequestError("trials can only be rows: each row has its stimulus")
        if (rows, columns) != (self.rows, self.columns):
            self.rows, self.columns = rows, columns
            self._renew_axes()

    def set_values(self, option: str, text: str) -> None:
        """Choose the values of an option as they are typed; empty goes back to its own.

        Raises
        ------
        RequestError
            If a value makes no sense.
        """
        if text.strip():
            typed_axis(self._session.subject, option, text)
            self.typed[option] = text
        else:
            self.typed.pop(option, None)
        if option == "model":
            self.models.load(self.axis("model").values)
        self._renew_axes()

    def set_trials(self, trials: Sequence[int]) -> None:
        """Choose the trials that are rows."""
        self.trials = tuple(trials)
        self.typed.pop("trial", None)
        self._renew_axes()

    def axis(self, option: str) -> Axis:
        """Return an option with the values it has now."""
        if option not in self._axes:
            text = self.typed.get(option)
            self._axes[option] = (
                Axis(option, own_values(self._session, option, self.trials))
                if text is None
                else typed_axis(self._session.subject, option, text)
            )
        return self._axes[option]

    # -- cells -------------------------------------------------------------------------------

    def cell(self, row: Any, column: Any) -> Cell:
        """Return what is in the cell of two values of the axes."""
        if (row, column) not in self._cells:
            changed = {self.rows: row, self.columns: column}
            again = self._seeds.get((row, column))
            if again is not None:
                changed["seed"] = again
            cell = self._common_cell(changed)
            if cell.options is not None:
                place = {"trial": self._trial, "seed": self._session.first_seed, **changed}
                cell = Cell(replace(cell.options, trial=place["trial"], seed=place["seed"]))
            self._cells[row, column] = cell
        return self._cells[row, column]

    @property
    def _trial(self) -> int:
        """The trial of all cells where trials are no axis."""
        trial = self._session.trial
        return 0 if trial is None else trial.index

    def _common_cell(self, changed: Mapping[str, Any]) -> Cell:
        """Return `Options.common` of some cell; what trial and seed do not change is asked once."""
        others = tuple(each for each in changed.items() if each[0] not in ("trial", "seed"))
        if others not in self._common:
            cell = self.options(**dict(others))
            self._common[others] = Cell(cell.options.common) if cell.options else cell
        return self._common[others]

    def samples(self, rows: Iterable[Any]) -> Iterator[SampleBlock]:
        """Return the samples that the cells of some rows are to have."""
        columns = self.axis(self.columns).values
        apart = {row for row, column in self._seeds if column in columns}
        for drawn_again, some in groupby(rows, apart.__contains__):
            if not drawn_again:
                yield from self._block(tuple(some), columns)
                continue
            for row, column in product(some, columns):
                seed = self._seeds.get((row, column))
                yield from self._block((row,), (column,), None if seed is None else (seed,))

    def _block(
        self, rows: Sequence[Any], columns: Sequence[Any], seeds: Sequence[int] | None = None
    ) -> Iterator[SampleBlock]:
        values = {self.rows: rows, self.columns: columns}
        trials = values.pop("trial", (self._trial,))
        own_seeds = values.pop("seed", (self._session.first_seed,))
        places = (dict(zip(values, place, strict=True)) for place in product(*values.values()))
        commons = [self._common_cell(place).options for place in places]
        possible = [common for common in commons if common is not None]
        if possible:
            yield SampleBlock(trials, possible, own_seeds if seeds is None else seeds)

    def drawn(self, rows: Iterable[Any]) -> Iterator[SampleBlock]:
        """Return what there is of the samples of some rows."""
        return within(self.samples(rows), self._session.collection.drawn)

    def options(self, **changed: Any) -> Cell:
        """Return the session's options with some of them changed, by the keys of `OPTIONS`."""
        assert set(changed) <= set(OPTIONS)
        return self._made.cell(changed)

    # -- decoding ----------------------------------------------------------------------------

    def missing(self) -> list[SampleBlock]:
        """Return the samples of all cells that are not there and do not wait to be drawn."""
        return list(self._missing_of(self.samples(self.axis(self.rows).values)))

    def _missing_of(self, blocks: Iterable[SampleBlock]) -> Iterator[SampleBlock]:
        return without(without(blocks, self._session.collection.drawn), self.queued)

    def is_missing(self, options: Options) -> bool:
        """Whether there is no such sample, and none is on its way."""
        return self._session.collection.get(options) is None and options not in self.queued

    def start(self, wanted: Iterable[SampleBlock]) -> None:
        """Decode samples: those that differ in their seed alone as one request."""
        session = self._session
        subject, normalisation = session.subject, session.normalisation
        if normalisation is None:
            session.problem.emit(
                session.unmeasured or "the responses are still being measured; decode in a moment"
            )
            return
        blocks, decoders = list(wanted), self.models.by_hash
        for model_hash in dict.fromkeys(one.model_hash for each in blocks for one in each.commons):
            if model_hash not in decoders:
                name = session.collection.models.get(model_hash, "of these samples")
                session.problem.emit(f"model {name} is not loaded; load it to decode more")
                return
        if not blocks or subject is None:
            return
        for each in blocks:
            self.queued.add(each)
        self._planner.start(blocks, decoders, self._made.masks)
        self.changed.emit()

    def decode_trials(self, trials: Sequence[int]) -> None:
        """Make these trials the rows and seeds the columns, and decode what is missing of them."""
        session = self._session
        if complaint := misfit(session.decoder, session.subject):
            session.problem.emit(complaint)
            return
        if session.decoder is None:
            session.problem.emit(no_model(session))
            return
        self.set_trials(trials)
        self.set_axes("trial", "seed")
        missing = self.missing()
        self.start(missing)
        if not missing:
            session.message.emit("All of these are decoded already; Compare shows them")

    def take_up(self, requests: Iterable[Mapping[str, Any]]) -> None:
        """Decode what requests (as JSON values) asked for before.

        Raises
        ------
        DataError
            If one is incomplete.
        """
        wanted = []
        for values in requests:
            mask = mask_from_json(values["mask"])
            if mask is not None:
                self._made.remember(mask)
            if values["seeds"]:
                wanted.append(SampleBlock.asked(values, values["seeds"]))
        self.start(self._missing_of(wanted))

    def draw_again(self, row: Any, column: Any) -> None:
        """Put a sample of another seed into one cell."""
        shown = {self.cell(row, other).options for other in self.axis(self.columns).values}
        used = {options.seed for options in shown if options is not None}
        seed = random.choice([seed for seed in range(_SEEDS) if seed not in used])
        self._seeds[row, column] = seed
        self._cells.pop((row, column), None)
        options = self.cell(row, column).options
        if options is not None and self.is_missing(options):
            self.start([SampleBlock.of(options)])
        self.changed.emit()

    # -- following the session ---------------------------------------------------------------

    def _forget(self) -> None:
        self._seeds.clear()
        self._made.masks.clear()
        self.queued.clear()
        self.trials, self.typed = (), {}
        self.models.forget_stand_in()
        self.models.load(())
        self._renew_axes()

    def _renew(self) -> None:
        """Look everything up anew: an option of the session changed."""
        seeds = self._axes.get("seed")
        self._axes.clear()
        self._cells.clear()
        self._common.clear()
        if seeds is not None and seeds != self.axis("seed"):
            self.axes_changed.emit()
        else:
            self.changed.emit()

    def _renew_axes(self) -> None:
        self._axes.clear()
        self._cells.clear()
        self._common.clear()
        self.axes_changed.emit()

    def _take_model(self) -> None:
        self.models.forget_stand_in()
        self._renew_axes()
        if "model" in (self.rows, self.columns):
            self.models.load(self.axis("model").values)

    def _take_off(self, result: Any) -> None:
        seeds = [sample.seed for sample in result.samples]
        self.queued.discard(SampleBlock.asked(result.request.to_json(), seeds))

    def _forget_waiting(self) -> None:
        """Let go of what the queue has forgotten; the running decode may end yet."""
        together = self._session.queue.together
        requests = (SampleBlock.asked(each.to_json(), each.seeds) for each in together)
        running = list(within(requests, self.queued))
        self.queued.clear()
        for each in running:
            self.queued.add(each)
        self.changed.emit()

    def _forget_queued(self) -> None:
        queue = self._session.queue
        if not self._planner.active and not queue.active and not len(queue):
            self.queued.clear()
        self.changed.emit()
