"""Which patches of the response are masked, and what SC-MBM makes of the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from mindvis_gui.analysis.recovery import recovery_by_region
from mindvis_gui.data.focus import Focus
from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.prepare import padded_length
from mindvis_gui.data.subject import FloatArray, IntArray, Roi, read_only
from mindvis_gui.decoding.request import Decoder, Recovery
from mindvis_gui.errors import RequestError
from mindvis_gui.jobs import Jobs
from mindvis_gui.undo import Change

PATCH_SIZE = 16  # of the paper; a loaded model brings its own
_RATIO = 0.75  # of the paper


class Masking(QObject):
    """The mask over the patches of the response vector, and the recovery of what it hides.

    Recovery runs in the background; while it is busy, only the newest state counts.

    Attributes
    ----------
    mask : MaskState or None
        None while no subject is open.
    applied : bool
        Whether decoding sees the masked response or the whole one.
    recovery : Recovery or None
        None while no model that fits is loaded.
    hovered_patch : int or None
        The patch whose voxels are lit up.
    """

    mask_changed = Signal()
    recovery_changed = Signal()
    hovered_patch_changed = Signal()
    problem = Signal(str)

    def __init__(self, jobs: Jobs, undo_stack: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._undo_stack = jobs, undo_stack
        self._n_voxels = 0
        self._vector: FloatArray | None = None
        self._decoder: Decoder | None = None
        self._recovering = False
        self._stale = False
        # With the response (n_voxels,) and the kept voxels (n_voxels,) that it was made of.
        self._recovered: tuple[Recovery, FloatArray, NDArray[np.bool_]] | None = None
        self.mask: MaskState | None = None
        self.applied = False
        self.recovery: Recovery | None = None
        self.hovered_patch: int | None = None

    # -- what it is about --------------------------------------------------------------------

    def set_subject(self, n_voxels: int) -> None:
        """Mask responses of another length; a mask of as many patches stays.

        The session emits `mask_changed`, and forgets what could be undone.
        """
        self._n_voxels = n_voxels
        self.hovered_patch = None
        self._vector = self.recovery = self._recovered = None
        self.mask = self._fitting()

    def set_decoder(self, decoder: Decoder) -> None:
        """Recover with another model, whose patches may have another size."""
        self._decoder = decoder
        mask = self._fitting()
        if mask is not None and mask is not self.mask:
            self._undo_stack.clear()  # what was masked before does not fit any more
            self._set_mask(mask)
        self._update_recovery()

    def set_vector(self, vector: FloatArray | None) -> None:
        """Recover another response."""
        self._vector = vector
        self._update_recovery()

    @property
    def patch_size(self) -> int:
        """Voxels a patch: the model's, or the paper's while none is loaded."""
        return self._decoder.info.patch_size if self._decoder else PATCH_SIZE

    def _fitting(self) -> MaskState | None:
        """Return the mask, or a new one where it has not as many patches as the response."""
        if not self._n_voxels:
            return self.mask
        padding = self._decoder.info.padding if self._decoder else "wrap"
        n_patches = padded_length(self._n_voxels, self.patch_size, padding) // self.patch_size
        if self.mask is None or self.mask.n_patches != n_patches:
            return MaskState.random(n_patches, _RATIO, seed=0)
        return self.mask

    # -- mask --------------------------------------------------------------------------------

    def set_mask(self, mask: MaskState, gesture: int = -1) -> None:
        """Choose which patches are masked (undoable).

        Changes of one `gesture` (a drag of the slider), if it is not -1, are undone as one.
        """
        if self.mask is None or np.array_equal(mask.kept, self.mask.kept):
            return
        try:
            mask.check()
        except RequestError as error:
            self.problem.emit(str(error))
            self.mask_changed.emit()  # lets the view fall back to what is so
            return
        self._undo_stack.push(Change("mask", self.mask, mask, self._set_mask, gesture))

    def draw_mask(
        self, ratio: float, seed: int, gesture: int = -1, focus: Focus | None = None
    ) -> None:
        """Mask a fraction `ratio` of the patches at random, those in `focus` more often.

        See `set_mask` for `gesture`.
        """
        if self.mask is not None:
            try:
                mask = MaskState.drawn(self.mask.n_patches, ratio, seed, focus)
            except RequestError as error:
                self.problem.emit(str(error))
                return
            self.set_mask(mask, gesture)

    def focus_on(self, voxels: IntArray, rate: float) -> Focus:
        """Return the focus on every patch that holds one of `voxels`.

        Raises
        ------
        RequestError
            If the model has no patch with any of them.
        """
        n_patches = None if self.mask is None else self.mask.n_patches
        return Focus.on_voxels(voxels.tolist(), self.patch_size, rate, n_patches)

    def set_applied(self, applied: bool) -> None:
        """Choose whether decoding sees the masked response or the whole one."""
        if applied != self.applied:
            self.applied = applied
            self.mask_changed.emit()

    def _set_mask(self, mask: MaskState) -> None:
        self.mask = mask
        self._update_recovery()
        self.mask_changed.emit()

    def set_hovered_patch(self, patch: int | None) -> None:
        """Choose the patch whose voxels are lit up in the brain; None for no patch."""
        if patch != self.hovered_patch:
            self.hovered_patch = patch
            self.hovered_patch_changed.emit()

    @property
    def highlighted_voxels(self) -> slice:
        """Voxels of the hovered patch, as a slice of the response vector."""
        if self.hovered_patch is None:
            return slice(0)
        start = self.hovered_patch * self.patch_size
        return slice(start, min(start + self.patch_size, self._n_voxels))

    # -- recovery ----------------------------------------------------------------------------

    @property
    def recovery_error(self) -> FloatArray | None:
        """Recovered minus true response (n_voxels,) where it was masked, NaN elsewhere.

        Of the newest recovery, and the mask and response that it was made of.
        """
        if self._recovered is None:
            return None
        recovery, vector, kept = self._recovered
        error = recovery.recovered - vector
        return read_only(np.where(kept, np.float32(np.nan), error).astype(np.float32))

    def recovery_by_region(self, rois: Sequence[Roi]) -> dict[str, float]:
        """Return Pearson's r of recovered and true response by region; empty without any."""
        if self._recovered is None:
            return {}
        recovery, vector, kept = self._recovered
        return recovery_by_region(vector, recovery.recovered, kept, rois)

    def _update_recovery(self) -> None:
        self._stale = self._recovering
        if self._recovering:
            return
        decoder, vector, mask = self._decoder, self._vector, self.mask
        fits = decoder is not None and decoder.info.fits(self._n_voxels)
        if decoder is None or not fits or vector is None or mask is None:
            if self.recovery is not None:
                self.recovery = self._recovered = None
                self.recovery_changed.emit()
            return
        self._recovering = True
        self._jobs.run(
            lambda: (decoder.recover(vector, mask), vector, mask),
            "",
            self._set_recovery,
            ended=self._end_recovery,
        )

    def _set_recovery(self, made: tuple[Recovery, FloatArray, MaskState]) -> None:
        recovery, vector, mask = made
        if vector.size != self._n_voxels:
            return  # of the subject before
        kept = mask.kept_voxels(self.patch_size, vector.size)
        self.recovery, self._recovered = recovery, (recovery, vector, kept)
        self.recovery_changed.emit()

    def _end_recovery(self) -> None:
        self._recovering = False
        if self._stale:
            self._update_recovery()

    def close(self) -> None:
        """Want no further recovery."""
        self._stale = False
