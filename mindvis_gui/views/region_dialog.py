"""Making a region: a sphere, a threshold, or two regions combined, seen before it is made."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLineEdit,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from mindvis_gui.data.region_shapes import COMBINATIONS
from mindvis_gui.data.subject import IntArray
from mindvis_gui.session import Session
from mindvis_gui.session.overlays import RESPONSE
from mindvis_gui.views.fields import DecimalField, choice
from mindvis_gui.views.readout import position
from mindvis_gui.views.theme import GAP, MARGIN, label, label_of, tight

SPHERE, THRESHOLD, COMBINED = "sphere", "threshold", "combined"
_TITLES = {
    SPHERE: "Sphere around the crosshair",
    THRESHOLD: "Voxels above a threshold",
    COMBINED: "Two regions combined",
}
_WIDTH = 340


class RegionDialog(QDialog):
    """Asks how to make a region; its voxels are lit up in the brain while it is open."""

    def __init__(self, session: Session, kind: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle("New region")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        drawn = session.brain.grid is not None
        kinds = {key: title for key, title in _TITLES.items() if key != SPHERE or drawn}
        self.kind = choice(kinds, "How the region is made")
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the region")
        self._make_fields()
        self.count = label(kind="muted")
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel
        )
        self._lay_out()
        self._connect()
        self.kind.setCurrentIndex(self.kind.findData(kind))
        self._show_kind()

    def _make_fields(self) -> None:
        overlays = self._session.overlays
        self.radius = _number("Radius of the sphere in mm", 0.5, 100, 8.0, " mm")
        self.centre = label(kind="muted")
        compared = {each.key: each.name for each in overlays.items[::-1] if each.has_values}
        self.overlay = choice(compared, "Overlay whose values are compared")
        self.overlay.setCurrentIndex(max(0, self.overlay.findData(overlays.chosen)))
        self.low = _number("Lowest value in the region", -1e6, 1e6, 1.0)
        names = {roi.name: roi.name for roi in self._session.regions.rois}
        self.first, self.second = choice(names, "First region"), choice(names, "Second region")
        self.second.setCurrentIndex(min(1, len(names) - 1))
        self.how = choice({how: how for how in COMBINATIONS}, "How the regions are combined")

    def _lay_out(self) -> None:
        self._pages = QStackedWidget()
        for rows in (
            (("Radius", self.radius), ("Centre", self.centre)),
            (("Overlay", self.overlay), ("At least", self.low)),
            (("Region", self.first), ("", self.how), ("Region", self.second)),
        ):
            page = QWidget()
            form = tight(QGridLayout(page))
            form.setColumnStretch(1, 1)
            form.setColumnMinimumWidth(0, 70)
            for row, (text, field) in enumerate(rows):
                form.addWidget(label_of(field, text), row, 0)
                form.addWidget(field, row, 1)
            form.setRowStretch(len(rows), 1)
            self._pages.addWidget(page)
        name = QGridLayout()
        name.setColumnStretch(1, 1)
        name.setColumnMinimumWidth(0, 70)
        name.addWidget(label_of(self.name, "Name"), 0, 0)
        name.addWidget(self.name, 0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(2 * MARGIN, MARGIN, 2 * MARGIN, MARGIN)
        column.setSpacing(GAP)
        column.addWidget(self.kind)
        column.addWidget(self._pages)
        column.addLayout(name)
        column.addWidget(self.count)
        column.addWidget(self.buttons)
        self.setMinimumWidth(_WIDTH)

    def _connect(self) -> None:
        self.kind.currentIndexChanged.connect(self._show_kind)
        for spin in (self.radius, self.low):
            spin.valueChanged.connect(self._preview)
        for box in (self.overlay, self.first, self.how, self.second):
            box.currentIndexChanged.connect(self._preview)
        self._session.brain.crosshair_changed.connect(self._preview)
        self.buttons.accepted.connect(self._make)
        self.buttons.rejected.connect(self.reject)
        self.finished.connect(lambda: self._session.regions.set_preview(_nothing()))

    # -- what would be made ------------------------------------------------------------------

    @property
    def _chosen(self) -> str:
        return str(self.kind.currentData())

    def _show_kind(self) -> None:
        self._pages.setCurrentIndex(list(_TITLES).index(self._chosen))
        self.name.setText(self._session.regions.free_name(self._chosen))
        self._preview()

    def _centre(self) -> list[float]:
        brain = self._session.brain
        return [0.0] * 3 if brain.grid is None else brain.grid.to_mm(brain.crosshair).tolist()

    def _voxels(self) -> IntArray:
        regions = self._session.regions
        if self._chosen == SPHERE:
            return regions.sphere(self._centre(), self.radius.value())
        if self._chosen == COMBINED:
            texts = (box.currentText() for box in (self.first, self.how, self.second))
            return regions.combined(*texts)
        overlay = self._session.overlays.find(self.overlay.currentData() or RESPONSE)
        if overlay is None:
            return _nothing()
        return regions.between(overlay, self.low.value(), np.inf)

    def _preview(self) -> None:
        voxels = self._voxels()
        self.centre.setText(f"{position(self._centre())} mm")
        self.count.setText(
            f"{voxels.size:,} voxels of the response" if voxels.size else "no voxel of the response"
        )
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(voxels.size > 0)
        self._session.regions.set_preview(voxels)

    def _recipe(self) -> str:
        if self._chosen == SPHERE:
            return f"sphere of {self.radius.value():g} mm at {position(self._centre())} mm"
        if self._chosen == COMBINED:
            how, first, second = (b.currentText() for b in (self.how, self.first, self.second))
            return f"{how} of {first} and {second}"
        return f"{self.overlay.currentText()} of at least {self.low.value():g}"

    def _make(self) -> None:
        if self._session.regions.add(self.name.text().strip(), self._voxels(), self._recipe()):
            self.accept()


def _number(name: str, low: float, high: float, value: float, unit: str = "") -> DecimalField:
    spin = DecimalField()
    spin.setRange(low, high)
    spin.setSuffix(unit)
    spin.setDecimals(2)
    spin.setStepType(DecimalField.StepType.AdaptiveDecimalStepType)
    spin.setValue(value)
    spin.setAccessibleName(name)
    spin.setToolTip(name)
    return spin


def _nothing() -> IntArray:
    return np.zeros(0, dtype=np.int64)
