"""The response of the chosen trial: as it was recorded, and as the encoder gets it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from mindvis_gui.data.at_hand import NotAtHandError, only_at_hand
from mindvis_gui.data.prepare import Normalisation, measuring_normalisation, prepared
from mindvis_gui.data.subject import FloatArray, Recording, Subject, Trial
from mindvis_gui.errors import DataError, MindVisError
from mindvis_gui.job import Job
from mindvis_gui.jobs import Jobs


@dataclass(frozen=True, eq=False, slots=True)
class _Read:
    """The response (n_voxels,) of a trial."""

    recording: Recording
    trial: int
    values: FloatArray

    def is_of(self, subject: Subject, trial: Trial) -> bool:
        """Whether it is a trial's, whatever regions were made of the subject meanwhile."""
        return self.recording is subject.recording and self.trial == trial.index


class Response(QObject):
    """Reads and prepares a trial's response; what takes long is done in the background.

    Attributes
    ----------
    normalisation : Normalisation or None
        None while the responses of a large subject are measured in the background.
    unmeasured : str
        Why they cannot be measured; empty while nothing speaks against it.
    recorded : (n_voxels,) float32 or None
        In the subject's unit; None while a file is read or unpacked for it.
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
        self._fetching: Job | None = None
        self._newest: _Read | None = None  # of those that were not at hand
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
        self._fetching = self._newest = None

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
            _measuring(subject), "Measuring responses", take, ended=lambda: self._forget(job)
        )

    def _forget(self, job: Job) -> None:
        if self._measuring is job:
            self._measuring = None

    def read(self, subject: Subject, trial: Trial, rois: tuple[str, ...] | None) -> None:
        """Read the response of a trial; voxels outside `rois` are 0 in its vector."""
        self.recorded = self.vector = self._awaited = None
        try:
            self.recorded = self._response(subject, trial)
            if self.recorded is not None and self.normalisation is not None:
                self.vector = prepared(subject, self.recorded, self.normalisation, rois)
        except MindVisError as error:
            self.recorded = None
            self.problem.emit(str(error))
        self.changed.emit()

    def _response(self, subject: Subject, trial: Trial) -> FloatArray | None:
        """Return a response that is at hand or comes in a moment; None while it is fetched."""
        if self._newest is None or not self._newest.is_of(subject, trial):
            try:
                with only_at_hand():
                    at_hand: FloatArray = subject.responses([trial.index])[0]
                return at_hand
            except NotAtHandError:
                self._fetch(subject, trial)
        read = self._newest
        if read is None or not read.is_of(subject, trial):
            return None
        self._awaited = self._fetching = None
        return read.values

    def _fetch(self, subject: Subject, trial: Trial) -> None:
        """Have a response read, from a file that may have to be unpacked; one at a time."""
        self._awaited = trial
        if self._fetching is not None:
            return  # what is awaited when that ends is read then

        def read() -> _Read:
            return _Read(subject.recording, trial.index, subject.responses([trial.index])[0])

        def take(read: _Read) -> None:
            if self._subject is not None and read.recording is self._subject.recording:
                self._newest = read

        def end() -> None:
            if self._fetching is not job:
                return  # it came in a moment, or another subject was opened
            self._fetching = None
            awaited, self._awaited = self._awaited, None
            there = self._newest is not None and self._newest.is_of(subject, trial)
            # After an error, which the session reports, the same trial is not tried again.
            if awaited is not None and (there or awaited is not trial):
                self.completed.emit()

        title = f"Reading the response of trial {trial.index}"
        job = self._fetching = self._jobs.soon(read, title, take, ended=end)


def _measuring(subject: Subject) -> Generator[float, None, Normalisation | DataError]:
    """Measure the responses; runs in a job's thread. Returns what keeps them from it, if so."""
    try:
        return (yield from measuring_normalisation(subject))
    except DataError as error:
        return error
