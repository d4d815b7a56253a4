"""Brain → mask → images in the middle, the subject and the decode options beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QByteArray, QChildEvent, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDockWidget,
    QMainWindow,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from mindvis_gui.session import Session
from mindvis_gui.views.arrangement import HEIGHTS, Arrangement
from mindvis_gui.views.brain_view import BrainView
from mindvis_gui.views.compare_panel import ComparePanel
from mindvis_gui.views.decode_panel import DecodePanel
from mindvis_gui.views.gallery import GalleryView
from mindvis_gui.views.mask_view import MaskView
from mindvis_gui.views.middle import MiddleView
from mindvis_gui.views.panel_dock import PanelDock
from mindvis_gui.views.subject_panel import SubjectPanel
from mindvis_gui.views.tab_order import first_field, takes_keyboard
from mindvis_gui.views.theme import tight

if TYPE_CHECKING:
    from mindvis_gui.views.attribution_panel import AttributionPanel
    from mindvis_gui.views.compare_page import ComparePage
    from mindvis_gui.views.history_panel import HistoryPanel
    from mindvis_gui.views.lesion_panel import LesionPanel
    from mindvis_gui.views.overlay_panel import OverlayPanel
    from mindvis_gui.views.queue_panel import QueuePanel

_Panel = TypeVar("_Panel", bound=QWidget)
_MIN_WIDTH = 300  # of the middle: a projector of 1280 pixels at 150 % has 850


class Workspace(QMainWindow):
    """The panels and their arrangement; docks move and close, the middle is split by hand.

    The middle shows one of two pages: brain → mask → images, or the grid to compare on.
    The grid and the panels that are closed at first are built when they are first seen or asked
    for: the window is there sooner. What they signal is passed on by signals of the workspace.
    """

    panel_toggled = Signal()
    page_changed = Signal()
    overlay_file_wanted = Signal()
    study_export_wanted = Signal()
    map_export_wanted = Signal()
    restore_wanted = Signal(object)  # an entry of the history
    decode_missing_wanted = Signal()
    grid_save_wanted = Signal(object)  # Drawn
    axes_accepted = Signal()  # of the grid, after whatever was wrong with them

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowFlags(Qt.WindowType.Widget)
        self._session = session
        # From the outside in: Qt styles all that is inside a widget anew when its parent changes.
        self._pages = QStackedWidget()
        self.setCentralWidget(self._pages)
        self._middle = MiddleView()
        self._pages.addWidget(self._middle)
        self.subject_panel = SubjectPanel(session)
        self.decode_panel = DecodePanel(session)
        self.brain_view = BrainView(session)
        self.brain_view.header.overlays_wanted.connect(lambda: self.show_panel("overlays", True))
        self.mask_view = MaskView(session)
        self.gallery = GalleryView(session)
        self.compare_panel = ComparePanel(session)
        images = QWidget()
        column = tight(QVBoxLayout(images), 0)
        column.addWidget(self.gallery, 1)
        column.addWidget(self.compare_panel)
        middle: tuple[QWidget, ...] = (self.brain_view, self.mask_view, images)
        for view, stretch in zip(middle, HEIGHTS, strict=True):
            view.setMinimumWidth(_MIN_WIDTH)
            self._middle.add(view, stretch)
        self._docks = {
            "subject": self._dock("subject", "Subject", lambda: self.subject_panel),
            "decode": self._dock("decode", "Decode", lambda: self.decode_panel),
            "overlays": self._dock("overlays", "Overlays", lambda: self.overlay_panel),
            "lesion": self._dock("lesion", "Lesion", lambda: self.lesion_panel),
            "attribution": self._dock("attribution", "Attribution", lambda: self.attribution_panel),
            "queue": self._dock("queue", "Queue", lambda: self.queue_panel),
            "history": self._dock("history", "History", lambda: self.history_panel),
        }
        self._panels: dict[str, QWidget] = {
            **self._docks,
            "brain": self.brain_view,
            "mask": self.mask_view,
            "images": images,
            "compare": self.compare_panel,
        }
        self._arrangement = Arrangement(self, self._middle, self._docks, self._panels)
        self._was_shown = False
        self.restore_default()
        self._put("subject", self.subject_panel)
        self._put("decode", self.decode_panel)

    @cached_property
    def compare_page(self) -> ComparePage:
        """The grid of trials, seeds and other options."""
        from mindvis_gui.views.compare_page import ComparePage

        page = ComparePage(self._session)
        page.decode_requested.connect(self.decode_missing_wanted)
        page.save_requested.connect(self.grid_save_wanted)
        page.accepted.connect(self.axes_accepted)
        page.setMinimumWidth(_MIN_WIDTH)
        self._pages.addWidget(page)
        return page

    @cached_property
    def overlay_panel(self) -> OverlayPanel:
        """What is drawn over the brain, and how."""
        from mindvis_gui.views.overlay_panel import OverlayPanel

        panel = OverlayPanel(self._session)
        panel.file_wanted.connect(self.overlay_file_wanted)
        return self._put("overlays", panel)

    @cached_property
    def lesion_panel(self) -> LesionPanel:
        """What a decode loses without a region."""
        from mindvis_gui.views.lesion_panel import LesionPanel

        panel = LesionPanel(self._session)
        panel.export_wanted.connect(self.study_export_wanted)
        return self._put("lesion", panel)

    @cached_property
    def attribution_panel(self) -> AttributionPanel:
        """Which voxels a sample rests on."""
        from mindvis_gui.views.attribution_panel import AttributionPanel

        panel = AttributionPanel(self._session)
        panel.export_wanted.connect(self.map_export_wanted)
        return self._put("attribution", panel)

    @cached_property
    def queue_panel(self) -> QueuePanel:
        """What is decoded, and what waits."""
        from mindvis_gui.views.queue_panel import QueuePanel

        return self._put("queue", QueuePanel(self._session))

    @cached_property
    def history_panel(self) -> HistoryPanel:
        """What was decoded before."""
        from mindvis_gui.views.history_panel import HistoryPanel

        panel = HistoryPanel(self._session)
        panel.restore_requested.connect(self.restore_wanted)
        return self._put("history", panel)

    def _put(self, name: str, panel: _Panel) -> _Panel:
        self._docks[name].setWidget(panel)
        return panel

    def _dock(self, name: str, title: str, build: Callable[[], QWidget]) -> QDockWidget:
        dock = PanelDock(name, title, build)
        toggle = dock.toggleViewAction()
        toggle.toggled.connect(self.panel_toggled)
        # Chosen in the menu that Qt opens on titles, it is ticked before the dock is shown.
        toggle.triggered.connect(self.panel_toggled)
        return dock

    def is_shown(self, panel: str) -> bool:
        """Whether the panel of that name is open."""
        return not self._panels[panel].isHidden()

    def is_behind(self, panel: str) -> bool:
        """Whether it is open, but another tab of its place or the grid is in front of it."""
        return self.is_shown(panel) and self._panels[panel].visibleRegion().isEmpty()

    def show_panel(self, panel: str, shown: bool, *, keyboard: bool = True) -> None:
        """Open or close the panel of that name; opening gives it the keyboard, if wanted."""
        widget = self._panels[panel]
        if shown and panel not in self._docks:
            self.compare(False)
        widget.setVisible(shown)
        self._middle.follow()
        if shown:
            widget.raise_()  # to the front of the tabs it shares a place with
            self._middle.bring(widget)
        if shown and keyboard:
            first_field(widget).setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.panel_toggled.emit()

    @property
    def comparing(self) -> bool:
        """Whether the middle shows the grid."""
        return self._pages.currentWidget() is not self._middle

    def compare(self, shown: bool) -> None:
        """Go over to the grid, or back to brain, mask and images."""
        if shown == self.comparing:
            return
        self._pages.setCurrentWidget(self.compare_page if shown else self._middle)
        self.take_focus()
        self.page_changed.emit()

    def take_focus(self) -> None:
        """Give the keyboard to the grid or the trials, whichever is looked at."""
        if self.comparing:
            self.compare_page.take_focus()
        else:
            self.subject_panel.trials.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def go_round(self, by: int) -> None:
        """Give the keyboard to the next (`by` = 1) or the previous (-1) panel that is seen."""
        left, right = self._arrangement.sides()
        views = (self.brain_view, self.mask_view, self.gallery, self.compare_panel)
        middle = (self.compare_page,) if self.comparing else views
        seen = [
            each for each in (*left, *middle, *right) if each.isVisible() and takes_keyboard(each)
        ]
        now = self.window().focusWidget()
        here = [i for i, each in enumerate(seen) if now is not None and each.isAncestorOf(now)]
        if seen:
            panel = seen[((here or [-1 if by > 0 else 0])[0] + by) % len(seen)]
            first_field(panel).setFocus(Qt.FocusReason.ShortcutFocusReason)
            self._middle.bring(panel)

    def show_stimulus(self, shown: bool) -> None:
        """Lay the stimulus over all samples, or take it away again."""
        if self.comparing:
            self.compare_page.show_stimulus(shown)
        else:
            self.gallery.show_stimulus(shown)

    def restore_default(self) -> None:
        """Put every panel where it is at first."""
        self._arrangement.place()
        self.compare(False)
        self._arrangement.set_widths()
        self.panel_toggled.emit()

    def layout_states(self) -> dict[str, QByteArray]:
        """Return the arrangement, by the names of `LAYOUT_PARTS`."""
        return self._arrangement.states()

    def restore_layout(self, states: Mapping[str, QByteArray]) -> None:
        """Take over a saved arrangement; parts that are empty or missing are left out."""
        self._arrangement.restore(states)
        self.panel_toggled.emit()

    def childEvent(self, event: QChildEvent) -> None:
        """Name the tabs of docks that share a place, which Qt makes (called by Qt)."""
        super().childEvent(event)
        tabs = event.child()
        if event.polished() and isinstance(tabs, QTabBar):
            tabs.setAccessibleName("Panels in this place")

    def showEvent(self, event: QShowEvent) -> None:
        """Give the docks their width, which Qt forgets while they are hidden (called by Qt)."""
        super().showEvent(event)
        if not self._was_shown:
            self._was_shown = True
            self._arrangement.set_widths()
