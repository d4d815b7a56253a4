"""The bar above the brain: layout, orientation, movie, overlays and their colours."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QVBoxLayout, QWidget

from mindvis_gui.session import Session
from mindvis_gui.session.brain import PLANES
from mindvis_gui.session.movie import RATES
from mindvis_gui.session.overlays import Look
from mindvis_gui.views.buttons import icon_button, push_button
from mindvis_gui.views.colour_bar import ColourBar
from mindvis_gui.views.fields import DecimalField, choice, select
from mindvis_gui.views.icons import icon
from mindvis_gui.views.theme import MARGIN, label, label_unseen, tight
from mindvis_gui.views.wrap_layout import WrapLayout, keep_height

_LAYOUTS = {
    "three": ("layout-three", "Three slices"),
    "one_two": ("layout-one-two", "One large slice and two small ones; again: another large one"),
    "single": ("layout-single", "One slice; again: another plane"),
    "surface": ("layout-surface", "Surface or flat map beside one slice"),
}


class BrainHeader(QWidget):
    """Arranges the slices, plays trials, and shows and hides overlays."""

    overlays_wanted = Signal()  # the panel with everything about them

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._barred: tuple[Look, str, str] | None = None  # what the colour bar shows
        self.layouts = {key: _toggle(name, tip) for key, (name, tip) in _LAYOUTS.items()}
        self.radiological = QToolButton()
        self.radiological.setCheckable(True)
        self.radiological.setProperty("kind", "toggle")
        self.radiological.setAccessibleName("Radiological: left of the brain on the right")
        self.play = _toggle("play", "Movie through the trials of this split")
        self.rate = choice({rate: f"{rate}/s" for rate in RATES}, "Trials a second of the movie")
        self.rate.setToolTip(self.rate.accessibleName())
        self._make_brush()
        self.overlays = QToolButton()
        self.overlays.setText("Overlays ▾")
        self.overlays.setAccessibleName("Overlays shown")
        self.overlays.setToolTip("Show and hide overlays")
        self.overlays.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.overlays.setMenu(QMenu(self.overlays))
        self.bar = ColourBar()
        self._lay_out()
        self._connect()
        self._show_arrangement()
        self._show_movie()
        self._show_brush()
        self._show_overlays()

    def _make_brush(self) -> None:
        self._painting = QWidget()
        self._painted = label(kind="strong")
        self._painted.setToolTip("Drag on a slice to add voxels, with Shift to take them away")
        self.radius = DecimalField()
        self.radius.setRange(0, 30)
        self.radius.setDecimals(1)
        self.radius.setPrefix("brush ")
        self.radius.setSuffix(" mm")
        self.radius.setAccessibleName("Radius of the brush in mm")
        self.radius.setToolTip("Radius of the brush; 0 paints single voxels")
        self.done = push_button("Done", "Stop painting")
        row = tight(QHBoxLayout(self._painting))
        for widget in (self._painted, self.radius, self.done):
            row.addWidget(widget)

    def _lay_out(self) -> None:
        rows, whole = WrapLayout(10, last_right=True), QVBoxLayout(self)
        whole.setContentsMargins(MARGIN, 3, MARGIN, 3)
        whole.addLayout(rows)
        self._movie = _side_by_side(self.play, self.rate)
        label_unseen(self.rate)
        for part in (
            label("Brain", "strong"),
            _side_by_side(*self.layouts.values()),
            self.radiological,
            self._movie,
            self._painting,
            _side_by_side(self.bar, self.overlays),
        ):
            rows.addWidget(part)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the rows that the width asks for (called by Qt)."""
        super().resizeEvent(event)
        keep_height(self)

    def _connect(self) -> None:
        session = self._session
        for key, button in self.layouts.items():
            button.clicked.connect(lambda _, key=key: self._choose(key))
        self.radiological.clicked.connect(lambda on: self._arrange(radiological=on))
        self.play.clicked.connect(session.movie.play)
        self.rate.activated.connect(lambda: session.movie.set_rate(self.rate.currentData()))
        self.overlays.menu().aboutToShow.connect(self._fill_menu)
        self.bar.clicked.connect(self._edit_topmost)
        self.radius.valueChanged.connect(self._set_radius)
        self.done.clicked.connect(lambda: session.regions.set_brush(None))
        session.regions.brush_changed.connect(self._show_brush)
        session.brain.arrangement_changed.connect(self._show_arrangement)
        session.movie.changed.connect(self._show_movie)
        session.overlays.changed.connect(self._show_overlays)

    def _choose(self, layout: str) -> None:
        shown = self._session.brain.arrangement
        if layout == shown.layout != "three":
            self._arrange(main=PLANES[(PLANES.index(shown.main) + 1) % len(PLANES)])
        else:
            self._arrange(layout=layout)

    def _arrange(self, **changes: object) -> None:
        brain = self._session.brain
        brain.set_arrangement(replace(brain.arrangement, **changes))  # type: ignore[arg-type]
        self._show_arrangement()  # a click on the chosen one would let it go

    def _fill_menu(self) -> None:
        overlays, menu = self._session.overlays, self.overlays.menu()
        menu.clear()
        for overlay in reversed(overlays.items):
            action = menu.addAction(overlay.name)
            action.setCheckable(True)
            action.setChecked(overlay.look.visible)
            action.setToolTip(overlay.note)
            action.toggled.connect(lambda on, key=overlay.key: overlays.set_visible(key, on))
        menu.addSeparator()
        menu.addAction("Order, colours, files…", self.overlays_wanted.emit)

    def _edit_topmost(self) -> None:
        topmost = self._session.overlays.topmost
        if topmost is not None:
            self._session.overlays.choose(topmost.key)
        self.overlays_wanted.emit()

    # -- showing -----------------------------------------------------------------------------

    def _show_arrangement(self) -> None:
        arrangement = self._session.brain.arrangement
        for key, button in self.layouts.items():
            button.setChecked(key == arrangement.layout)
        self.radiological.setChecked(arrangement.radiological)
        self.radiological.setText("R | L" if arrangement.radiological else "L | R")
        shown = "radiological" if arrangement.radiological else "neurological"
        side = "right" if arrangement.radiological else "left"
        self.radiological.setToolTip(f"{shown}: the brain's left is on the {side}; click to switch")

    def _show_movie(self) -> None:
        movie = self._session.movie
        self.play.setChecked(movie.playing)
        self.play.setIcon(icon("stop" if movie.playing else "play"))
        select(self.rate, movie.rate)

    def _set_radius(self, radius: float) -> None:
        brush = self._session.regions.brush
        if brush is not None:
            self._session.regions.set_brush(replace(brush, radius=radius))

    def _show_brush(self) -> None:
        brush = self._session.regions.brush
        if brush is not None:
            self._painted.setText(f"Painting {brush.region}")
            with QSignalBlocker(self.radius):
                self.radius.setValue(brush.radius)
        self._painting.setVisible(brush is not None)
        self._movie.setVisible(brush is None)  # the room is needed
        keep_height(self)

    def _show_overlays(self) -> None:
        topmost = self._session.overlays.topmost
        shown = None if topmost is None else (topmost.look, topmost.unit, topmost.name)
        if shown == self._barred:
            return
        self._barred = shown
        self.bar.show_look(*(shown or (None,)))


def _side_by_side(*widgets: QWidget) -> QWidget:
    whole = QWidget()
    row = tight(QHBoxLayout(whole), 4)
    for widget in widgets:
        row.addWidget(widget)
    return whole


def _toggle(image: str, name: str) -> QToolButton:
    button = icon_button(icon(image), name)
    button.setProperty("kind", "toggle")
    button.setCheckable(True)
    return button
