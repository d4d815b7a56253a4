"""How samples are drawn: presets, seeds, sampler, steps, and which voxels go in."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QWidget,
)

from mindvis_gui.analysis.decoded_trial import SAMPLE_NOTICE
from mindvis_gui.decoding.request import N_SEEDS
from mindvis_gui.decoding.sampling_settings import (
    MOST_GUIDANCE,
    NO_GUIDANCE,
    PRECISIONS,
    PRESETS,
    SAMPLERS,
    TRAINING_STEPS,
    Sampling,
    sampling_text,
)
from mindvis_gui.errors import RequestError
from mindvis_gui.session import Session
from mindvis_gui.views.buttons import icon_button, push_button
from mindvis_gui.views.fields import (
    add_row,
    choice_field,
    empty_form,
    number_field,
    scale_field,
    seed_field,
    select,
)
from mindvis_gui.views.fitting import keep_width
from mindvis_gui.views.icons import icon
from mindvis_gui.views.preparation_panel import PreparationPanel
from mindvis_gui.views.theme import GAP, label, panel_column

MAX_SAMPLES = 64
_MIN_WIDTH = 220
_ROUNDING = 0.005  # of two decimals


class DecodePanel(QScrollArea):
    """Edits the options of the next decode; what makes no sense is explained in place."""

    new_seed_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.complaint = ""
        self._make_sampling()
        self._make_voxels()
        self.preparation = PreparationPanel(session)
        self._make_advanced()
        self._lay_out()
        self.setMinimumWidth(_MIN_WIDTH)
        self._connect()
        self._show_options()
        self._show_regions()
        self._show_mask()
        self._show_model()

    def event(self, event: QEvent) -> bool:
        """Be as wide as the fields are: of what is scrolled downwards only, the rest is cut off."""
        if event.type() == QEvent.Type.LayoutRequest:
            keep_width(self, _MIN_WIDTH)
        return super().event(event)

    def _make_sampling(self) -> None:
        self.presets = {name: _segment(name) for name in PRESETS}
        self.samples = number_field(1, MAX_SAMPLES, "Samples")
        self.samples.setToolTip("How many pictures to draw, each from a seed of its own")
        self.first_seed = seed_field(N_SEEDS - 1, "First seed")
        self.dice = icon_button(icon("dice"), "New seeds", "New seeds  (R)")
        self.sampler = choice_field(SAMPLERS, "Sampler")
        self.steps = number_field(1, TRAINING_STEPS - 1, "Steps")
        self.steps.setToolTip("Network evaluations a sample: more take longer")
        self.guidance = scale_field(NO_GUIDANCE, MOST_GUIDANCE, "Guidance")
        self.guidance.setToolTip(
            "Moves samples away from what the mean response gives: they fit the response better "
            "and differ less"
        )
        self.reason = label(kind="problem", wrap=True)
        self.reason.hide()

    def _make_voxels(self) -> None:
        self._regions = label(kind="count")
        self._regions.setToolTip("Choose regions in the subject panel")
        self.lesion = choice_field({"": "none"}, "Lesion")
        self.lesion.setToolTip("Leave one region out, all others in")
        self.apply_mask = QCheckBox()
        self.apply_mask.setAccessibleName("Apply mask")
        self.apply_mask.setToolTip("Decode from the patches that the mask keeps, not from all")
        self._mask_ratio = label(kind="count")

    def _make_advanced(self) -> None:
        self.advanced = push_button("ADVANCED", "Advanced options", "section", checkable=True)
        self.advanced.setIcon(icon("chevron-right"))
        self._advanced = QWidget()
        self._advanced.hide()
        self.precision = choice_field({name: name for name in PRECISIONS}, "Precision")
        self._facts = {name: label(kind="count") for name in ("Device", "Model voxels", "Image")}

    def _lay_out(self) -> None:
        presets = QHBoxLayout()
        presets.setSpacing(0)
        buttons = list(self.presets.values())
        for button in buttons:
            presets.addWidget(button, 1)
        buttons[0].setProperty("place", "first")
        buttons[-1].setProperty("place", "last")
        sampling = empty_form()
        add_row(sampling, "Samples", self.samples)
        add_row(sampling, "First seed", self.dice, self.first_seed)
        add_row(sampling, "Sampler", self.sampler)
        add_row(sampling, "Steps", self.steps)
        add_row(sampling, "Guidance", self.guidance)
        voxels = empty_form()
        add_row(voxels, "Regions", self._regions)
        add_row(voxels, "Lesion", self.lesion)
        add_row(voxels, "Apply mask", self._mask_ratio, self.apply_mask)
        advanced = empty_form()
        self._advanced.setLayout(advanced)
        add_row(advanced, "Precision", self.precision)
        for name, fact in self._facts.items():
            add_row(advanced, name, fact)
        note = label(SAMPLE_NOTICE, "note", wrap=True)
        page = QWidget()
        column = panel_column(page)
        column.addLayout(presets)
        column.addLayout(sampling)
        column.addWidget(self.reason)
        column.addSpacing(GAP)
        column.addWidget(label("Voxels", "heading"))
        column.addLayout(voxels)
        column.addSpacing(GAP)
        column.addWidget(label("Preparation", "heading"))
        column.addWidget(self.preparation)
        column.addSpacing(GAP)
        column.addWidget(self.advanced)
        column.addWidget(self._advanced)
        column.addWidget(note)
        column.addStretch()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(page)

    def _connect(self) -> None:
        session = self._session
        for name, button in self.presets.items():
            button.clicked.connect(lambda _, name=name: self._choose_preset(name))
        self.samples.valueChanged.connect(self._edit_seeds)
        self.first_seed.valueChanged.connect(self._edit_seeds)
        self.dice.clicked.connect(self.new_seed_wanted)
        self.steps.valueChanged.connect(self._edit_sampling)
        self.guidance.valueChanged.connect(self._edit_sampling)
        self.sampler.currentIndexChanged.connect(self._edit_sampling)
        self.precision.currentIndexChanged.connect(self._edit_sampling)
        self.lesion.activated.connect(self._edit_lesion)
        self.apply_mask.toggled.connect(session.masking.set_applied)
        self.advanced.toggled.connect(self._unfold)
        session.options_changed.connect(self._show_options)
        session.subject_changed.connect(self._show_regions)
        session.rois_changed.connect(self._show_regions)
        session.masking.mask_changed.connect(self._show_mask)
        session.model_changed.connect(self._show_model)

    # -- from the widgets to the session -----------------------------------------------------

    def _choose_preset(self, name: str) -> None:
        self._complain("")
        self._session.set_sampling(PRESETS[name])
        self._show_options()

    def _edit_seeds(self) -> None:
        first = int(self.first_seed.value())
        self._session.set_seeds(first, min(self.samples.value(), N_SEEDS - first))

    def _edit_sampling(self) -> None:
        try:
            sampling = Sampling(
                self.sampler.currentData(),
                self.steps.value(),
                self.precision.currentData(),
                self._chosen_guidance(),
            )
        except RequestError as error:
            self._complain(str(error))
            return
        self._complain("")
        self._session.set_sampling(sampling)

    def _chosen_guidance(self) -> float | None:
        """Return what the field says; what the model asks for stays that."""
        sampling, typed = self._session.sampling, self.guidance.value()
        same = abs(typed - self._guidance(sampling)) < _ROUNDING
        return sampling.guidance if same else typed

    def _guidance(self, sampling: Sampling) -> float:
        decoder = self._session.decoder
        of_model = NO_GUIDANCE if decoder is None else decoder.info.guidance
        return of_model if sampling.guidance is None else sampling.guidance

    def _edit_lesion(self) -> None:
        subject, name = self._session.subject, self.lesion.currentData()
        if subject is not None:
            self._session.set_used_rois(
                frozenset(r.name for r in subject.rois if r.name != name and not r.made)
            )

    def _complain(self, reason: str) -> None:
        self.complaint = reason
        self.reason.setText(reason)
        self.reason.setVisible(bool(reason))

    def _unfold(self, shown: bool) -> None:
        self._advanced.setVisible(shown)
        self.advanced.setIcon(icon("chevron-down" if shown else "chevron-right"))

    # -- from the session to the widgets -----------------------------------------------------

    def _show_options(self) -> None:
        sampling = self._session.sampling
        values: dict[QSpinBox | QDoubleSpinBox, int] = {
            self.samples: self._session.n_samples,
            self.first_seed: self._session.first_seed,
            self.steps: sampling.steps,
        }
        for field, value in values.items():
            if field is self.steps and self.complaint:
                continue  # what was typed stays, beside the reason why it cannot be
            with QSignalBlocker(field):
                field.setValue(value)
        with QSignalBlocker(self.guidance):
            self.guidance.setValue(self._guidance(sampling))
        if not self.complaint:
            select(self.sampler, sampling.sampler)
            select(self.precision, sampling.precision)
        for name, button in self.presets.items():
            button.setChecked(not self.complaint and self._alike(PRESETS[name], sampling))

    def _alike(self, one: Sampling, other: Sampling) -> bool:
        """Whether the loaded model draws the same with both."""
        decoder = self._session.decoder
        if decoder is None:
            return one == other
        asked = decoder.info.precision, decoder.info.guidance
        return one.resolved(*asked) == other.resolved(*asked)

    def _show_regions(self) -> None:
        subject, used = self._session.subject, self._session.used_rois
        every = [roi.name for roi in subject.rois] if subject else []
        names = [roi.name for roi in subject.rois if not roi.made] if subject else []
        self._regions.setText(f"{len(used)} of {len(every)}" if every else "all voxels")
        missing = [name for name in names if name not in used]
        with QSignalBlocker(self.lesion):
            self.lesion.clear()
            self.lesion.addItem("none", "")
            for name in names:
                self.lesion.addItem(name, name)
            if len(missing) > 1:
                self.lesion.setPlaceholderText("several")
                self.lesion.setCurrentIndex(-1)
            else:
                select(self.lesion, missing[0] if missing else "")
        self.lesion.setEnabled(len(names) > 1)

    def _show_mask(self) -> None:
        mask = self._session.masking.mask
        self.apply_mask.setEnabled(mask is not None)
        self._mask_ratio.setText(f"{mask.ratio:.0%} masked" if mask else "")
        with QSignalBlocker(self.apply_mask):
            self.apply_mask.setChecked(self._session.masking.applied)

    def _show_model(self) -> None:
        self._show_options()
        info = self._session.decoder.info if self._session.decoder else None
        self._facts["Device"].setText(f"{info.device.upper()} · {info.precision}" if info else "–")
        self._facts["Model voxels"].setText(info.voxels if info else "–")
        self._facts["Image"].setText(f"{info.image_size} × {info.image_size} px" if info else "–")


def _segment(name: str) -> QPushButton:
    button = push_button(name, f"Preset {name}", "segment", checkable=True)
    button.setToolTip(sampling_text(PRESETS[name].to_json()))
    return button
