"""What can be done with one region of the list, and with all of them."""

from __future__ import annotations

from functools import partial

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

    def open_for(
        self, name: str, colour: QColor, where: QPoint, listed: frozenset[str] = frozenset()
    ) -> None:
        """Show what can be done with the region of that name, at a place on the screen."""
        self.fill(name, colour, listed)
        self.popup(where)

    def fill(self, name: str, colour: QColor, listed: frozenset[str] = frozenset()) -> None:
        """Fill the menu for the region of that name, and for those `listed` if these are a part."""
        regions, brain = self._session.regions, self._session.brain
        roi = regions.find(name)
        made = roi is not None and bool(roi.made)
        drawn = brain.grid is not None
        own = frozenset(each.name for each in regions.rois if not each.made)
        everything = frozenset(each.name for each in regions.rois)
        alone = [("this one", frozenset({name}))]
        if 1 < len(listed) < len(everything):
            alone.append((f"the {len(listed)} listed", listed))
        self.clear()
        self.addAction("Go there", lambda: self._go_to(name)).setEnabled(drawn)
        self.addSeparator()
        uses = [(f"Use {which} alone", names) for which, names in alone]
        for text, names in (*uses, ("Use all of the subject", own)):
            self.addAction(text, partial(self._session.set_used_rois, names))
        self.addSeparator()
        shows = [(f"Show {which} alone", names) for which, names in alone]
        for text, names in (*shows, ("Show all", everything), ("Show none", frozenset[str]())):
            self.addAction(text, partial(brain.set_visible_rois, names)).setEnabled(drawn)
        self.addSeparator()
        paint = self.addAction("Paint on slices", lambda: regions.set_brush(Brush(name)))
        paint.setEnabled(made and drawn)
        self.addAction("Duplicate", lambda: regions.duplicate(name))
        self.addAction("Colour…", lambda: self.colour_wanted.emit(name, colour))
        self.addAction("Rename…", lambda: self.rename_wanted.emit(name)).setEnabled(made)
        self.addAction("Delete", lambda: regions.delete(name)).setEnabled(made)

    def _go_to(self, name: str) -> None:
        roi, brain = self._session.regions.find(name), self._session.brain
        if roi is not None and brain.grid is not None:
            point = brain.grid.voxel_position(int(roi.voxels[roi.voxels.size // 2]))
            if point is None:
                self._session.problem.emit(f"region {name} lies outside the anatomy's picture")
            else:
                brain.set_crosshair(point)
