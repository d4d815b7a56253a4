"""What is chosen for the next decode, and the signals that say when that changes."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from mindvis_gui.data.prepare import Normalisation
from mindvis_gui.data.subject import FloatArray, Subject, Trial
from mindvis_gui.decoding.request import Decoder
from mindvis_gui.decoding.sampling_settings import PRESETS, Sampling
from mindvis_gui.jobs import Jobs
from mindvis_gui.session.response import Response
from mindvis_gui.session.used_regions import UsedRegions
from mindvis_gui.undo import Change


class Choices(QObject):
    """Subject, trial, regions used, model and options: setters check, store, emit one signal.

    Attributes
    ----------
    jobs : Jobs
    undo_stack : PySide6.QtGui.QUndoStack
    subject : Subject or None
        With the steps of preparation done to it.
    trial : Trial or None
    decoder : Decoder or None
    sampling : Sampling
    first_seed, n_samples : int
    """

    subject_changed = Signal()
    trial_changed = Signal()
    rois_changed = Signal()  # which ones are used
    rois_edited = Signal()  # which ones there are
    model_changed = Signal()
    options_changed = Signal()
    message = Signal(str)
    problem = Signal(str)  # an expected failure, one sentence

    def __init__(self) -> None:
        super().__init__()
        self.jobs = Jobs(self)
        self.undo_stack = QUndoStack(self)
        self.subject: Subject | None = None
        self.trial: Trial | None = None
        self.decoder: Decoder | None = None
        self.sampling: Sampling = PRESETS["fast"]
        self.n_samples = 4
        self.first_seed = 0
        self._used = UsedRegions()
        self._response = Response(self.jobs, self)
        self._response.problem.connect(self.problem)

    def is_open(self, subject: Subject) -> bool:
        """Whether a subject is the open one still, whatever regions were made of it meanwhile."""
        return self.subject is not None and self.subject.recording is subject.recording

    # -- response ----------------------------------------------------------------------------

    @property
    def normalisation(self) -> Normalisation | None:
        """What responses are normalised with; None while those of a large subject are measured."""
        return self._response.normalisation

    @property
    def unmeasured(self) -> str:
        """Why responses cannot be normalised, in one sentence; empty while they may be yet."""
        return self._response.unmeasured

    @property
    def response(self) -> FloatArray | None:
        """The chosen trial's response (n_voxels,) float32, in the subject's unit."""
        return self._response.recorded

    @property
    def response_awaited(self) -> bool:
        """Whether the response is still being read."""
        return self._response.awaited

    @property
    def vector(self) -> FloatArray | None:
        """The same prepared, (n_voxels,) float32, as the encoder gets it unmasked."""
        return self._response.vector

    def _read_response(self) -> None:
        if self.subject is not None and self.trial is not None:
            self._response.read(self.subject, self.trial, self.request_rois)

    # -- regions used ------------------------------------------------------------------------

    @property
    def used_rois(self) -> frozenset[str]:
        """Names of the regions used for decoding."""
        return self._used.names

    @property
    def request_rois(self) -> tuple[str, ...] | None:
        """Regions that a request names, in the subject's order; None for the whole vector."""
        return self._used.decoded

    def set_used_rois(self, names: frozenset[str]) -> None:
        """Choose the regions used for decoding (undoable)."""
        if self.subject is None or names == self.used_rois:
            return
        if not names and self._used.own:
            self.problem.emit("at least one region must be used for decoding")
            self.rois_changed.emit()  # lets the view fall back to what is so
            return
        self.undo_stack.push(Change("regions used", self.used_rois, names, self._set_used_rois))

    def _set_used_rois(self, names: frozenset[str]) -> None:
        self._used.names = names
        self._read_response()
        self.rois_changed.emit()

    # -- options -----------------------------------------------------------------------------

    def set_sampling(self, sampling: Sampling) -> None:
        """Choose sampler, steps and precision."""
        if sampling != self.sampling:
            self.sampling = sampling
            self.options_changed.emit()

    def set_seeds(self, first_seed: int, n_samples: int) -> None:
        """Choose the seeds ``first_seed … first_seed + n_samples - 1``."""
        if (first_seed, n_samples) != (self.first_seed, self.n_samples):
            self.first_seed, self.n_samples = first_seed, n_samples
            self.options_changed.emit()
