"""The pages of the import wizard that every source has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QButtonGroup, QComboBox, QLineEdit, QRadioButton

from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.source_contents import SourceContents
from mindvis_gui.data.supplements import REPEATED
from mindvis_gui.data.trial_filter import COLUMNS, TrialFilter
from mindvis_gui.errors import RequestError
from mindvis_gui.settings import Settings
from mindvis_gui.views.import_page import ImportPage
from mindvis_gui.views.path_field import PathField
from mindvis_gui.views.preparation_form import PreparationForm
from mindvis_gui.views.sentences import sentence
from mindvis_gui.views.theme import label, label_unseen

_QUESTIONS = {
    "responses": "which array holds the responses",
    "stimuli": "what was shown",
    "regions": "regions",
    "split": "a test set",
    "positions": "where the voxels lie",
}


class SourcePage(ImportPage):
    """Which file or folder, and what it is called."""

    title = "Source"
    source_chosen = Signal(object)  # Path

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            "A file or folder with responses: drop it anywhere here, or choose it. "
            "What it does not say by itself, the next pages ask."
        )
        self.source = PathField("Source", settings, hint="file or folder", folders=True)
        self.name = QLineEdit(placeholderText="as the file is called")
        self.name.setAccessibleName("Name of the subject")
        self.add_row("Source", self.source)
        self.add_row("Name", self.name)
        self.form.setRowMinimumHeight(self.form.rowCount(), 8)
        self.summary = self.add_note()
        self.summary.setProperty("kind", "")
        self.missing = self.add_note()
        self.notes = self.add_note()
        self.source.changed.connect(self._choose)
        self.name.editingFinished.connect(self.changed)

    def _choose(self) -> None:
        if self.source.path is not None:
            self.source_chosen.emit(self.source.path)

    def fill(self, contents: SourceContents) -> None:
        """Show what is in the source and what it leaves open."""
        self.source.set_path(contents.plan.source)
        self.name.setText(contents.plan.name)
        self.summary.setText(contents.summary)
        self.show_missing(contents.missing)
        self.notes.setText("\n".join(f"{note.rstrip('.')}." for note in contents.notes))

    def show_missing(self, questions: tuple[str, ...]) -> None:
        """Say what is still open."""
        asked = ", ".join(_QUESTIONS[each] for each in questions)
        self.missing.setText(f"Not known yet: {asked}. It may be left open." if asked else "")

    def values(self) -> dict[str, Any]:
        """Return the name."""
        return {"name": self.name.text().strip()}


class StimuliPage(ImportPage):
    """What was shown in each trial, and the pictures."""

    title = "Stimuli"
    question = "stimuli"

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            "Which picture belongs to which trial. A table has one row a trial; its columns are "
            "stimulus, label, category, split, session, run, presentations, each optional."
        )
        self.table = PathField("Table", settings, hint=".csv, .tsv, .npz, .npy, HDF5 or .mat")
        self.pictures = PathField(
            "Pictures", settings, hint="folder, .npz or HDF5 file", folders=True
        )
        self.add_row("Table", self.table)
        self.add_row("Pictures", self.pictures)
        self.add_note(
            "A stimulus is a file name, with or without its suffix, or in an array its number "
            "from 0. Without a table, as many pictures as trials are taken in sorted order."
        )
        for field in (self.table, self.pictures):
            field.changed.connect(self.changed)

    def fill(self, contents: SourceContents) -> None:
        """Begin with nothing but what the source has."""
        self.table.set_path(contents.plan.stimulus_table)
        self.pictures.set_path(contents.plan.stimuli)

    def values(self) -> dict[str, Any]:
        """Return table and pictures."""
        return {"stimulus_table": self.table.path, "stimuli": self.pictures.path}


class SplitPage(ImportPage):
    """Which trials are the test set."""

    title = "Test set"
    question = "split"

    def __init__(self) -> None:
        super().__init__(
            "Test trials are decoded and scored; training trials give the mean and deviation "
            "that responses are normalised by."
        )
        self.as_is = QRadioButton("as the source says")
        self.repeated = QRadioButton("stimuli that were shown more than once")
        self.rule = QRadioButton("by a rule")
        self._choices = QButtonGroup(self)
        self.column_box = QComboBox()
        self.column_box.setAccessibleName("Column")
        self.column_box.addItems(COLUMNS)
        self.column_box.setCurrentText("trial")
        self.values_line = QLineEdit(placeholderText="such as 0-49 or 3,5")
        self.values_line.setAccessibleName("Values of the test set")
        self.complaint = label(kind="problem")
        self.complaint.setWordWrap(True)
        for row, button in enumerate((self.as_is, self.repeated, self.rule)):
            self._choices.addButton(button)
            self.form.addWidget(button, row, 0, 1, 2)
        self.as_is.setChecked(True)
        self.form.addWidget(self.column_box, 3, 0)
        self.form.addWidget(self.values_line, 3, 1)
        self.form.addWidget(self.complaint, 4, 0, 1, 2)
        label_unseen(self.column_box)
        self._choices.buttonToggled.connect(lambda _, on: self._edit() if on else None)
        self.column_box.currentIndexChanged.connect(self._edit)
        self.values_line.editingFinished.connect(self._edit)
        self._enable()

    def _enable(self) -> None:
        for field in (self.column_box, self.values_line):
            field.setEnabled(self.rule.isChecked())

    def _edit(self) -> None:
        self._enable()
        self.complaint.setText("")
        try:
            if self._typed():
                TrialFilter.parse(self._typed())
        except RequestError as error:
            self.complaint.setText(sentence(str(error)))
            return
        self.changed.emit()

    def _typed(self) -> str:
        typed = self.values_line.text().strip()
        given = self.rule.isChecked() and typed
        return f"{self.column_box.currentText()}={typed}" if given else ""

    def fill(self, contents: SourceContents) -> None:
        """Leave the split as the source has it."""
        with QSignalBlocker(self._choices):
            self.as_is.setChecked(True)
        self.values_line.clear()
        self.complaint.setText("")
        self._enable()

    def values(self) -> dict[str, Any]:
        """Return the rule, empty if there is none or it is incomplete."""
        if self.complaint.text():
            return {"split": ""}
        return {"split": REPEATED if self.repeated.isChecked() else self._typed()}


class PositionsPage(ImportPage):
    """Where the voxels lie, and the brain around them."""

    title = "Positions"
    question = "positions"

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            "A file of the very same voxels that knows where they lie: a BData file, another "
            "subject, a mask, a label image or a folder of masks; of CIFTI a .surf.gii with that "
            "of the other side beside it. Without one, voxels are drawn region by region."
        )
        self.positions = PathField(
            "Positions", settings, hint="BData, NIfTI or GIFTI", folders=True
        )
        self.anatomy = PathField("Anatomy", settings, hint="3-D NIfTI image, optional")
        self.add_row("Positions", self.positions)
        self.add_row("Anatomy", self.anatomy)
        self.add_note("Regions that both files have must agree, or the positions are refused.")
        for field in (self.positions, self.anatomy):
            field.changed.connect(self.changed)

    def fill(self, contents: SourceContents) -> None:
        """Begin with nothing but what the source has."""
        self.positions.set_path(contents.plan.positions)
        self.anatomy.set_path(contents.plan.anatomy)

    def values(self) -> dict[str, Any]:
        """Return both paths."""
        positions: Path | None = self.positions.path
        return {"positions": positions, "anatomy": self.anatomy.path}


class PreparationPage(ImportPage):
    """What is done to the responses, once and for all, before they are written."""

    title = "Preparation"

    def __init__(self) -> None:
        super().__init__(
            "What is written to the file, and noted in it. All of it can be done later in the "
            "window as well, where it can be taken back."
        )
        self.steps = PreparationForm()
        self.steps.edited.connect(self.changed)
        self.form.addWidget(self.steps, 0, 0, 1, 2)
        self.add_note("The preview shows filters and averages; z-scores are taken when writing.")

    def fill(self, contents: SourceContents) -> None:
        """Begin with no steps."""
        self.steps.show_steps(Preparation())

    def values(self) -> dict[str, Any]:
        """Return the steps."""
        return {"preparation": self.steps.steps}
