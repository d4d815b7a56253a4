"""The one place that holds what is open and chosen, and that asks for decodes.

Views call the setters and listen to the signals; a view never knows another view. What is
chosen is in `Choices`; what belongs together besides is a part of its own: `Session.brain`,
`masking`, `preparation`, `results`, `queue`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal

from mindvis_gui.decode_queue import DecodeQueue
from mindvis_gui.decoding.request import Decoder, DecodeRequest
from mindvis_gui.decoding.sample_cache import SampleCache
from mindvis_gui.errors import MindVisError, UnassignedError
from mindvis_gui.job import Job
from mindvis_gui.session.asking import misfit, request_of
from mindvis_gui.session.attributions import Attributions
from mindvis_gui.session.brain import BrainState
from mindvis_gui.session.choices import Choices
from mindvis_gui.session.collection import Collection
from mindvis_gui.session.derived_overlays import DerivedOverlays
from mindvis_gui.session.figures import Figures
from mindvis_gui.session.grid import Grid
from mindvis_gui.session.history import History
from mindvis_gui.session.keeping import Keeping
from mindvis_gui.session.lesions import Lesions
from mindvis_gui.session.loading import Loading
from mindvis_gui.session.masking import Masking
from mindvis_gui.session.movie import Movie
from mindvis_gui.session.opening import opening, show_prepared
from mindvis_gui.session.overlays import Overlays
from mindvis_gui.session.preparation import PreparationState, PreparedSubject
from mindvis_gui.session.regions import Regions
from mindvis_gui.session.results import ClassifierLoader, Results, no_classifiers
from mindvis_gui.session.surface import SurfaceState
from mindvis_gui.session.turns import Turns, taking_turns

DecoderLoader = Callable[[str], Decoder]


class Session(Choices):
    """What is chosen, and the parts that follow it.

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
    studies : pathlib.Path, optional
        Folder that lesion studies are kept in as they go; likewise.

    Attributes
    ----------
    brain, overlays, surface, regions
        What the brain shows.
    preparation, masking
        What is done to the response.
    loading
        Models on their way.
    queue, results, collection, keeping, history
        What is decoded, and where it goes.
    grid, lesions, attributions, figures, movie
        What is made of many samples or trials.
    """

    leaving = Signal()  # the open subject is replaced, which ends what was asked of it
    import_offered = Signal(object)  # Path that is no subject, but of which one could be made
    crashed = Signal(object)  # an unexpected exception

    def __init__(
        self,
        load_decoder: DecoderLoader,
        load_classifiers: ClassifierLoader = no_classifiers,
        cache: SampleCache | None = None,
        history: Path | None = None,
        studies: Path | None = None,
    ) -> None:
        super().__init__()
        self.load_decoder = load_decoder
        self.cache = cache
        self._turns = Turns()
        self._opening: Job | None = None  # the newest that reads a subject
        self.loading = Loading(self.jobs, self)
        self.brain = BrainState(self)
        self.overlays = Overlays(self.jobs, self)
        self.surface = SurfaceState(self.jobs, self)
        self.regions = Regions(self.jobs, self.undo_stack, self)
        self.masking = Masking(self.jobs, self.undo_stack, self)
        self.preparation = PreparationState(
            self.jobs, lambda prepared: show_prepared(self, prepared), self
        )
        self._derived = DerivedOverlays(self.overlays, self.masking, self)
        self.queue = DecodeQueue(self.jobs, self, cache)
        self.results = Results(self.jobs, load_classifiers, self)
        self.collection = Collection(self.jobs, self, cache)
        self.history = History(self.jobs, history, self)
        if cache is not None:
            cache.pinned = self.history.pinned
        self._connect()
        self.movie = Movie(self)
        self.figures = Figures(self)
        self.lesions = Lesions(self, load_classifiers, studies)
        self.attributions = Attributions(self)
        self.keeping = Keeping(self)
        self.grid = Grid(self)

    def _connect(self) -> None:
        for part in (self.brain, self.regions, self.masking, self.queue, self.history):
            part.problem.connect(self.problem)
        self.jobs.failed.connect(self._report_failure)
        self.regions.edited.connect(self._take_regions)
        self.regions.message.connect(self.message)
        self._response.changed.connect(self._take_response)
        self._response.completed.connect(self._read_again)
        self.loading.awaited.connect(self._decode_after_all)
        self.queue.stopped.connect(self._report_stop)
        self.queue.failed.connect(self.results.result_changed)

    # -- subject and trial -------------------------------------------------------------------

    def open(self, path: str | Path, trial: int | None = None) -> None:
        """Open a subject file in the background; the old subject stays until it is read.

        Then row `trial` is chosen, or else the first test trial.
        """
        self.bring(
            opening(path),
            f"Opening {Path(path).name}",
            lambda opened: self.take_subject(opened, trial),
        )

    def open_demo(self) -> None:
        """Open the demo subject, and load its model unless one that fits is loaded."""

        def take(opened: PreparedSubject) -> None:
            if misfit(self.decoder, opened.subject):
                self.load_model("demo")
            self.take_subject(opened)

        self.bring(opening("demo"), "Opening demo", take)
        if self.decoder is None:
            self.load_model("demo")

    def bring(
        self, items: Generator[Any, None, Any], title: str, done: Callable[[Any], None]
    ) -> None:
        """Read a subject in the background for `done`; who asked before does not get one any more.

        Otherwise one that takes long to read would take the place of the one asked for after it.
        """
        if self._opening is not None:
            self._opening.cancel()

        def take(read: Any) -> None:
            if self._opening is job:
                done(read)

        def end() -> None:
            if self._opening is job:
                self._opening = None

        job = self._opening = self.jobs.start(items, title, take, ended=end)

    def take_subject(self, opened: PreparedSubject, trial: int | None = None) -> None:
        """Open a subject that was read, and choose row `trial` or else the first test trial."""
        self.leaving.emit()
        self.queue.abandon()
        self.loading.want_decode(False)
        self.movie.play(False)
        self.subject = subject = opened.subject
        self.trial = None
        self._used.set_regions(subject.rois)
        self._response.set_subject(subject, opened.normalisation)
        self.preparation.set_subject(opened)
        self.brain.set_subject(subject, opened.grid)
        self.overlays.set_subject(subject, opened.estimate)
        self.surface.set_subject(subject)
        self.regions.set_subject(subject)
        self.masking.set_subject(subject.n_voxels)
        self._derived.set_subject(subject.n_voxels)
        self.results.set_subject(subject)
        self.collection.set_subject(subject)
        self._announce_subject()
        drawn = opened.grid.notes if opened.grid is not None else ()
        notes = "; ".join(note.rstrip(".") for note in (*subject.notes, *drawn))
        self.message.emit(notes or f"Opened {subject.display_name}")
        tests = [trial for trial in subject.trials if trial.split == "test"]
        self.set_trial((tests or list(subject.trials))[0].index)
        if trial is not None:
            self.set_trial(trial)
        complaint = misfit(self.decoder, subject)
        if complaint and not self.loading.name:  # or it is said of the model that comes
            self.problem.emit(complaint)
        self._response.measure()

    def _announce_subject(self) -> None:
        """Tell the listeners, none of which may see parts of two subjects."""
        self.undo_stack.clear()
        self.subject_changed.emit()
        for signal in (
            self.preparation.changed,
            self.brain.crosshair_changed,
            self.overlays.changed,
            self.surface.changed,
            self.regions.preview_changed,
            self.regions.brush_changed,
            self.masking.mask_changed,
        ):
            signal.emit()
        self.results.announce()

    def set_trial(self, index: int) -> None:
        """Choose the trial at row `index`."""
        if self.subject is None or (self.trial is not None and self.trial.index == index):
            return
        if not 0 <= index < len(self.subject.trials):
            last = len(self.subject.trials) - 1
            self.problem.emit(f"trial {index} does not exist; choose one of 0 to {last}")
            return
        self.trial = self.subject.trials[index]
        self._read_response()
        self.results.set_trial(index)
        self.trial_changed.emit()
        self.results.announce()
        self.keeping.recall_trial()

    # -- response and regions ----------------------------------------------------------------

    def _take_response(self) -> None:
        self.masking.set_vector(self.vector)
        self._derived.show_response(self.response)

    def _read_again(self) -> None:
        self._read_response()
        self.trial_changed.emit()
        self.keeping.recall_trial()

    def _take_regions(self) -> None:
        """Go on with the subject as it is with the regions of `regions`."""
        if self.subject is None:
            return
        self.subject = replace(self.subject, rois=self.regions.rois)
        called = self._used.follow(self.subject.rois)
        names = {roi.name for roi in self.subject.rois}
        self.brain.take_regions(called, frozenset(names - set(called.values())))
        self._read_response()
        self.rois_edited.emit()
        self.rois_changed.emit()

    # -- model ------------------------------------------------------------------------------

    def load_model(self, name: str) -> None:
        """Load a model folder, by name or path, in the background."""
        self.loading.start(lambda: self.load_decoder(name), name, self.take_decoder)

    def take_decoder(self, decoder: Decoder) -> None:
        """Decode with a model that was loaded from now on."""
        self.decoder = decoder
        self.masking.set_decoder(decoder)
        self.results.set_model(decoder.info)
        self.model_changed.emit()
        if complaint := misfit(decoder, self.subject):
            self.problem.emit(complaint)
        else:
            self.message.emit(f"Model {decoder.info.name} is ready")

    # -- decoding ----------------------------------------------------------------------------

    def request(self) -> DecodeRequest:
        """Return what a decode would be asked now; raises as `request_of` does."""
        return request_of(self)

    def decode(self) -> None:
        """Decode the chosen trial in the background; waits its turn if one is running.

        While a model is loaded, that is the one to decode with: it waits for it, too.
        """
        if self.loading.name and self.trial is not None:
            self.loading.want_decode()
            return
        try:
            request = self.request()
        except MindVisError as error:
            self.problem.emit(str(error))
            return
        assert self.decoder is not None
        self.keeping.want(request)
        self.queue.add(self.taking_turns(self.decoder), request)

    def _decode_after_all(self) -> None:
        if self.decoder is not None:  # why there is none has been said
            self.decode()

    def taking_turns(self, decoder: Decoder) -> Decoder:
        """Return `decoder` such that its decodes wait for those of others that were asked first."""
        return taking_turns(decoder, self._turns)

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
