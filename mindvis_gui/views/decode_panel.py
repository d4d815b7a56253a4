"""How samples are drawn: presets, seeds, sampler, steps, and which voxels go in."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from mindvis_gui.analysis.decoded_trial import SAMPLE_NOTICE
from mindvis_gui.decoding.request import PRECISIONS, PRESETS, SAMPLERS, TRAINING_STEPS, Sampling
from mindvis_gui.errors import RequestError
from mindvis_gui.session import Session
from mindvis_gui.views.buttons import icon_button, push_button
from mindvis_gui.views.icons import icon
from mindvis_gui.views.preparation_panel import PreparationPanel
from mindvis_gui.views.theme import GAP, MARGIN, label

MAX_SAMPLES = 32
MAX_SEED = 2**31 - 1 - MAX_SAMPLES
_FIELD_WIDTH = 96
_MIN_WIDTH = 220
_ROW_HEIGHT = 26


class DecodePanel(QScrollArea):
    """Edits the options of the next decode; what makes no sense is explained in place."""

    new_seed_wanted = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
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

    def _make_sampling(self) -> None:
        self.presets = {name: _segment(name) for name in PRESETS}
        self.samples = _number(1, MAX_SAMPLES, "Samples")
        self.samples.setToolTip("How many pictures to draw, each from a seed of its own")
        self.first_seed = _number(0, MAX_SEED, "First seed")
        self.dice = icon_button(icon("dice"), "New seeds", "New seeds  (R)")
        self.sampler = _choice(SAMPLERS, "Sampler")
        self.steps = _number(1, TRAINING_STEPS - 1, "Steps")
        self.steps.setToolTip("Network evaluations a sample: more take longer")
        self.reason = label(kind="problem")
        self.reason.setWordWrap(True)
        self.reason.hide()

    def _make_voxels(self) -> None:
        self._regions = label(kind="count")
        self._regions.setToolTip("Choose regions in the subject panel")
        self.lesion = _choice({"": "none"}, "Lesion")
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
        self.precision = _choice({name: name for name in PRECISIONS}, "Precision")
        self._facts = {name: label(kind="count") for name in ("Device", "Model voxels", "Image")}

    def _lay_out(self) -> None:
        presets = QHBoxLayout()
        presets.setSpacing(0)
        buttons = list(self.presets.values())
        for button in buttons:
            presets.addWidget(button, 1)
        buttons[0].setProperty("place", "first")
        buttons[-1].setProperty("place", "last")
        sampling = _form()
        _row(sampling, "Samples", self.samples)
        _row(sampling, "First seed", self.dice, self.first_seed)
        _row(sampling, "Sampler", self.sampler)
        _row(sampling, "Steps", self.steps)
        voxels = _form()
        _row(voxels, "Regions", self._regions)
        _row(voxels, "Lesion", self.lesion)
        _row(voxels, "Apply mask", self._mask_ratio, self.apply_mask)
        advanced = _form()
        self._advanced.setLayout(advanced)
        _row(advanced, "Precision", self.precision)
        for name, fact in self._facts.items():
            _row(advanced, name, fact)
        note = label(SAMPLE_NOTICE, "note")
        note.setWordWrap(True)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(MARGIN, 2, MARGIN, GAP)
        column.setSpacing(GAP)
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
        self._session.set_seeds(self.first_seed.value(), self.samples.value())

    def _edit_sampling(self) -> None:
        try:
            sampling = Sampling(
                self.sampler.currentData(), self.steps.value(), self.precision.currentData()
            )
        except RequestError as error:
            self._complain(str(error))
            return
        self._complain("")
        self._session.set_sampling(sampling)

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
        values = {
            self.samples: self._session.n_samples,
            self.first_seed: self._session.first_seed,
            self.steps: sampling.steps,
        }
        for field, value in values.items():
            if field is self.steps and self.complaint:
                continue  # what was typed stays, beside the reason why it cannot be
            with QSignalBlocker(field):
                field.setValue(value)
        if not self.complaint:
            _select(self.sampler, sampling.sampler)
            _select(self.precision, sampling.precision)
        for name, button in self.presets.items():
            button.setChecked(not self.complaint and PRESETS[name] == sampling)

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
                _select(self.lesion, missing[0] if missing else "")
        self.lesion.setEnabled(len(names) > 1)

    def _show_mask(self) -> None:
        mask = self._session.masking.mask
        self.apply_mask.setEnabled(mask is not None)
        self._mask_ratio.setText(f"{mask.ratio:.0%} masked" if mask else "")
        with QSignalBlocker(self.apply_mask):
            self.apply_mask.setChecked(self._session.masking.applied)

    def _show_model(self) -> None:
        info = self._session.decoder.info if self._session.decoder else None
        self._facts["Device"].setText(f"{info.device.upper()} · {info.precision}" if info else "–")
        self._facts["Model voxels"].setText(info.voxels if info else "–")
        self._facts["Image"].setText(f"{info.image_size} × {info.image_size} px" if info else "–")


def _segment(name: str) -> QPushButton:
    button = push_button(name, f"Preset {name}", "segment", checkable=True)
    preset = PRESETS[name]
    button.setToolTip(f"{SAMPLERS[preset.sampler]}, {preset.steps} steps, {preset.precision}")
    return button


def _number(low: int, high: int, name: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setAlignment(Qt.AlignmentFlag.AlignRight)
    box.setFixedWidth(_FIELD_WIDTH)
    box.setAccessibleName(name)
    return box


def _choice(options: dict[str, str], name: str) -> QComboBox:
    box = QComboBox()
    for key, text in options.items():
        box.addItem(text, key)
    box.setMinimumWidth(_FIELD_WIDTH)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    box.setAccessibleName(name)
    return box


def _select(box: QComboBox, key: str) -> None:
    with QSignalBlocker(box):
        box.setCurrentIndex(box.findData(key))


def _form() -> QGridLayout:
    form = QGridLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setColumnStretch(0, 1)
    form.setVerticalSpacing(4)
    return form


def _row(form: QGridLayout, text: str, *fields: QWidget) -> None:
    """Add a row with the text at the left edge and the fields at the right one."""
    right = QHBoxLayout()
    right.setSpacing(4)
    for field in fields:
        right.addWidget(field)
    row = form.rowCount()
    form.setRowMinimumHeight(row, _ROW_HEIGHT)
    form.addWidget(label(text), row, 0)
    form.addLayout(right, row, 1, Qt.AlignmentFlag.AlignRight)
