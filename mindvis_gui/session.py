"""The one place that holds what is open, chosen, running and decoded.

Views call the setters and listen to the signals; a view never knows another
view. Setters check their value, store it, and emit one signal.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from mindvis_gui.analysis.comparison import Comparison, compare
from mindvis_gui.data import open_subject
from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.prepare import Normalisation, measure_normalisation, padded_length, prepare
from mindvis_gui.data.subject import FloatArray, Subject, Trial
from mindvis_gui.decode_queue import DecodeQueue
from mindvis_gui.decoding.request import (
    PRESETS,
    Decoder,
    DecodeRequest,
    DecodeResult,
    Recovery,
    Sampling,
)
from mindvis_gui.errors import MindVisError, ModelError, RequestError
from mindvis_gui.job import Job
from mindvis_gui.jobs import Jobs
from mindvis_gui.undo import Change

PATCH_SIZE = 16  # of the paper; a loaded model brings its own
DecoderLoader = Callable[[str], Decoder]


class Session(QObject):
    """Subject, trial, regions, mask, model, options, results, and the jobs that run.

    Parameters
    ----------
    load_decoder : callable
        ``load_decoder(name_or_folder)`` returns a `Decoder`; called in a background
        thread, so that torch is imported there and never before the window is shown.
    """

    subject_changed = Signal()
    trial_changed = Signal()
    rois_changed = Signal()
    visible_rois_changed = Signal()
    mask_changed = Signal()
    recovery_changed = Signal()
    crosshair_changed = Signal()
    hovered_patch_changed = Signal()
    model_changed = Signal()
    options_changed = Signal()
    decode_started = Signal(object)  # DecodeRequest
    decode_progressed = Signal(object)  # Step
    result_changed = Signal()
    comparison_changed = Signal()
    maps_changed = Signal()
    jobs_changed = Signal()
    message = Signal(str)
    problem = Signal(str)  # an expected failure, one sentence
    crashed = Signal(object)  # an unexpected exception

    def __init__(self, load_decoder: DecoderLoader, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._load_decoder = load_decoder
        self._jobs = Jobs(self)
        self._jobs.changed.connect(self.jobs_changed)
        self._jobs.failed.connect(self._report_failure)
        self._queue = DecodeQueue(self._jobs, self)
        self._queue.started.connect(self.decode_started)
        self._queue.progressed.connect(self.decode_progressed)
        self._queue.decoded.connect(self._keep_result)
        self._queue.stopped.connect(self._report_stop)
        self._queue.failed.connect(self.result_changed)
        self._recovering = False
        self._recovery_stale = False
        self.undo_stack = QUndoStack(self)
        self.subject: Subject | None = None
        self.grid: DisplayGrid | None = None
        self.normalisation: Normalisation | None = None
        self.trial: Trial | None = None
        self.vector: FloatArray | None = None
        self.response: FloatArray | None = None  # of the trial, in the subject's unit
        self.used_rois: frozenset[str] = frozenset()
        self.visible_rois: frozenset[str] = frozenset()
        self.mask: MaskState | None = None
        self.mask_applied = False
        self.recovery: Recovery | None = None
        self.crosshair: tuple[int, int, int] = (0, 0, 0)
        self.hovered_patch: int | None = None
        self.decoder: Decoder | None = None
        self.sampling: Sampling = PRESETS["fast"]
        self.n_samples = 4
        self.first_seed = 0
        self.result: DecodeResult | None = None  # the newest of the chosen trial
        self.comparison: Comparison | None = None  # of `result`
        self.maps: frozenset[str] = frozenset()  # "consistency", "difference": shown with samples
        self._results: dict[int, DecodeResult] = {}  # the newest, by trial
        self._comparisons: dict[int, Comparison] = {}

    # -- subject, trial, regions -------------------------------------------------------------

    def open(self, path: str | Path, trial: int | None = None) -> None:
        """Open a subject file in the background; the old subject stays until it is read.

        Then row `trial` is chosen, or else the first test trial.
        """
        self._jobs.start(
            _read_subject(path),
            f"Opening {Path(path).name}",
            lambda opened: self._set_subject(opened, trial),
        )

    def _set_subject(
        self, opened: tuple[Subject, DisplayGrid | None, Normalisation], trial: int | None
    ) -> None:
        self._queue.abandon()
        self.subject, self.grid, self.normalisation = opened
        self.trial = None
        self.vector = None
        self.response = None
        self.hovered_patch = None
        self._results.clear()
        self._comparisons.clear()
        self.result = None
        self.comparison = None
        self.used_rois = frozenset(roi.name for roi in self.subject.rois)
        self.visible_rois = self.used_rois
        self.undo_stack.clear()
        self._reset_mask()
        if self.grid is not None:
            self.crosshair = self.grid.centre
        self.subject_changed.emit()
        self.crosshair_changed.emit()
        self.result_changed.emit()
        self.comparison_changed.emit()
        notes = "; ".join(note.rstrip(".") for note in self.subject.notes)
        self.message.emit(notes or f"Opened {self.subject.display_name}")
        tests = [trial for trial in self.subject.trials if trial.split == "test"]
        self.set_trial((tests or list(self.subject.trials))[0].index)
        if trial is not None:
            self.set_trial(trial)
        if self.decoder is not None and not self._model_fits():
            self.problem.emit(self._misfit())

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
        self.result = self._results.get(index)
        self.comparison = self._comparisons.get(index)
        self.trial_changed.emit()
        self.result_changed.emit()
        self.comparison_changed.emit()

    def set_used_rois(self, names: frozenset[str]) -> None:
        """Choose the regions used for decoding (undoable)."""
        if self.subject is None or names == self.used_rois:
            return
        if not names:
            self.problem.emit("at least one region must be used for decoding")
            self.rois_changed.emit()  # lets the view fall back to what is so
            return
        self.undo_stack.push(Change("regions used", self.used_rois, names, self._set_used_rois))

    def _set_used_rois(self, names: frozenset[str]) -> None:
        self.used_rois = names
        self._update_vector()
        self.rois_changed.emit()

    def set_visible_rois(self, names: frozenset[str]) -> None:
        """Choose the regions drawn on the brain; decoding does not depend on it."""
        if names != self.visible_rois:
            self.visible_rois = names
            self.visible_rois_changed.emit()

    @property
    def request_rois(self) -> tuple[str, ...] | None:
        """Regions used in the subject's order; None when all are, which is the whole vector."""
        if self.subject is None or len(self.used_rois) == len(self.subject.rois):
            return None
        return tuple(roi.name for roi in self.subject.rois if roi.name in self.used_rois)

    def _update_vector(self) -> None:
        if self.subject is None or self.trial is None or self.normalisation is None:
            return
        try:
            self.response = self.subject.responses([self.trial.index])[0]
            self.vector = prepare(self.subject, self.trial, self.normalisation, self.request_rois)
        except MindVisError as error:
            self.response = self.vector = None
            self.problem.emit(str(error))
        self._update_recovery()

    def set_crosshair(self, voxel: tuple[int, int, int]) -> None:
        """Move the crosshair to a voxel of the display grid, clipped to the grid."""
        if self.grid is None:
            return
        limits = self.grid.shape
        clipped = tuple(int(np.clip(v, 0, n - 1)) for v, n in zip(voxel, limits, strict=True))
        if clipped != self.crosshair:
            self.crosshair = (clipped[0], clipped[1], clipped[2])
            self.crosshair_changed.emit()

    def set_crosshair_mm(self, mm: tuple[float, float, float]) -> None:
        """Move the crosshair to the grid point nearest to a position in mm."""
        if self.grid is None:
            return
        voxel = self.grid.to_voxel(mm)
        if all(0 <= v < n for v, n in zip(voxel, self.grid.shape, strict=True)):
            self.set_crosshair(voxel)
        else:
            where = " ".join(f"{value:g}" for value in mm)
            self.problem.emit(f"{where} mm lies outside the picture; the crosshair stays")

    def set_hovered_patch(self, patch: int | None) -> None:
        """Choose the patch whose voxels are lit up in the brain; None for no patch."""
        if patch != self.hovered_patch:
            self.hovered_patch = patch
            self.hovered_patch_changed.emit()

    @property
    def highlighted_voxels(self) -> slice:
        """Voxels of the hovered patch, as a slice of the response vector."""
        if self.subject is None or self.hovered_patch is None:
            return slice(0)
        start = self.hovered_patch * self.patch_size
        return slice(start, min(start + self.patch_size, self.subject.n_voxels))

    # -- mask --------------------------------------------------------------------------------

    @property
    def patch_size(self) -> int:
        """Voxels a patch: the model's, or the paper's while none is loaded."""
        return self.decoder.info.patch_size if self.decoder else PATCH_SIZE

    def set_mask(self, mask: MaskState, gesture: int = -1) -> None:
        """Choose which patches are masked (undoable).

        Changes of one `gesture` (a drag of the slider), if it is not -1, are undone as one.
        """
        if self.mask is None or np.array_equal(mask.kept, self.mask.kept):
            return
        self.undo_stack.push(Change("mask", self.mask, mask, self._set_mask, gesture))

    def draw_mask(self, ratio: float, seed: int, gesture: int = -1) -> None:
        """Mask a fraction `ratio` of the patches at random; see `set_mask` for `gesture`."""
        if self.mask is not None:
            self.set_mask(MaskState.random(self.mask.n_patches, ratio, seed), gesture)

    def set_mask_applied(self, applied: bool) -> None:
        """Choose whether decoding sees the masked response or the whole one."""
        if applied != self.mask_applied:
            self.mask_applied = applied
            self.mask_changed.emit()

    def _set_mask(self, mask: MaskState) -> None:
        self.mask = mask
        self._update_recovery()
        self.mask_changed.emit()

    def _reset_mask(self) -> None:
        if self.subject is None:
            return
        padding = self.decoder.info.padding if self.decoder else "wrap"
        padded = padded_length(self.subject.n_voxels, self.patch_size, padding)
        n_patches = padded // self.patch_size
        if self.mask is None or self.mask.n_patches != n_patches:
            self.undo_stack.clear()
            self._set_mask(MaskState.random(n_patches, 0.75, seed=0))

    def _update_recovery(self) -> None:
        """Ask SC-MBM for the masked voxels; while it is busy, only the newest state counts."""
        self._recovery_stale = self._recovering
        if self._recovering:
            return
        if not self._model_fits() or self.vector is None or self.mask is None:
            if self.recovery is not None:
                self.recovery = None
                self.recovery_changed.emit()
            return
        assert self.decoder is not None
        self._recovering = True
        items = _recover(self.decoder, self.vector, self.mask)
        self._jobs.start(items, "", self._set_recovery, ended=self._end_recovery)

    def _set_recovery(self, recovery: Recovery) -> None:
        self.recovery = recovery
        self.recovery_changed.emit()

    def _end_recovery(self) -> None:
        self._recovering = False
        if self._recovery_stale:
            self._update_recovery()

    # -- model and options -------------------------------------------------------------------

    def load_model(self, name: str) -> None:
        """Load a model folder, by name or path, in the background."""
        self.run(lambda: self._load_decoder(name), f"Loading model {name}", self._set_decoder)

    def _set_decoder(self, decoder: Decoder) -> None:
        self.decoder = decoder
        self._reset_mask()
        self.model_changed.emit()
        self._update_recovery()
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
        if self.vector is None:
            raise RequestError(f"trial {self.trial.index} has no usable response; pick another")
        info = self.decoder.info
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
            rois=self.request_rois,
            mask=self.mask if self.mask_applied else None,
            stimulus_id=self.trial.stimulus_id,
            label=self.trial.label,
        )

    def decode(self) -> None:
        """Decode the chosen trial in the background; waits its turn if one is running."""
        try:
            request = self.request()
        except MindVisError as error:
            self.problem.emit(str(error))
            return
        assert self.decoder is not None
        self._queue.add(self.decoder, request)

    @property
    def running(self) -> DecodeRequest | None:
        """What is decoded now."""
        return self._queue.running

    @property
    def decoding(self) -> bool:
        """Whether a decode runs."""
        return self._queue.active

    @property
    def queued(self) -> int:
        """How many decodes wait behind the one that runs."""
        return len(self._queue)

    def stop(self) -> None:
        """Stop the running decode before its next step and forget those that wait."""
        self._queue.stop()

    def _report_stop(self) -> None:
        self.message.emit("Stopped; nothing of the stopped decode is kept")
        self.result_changed.emit()

    def _keep_result(self, result: DecodeResult) -> None:
        subject, trial = self.subject, result.request.trial
        assert subject is not None  # opening another one abandons the decodes of the old
        self._results[trial] = result
        self._comparisons.pop(trial, None)
        if self.trial is not None and self.trial.index == trial:
            self.result, self.comparison = result, None
        self.result_changed.emit()
        self.comparison_changed.emit()
        count = len(result.samples)
        self.message.emit(f"{count} sample{'s' * (count != 1)} in {result.seconds:.1f} s")
        self.run(lambda: compare(result, subject), "Scoring", self._set_comparison)

    def _set_comparison(self, comparison: Comparison) -> None:
        trial = comparison.result.request.trial
        if self._results.get(trial) is not comparison.result:
            return  # decoded again, or another subject was opened, meanwhile
        self._comparisons[trial] = comparison
        if comparison.result is self.result:
            self.comparison = comparison
            self.comparison_changed.emit()

    def set_maps(self, maps: frozenset[str]) -> None:
        """Choose what is shown with the samples: ``"consistency"``, ``"difference"``."""
        if maps != self.maps:
            self.maps = maps
            self.maps_changed.emit()

    # -- jobs --------------------------------------------------------------------------------

    def run(self, work: Callable[[], Any], title: str, done: Callable[[Any], None]) -> None:
        """Run `work` in the background; `done` gets its result on this thread.

        A job without a title is not worth a word in the status bar.
        """
        self._jobs.run(work, title, done)

    def start(
        self,
        items: Generator[Any, None, Any],
        title: str,
        done: Callable[[Any], None],
        progress: Callable[[Any], None],
        ended: Callable[[], None],
    ) -> Job:
        """Run the generator `items` in the background; see `mindvis_gui.jobs.Jobs.start`."""
        return self._jobs.start(items, title, done, progress=progress, ended=ended)

    @property
    def busy(self) -> str:
        """Title of the newest job that runs, or an empty string."""
        return self._jobs.busy

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits, jobs without a title included."""
        return self._jobs.idle and not len(self._queue)

    def _report_failure(self, error: Exception) -> None:
        if isinstance(error, MindVisError):
            self.problem.emit(str(error))
        else:
            self.crashed.emit(error)

    def close(self) -> None:
        """Cancel every job and wait for it; call before the application ends."""
        self._queue.abandon()
        self._recovery_stale = False
        self._jobs.close()


def _recover(
    decoder: Decoder, vector: FloatArray, mask: MaskState
) -> Generator[Any, None, Recovery]:
    return decoder.recover(vector, mask)
    yield


def _read_subject(
    path: str | Path,
) -> Generator[Any, None, tuple[Subject, DisplayGrid | None, Normalisation]]:
    subject = open_subject(path)
    yield
    grid = DisplayGrid.of(subject) if subject.ijk is not None else None
    yield
    return subject, grid, measure_normalisation(subject)
