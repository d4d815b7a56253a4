"""The response of the chosen trial: as it was recorded, and as the encoder gets it."""

from __future__ import annotations

from collections.abc import Generator

from PySide6.QtCore import QObject, Signal

from mindvis_gui.data.at_hand import NotAtHandError, only_at_hand
from mindvis_gui.data.prepare import Normalisation, measuring_normalisation, prepare
from mindvis_gui.data.subject import FloatArray, Subject, Trial
from mindvis_gui.errors import DataError, MindVisError
from mindvis_gui.job import Job
from mindvis_gui.jobs import Jobs


class Response(QObject):
    """Reads and prepares a trial's response; what takes long is done in the background.

    Attributes
    ----------
    normalisation : Normalisation or None
        None while the responses of a large subject are measured in the background.
    unmeasured : str
        Why they cannot be measured; empty while nothing speaks against it.
    recorded : (n_voxels,) float32 or None
        In the subject's unit; None while a file is unpacked for it.
    vector : (n_voxels,) float32 or None
        Prepared, as the encoder gets it unmasked.
    """

    changed = Signal()
    completed = Signal()  # what was missing is there: normalisation or response; read again
    problem = Signal(str)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._subject: Subject | None = None
        self._measuring: Job | None = None
        self._awaited: Trial | None = None
        self._fetching = False
        self.normalisation: Normalisation | None = None
        self.unmeasured = ""
        self.recorded: FloatArray | None = None
        self.vector: FloatArray | None = None

    def set_subject(self, subject: Subject, normalisation: Normalisation | None) -> None:
        """Read another subject from now on; without a normalisation it is measured."""
        if self._measuring is not None:
            self._measuring.cancel()
        self._subject, self.normalisation, self.unmeasured = subject, normalisation, ""
        self.recorded = self.vector = self._awaited = None

    @property
    def awaited(self) -> bool:
        """Whether the response is still being read."""
        return self._awaited is not None

    def measure(self) -> None:
        """Measure the normalisation in the background, if there is none."""
        subject = self._subject
        if subject is None or self.normalisation is not None:
            return

        def take(found: Normalisation | DataError) -> None:
            if subject is not self._subject:
                return
            if isinstance(found, DataError):
                self.unmeasured = str(found)
                self.problem.emit(self.unmeasured)
            else:
                self.normalisation = found
                self.completed.emit()

        job = self._measuring = self._jobs.start(
            _measuring(subject),
            "Measuring responses",
            take,
            ended=lambda: self._forget(job),
        )

    def _forget(self, job: Job) -> None:
        if self._measuring is job:
            self._measuring = None

    def read(self, subject: Subject, trial: Trial, rois: tuple[str, ...] | None) -> None:
        """Read the response of a trial; voxels outside `rois` are 0 in its vector."""
        self.recorded = self.vector = self._awaited = None
        try:
            with only_at_hand():
                self.recorded = subject.responses([trial.index])[0]
                if self.normalisation is not None:
                    self.vector = prepare(subject, trial, self.normalisation, rois)
        except NotAtHandError:
            self._fetch(subject, trial)
        except MindVisError as error:
            self.recorded = None
            self.problem.emit(str(error))
        self.changed.emit()

    def _fetch(self, subject: Subject, trial: Trial) -> None:
        """Have the file of a response unpacked, which nobody need do again; one at a time."""
        self._awaited = trial
        if self._fetching:
            return  # what is awaited when that ends is read then
        self._fetching, read = True, False

        def unpack() -> Generator[None, None, None]:
            yield
            subject.responses([trial.index])

        def take(_: None) -> None:
            nonlocal read
            read = True

        def end() -> None:
            self._fetching = False
            awaited, self._awaited = self._awaited, None
            # After an error, which the session reports, the same trial is not tried again.
            if awaited is not None and (read or awaited is not trial):
                self.completed.emit()

        title = f"Reading the response of trial {trial.index}"
        self._jobs.start(unpack(), title, take, ended=end)


def _measuring(subject: Subject) -> Generator[float, None, Normalisation | DataError]:
    """Measure the responses; runs in a job's thread. Returns what keeps them from it, if so."""
    try:
        return (yield from measuring_normalisation(subject))
    except DataError as error:
        return error
