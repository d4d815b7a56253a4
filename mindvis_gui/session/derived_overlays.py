"""What the brain shows of a decode: the response, what its mask hides, how well that recovers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject

from mindvis_gui.data.subject import FloatArray
from mindvis_gui.session.masking import Masking
from mindvis_gui.session.overlays import ERROR, MASK, RESPONSE, Look, Overlay, Overlays


class DerivedOverlays(QObject):
    """Keeps those overlays up to date with `Masking` and the chosen response."""

    def __init__(self, overlays: Overlays, masking: Masking, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._overlays, self._masking = overlays, masking
        self._n_voxels = 0
        self._applied = False  # as the overlay of the mask shows it
        masking.mask_changed.connect(self._show_mask)
        masking.recovery_changed.connect(self._show_error)

    def set_subject(self, n_voxels: int) -> None:
        """Begin with the overlays of another subject, which are as they are at first.

        The mask is shown with the next `Masking.mask_changed`.
        """
        self._n_voxels, self._applied = n_voxels, False

    def show_response(self, recorded: FloatArray | None) -> None:
        """Show a response (n_voxels,) in the subject's unit."""
        self._overlays.set_values(RESPONSE, recorded)

    def _show_mask(self) -> None:
        mask, applied = self._masking.mask, self._masking.applied
        if mask is not None and self._n_voxels:
            kept = mask.kept_voxels(self._masking.patch_size, self._n_voxels)
            shown = np.where(kept, np.float32(np.nan), np.float32(1))
            self._overlays.set_values(MASK, shown)
        overlay = self._overlays.find(MASK)
        if overlay is not None and applied != self._applied:
            self._applied = applied
            look = replace(overlay.look, visible=applied)
            self._overlays.set_look(MASK, look)  # what decoding does not see is greyed

    def _show_error(self) -> None:
        error = self._masking.recovery_error
        if error is None:
            self._overlays.set_values(ERROR, None)
        else:
            self._overlays.put(
                Overlay(ERROR, "Recovery error", error, unit="z", look=Look(visible=False),
                        note="Recovered minus true normalised response of the masked voxels")
            )  # fmt: skip
