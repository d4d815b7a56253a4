"""The mask: how much of the response is hidden, and what SC-MBM makes of the rest."""

from __future__ import annotations

import random

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QLabel,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from mindvis_gui.analysis.recovery import interpolation_baseline
from mindvis_gui.data.focus import PUBLISHED_RATE, Focus
from mindvis_gui.data.mask import MaskState, ratio_that_keeps
from mindvis_gui.errors import RequestError
from mindvis_gui.session import Session
from mindvis_gui.views.buttons import icon_button
from mindvis_gui.views.fields import choice
from mindvis_gui.views.icons import icon
from mindvis_gui.views.numerals import coefficient
from mindvis_gui.views.region_band import RegionBand
from mindvis_gui.views.signal_strip import SignalStrip
from mindvis_gui.views.theme import MARGIN, label, label_unseen
from mindvis_gui.views.wrap_layout import WrapLayout, keep_height

RANDOM, FOCUS, PAINT = "random", "focus", "paint"
_MAX_RATIO = 95  # per cent
_MAX_SEED = 2**31 - 1
_RECOVERED = (
    "Pearson's r of the response recovered by SC-MBM with the true one, over the masked voxels "
    "of this trial. Baseline: straight lines between the kept voxels, in vector order. Chance is 0."
)


class MaskView(QWidget):
    """Shows and paints the mask over the response vector, above the regions it runs through."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._gestures = 0
        self.strip = SignalStrip(session)
        self.band = RegionBand(self.strip.x_of)
        self._make_controls()
        self._lay_out()
        self._connect()
        self._set_subject()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the signal its height when the header takes more rows (called by Qt)."""
        super().resizeEvent(event)
        keep_height(self)

    # -- made once ---------------------------------------------------------------------------

    def _make_controls(self) -> None:
        self.ratio_label = label("", "caption")
        self.ratio = QSlider(Qt.Orientation.Horizontal)
        self.ratio.setRange(0, _MAX_RATIO)
        self.ratio.setMinimumWidth(90)
        self.ratio.setMaximumWidth(170)
        self.ratio.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.ratio.setAccessibleName("Mask ratio in per cent")
        self.ratio.setToolTip("Fraction of the patches that is masked; the paper trains with 75 %")
        self.mode = choice(
            {mode: mode for mode in (RANDOM, FOCUS, PAINT)}, "How patches are masked"
        )
        self.mode.setToolTip(
            "random: drawn from the seed, a click in the signal moves the crosshair there\n"
            "focus: the same, but the patches of one region are masked more often\n"
            "paint: click and drag in the signal to mask or keep patches"
        )
        self.focus = choice({}, "Region in focus")
        self.focus.setToolTip("Region whose patches are masked more often")
        self.rate = QSpinBox()
        self.rate.setRange(1, 99)
        self.rate.setValue(round(100 * PUBLISHED_RATE))
        self.rate.setSuffix(" %")
        self.rate.setFixedWidth(self.fontMetrics().horizontalAdvance("99 %") + 20)
        self.rate.setAccessibleName("Weight of the focus in per cent")
        self.rate.setToolTip(
            "Weight of a patch in focus when the masked ones are drawn; the others have the rest "
            "to 100 %. The published code has 60 %; below 50 % the focus is spared"
        )
        self.seed = QSpinBox()
        self.seed.setRange(0, _MAX_SEED)
        self.seed.setPrefix("seed ")
        self.seed.setFixedWidth(self.fontMetrics().horizontalAdvance("seed 9999") + 20)
        self.seed.setAccessibleName("Seed of the random mask")
        self.dice = icon_button(icon("dice"), "Draw another random mask")
        self.applied = QCheckBox("decode masked")
        self.applied.setToolTip(
            "Decode from the masked response: masked voxels are set to 0, the mean"
        )
        self.recovered = QLabel()
        self.recovered.setToolTip(_RECOVERED)
        self.recovered.setMinimumWidth(self.fontMetrics().horizontalAdvance("recovered r −.00 "))

    def _lay_out(self) -> None:
        header = WrapLayout(7, last_right=True)
        header.addWidget(label("Mask", "strong"))
        for widget in (
            self.ratio_label,
            self.ratio,
            self.mode,
            self.focus,
            self.rate,
            self.seed,
            self.dice,
            self.applied,
            self.recovered,
        ):
            header.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, 6, MARGIN, 4)
        column.setSpacing(4)
        column.addLayout(header)
        column.addWidget(self.strip, 1)
        column.addWidget(self.band)
        label_unseen(self.mode, self.focus)

    def _connect(self) -> None:
        session = self._session
        self.ratio.sliderPressed.connect(self._begin_gesture)
        self.ratio.valueChanged.connect(self._draw_mask)
        self.seed.valueChanged.connect(self._draw_mask)
        self.rate.valueChanged.connect(self._draw_mask)
        self.focus.currentIndexChanged.connect(self._draw_mask)
        self.dice.clicked.connect(lambda: self.seed.setValue(random.randrange(10_000)))
        self.mode.currentIndexChanged.connect(self._set_mode)
        self.applied.toggled.connect(session.masking.set_applied)
        self.strip.painted.connect(self._paint)
        self.strip.view_changed.connect(self.band.update)
        session.subject_changed.connect(self._set_subject)
        session.rois_edited.connect(self._set_subject)
        session.masking.mask_changed.connect(self._show_mask)
        for signal in (
            session.masking.recovery_changed,
            session.trial_changed,
            session.model_changed,
            session.loading.changed,
        ):
            signal.connect(self._show_recovery)

    def _set_subject(self) -> None:
        subject = self._session.subject
        if subject is not None:
            self.band.set_subject(subject)
        with QSignalBlocker(self.focus):
            before = self.focus.currentText()
            self.focus.clear()
            self.focus.addItems([roi.name for roi in subject.rois] if subject else [])
            self.focus.setCurrentIndex(max(self.focus.findText(before), 0))
        self.setEnabled(subject is not None)
        self._show_mode()
        self._show_mask()

    # -- editing -----------------------------------------------------------------------------

    def _begin_gesture(self) -> None:
        self._gestures += 1

    def _draw_mask(self) -> None:
        gesture = self._gestures if self.ratio.isSliderDown() else -1
        ratio, seed = self.ratio.value() / 100, self.seed.value()
        try:
            focus = self._focus()
        except RequestError as error:
            self._session.problem.emit(str(error))
            return
        self._session.masking.draw_mask(ratio, seed, gesture, focus)

    def _focus(self) -> Focus | None:
        subject = self._session.subject
        if subject is None or self.mode.currentText() != FOCUS or not self.focus.currentText():
            return None
        voxels = subject.roi(self.focus.currentText()).voxels
        return self._session.masking.focus_on(voxels, self.rate.value() / 100)

    def _set_mode(self) -> None:
        self._show_mode()
        if not self.strip.painting:
            self._draw_mask()

    def _show_mode(self) -> None:
        self.strip.painting = self.mode.currentText() == PAINT
        focused = self.mode.currentText() == FOCUS
        self.focus.setVisible(focused)
        self.rate.setVisible(focused)
        keep_height(self)

    def _paint(self, patches: list[int], keep: bool) -> None:
        if self._session.masking.mask is not None:
            self._session.masking.set_mask(self._session.masking.mask.painted(patches, keep=keep))

    # -- showing -----------------------------------------------------------------------------

    def _show_mask(self) -> None:
        mask = self._session.masking.mask
        if mask is not None:
            self.ratio_label.setText(f"ratio {mask.ratio:.0%}".replace("%", " %"))
            self._follow(mask)
        with QSignalBlocker(self.applied):
            self.applied.setChecked(self._session.masking.applied)
        self._show_recovery()

    def _follow(self, mask: MaskState) -> None:
        """Set ratio, seed and mode to those of `mask`, unless they already give it."""
        if mask.seed is None or mask.seed > _MAX_SEED:  # the command line takes larger ones
            return
        ratio, seed = self.ratio.value() / 100, self.seed.value()
        asked = MaskState.drawn(mask.n_patches, ratio, seed, mask.focus).kept
        if mask.focus is None and self.mode.currentText() == FOCUS:
            with QSignalBlocker(self.mode):
                self.mode.setCurrentText(RANDOM)
            self._show_mode()
        if bool((asked == mask.kept).all()):
            return
        with QSignalBlocker(self.ratio), QSignalBlocker(self.seed):
            # Not the share that is masked: of few patches another seed would keep fewer by it.
            ratio = ratio_that_keeps(int(mask.kept.sum()), mask.n_patches)
            self.ratio.setValue(round(100 * ratio))
            self.seed.setValue(mask.seed)

    def _show_recovery(self) -> None:
        masking, vector = self._session.masking, self._session.vector
        subject = self._session.subject
        self.band.show_recovery(masking.recovery_by_region(subject.rois) if subject else {})
        if self._session.loading.name:
            self.recovered.setText(f"loading {self._session.loading.name} …")
        elif self._session.decoder is None:
            self.recovered.setText("no model loaded")
        elif masking.recovery is None or vector is None or masking.mask is None:
            self.recovered.setText("")
        else:
            kept = masking.mask.kept_voxels(masking.patch_size, vector.size)
            baseline = coefficient(interpolation_baseline(vector, kept))
            reached = coefficient(masking.recovery.correlation)
            self.recovered.setText(f"recovered <b>r {reached}</b> (baseline {baseline})")
