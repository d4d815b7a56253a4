"""Making a subject of a file that does not say everything: plan, preview, writing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.import_plan import PREVIEWED, Base, ImportPlan, first_trials
from mindvis_gui.data.preparation import prepare_subject
from mindvis_gui.data.source_contents import SourceContents, inspect_source, missing_parts
from mindvis_gui.data.subject import FloatArray, ImageArray, Subject
from mindvis_gui.data.subject_file import writing_subject
from mindvis_gui.errors import DataError, MindVisError
from mindvis_gui.job import Job
from mindvis_gui.jobs import Jobs
from mindvis_gui.session.overlays import Look

_PERCENTILE = 98  # of the distance from the median: where the colours of responses end


@dataclass(frozen=True, eq=False, slots=True)
class ImportPreview:
    """What a plan makes, seen by its first trials.

    Attributes
    ----------
    subject : Subject
        The first trials only.
    counts : mapping of str to int
        Trials of the whole subject in each split.
    responses : (n_trials, n_voxels) float32
    pictures : tuple of (h, w, 3) uint8 or None
        One a trial; None where there is none.
    grid : DisplayGrid or None
        None where no positions are known.
    look : Look
        How to draw the responses.
    missing : tuple of str
        Those of `source_contents.QUESTIONS` that are still open.
    """

    subject: Subject
    counts: dict[str, int]
    responses: FloatArray
    pictures: tuple[ImageArray | None, ...]
    grid: DisplayGrid | None
    look: Look
    missing: tuple[str, ...]


class SubjectImport(QObject):
    """Looks into a source, previews what the plan makes of it, and writes that.

    One job runs at a time; while it does, only the newest plan is remembered.

    Attributes
    ----------
    contents : SourceContents or None
    plan : ImportPlan or None
    preview : ImportPreview or None
        Of `plan` or, while a newer one is being read, of the one before.
    problem : str
        Why the source or the plan cannot be read; one sentence.
    """

    inspected = Signal()
    previewed = Signal()  # or the problem is known
    progressed = Signal(float)  # fraction of the file that is written
    written = Signal(object)  # Path
    changed = Signal()  # whether it is busy or writes

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self._jobs = jobs
        self._job: Job | None = None
        self._next: Callable[[], None] | None = None
        self._bases = _LastBase()
        self._closed = False
        self.writing = False
        self.contents: SourceContents | None = None
        self.plan: ImportPlan | None = None
        self.preview: ImportPreview | None = None
        self.problem = ""

    @property
    def busy(self) -> bool:
        """Whether something is being read or written."""
        return self._job is not None

    @property
    def ready(self) -> bool:
        """Whether the plan can be written as it is."""
        return self.preview is not None and not self.problem and not self.busy

    def inspect(self, path: Path | str, more: Sequence[Path] = ()) -> None:
        """Look into a source; then its preview is made as far as the plan can be guessed."""
        self._bases.forget()
        self._when_idle(lambda: self._start(_inspecting(path, more), "", self._set_contents))

    def _set_contents(self, found: SourceContents | str) -> None:
        self.preview = None
        if isinstance(found, str):
            self.contents = self.plan = None
            self.problem = found
        else:
            self.contents, self.plan, self.problem = found, found.plan, found.problem
        self.inspected.emit()
        if self.plan is not None and not self.problem:
            self._when_idle(self._preview)

    def change(self, plan: ImportPlan) -> None:
        """Make another plan and preview it."""
        if plan == self.plan or self.writing:
            return
        self.plan = plan
        self._when_idle(self._preview)

    def _preview(self) -> None:
        if self.plan is not None:
            self._start(_previewing(self.plan, self._bases), "", self._set_preview)

    def _set_preview(self, made: ImportPreview | str) -> None:
        if isinstance(made, str):
            self.preview, self.problem = None, made
        else:
            self.preview, self.problem = made, ""
        self.previewed.emit()

    def write(self, out: Path) -> None:
        """Write the subject; `written` tells when it is done."""
        if self.plan is None or self.busy:
            return
        self.writing, self.problem = True, ""
        self._start(_writing(self.plan, out), f"Writing {out.name}", self._finish, self._report)

    def cancel(self) -> None:
        """Stop what runs; nothing half-written is left behind."""
        self._next = None
        if self._job is not None:
            self._job.cancel()

    def close(self) -> None:
        """Stop what runs, and tell nobody of it any more."""
        self._closed = True
        self.cancel()

    def _report(self, done: object) -> None:
        if isinstance(done, float) and not self._closed:
            self.progressed.emit(done)

    def _finish(self, result: Path | str) -> None:
        if isinstance(result, str):
            self.problem = result
            self.previewed.emit()
        else:
            self.written.emit(result)

    # -- one job after the other -------------------------------------------------------------

    def _when_idle(self, begin: Callable[[], None]) -> None:
        """Begin at once, or when the job that runs has stopped; only the newest is begun."""
        if self._job is None:
            begin()
        else:
            self._next = begin
            self._job.cancel()

    def _start(
        self,
        items: Generator[Any, None, Any],
        title: str,
        done: Callable[[Any], None],
        progress: Callable[[Any], None] | None = None,
    ) -> None:
        def hand_over(result: Any) -> None:
            if self._next is None and not self._closed:  # else it is out of date
                done(result)

        self._job = self._jobs.start(items, title, hand_over, progress=progress, ended=self._end)
        self.changed.emit()

    def _end(self) -> None:
        self._job, self.writing = None, False
        if self._closed:
            return
        begin, self._next = self._next, None
        if begin is not None:
            begin()
        else:
            self.changed.emit()


class _LastBase:
    """Keeps what a plan begins with: most changes of a plan leave that as it is."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._plan: ImportPlan | None = None
        self._base: Base | None = None

    def __call__(self, plan: ImportPlan) -> Base:
        if self._base is None or plan.base_plan != self._plan:
            self._base = plan.read_base()
            self._plan = plan.base_plan
        return self._base


def _inspecting(
    path: Path | str, more: Sequence[Path]
) -> Generator[None, None, SourceContents | str]:
    yield
    try:
        return inspect_source(path, more)
    except MindVisError as error:
        return str(error)


def _previewing(plan: ImportPlan, base: _LastBase) -> Generator[None, None, ImportPreview | str]:
    """Read the first trials; z-scores, which need all of them, are left out."""
    yield
    try:
        whole = prepare_subject(plan.unprepared(base), replace(plan.preparation, z_score="global"))
        yield
        some = first_trials(whole, PREVIEWED)
        responses = some.responses(range(len(some.trials)))
        yield
        pictures = tuple(some.stimulus(trial) for trial in some.trials)
        yield
        grid = None if some.ijk is None else DisplayGrid.of(some)
        missing = missing_parts(whole)
    except MindVisError as error:
        return str(error)
    splits = [trial.split for trial in whole.trials]
    counts = {split: splits.count(split) for split in dict.fromkeys(splits)}
    return ImportPreview(some, counts, responses, pictures, grid, _look(responses), missing)


def _look(responses: FloatArray) -> Look:
    middle = float(np.median(responses))
    reach = float(np.percentile(np.abs(responses - middle), _PERCENTILE)) or 1.0
    return Look(low=middle - reach, high=middle + reach, opacity=1.0)


def _writing(plan: ImportPlan, out: Path) -> Generator[float | None, None, Path | str]:
    """Read and write piece by piece, yielding the fraction that is written."""
    try:
        if out.resolve() == Path(plan.source).expanduser().resolve():
            raise DataError(f"{out.name}: this is the source itself; choose another name")
        reading = plan.reading()
        while True:
            try:
                next(reading)
            except StopIteration as stop:
                subject = stop.value
                break
            yield None
        for done, total in writing_subject(out, subject):
            yield done / max(total, 1)
    except MindVisError as error:
        return str(error)
    return out
