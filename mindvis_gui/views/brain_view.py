"""The brain: linked slices with overlays, the surface, and the location bar beneath."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_not
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from mindvis_gui.data.plane import planes
from mindvis_gui.session import Session
from mindvis_gui.session.brain import PLANES
from mindvis_gui.session.overlays import ANATOMY, REGIONS, Overlay
from mindvis_gui.views.brain_header import BrainHeader
from mindvis_gui.views.colour_maps import packed
from mindvis_gui.views.drops import dropped_paths
from mindvis_gui.views.layers import make_layers
from mindvis_gui.views.location_bar import LocationBar
from mindvis_gui.views.overlay import region_labels, region_table
from mindvis_gui.views.readout import describe
from mindvis_gui.views.region_responses import RegionResponses
from mindvis_gui.views.slice_view import SliceView
from mindvis_gui.views.stack_composer import StackComposer
from mindvis_gui.views.surface_view import SurfaceView
from mindvis_gui.views.theme import MARGIN, roi_colours, tight
from mindvis_gui.views.volume_stack import VolumeStack

_HIGHLIGHT = 0xFFFFFFFF
_HOVERED = QColor("white")
# Of filled regions: some colours are as grey as the anatomy to eyes that do not see red or green.
_RIM = QColor(0, 0, 0, 170)
# Layout → place of the main slice and of the others: row, column, rows, columns.
_PLACES = {
    "three": ((0, 0, 1, 1), (0, 1, 1, 1), (0, 2, 1, 1)),
    "one_two": ((0, 0, 2, 2), (0, 2, 1, 1), (1, 2, 1, 1)),
    "single": ((0, 0, 1, 1),),
}


class BrainView(QWidget):
    """Shows the overlays on the anatomy; a click moves the crosshair."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._shown: list[Overlay] = []  # as they were drawn
        self._composer = StackComposer(session.jobs, self)
        self.slices = tuple(SliceView(session, name) for name in PLANES)
        self.surface = SurfaceView(session)
        self.header = BrainHeader(session)
        self.location = LocationBar(session)
        self.placeholder = QLabel("Open a subject to see the brain")
        self.placeholder.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.placeholder.setProperty("kind", "caption")

        self._pictures = QWidget()
        self._places = tight(QGridLayout(self._pictures), 1)
        for view in self.slices:
            view.zoomed.connect(self._zoom)
            view.reset.connect(self._show_all)
            view.hovered.connect(self._read_out)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.placeholder)
        self._stack.addWidget(self._pictures)
        self.regions = RegionResponses(session)
        self._stack.addWidget(self.regions)
        self.location.setContentsMargins(MARGIN, 3, MARGIN, 3)
        column = tight(QVBoxLayout(self), 0)
        column.addWidget(self.header)
        column.addWidget(self._stack, 1)
        column.addWidget(self.location)

        brain = session.brain
        session.subject_changed.connect(self._set_subject)
        session.rois_edited.connect(self._draw)
        session.overlays.changed.connect(self._follow_overlays)
        brain.crosshair_changed.connect(self._follow_crosshair)
        brain.visible_rois_changed.connect(self._draw)
        brain.hovered_roi_changed.connect(self._draw_outlines)
        brain.arrangement_changed.connect(self._arrange)
        session.masking.hovered_patch_changed.connect(self._draw_layers)
        session.regions.preview_changed.connect(self._draw_layers)
        self.setAcceptDrops(True)
        self._arrange()
        self._set_subject()

    @property
    def shown_stacks(self) -> Sequence[VolumeStack]:
        """The volumes that are drawn now, by those that lie directly over each other."""
        return self._composer.stacks

    # -- arrangement -------------------------------------------------------------------------

    def _set_subject(self) -> None:
        subject, grid = self._session.subject, self._session.brain.grid
        without = self.placeholder if subject is None else self.regions
        self._stack.setCurrentWidget(without if grid is None else self._pictures)
        self.header.setEnabled(grid is not None)
        self._set_grid()

    def _arrange(self) -> None:
        shown = self._session.brain.arrangement
        main = self.slices[PLANES.index(shown.main)]
        order = self.slices if shown.layout == "three" else (main, *_others(self.slices, main))
        places = _PLACES.get(shown.layout, _PLACES["single"])
        for view in self.slices:
            self._places.removeWidget(view)
        self._places.removeWidget(self.surface)
        for view, place in zip(order, places, strict=False):
            self._places.addWidget(view, *place)
        for i, view in enumerate(order):
            view.setVisible(i < len(places))
            view.picture.show_crosshair(shown.crosshair)
        self.surface.setVisible(shown.layout == "surface")
        if shown.layout == "surface":
            self._places.addWidget(self.surface, 0, 1, 1, 2)
            places = (*places, (0, 1, 1, 2))
        for column in range(3):
            used = any(column in range(c, c + wide) for _, c, _, wide in places)
            self._places.setColumnStretch(column, int(used))
        self._set_grid()

    def _set_grid(self) -> None:
        grid = self._session.brain.grid
        if grid is None:
            return
        shown = self._session.brain.arrangement
        three = planes(grid.shape, grid.affine, radiological=shown.radiological)
        widths, heights = zip(*(plane.extent for plane in three), strict=True)
        for view, plane in zip(self.slices, three, strict=True):
            alike = shown.layout == "three"  # one scale for all, or each as large as it can be
            view.set_grid(grid, plane, (max(widths), max(heights)) if alike else plane.extent)
        self._draw()

    def _follow_crosshair(self) -> None:
        for view in self.slices:
            if view.isVisible():
                view.follow_crosshair()

    def _zoom(self, factor: float) -> None:
        for view in self.slices:
            view.zoom(factor)

    def _show_all(self) -> None:
        for view in self.slices:
            view.show_all()

    # -- overlays ----------------------------------------------------------------------------

    def _follow_overlays(self) -> None:
        """Draw again if anything that is seen has changed."""
        shown = [each for each in self._session.overlays.items if each.look.visible]
        if len(shown) != len(self._shown) or any(map(is_not, shown, self._shown)):
            self._draw()

    def _draw(self) -> None:
        self._shown = [each for each in self._session.overlays.items if each.look.visible]
        anatomy = self._session.overlays.find(ANATOMY)
        if anatomy is not None:
            for view in self.slices:
                view.picture.set_anatomy(anatomy.look)
        self._draw_layers()
        self._draw_outlines()

    def _draw_layers(self) -> None:
        subject, grid = self._session.subject, self._session.brain.grid
        overlays = [each for each in self._session.overlays.items if each.key != ANATOMY]
        if subject is None or grid is None or not overlays:
            return
        look = next(each.look for each in overlays if each.key == REGIONS)
        visible = frozenset() if look.outlined else self._session.brain.visible_rois
        labels = region_labels(subject, visible)
        table = region_table(subject, labels, roi_colours(subject), look.opacity)
        regions = packed(table)
        lit = np.zeros(subject.n_voxels + 1, dtype=np.bool_)
        lit[self._session.masking.highlighted_voxels] = True
        lit[self._session.regions.preview] = True
        layers = make_layers(overlays, regions, grid, lit, _HIGHLIGHT, self._composer.stacks)
        self._composer.follow([layer for layer in layers if isinstance(layer, VolumeStack)])
        for view in self.slices:
            view.picture.set_layers(layers)
        self.surface.set_layers(layers)

    def _draw_outlines(self) -> None:
        subject, brain = self._session.subject, self._session.brain
        regions = self._session.overlays.find(REGIONS)
        if subject is None or brain.grid is None or regions is None:
            return
        look, hovered = regions.look, {brain.hovered_roi} - {""}
        names = frozenset(hovered)
        if look.visible and not (look.outlined and hovered):
            names |= brain.visible_rois
        of, colours = roi_colours(subject), dict[int, QColor]()
        # The one that is hovered comes last: its outline lies over the rims of its neighbours.
        order = sorted(enumerate(subject.rois, 1), key=lambda each: each[1].name in hovered)
        for number, roi in order:
            if roi.name in names:
                filled = _HOVERED if roi.name in hovered else _RIM
                colours[number] = of[roi.name] if look.outlined else filled
        labels = region_labels(subject, names) if colours else None
        for view in self.slices:
            view.picture.set_outlines(labels, colours)
        self.surface.set_outlines(labels, colours)

    def _read_out(self, view: SliceView, point: tuple[int, int, int] | None) -> None:
        view.show_readout("" if point is None else describe(self._session, point))

    # -- files -------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take NIfTI files; all else is the window's."""
        if self._session.brain.grid is not None and nifti_paths(event):
            event.acceptProposedAction()
        else:
            event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:
        """Lay the files over the brain (called by Qt)."""
        for path in nifti_paths(event):
            self._session.overlays.open(path)
        event.acceptProposedAction()


def nifti_paths(event: QDropEvent) -> list[Path]:
    """Return the NIfTI files that are dragged."""
    return [path for path in dropped_paths(event) if path.name.endswith((".nii", ".nii.gz"))]


def _others(slices: tuple[SliceView, ...], main: SliceView) -> list[SliceView]:
    return [view for view in slices if view is not main]
