"""What can be done with one region of the list."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QMenu, QWidget

from mindvis_gui.session import Session
from mindvis_gui.session.regions import Brush


class RoiMenu(QMenu):
    """Goes to a region, copies, paints, renames, colours or deletes it."""

    rename_wanted = Signal(str)
    colour_wanted = Signal(str, QColor)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session = session

    def open_for(self, name: str, colour: QColor, where: QPoint) -> None:
        """Show what can be done with the region of that name, at a place on the screen."""
        self.fill(name, colour)
        self.popup(where)

    def fill(self, name: str, colour: QColor) -> None:
        """Fill the menu for the region of that name."""
        regions = self._session.regions
        roi = regions.find(name)
        made = roi is not None and bool(roi.made)
        drawn = self._session.brain.grid is not None
        self.clear()
        self.addAction("Go there", lambda: self._go_to(name)).setEnabled(drawn)
        self.addAction("Use this one alone", lambda: self._use_alone(name))
        self.addSeparator()
        paint = self.addAction("Paint on slices", lambda: regions.set_brush(Brush(name)))
        paint.setEnabled(made and drawn)
        self.addAction("Duplicate", lambda: regions.duplicate(name))
        self.addAction("Colour…", lambda: self.colour_wanted.emit(name, colour))
        self.addAction("Rename…", lambda: self.rename_wanted.emit(name)).setEnabled(made)
        self.addAction("Delete", lambda: regions.delete(name)).setEnabled(made)

    def _use_alone(self, name: str) -> None:
        self._session.set_used_rois(frozenset({name}))

    def _go_to(self, name: str) -> None:
        roi, brain = self._session.regions.find(name), self._session.brain
        if roi is not None and brain.grid is not None:
            point = brain.grid.voxel_position(int(roi.voxels[roi.voxels.size // 2]))
            if point is None:
                self._session.problem.emit(f"region {name} lies outside the anatomy's picture")
            else:
                brain.set_crosshair(point)
