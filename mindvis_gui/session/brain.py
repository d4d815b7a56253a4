"""Where one looks in the brain."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.subject import Subject


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
    """

    crosshair_changed = Signal()
    visible_rois_changed = Signal()
    problem = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.grid: DisplayGrid | None = None
        self.crosshair: tuple[int, int, int] = (0, 0, 0)
        self.visible_rois: frozenset[str] = frozenset()

    def set_subject(self, subject: Subject, grid: DisplayGrid | None) -> None:
        """Look at the middle of the response of another subject, all its regions drawn."""
        self.grid = grid
        self.visible_rois = frozenset(roi.name for roi in subject.rois)
        if grid is not None:
            self.crosshair = grid.centre

    def set_visible_rois(self, names: frozenset[str]) -> None:
        """Choose the regions drawn on the brain."""
        if names != self.visible_rois:
            self.visible_rois = names
            self.visible_rois_changed.emit()

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
