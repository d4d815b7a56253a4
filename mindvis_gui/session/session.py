"""The one place that holds what is open and chosen, and that asks for decodes.

Views call the setters and listen to the signals; a view never knows another
view. Setters check their value, store it, and emit one signal. What belongs
together is a part of its own: `Session.brain`, `masking`, `preparation`, `results`, `queue`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from mindvis_gui.data import open_subject
from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.prepare import Normalisation, measuring_normalisation, prepare
from mindvis_gui.data.region_shapes import made_hashes, same_voxels
from mindvis_gui.data.subject import FloatArray, Subject, Trial
from mindvis_gui.decode_queue import DecodeQueue
from mindvis_gui.decoding.request import (
    PRESETS,
    Decoder,
    DecodeRequest,
    Sampling,
)
from mindvis_gui.decoding.sample_cache import SampleCache
from mindvis_gui.errors import DataError, MindVisError, ModelError, RequestError, UnassignedError
from mindvis_gui.job import Job
from mindvis_gui.jobs import Jobs
from mindvis_gui.session.attributions import Attributions
from mindvis_gui.session.brain import BrainState
from mindvis_gui.session.collection import Collection
from mindvis_gui.session.figures import Figures
from mindvis_gui.session.grid import Grid
from mindvis_gui.session.history import History
from mindvis_gui.session.keeping import Keeping
from mindvis_gui.session.lesions import Lesions
from mindvis_gui.session.masking import Masking
from mindvis_gui.session.movie import Movie
from mindvis_gui.session.overlays import ERROR, MASK, RESPONSE, Look, Overlay, Overlays
from mindvis_gui.session.preparation import PreparationState, PreparedSubject, preparing_to_show
from mindvis_gui.session.regions import Regions
from mindvis_gui.session.results import ClassifierLoader, Results, no_classifiers
from mindvis_gui.session.surface import SurfaceState
from mindvis_gui.session.turns import Turns, TurnTakingDecoder
from mindvis_gui.undo import Change

DecoderLoader = Callable[[str], Decoder]


class Session(QObject):
    """Subject, trial, regions used, model and options; what else there is are its parts.

    Parameters
    ----------
    load_decoder : callable
        ``load_decoder(name_or_folder)`` returns a `Decoder`; called in a background
        thread, so that torch is imported there and never before the window is shown.
    load_classifiers : callable, optional
        Returns what names the pictures of a subject that a model decoded; called likewise.
    cache : SampleCache, optional
        Where samples are kept and looked up; None draws everything anew.
    history : pathlib.Path, optional
        Folder that decodes are remembered in; None forgets them with the session.

    Attributes
    ----------
    brain : BrainState
    overlays : Overlays
    masking : Masking
    surface : SurfaceState
    regions : Regions
    movie : Movie
        Goes through the trials of the chosen one's split.
    preparation : PreparationState
    results : Results
    figures : Figures
    collection : Collection
    keeping : Keeping
    grid : Grid
    history : History
    queue : DecodeQueue
    jobs : Jobs
    undo_stack : PySide6.QtGui.QUndoStack
    subject : Subject or None
        With the steps of `preparation` done to it.
    normalisation : Normalisation or None
        None while the responses of a large subject are measured in the background.
    vector : (n_voxels,) float32 or None
        The prepared response of the chosen trial, as the encoder gets it unmasked.
    response : (n_voxels,) float32 or None
        The same trial's response in the subject's unit.
    """

    subject_changed = Signal()
    trial_changed = Signal()
    rois_changed = Signal()  # which ones are used
    rois_edited = Signal()  # which ones there are
    model_changed = Signal()
    options_changed = Signal()
    message = Signal(str)
    problem = Signal(str)  # an expected failure, one sentence
    import_offered = Signal(object)  # Path that is no subject, but of which one could be made
    crashed = Signal(object)  # an unexpected exception

    def __init__(
        self,
        load_decoder: DecoderLoader,
        load_classifiers: ClassifierLoader = no_classifiers,
        parent: QObject | None = None,
        cache: SampleCache | None = None,
        history: Path | None = None,
    ) -> None:
        super().__init__(parent)
        self.load_decoder = load_decoder
        self.cache = cache
        self.undo_stack = QUndoStack(self)
        self.jobs = Jobs(self)
        self.jobs.failed.connect(self._report_failure)
        self.brain = BrainState(self)
        self.brain.problem.connect(self.problem)
        self.overlays = Overlays(self.jobs, self)
        self.masking = Masking(self.jobs, self.undo_stack, self)
        self._measuring: Job | None = None
        self.preparation = PreparationState(self.jobs, self._show_prepared, self)
        self.results = Results(self.jobs, load_classifiers, self)
        self.masking.problem.connect(self.problem)
        self.masking.mask_changed.connect(self._show_mask)
        self.masking.recovery_changed.connect(self._show_error)
        self.surface = SurfaceState(self.jobs, self)
        self.regions = Regions(self.jobs, self.undo_stack, self)
        self.regions.edited.connect(self._take_regions)
        self.regions.problem.connect(self.problem)
        self.regions.message.connect(self.message)
        self.movie = Movie(self._show_next_trial, self)
        self.figures = Figures(self)
        self.queue = DecodeQueue(self.jobs, self, cache)
        self._turns = Turns()
        self._mask_applied = False
        self.queue.stopped.connect(self._report_stop)
        self.queue.failed.connect(self.results.result_changed)
        self.queue.problem.connect(self.problem)
        self.subject: Subject | None = None
        self.normalisation: Normalisation | None = None
        self.trial: Trial | None = None
        self.vector: FloatArray | None = None
        self.response: FloatArray | None = None
        self.used_rois: frozenset[str] = frozenset()
        self._unused: set[str] = set()  # regions that were deleted while in use
        self.decoder: Decoder | None = None
        self.sampling: Sampling = PRESETS["fast"]
        self.n_samples = 4
        self.first_seed = 0
        self.lesions = Lesions(self, load_classifiers)
        self.attributions = Attributions(self)
        self.history = History(self.jobs, history, self)
        self.history.problem.connect(self.problem)
        if cache is not None:
            cache.pinned = self.history.pinned
        self.collection = Collection(self.jobs, self, cache)
        self.keeping = Keeping(self)
        self.grid = Grid(self)

    # -- subject, trial, regions -------------------------------------------------------------

    def open(self, path: str | Path, trial: int | None = None) -> None:
        """Open a subject file in the background; the old subject stays until it is read.

        Then row `trial` is chosen, or else the first test trial.
        """
        self.jobs.start(
            _read_subject(path),
            f"Opening {Path(path).name}",
            lambda opened: self.take_subject(opened, trial),
        )

    def _show_prepared(self, prepared: PreparedSubject) -> None:
        """Show the same subject after other steps; stay at the stimulus that was chosen."""
        shown = self.trial
        same = [
            trial.index
            for trial in prepared.subject.trials
            if shown and (trial.stimulus_id, trial.split) == (shown.stimulus_id, shown.split)
        ]
        made = [roi for roi in self.regions.rois if roi.made]
        before = self.subject
        self.take_subject(prepared, same[0] if same else None)
        if made and before is not None and same_voxels(before, prepared.subject):
            self.regions.keep(made)
        elif made:
            self.problem.emit(
                "after these steps the response has other voxels: regions that were made are gone"
            )

    def read_subject(self, path: str | Path) -> PreparedSubject:
        """Read a subject without opening it; any thread."""
        steps = _read_subject(path)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                opened: PreparedSubject = stop.value
                return opened

    def take_subject(self, opened: PreparedSubject, trial: int | None = None) -> None:
        """Open a subject that was read, and choose row `trial` or else the first test trial."""
        self.queue.abandon()
        if self._measuring is not None:
            self._measuring.cancel()
        self.movie.play(False)
        self.subject = subject = opened.subject
        self.normalisation = opened.normalisation
        self.trial = self.vector = self.response = None
        self.used_rois = frozenset(roi.name for roi in subject.rois)
        self._unused.clear()
        self.undo_stack.clear()
        self.preparation.set_subject(opened)
        self.brain.set_subject(subject, opened.grid)
        self.overlays.set_subject(subject, opened.estimate)
        self.surface.set_subject(subject)
        self.regions.set_subject(subject)
        self.masking.set_subject(subject.n_voxels)
        self._mask_applied = False  # the new overlays are as they are at first
        self._show_mask()
        self.results.set_subject(subject)
        self.collection.set_subject(subject)
        self.subject_changed.emit()
        self.brain.crosshair_changed.emit()
        self.results.announce()
        drawn = opened.grid.notes if opened.grid is not None else ()
        notes = "; ".join(note.rstrip(".") for note in (*subject.notes, *drawn))
        self.message.emit(notes or f"Opened {subject.display_name}")
        tests = [trial for trial in subject.trials if trial.split == "test"]
        self.set_trial((tests or list(subject.trials))[0].index)
        if trial is not None:
            self.set_trial(trial)
        if self.decoder is not None and not self._model_fits():
            self.problem.emit(self._misfit())
        if self.normalisation is None:
            job = self._measuring = self.jobs.start(
                measuring_normalisation(subject),
                "Measuring responses",
                lambda found: self._set_normalisation(subject, found),
                ended=lambda: self._end_measuring(job),
            )

    def _set_normalisation(self, subject: Subject, normalisation: Normalisation) -> None:
        if subject is self.subject:
            self.normalisation = normalisation
            self._update_vector()
            self.trial_changed.emit()
            self.keeping.recall_trial()

    def _end_measuring(self, job: Job) -> None:
        if self._measuring is job:
            self._measuring = None

    def set_trial(self, index: int) -> None:
        """Choose the trial at row `index`."""
        if self.subject is None or (self.trial is not None and self.trial.index == index):
            return
        if not 0 <= index < len(self.subject.trials):
            last = len(self.subject.trials) - 1
            self.problem.emit(f"trial {index} does not exist; choose one of 0 to {last}")
            return
        self.trial = self.subject.trials[index]
        self._update_vector()
        self.results.set_trial(index)
        self.trial_changed.emit()
        self.results.announce()
        self.keeping.recall_trial()

    def _show_next_trial(self) -> None:
        if self.subject is None or self.trial is None:
            self.movie.play(False)
            return
        split = self.trial.split
        alike = [trial.index for trial in self.subject.trials if trial.split == split]
        self.set_trial(alike[(alike.index(self.trial.index) + 1) % len(alike)])

    def set_used_rois(self, names: frozenset[str]) -> None:
        """Choose the regions used for decoding (undoable)."""
        if self.subject is None or names == self.used_rois:
            return
        if not names and self._own_rois:
            self.problem.emit("at least one region must be used for decoding")
            self.rois_changed.emit()  # lets the view fall back to what is so
            return
        self.undo_stack.push(Change("regions used", self.used_rois, names, self._set_used_rois))

    def _set_used_rois(self, names: frozenset[str]) -> None:
        self.used_rois = names
        self._update_vector()
        self.rois_changed.emit()

    def _take_regions(self) -> None:
        """Go on with the subject as it is with the regions of `regions`."""
        if self.subject is None:
            return
        before, after = self.subject.rois, self.regions.rois
        self.subject = replace(self.subject, rois=after)
        known, names = {roi.name for roi in before}, {roi.name for roi in after}
        if len(before) == len(after):  # one may have another name now
            called = {old.name: new.name for old, new in zip(before, after, strict=True)}
        else:
            called = {name: name for name in known & names}
        self._unused |= self.used_rois - called.keys()
        used = {called[name] for name in self.used_rois & called.keys()}
        used |= self._unused & (names - known)  # deleted while in use, and back by undo
        # The last one used may be gone; then all are used, as at first.
        self.used_rois = frozenset(used or self._own_rois)
        self.brain.take_regions(called, frozenset(names - set(called.values())))
        self._update_vector()
        self.rois_edited.emit()
        self.rois_changed.emit()

    @property
    def _own_rois(self) -> tuple[str, ...]:
        """Names of the regions that came with the subject."""
        rois = () if self.subject is None else self.subject.rois
        return tuple(roi.name for roi in rois if not roi.made)

    @property
    def request_rois(self) -> tuple[str, ...] | None:
        """Regions used in the subject's order; None for the whole vector.

        That is what decoding sees while all of the subject's own regions are used; of a subject
        without any, while no region that was made is used.
        """
        own = self._own_rois
        whole = set(own) <= self.used_rois if own else not self.used_rois
        if self.subject is None or whole:
            return None
        return tuple(roi.name for roi in self.subject.rois if roi.name in self.used_rois)

    def _update_vector(self) -> None:
        if self.subject is None or self.trial is None:
            return
        try:
            self.response = self.subject.responses([self.trial.index])[0]
            self.vector = None
            if self.normalisation is not None:
                self.vector = prepare(
                    self.subject, self.trial, self.normalisation, self.request_rois
                )
        except MindVisError as error:
            self.response = self.vector = None
            self.problem.emit(str(error))
        self.masking.set_vector(self.vector)
        self.overlays.set_values(RESPONSE, self.response)

    def _show_error(self) -> None:
        error = self.masking.recovery_error
        if error is None:
            self.overlays.set_values(ERROR, None)
        else:
            self.overlays.put(
                Overlay(ERROR, "Recovery error", error, unit="z", look=Look(visible=False),
                        note="Recovered minus true normalised response of the masked voxels")
            )  # fmt: skip

    def _show_mask(self) -> None:
        mask = self.masking.mask
        if mask is not None and self.subject is not None:
            kept = mask.kept_voxels(self.masking.patch_size, self.subject.n_voxels)
            shown = np.where(kept, np.float32(np.nan), np.float32(1))
            self.overlays.set_values(MASK, shown)
        overlay = self.overlays.find(MASK)
        if overlay is not None and self.masking.applied != self._mask_applied:
            self._mask_applied = self.masking.applied
            look = replace(overlay.look, visible=self.masking.applied)
            self.overlays.set_look(MASK, look)  # what decoding does not see is greyed

    # -- model and options -------------------------------------------------------------------

    def load_model(self, name: str) -> None:
        """Load a model folder, by name or path, in the background."""
        self.jobs.run(lambda: self.load_decoder(name), f"Loading model {name}", self.take_decoder)

    def take_decoder(self, decoder: Decoder) -> None:
        """Decode with a model that was loaded from now on."""
        self.decoder = decoder
        self.masking.set_decoder(decoder)
        self.results.set_model(decoder.info)
        self.model_changed.emit()
        if self.subject is not None and not self._model_fits():
            self.problem.emit(self._misfit())
        else:
            self.message.emit(f"Model {decoder.info.name} is ready")

    def _model_fits(self) -> bool:
        return (
            self.decoder is not None
            and self.subject is not None
            and self.decoder.info.fits(self.subject.n_voxels)
        )

    def _misfit(self) -> str:
        assert self.decoder is not None
        assert self.subject is not None
        return self.decoder.info.misfit(self.subject.name, self.subject.n_voxels)

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

    # -- decoding ----------------------------------------------------------------------------

    def request(self) -> DecodeRequest:
        """Return what a decode would be asked now.

        Raises
        ------
        RequestError, ModelError
            If something is missing; the message says what to do.
        """
        if self.subject is None or self.trial is None:
            raise RequestError("no trial is chosen; open a subject and pick one")
        if self.decoder is None:
            raise ModelError("no model is loaded; choose one in the toolbar")
        if not self._model_fits():
            raise ModelError(self._misfit())
        if self.normalisation is None:
            raise RequestError("the responses are being measured; decode once that is done")
        if self.vector is None:
            raise RequestError(f"trial {self.trial.index} has no usable response; pick another")
        info, rois = self.decoder.info, self.request_rois
        mask = self.masking.mask if self.masking.applied else None
        if mask is not None and not mask.applied(self.vector, info.patch_size).any():
            raise RequestError(
                "the mask hides every voxel of the regions used; mask less or use more regions"
            )
        precision = self.sampling.precision
        return DecodeRequest(
            subject=self.subject.name,
            trial=self.trial.index,
            vector=self.vector,
            seeds=tuple(range(self.first_seed, self.first_seed + self.n_samples)),
            sampling=replace(
                self.sampling, precision=info.precision if precision == "auto" else precision
            ),
            model=info.name,
            model_hash=info.hash,
            rois=rois,
            made_rois=made_hashes(self.subject.rois, rois),
            mask=mask,
            stimulus_id=self.trial.stimulus_id,
            label=self.trial.label,
            preparation=self.preparation.steps,
        )

    def decode(self) -> None:
        """Decode the chosen trial in the background; waits its turn if one is running."""
        try:
            request = self.request()
        except MindVisError as error:
            self.problem.emit(str(error))
            return
        assert self.decoder is not None
        self.keeping.want(request)
        self.queue.add(self.taking_turns(self.decoder), request)

    def taking_turns(self, decoder: Decoder) -> Decoder:
        """Return `decoder` such that its decodes wait for those of others that were asked first."""
        return TurnTakingDecoder(decoder, self._turns)

    def decode_trials(self, trials: Sequence[int]) -> None:
        """Decode many trials in the background; the grid shows them as its rows."""
        if self.decoder is None or not self._model_fits():
            self.decode()  # says what is missing
            return
        self.grid.set_trials(trials)
        self.grid.set_axes("trial", "seed")
        missing = self.grid.missing()
        self.grid.start(missing)
        if not missing:
            self.message.emit("All of these are decoded already; Compare shows them")

    def _report_stop(self) -> None:
        self.message.emit("Stopped; the samples that were finished are kept")
        self.results.result_changed.emit()

    # -- jobs --------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits, jobs without a title included."""
        return self.jobs.idle and not len(self.queue)

    def _report_failure(self, error: Exception) -> None:
        if isinstance(error, MindVisError):
            self.problem.emit(str(error))
            if isinstance(error, UnassignedError):
                self.import_offered.emit(error.path)
        else:
            self.crashed.emit(error)

    def close(self) -> None:
        """Cancel every job and wait for it; call before the application ends."""
        self.queue.abandon()
        self.movie.play(False)
        self.masking.close()
        self.jobs.close()


def _read_subject(path: str | Path) -> Generator[Any, None, PreparedSubject]:
    try:
        subject = open_subject(path)
    except DataError as error:
        from mindvis_gui.data.source_contents import can_be_imported  # brings the readers

        if can_be_imported(Path(path)):
            raise UnassignedError(str(error), Path(path)) from error
        raise
    yield
    grid = DisplayGrid.of(subject) if subject.ijk is not None else None
    yield
    return (yield from preparing_to_show(subject, Preparation(), grid))
