"""What is open: the subject's facts, its regions, and its trials to choose from."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from mindvis_gui.data.subject import Subject, Trial
from mindvis_gui.session import Session
from mindvis_gui.views.buttons import icon_button
from mindvis_gui.views.elided_label import ElidedLabel
from mindvis_gui.views.fields import choice, search_field
from mindvis_gui.views.icons import icon
from mindvis_gui.views.roi_list import RoiList
from mindvis_gui.views.theme import GAP, MARGIN, label, label_unseen
from mindvis_gui.views.trial_list import TrialList
from mindvis_gui.views.trial_model import TrialModel
from mindvis_gui.wording import counted

_MIN_WIDTH = 224
_ROI_ROWS = 8  # shown without scrolling
_FEWEST_ROWS = 2  # where the window has no room for more
_NO_REGIONS = "This subject has no regions; decoding uses every voxel."
_NO_REGION_MATCHES = "No region matches; empty the filter."
_TOGETHER = 200  # ms; decodes that end close to each other are filtered once


class _RoiArea(QScrollArea):
    """Asks for all the height that it may have; a scroll area by itself forgets rows made later."""

    def sizeHint(self) -> QSize:
        """Return the height of all rows that are to be seen (called by Qt)."""
        return QSize(super().sizeHint().width(), self.maximumHeight())


class SubjectPanel(QWidget):
    """Chooses regions and trial of the session's subject."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._name = ElidedLabel()
        self._name.setProperty("kind", "strong")
        self._simulated = label("(simulated)", "muted")
        self._facts = label(kind="muted", wrap=True)
        self.rois = RoiList(session)
        self.new_region = icon_button(icon("plus"), "New region")
        self.new_region.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.new_region.setMenu(QMenu(self.new_region))
        self._roi_area = _RoiArea()
        self._roi_area.setWidgetResizable(True)
        self._roi_area.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # follows the focus inside
        self._roi_area.setWidget(self.rois)
        self._roi_area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.roi_filter = search_field("filter", "Filter regions", "Words of the regions' names")
        self.roi_filter.textChanged.connect(self._show_rois)
        self._no_rois = label(kind="caption", wrap=True)
        self._make_filter()
        self._model = TrialModel(session)
        self.trials = TrialList(self._model)
        self.trials.chosen.connect(lambda trial: session.set_trial(trial.index))
        self._no_trials = label(
            "No trial matches; empty the filter or choose all.", "caption", wrap=True
        )
        self._no_trials.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._trial_stack = QStackedWidget()
        self._trial_stack.addWidget(self.trials)
        self._trial_stack.addWidget(self._no_trials)
        self._lay_out()
        self.setMinimumWidth(_MIN_WIDTH)
        session.subject_changed.connect(self._show_subject)
        session.rois_edited.connect(self._show_rois)
        session.trial_changed.connect(self._show_trial)
        self._soon = QTimer(self, singleShot=True, interval=_TOGETHER)
        self._soon.timeout.connect(self._filter)
        session.collection.added.connect(self._mark_decoded)
        self._show_subject()

    def _make_filter(self) -> None:
        self.filter = search_field(
            "filter",
            "Filter trials",
            "Words of label, category or number; split:test for a split, "
            "decoded:yes or decoded:no for trials with or without samples",
        )
        self.filter.textChanged.connect(self._filter)
        self.split = choice({}, "Split of the trials shown")
        self.split.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.split.currentIndexChanged.connect(self._filter)

    def _lay_out(self) -> None:
        name = QHBoxLayout()
        name.addWidget(self._name)
        name.addWidget(self._simulated)
        name.addStretch()
        head = QGridLayout()
        head.setHorizontalSpacing(GAP)
        title = QHBoxLayout()
        title.setSpacing(2)
        title.addWidget(label("Regions", "heading"))
        title.addWidget(self.new_region)
        head.addLayout(title, 0, 0, Qt.AlignmentFlag.AlignLeft)
        head.setColumnStretch(0, 1)
        voxels = ElidedLabel()  # rather than the heading, with large letters on a small screen
        voxels.setProperty("kind", "caption")
        voxels.setText("voxels")
        head.addWidget(voxels, 0, 1)
        head.addWidget(label("view", "caption"), 0, 2)
        filters = QHBoxLayout()
        filters.setSpacing(GAP)
        filters.addWidget(self.filter, 1)
        filters.addWidget(self.split)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, 0, MARGIN, GAP)
        column.setSpacing(4)
        column.addLayout(name)
        column.addWidget(self._facts)
        column.addSpacing(GAP)
        column.addLayout(head)
        column.addWidget(self.roi_filter)
        column.addWidget(self._roi_area)
        column.addWidget(self._no_rois)
        column.addSpacing(GAP)
        column.addWidget(label("Trials", "heading"))
        column.addLayout(filters)
        column.addSpacing(2)
        column.addWidget(self._trial_stack, 1)
        self._facts.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        label_unseen(self.split)

    def step_trial(self, by: int) -> None:
        """Choose the next (`by` = 1) or previous (-1) of the trials shown."""
        if self._session.trial is None or not self._model.rowCount():
            return
        row = self._model.row_of(self._session.trial) + by
        self.trials.show_trial(max(0, min(row, self._model.rowCount() - 1)))

    def _show_subject(self) -> None:
        subject = self._session.subject
        self._name.setText(subject.name if subject else "No subject")
        self._simulated.setVisible(bool(subject and subject.simulated))
        self._facts.setText(_facts(subject) if subject else "Open one from the toolbar.")
        self._facts.setToolTip("\n".join([str(subject.source), *subject.notes]) if subject else "")
        self.roi_filter.clear()
        self.rois.set_subject(subject)
        self._show_rois()
        self._model.set_subject(subject)
        self._show_splits(subject)

    def _show_rois(self) -> None:
        subject = self._session.subject
        n_rois = len(subject.rois) if subject else 0
        filtered = n_rois > _ROI_ROWS
        self.roi_filter.setVisible(filtered)
        self.rois.set_filter(self.roi_filter.text() if filtered else "")
        n_listed = len(self.rois.listed)
        self._roi_area.setVisible(n_listed > 0)
        self._no_rois.setVisible(subject is not None and n_listed == 0)
        self._no_rois.setText(_NO_REGION_MATCHES if n_rois else _NO_REGIONS)
        rows = min(n_listed, _ROI_ROWS)
        self._roi_area.setMaximumHeight(self.rois.row_height * rows)
        self._roi_area.setMinimumHeight(self.rois.row_height * min(rows, _FEWEST_ROWS))

    def _show_splits(self, subject: Subject | None) -> None:
        splits = list(dict.fromkeys(trial.split for trial in subject.trials)) if subject else []
        self.split.blockSignals(True)
        self.split.clear()
        self.split.addItem("all", "")
        for split in splits:
            self.split.addItem(split, split)
        self.split.setCurrentIndex(max(0, self.split.findData("test")))
        self.split.blockSignals(False)
        self.filter.clear()
        self._filter()

    def _filter(self) -> None:
        self._model.set_filter(self.split.currentData() or "", self.filter.text())
        empty = self._session.subject is not None and not self._model.rowCount()
        self._trial_stack.setCurrentWidget(self._no_trials if empty else self.trials)
        self._show_trial()

    def _mark_decoded(self) -> None:
        self.trials.viewport().update()
        if "decoded:" in self.filter.text().lower():
            self._soon.start()

    def _show_trial(self) -> None:
        trial: Trial | None = self._session.trial
        self.trials.show_trial(-1 if trial is None else self._model.row_of(trial))


def _facts(subject: Subject) -> str:
    """Return the line with the numbers of trials and voxels and the size of a voxel."""
    n = len(subject.trials)
    parts = [counted(n, "trial"), f"{subject.n_voxels:,} voxels"]
    if subject.affine is not None:
        sizes = np.linalg.norm(subject.affine[:3, :3], axis=0)
        shown = sizes[:1] if np.allclose(sizes, sizes[0], atol=0.01) else sizes
        parts.append(" × ".join(f"{size:.3g}" for size in shown) + " mm")
    return " · ".join(parts)
