"""The steps of preparation as fields: averaging, z-scoring, trial filters."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QCompleter, QGridLayout, QLineEdit, QSizePolicy, QWidget

from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.trial_filter import COLUMNS, TrialFilter
from mindvis_gui.errors import RequestError
from mindvis_gui.views.fields import choice, select
from mindvis_gui.views.sentences import sentence
from mindvis_gui.views.theme import GAP, label, label_of, tight

_Z_SCORES = {
    "global": ("as in the paper", "One mean and deviation over all voxels of the training trials, "
               "taken off before decoding"),
    "voxel": ("per voxel", "Each voxel's mean and deviation over the training trials"),
    "run": ("per run", "Each voxel's mean and deviation over all trials of its run"),
}  # fmt: skip
_AVERAGES = {
    "none": ("as in the file", "Leave presentations as they are"),
    "test": ("test stimuli", "Average the presentations of each test stimulus"),
    "all": ("all stimuli", "Average the presentations of each stimulus, training ones, too"),
}
_FILTER_TIP = (
    "Keep the trials that pass every condition, in turn: session=1-3,5; label!=dog\n"
    f"Columns: {', '.join(COLUMNS)}"
)


class PreparationForm(QWidget):
    """Edits a `Preparation`; what is no filter is explained in place and not told."""

    edited = Signal(object)  # Preparation

    def __init__(self) -> None:
        super().__init__()
        self._steps = Preparation()
        self.filter = QLineEdit(placeholderText="all trials")
        self.filter.setAccessibleName("Trials kept")
        self.filter.setToolTip(_FILTER_TIP)
        words = [f"{column}=" for column in COLUMNS]
        completer = QCompleter(words, self.filter)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.filter.setCompleter(completer)
        self.z_score = _choice(_Z_SCORES, "Z-scoring")
        self.average = _choice(_AVERAGES, "Averaging of repeats")
        self.problem = label(kind="problem", wrap=True)
        self.problem.hide()
        form = tight(QGridLayout(self))
        form.setHorizontalSpacing(GAP)
        form.setVerticalSpacing(4)
        form.setColumnStretch(1, 1)
        rows = (("Trials", self.filter), ("Z-score", self.z_score), ("Average", self.average))
        for row, (text, field) in enumerate(rows):
            form.addWidget(label_of(field, text), row, 0)
            form.addWidget(field, row, 1)
            field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        form.addWidget(self.problem, len(rows), 0, 1, 2)
        self.filter.editingFinished.connect(self._edit)
        for box in (self.z_score, self.average):
            box.currentIndexChanged.connect(self._edit)

    @property
    def steps(self) -> Preparation:
        """The steps as they were last told or shown."""
        return self._steps

    def show_steps(self, steps: Preparation) -> None:
        """Show other steps, and tell nobody."""
        self._steps = steps
        self._complain("")
        self.filter.setText("; ".join(map(str, steps.filters)))
        select(self.z_score, steps.z_score)
        select(self.average, steps.average)

    def _edit(self) -> None:
        try:
            parts = [part for part in self.filter.text().split(";") if part.strip()]
            steps = Preparation(
                tuple(TrialFilter.parse(part) for part in parts),
                self.z_score.currentData(),
                self.average.currentData(),
            )
        except RequestError as error:
            self._complain(str(error))
            return
        self._complain("")
        if steps != self._steps:
            self._steps = steps
            self.edited.emit(steps)

    def _complain(self, reason: str) -> None:
        self.problem.setText(sentence(reason))
        self.problem.setVisible(bool(reason))


def _choice(options: dict[str, tuple[str, str]], name: str) -> QComboBox:
    texts, tips = ({key: each[i] for key, each in options.items()} for i in range(2))
    box = choice(texts, name, tips)
    box.setToolTip("\n".join(f"{text}: {tip}" for text, tip in options.values()))
    return box
