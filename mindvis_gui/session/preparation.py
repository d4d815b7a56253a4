"""What is done to the subject's responses before any of them is decoded."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.preparation import Preparation, preparing
from mindvis_gui.data.prepare import (
    Normalisation,
    estimate_normalisation,
    measuring_normalisation,
    normalising_trials,
    stored_normalisation,
)
from mindvis_gui.data.subject import Subject
from mindvis_gui.errors import DataError
from mindvis_gui.job import Job
from mindvis_gui.jobs import Jobs
from mindvis_gui.steps import finish

_AT_ONCE = 1 << 26  # bytes of responses that are measured before a subject is shown


@dataclass(frozen=True, eq=False, slots=True)
class PreparedSubject:
    """A subject as it is decoded.

    Attributes
    ----------
    subject : Subject
        With the steps done to it.
    original : Subject
        As it was opened.
    steps : Preparation
    grid : DisplayGrid or None
        None where the subject has no voxel positions.
    normalisation : Normalisation or None
        None while it is yet to be measured, because reading all responses takes seconds.
    estimate : Normalisation
        The same from a few trials, good enough for a scale of colours.
    positions : pathlib.Path or None
        File that the voxel positions were added from; None where there is none.
    """

    subject: Subject
    original: Subject
    steps: Preparation
    grid: DisplayGrid | None
    normalisation: Normalisation | None
    estimate: Normalisation
    positions: Path | None = None


class PreparationState(QObject):
    """The steps of preparation in force; new ones are done in the background.

    Attributes
    ----------
    steps : Preparation
    """

    changed = Signal()

    def __init__(
        self, jobs: Jobs, show: Callable[[PreparedSubject], None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._jobs, self._show = jobs, show
        self._opened: PreparedSubject | None = None
        self._wanted: Preparation | None = None
        self._job: Job | None = None
        self.steps = Preparation()

    def set_subject(self, opened: PreparedSubject) -> None:
        """Prepare another subject from now on; the session emits `changed`."""
        if self._job is not None and opened.steps != self._wanted:
            self._job.cancel()
        self._opened = opened
        self.steps = opened.steps

    def set_steps(self, steps: Preparation) -> None:
        """Do these steps to the subject as it was opened, in place of those in force.

        If they are impossible, `Session.problem` says why and the old ones stay.
        """
        opened = self._opened
        if opened is None or steps == (self.steps if self._wanted is None else self._wanted):
            return
        items = preparing_to_show(opened.original, steps, opened.grid, opened.positions)
        self._begin(steps, items, "Preparing responses")

    @property
    def original(self) -> Subject | None:
        """The subject as it was opened, or with positions from another file."""
        return None if self._opened is None else self._opened.original

    @property
    def positions(self) -> Path | None:
        """The file that positions were added from."""
        return None if self._opened is None else self._opened.positions

    def add_positions(self, path: Path) -> None:
        """Take from another file of the same voxels where they lie; see `with_positions`.

        If it is none, `Session.problem` says why.
        """
        if self.original is None:
            return
        steps = self.steps if self._wanted is None else self._wanted
        title = f"Reading positions from {path.name}"
        self._begin(steps, _positioning(self.original, path, steps), title)

    def _begin(
        self, steps: Preparation, items: Generator[Any, None, PreparedSubject], title: str
    ) -> None:
        if self._job is not None:
            self._job.cancel()
        self._wanted, original = steps, self.original

        def take_over(prepared: PreparedSubject) -> None:
            # Otherwise another subject was opened meanwhile, or other steps are wanted.
            if self.original is original and prepared.steps == self._wanted:
                self._show(prepared)

        job = self._job = self._jobs.start(items, title, take_over, ended=lambda: self._forget(job))

    def _forget(self, job: Job) -> None:
        """Want nothing any more: the steps are in force, or were impossible."""
        if self._job is job:
            failed = self.steps != self._wanted
            self._wanted = self._job = None
            if failed:
                self.changed.emit()  # lets the view fall back to what is so


def preparing_to_show(
    original: Subject, steps: Preparation, grid: DisplayGrid | None, positions: Path | None = None
) -> Generator[Any, None, PreparedSubject]:
    """Do the steps; measure the responses, too, where that is quick.

    Why they cannot be measured is said once the subject is shown, where they are measured again:
    steps that leave out the trial that is to blame need the subject to be open.
    """
    subject = yield from preparing(original, steps)
    normalisation = stored_normalisation(subject)
    if normalisation is None:
        _, rows, _ = normalising_trials(subject)
        if 4 * len(rows) * subject.n_voxels <= _AT_ONCE:
            with suppress(DataError):
                normalisation = yield from measuring_normalisation(subject)
    estimate = normalisation or estimate_normalisation(subject)
    return PreparedSubject(subject, original, steps, grid, normalisation, estimate, positions)


def positioned(opened: PreparedSubject, path: Path) -> PreparedSubject:
    """Return a subject with positions from another file; any thread.

    Raises
    ------
    DataError
        If it is no such file; see `with_positions`.
    """
    return finish(_positioning(opened.original, path, opened.steps))


def prepared(opened: PreparedSubject, steps: Preparation) -> PreparedSubject:
    """Return a subject after other steps; any thread.

    Raises
    ------
    RequestError
        If they are impossible.
    """
    return finish(preparing_to_show(opened.original, steps, opened.grid, opened.positions))


def _positioning(
    original: Subject, path: Path, steps: Preparation
) -> Generator[Any, None, PreparedSubject]:
    from mindvis_gui.data.positions import with_positions  # brings nibabel

    placed = with_positions(original, path)
    yield
    grid = DisplayGrid.of(placed)
    yield
    return (yield from preparing_to_show(placed, steps, grid, path))
