"""The page of the import wizard that asks which array is what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QSignalBlocker
from PySide6.QtWidgets import QCheckBox, QComboBox

from mindvis_gui.data.array_file import ArrayInfo
from mindvis_gui.data.array_roles import (
    possible_affines,
    possible_columns,
    possible_indices,
    possible_responses,
)
from mindvis_gui.data.array_subject import TRIAL_COLUMNS
from mindvis_gui.data.source_contents import SourceContents
from mindvis_gui.views.import_page import ImportPage

_NONE = "–"


class ArraysPage(ImportPage):
    """Combo boxes of the arrays that can be each thing by their shapes."""

    title = "Arrays"
    question = "responses"
    kinds = ("arrays",)

    def __init__(self) -> None:
        super().__init__(
            "Which array is what. Only arrays whose shape fits are offered; what you leave at – "
            "is not taken from this file."
        )
        self._arrays: tuple[ArrayInfo, ...] = ()
        self.responses = QComboBox()
        self.trials_last = QCheckBox("it is voxels × trials")
        self.columns = {column: QComboBox() for column in TRIAL_COLUMNS}
        self.ijk, self.affine = QComboBox(), QComboBox()
        self.add_row("Responses", self.responses)
        self.add_row("", self.trials_last)
        self.add_heading("One value a trial")
        for column, box in self.columns.items():
            self.add_row(column.capitalize(), box)
        self.add_heading("Positions")
        self.add_row("Voxel indices", self.ijk)
        self.add_row("Affine to mm", self.affine)
        self.responses.currentIndexChanged.connect(self._offer_again)
        self.trials_last.toggled.connect(self._offer_again)
        for box in (*self.columns.values(), self.ijk, self.affine):
            box.currentIndexChanged.connect(self.changed)

    def fill(self, contents: SourceContents) -> None:
        """Offer the arrays of another source, as guessed."""
        plan = contents.plan
        self._arrays = contents.arrays
        _offer(self.responses, possible_responses(self._arrays), plan.responses)
        with QSignalBlocker(self.trials_last):
            self.trials_last.setChecked(plan.trials_last)
        chosen = dict(plan.trial_arrays)
        self._offer(chosen, plan.ijk_array, plan.affine_array)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of trials and of voxels as chosen; 0 each without responses."""
        found = [info for info in self._arrays if info.name == self.responses.currentData()]
        if not found:
            return 0, 0
        rows, columns = found[0].shape
        return (columns, rows) if self.trials_last.isChecked() else (rows, columns)

    def _offer_again(self) -> None:
        self._offer(self._chosen_columns(), self.ijk.currentData(), self.affine.currentData())
        self.changed.emit()

    def _offer(self, columns: dict[str, str], ijk: str, affine: str) -> None:
        n_trials, n_voxels = self.shape
        others = [info for info in self._arrays if info.name != self.responses.currentData()]
        for column, box in self.columns.items():
            _offer(box, possible_columns(others, n_trials), columns.get(column, ""))
        _offer(self.ijk, possible_indices(others, n_voxels), ijk)
        _offer(self.affine, possible_affines(others), affine)

    def _chosen_columns(self) -> dict[str, str]:
        return {
            column: box.currentData() for column, box in self.columns.items() if box.currentData()
        }

    def values(self) -> dict[str, Any]:
        """Return the names of the arrays."""
        return {
            "responses": self.responses.currentData() or "",
            "trials_last": self.trials_last.isChecked(),
            "trial_arrays": tuple(self._chosen_columns().items()),
            "ijk_array": self.ijk.currentData() or "",
            "affine_array": self.affine.currentData() or "",
        }


def _offer(box: QComboBox, arrays: Iterable[ArrayInfo], chosen: str | None) -> None:
    """Fill the box with arrays and their shapes; what cannot be chosen any more is let go."""
    with QSignalBlocker(box):
        box.clear()
        box.addItem(_NONE, "")
        for info in arrays:
            shape = " × ".join(f"{n:,}" for n in info.shape)
            box.addItem(f"{info.name}   {shape}", info.name)
        box.setCurrentIndex(max(0, box.findData(chosen or "")))
        box.setEnabled(box.count() > 1)
