"""Regions of interest: making, changing, keeping and loading them."""

from __future__ import annotations

from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog, QInputDialog, QWidget

from mindvis_gui.session import Session
from mindvis_gui.session.regions import Brush
from mindvis_gui.settings import Settings
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.entry import Entry
from mindvis_gui.views.region_dialog import COMBINED, SPHERE, THRESHOLD, RegionDialog

REGION_ENTRIES = (
    Entry("new_sphere", "New sphere…", "regions.make", "Regions", "Ctrl+Shift+N",
          "Make a region of the voxels around the crosshair", argument=SPHERE),
    Entry("new_threshold", "New from a threshold…", "regions.make", "Regions", "",
          "Make a region where an overlay is above a value", argument=THRESHOLD),
    Entry("new_combined", "Combine two regions…", "regions.make", "Regions", "",
          "Make the union, intersection or difference of two regions", argument=COMBINED),
    Entry("paint_region", "Paint a new region", "regions.paint_new", "Regions", "Ctrl+Shift+B",
          "Paint voxels on the slices; again: stop"),
    Entry("load_regions", "Load label image…", "regions.load", "Regions", "",
          "Add the regions of a NIfTI label image"),
    Entry("save_regions", "Save visible regions…", "regions.save", "Regions", "",
          "Write the visible regions as a NIfTI label image with a table of names"),
)  # fmt: skip


class RegionCommands:
    """Asks what a region is to be, and lets the session make it."""

    def __init__(self, window: QWidget, session: Session, settings: Settings) -> None:
        self._window, self._session, self._settings = window, session, settings

    def enabled(self) -> dict[str, bool]:
        """Return whether there are voxels in space; some regions are made without."""
        session = self._session
        drawn = session.brain.grid is not None
        return {
            **dict.fromkeys((entry.id for entry in REGION_ENTRIES), drawn),
            "new_threshold": session.subject is not None,
            "new_combined": len(session.regions.rois) > 1,
        }

    def make(self, kind: str) -> None:
        """Make a region in a dialog that leaves the brain in reach."""
        RegionDialog(self._session, kind, self._window).show()

    def paint_new(self) -> None:
        """Begin to paint a region, or stop painting."""
        regions = self._session.regions
        regions.set_brush(None if regions.brush else Brush(regions.free_name("painted")))

    def load(self) -> None:
        """Ask for a label image and add its regions."""
        path = file_dialogs.ask_nifti_file(self._window, "Load regions", self._settings.folder)
        if path is not None:
            self._settings.folder = path.parent
            self._session.regions.load(path)

    def save(self) -> None:
        """Ask where to write the visible regions."""
        path = file_dialogs.ask_label_image(self._window, self._settings.folder)
        if path is not None:
            self._settings.folder = path.parent
            self._session.regions.save(self._session.brain.visible_rois, path)

    # -- one region, from the list -----------------------------------------------------------

    def rename(self, name: str) -> None:
        """Ask for another name."""
        text, given = QInputDialog.getText(self._window, "Rename region", "Name", text=name)
        if given:
            self._session.regions.rename(name, text.strip())

    def recolour(self, name: str, before: QColor) -> None:
        """Ask for another colour."""
        colour = QColorDialog.getColor(before, self._window, f"Colour of {name}")
        if colour.isValid():
            self._session.regions.recolour(name, colour.name())
