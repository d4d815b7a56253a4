"""Where one looks in the brain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.subject import Subject

PLANES = ("sagittal", "coronal", "axial")
LAYOUTS = ("three", "one_two", "single", "surface")


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Which slices are shown and how.

    Attributes
    ----------
    layout : str
        One of `LAYOUTS`:
        three slices side by side, one large and two small, one alone, or one beside the surface.
    main : str
        Plane of the large one.
    radiological : bool
        Draw the person's left on the right.
    crosshair : bool
        Draw its lines.
    """

    layout: str = "three"
    main: str = "axial"
    radiological: bool = False
    crosshair: bool = True

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Arrangement:
        """Return the one to begin with, by remembered values; what is unknown is as usual."""
        usual = cls()
        layout, main = values.get("layout"), values.get("main")
        return cls(
            str(layout) if layout in LAYOUTS else usual.layout,
            str(main) if main in PLANES else usual.main,
            bool(values.get("radiological", usual.radiological)),
        )


class BrainState(QObject):
    """The grid that slices are drawn on, the crosshair, and the regions drawn.

    Attributes
    ----------
    grid : DisplayGrid or None
        None where the subject has no voxel positions.
    crosshair : (int, int, int)
        Point of the grid.
    visible_rois : frozenset of str
        Regions drawn on the brain; decoding does not depend on it.
    hovered_roi : str
        The region that is outlined because the mouse is on its name; empty for none.
    arrangement : Arrangement
    """

    crosshair_changed = Signal()
    visible_rois_changed = Signal()
    hovered_roi_changed = Signal()
    arrangement_changed = Signal()
    problem = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.grid: DisplayGrid | None = None
        self.crosshair: tuple[int, int, int] = (0, 0, 0)
        self.visible_rois: frozenset[str] = frozenset()
        self.hovered_roi = ""
        self.arrangement = Arrangement()

    def set_subject(self, subject: Subject, grid: DisplayGrid | None) -> None:
        """Look at the middle of the response of another subject, all its regions drawn."""
        self.grid = grid
        self.visible_rois = frozenset(roi.name for roi in subject.rois)
        self.hovered_roi = ""
        if grid is not None:
            self.crosshair = grid.centre

    def take_regions(self, called: Mapping[str, str], new: frozenset[str]) -> None:
        """Go on with the regions that were kept, by their names before and now, and `new` ones."""
        if self.hovered_roi not in called:
            self.set_hovered_roi("")
        kept = frozenset(called[name] for name in self.visible_rois if name in called)
        self.set_visible_rois(kept | new)

    def set_visible_rois(self, names: frozenset[str]) -> None:
        """Choose the regions drawn on the brain."""
        if names != self.visible_rois:
            self.visible_rois = names
            self.visible_rois_changed.emit()

    def set_hovered_roi(self, name: str) -> None:
        """Choose the region that is outlined; an empty name for none."""
        if name != self.hovered_roi:
            self.hovered_roi = name
            self.hovered_roi_changed.emit()

    def set_arrangement(self, arrangement: Arrangement) -> None:
        """Show the slices in another way."""
        if arrangement != self.arrangement:
            self.arrangement = arrangement
            self.arrangement_changed.emit()

    def set_crosshair(self, voxel: tuple[int, int, int]) -> None:
        """Move the crosshair to a point of the grid, clipped to it."""
        if self.grid is None:
            return
        limits = self.grid.shape
        clipped = tuple(int(np.clip(v, 0, n - 1)) for v, n in zip(voxel, limits, strict=True))
        if clipped != self.crosshair:
            self.crosshair = (clipped[0], clipped[1], clipped[2])
            self.crosshair_changed.emit()

    def set_crosshair_mm(self, mm: tuple[float, float, float]) -> None:
        """Move the crosshair to the grid point nearest to a position in mm."""
        if self.grid is None:
            return
        voxel = self.grid.to_voxel(mm)
        if all(0 <= v < n for v, n in zip(voxel, self.grid.shape, strict=True)):
            self.set_crosshair(voxel)
        else:
            where = " ".join(f"{value:g}" for value in mm)
            self.problem.emit(f"{where} mm lies outside the picture; the crosshair stays")
