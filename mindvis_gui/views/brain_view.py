"""The brain: three linked slices with an overlay, and the location bar beneath."""

from __future__ import annotations

from typing import cast

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from mindvis_gui.data.plane import planes
from mindvis_gui.data.subject import FloatArray, ImageArray
from mindvis_gui.session import Session
from mindvis_gui.views.location_bar import LocationBar
from mindvis_gui.views.overlay import diverging_table, no_overlay, region_labels, region_table
from mindvis_gui.views.overlay_controls import BOTH, ERROR, REGIONS, RESPONSE, OverlayControls
from mindvis_gui.views.slice_view import SliceView
from mindvis_gui.views.theme import MARGIN, roi_colours

_LIMIT = 3.0  # standard deviations at the ends of the colour bar, at first
_HIGHLIGHT = (255, 255, 255, 255)
_NO_POSITIONS = (
    "This file holds no voxel positions, so the brain cannot be drawn.\n"
    "Masking, decoding and comparing work without them."
)


class BrainView(QWidget):
    """Shows the chosen trial and the regions on the anatomy; a click moves the crosshair."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._drawn_at: tuple[int, int, int] | None = None
        self.slices = tuple(SliceView(session, name) for name in ("sagittal", "coronal", "axial"))
        self.controls = OverlayControls()
        self.location = LocationBar(session)
        self.placeholder = QLabel()
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.placeholder.setProperty("kind", "caption")

        pictures = QWidget()
        row = QHBoxLayout(pictures)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(1)
        for view in self.slices:
            row.addWidget(view, 1)
            view.zoomed.connect(self._zoom)
            view.reset.connect(self._show_all)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.placeholder)
        self._stack.addWidget(pictures)
        strip = QHBoxLayout()
        strip.setContentsMargins(MARGIN, 3, MARGIN, 3)
        strip.addWidget(self.location, 1)
        strip.addWidget(self.controls)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._stack, 1)
        column.addLayout(strip)

        self.controls.changed.connect(self._update_overlay)
        self.controls.radiological.toggled.connect(self._set_grid)
        session.subject_changed.connect(self._set_subject)
        session.brain.crosshair_changed.connect(self._follow_crosshair)
        session.trial_changed.connect(self._update_overlay)
        session.brain.visible_rois_changed.connect(self._update_overlay)
        session.masking.recovery_changed.connect(self._update_error)
        session.masking.hovered_patch_changed.connect(self._update_table)
        self._set_subject()

    # -- subject -----------------------------------------------------------------------------

    def _set_subject(self) -> None:
        subject, normalisation = self._session.subject, self._session.normalisation
        self._stack.setCurrentIndex(0 if self._session.brain.grid is None else 1)
        self.controls.setEnabled(self._session.brain.grid is not None)
        empty = "Open a subject to see the brain" if subject is None else _NO_POSITIONS
        self.placeholder.setText(empty)
        if subject is not None and normalisation is not None:
            limit = _round_up(_LIMIT * normalisation.std)
            self.controls.set_scales((limit, subject.unit), (_LIMIT, "z"))
        self._set_grid()

    def _set_grid(self) -> None:
        grid = self._session.brain.grid
        if grid is None:
            return
        three = planes(grid.shape, grid.affine, radiological=self.controls.radiological.isChecked())
        widths, heights = zip(*(plane.extent for plane in three), strict=True)
        for view, plane in zip(self.slices, three, strict=True):
            view.set_grid(grid, plane, (max(widths), max(heights)))
        self._drawn_at = self._session.brain.crosshair
        self._update_overlay()

    def _follow_crosshair(self) -> None:
        for view in self.slices:
            view.follow_crosshair(self._drawn_at)
        self._drawn_at = self._session.brain.crosshair

    def _zoom(self, factor: float) -> None:
        for view in self.slices:
            view.zoom(factor)

    def _show_all(self) -> None:
        for view in self.slices:
            view.show_all()

    # -- overlay -----------------------------------------------------------------------------

    def _update_overlay(self) -> None:
        self._update_table()
        self._update_outlines()

    def _update_error(self) -> None:
        if self.controls.chosen == ERROR:
            self._update_table()

    def _update_table(self) -> None:
        if self._session.subject is None or self._session.brain.grid is None:
            return
        table = self._table()
        table[self._session.masking.highlighted_voxels] = _HIGHLIGHT
        for view in self.slices:
            view.set_overlay(table, self.controls.opacity.value() / 100)

    def _table(self) -> ImageArray:
        subject = self._session.subject
        assert subject is not None
        kind = self.controls.chosen
        if kind == REGIONS:
            labels = region_labels(subject, self._session.brain.visible_rois)
            return region_table(subject, labels, roi_colours(subject))
        values = {RESPONSE: self._session.response, BOTH: self._session.response}.get(kind)
        if kind == ERROR:
            values = self._recovery_error()
        if values is None:
            return no_overlay(subject.n_voxels)
        return diverging_table(values, self.controls.limit.value(), self.controls.threshold.value())

    def _recovery_error(self) -> FloatArray | None:
        masking, vector = self._session.masking, self._session.vector
        if masking.recovery is None or vector is None or masking.mask is None:
            return None
        kept = masking.mask.kept_voxels(masking.patch_size, vector.size)
        error = masking.recovery.recovered - vector
        return cast(FloatArray, np.where(kept, np.float32(np.nan), error))

    def _update_outlines(self) -> None:
        subject = self._session.subject
        if subject is None or self._session.brain.grid is None:
            return
        colours: dict[int, QColor] = {}
        labels = None
        if self.controls.chosen == BOTH:
            of = roi_colours(subject)
            visible = self._session.brain.visible_rois
            labels = region_labels(subject, visible)
            colours = {
                number: of[roi.name]
                for number, roi in enumerate(subject.rois, start=1)
                if roi.name in visible
            }
        for view in self.slices:
            view.set_outlines(labels, colours)


def _round_up(value: float) -> float:
    """Round to one figure, upwards, for the end of a colour scale."""
    size = 10.0 ** np.floor(np.log10(value))
    return float(np.ceil(value / size - 0.05) * size)
