"""How the brain is shown: slices, orientation, overlays from files, the movie through trials."""

from __future__ import annotations

from dataclasses import asdict, replace

from PySide6.QtWidgets import QWidget

from mindvis_gui.session import Session
from mindvis_gui.session.brain import PLANES, Arrangement
from mindvis_gui.session.overlays import RESPONSE, peak_of, value_at
from mindvis_gui.settings import Settings
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.entry import Entry

BRAIN_ENTRIES = (
    Entry("add_overlay", "Add overlay…", "brain.add_overlay", "Brain", "Ctrl+Shift+A",
          "Lay a NIfTI image over the brain"),
    Entry("layout_three", "Three slices", "brain.arrange", "Brain", "Alt+1", argument="three"),
    Entry("layout_one_two", "One large slice, two small", "brain.arrange", "Brain", "Alt+2",
          argument="one_two"),
    Entry("layout_single", "One slice", "brain.arrange", "Brain", "Alt+3", argument="single"),
    Entry("layout_surface", "Surface and flat map", "brain.arrange", "Brain", "Alt+4",
          argument="surface"),
    Entry("next_plane", "Another large plane", "brain.show_next_plane", "Brain", "Alt+P"),
    Entry("radiological", "Switch radiological and neurological", "brain.switch_sides", "Brain",
          "Alt+R", "Draw the brain's left on the right, or on the left"),
    Entry("crosshair", "Hide or show the crosshair", "brain.switch_crosshair", "Brain", "Alt+C",
          "See what lies under its lines"),
    Entry("peak", "Go to the peak", "brain.go_to_peak", "Brain", "Alt+M",
          "Where the topmost map, or else the trial's response, is farthest from 0"),
    Entry("movie", "Play trials as a movie", "brain.play", "Brain", "Ctrl+Shift+M",
          "Go through the trials of this split; again: stop"),
)  # fmt: skip


class BrainCommands:
    """Changes what is seen of the brain."""

    def __init__(self, window: QWidget, session: Session, settings: Settings) -> None:
        self._window, self._session, self._settings = window, session, settings
        session.brain.set_arrangement(Arrangement.of(settings.brain))
        session.brain.arrangement_changed.connect(self._remember)

    def enabled(self) -> dict[str, bool]:
        """Return whether there is a brain to show."""
        drawn = self._session.brain.grid is not None
        ids = (entry.id for entry in BRAIN_ENTRIES if entry.id != "movie")
        return {**dict.fromkeys(ids, drawn), "movie": self._session.trial is not None}

    def add_overlay(self) -> None:
        """Ask for a NIfTI image and lay it over the brain."""
        path = file_dialogs.ask_nifti_file(self._window, "Add an overlay", self._settings.folder)
        if path is not None:
            self._settings.folder = path.parent
            self._session.overlays.open(path)

    def arrange(self, layout: str) -> None:
        """Show the slices in another layout."""
        brain = self._session.brain
        brain.set_arrangement(replace(brain.arrangement, layout=layout))

    def show_next_plane(self) -> None:
        """Make another plane the large one."""
        brain = self._session.brain
        place = (PLANES.index(brain.arrangement.main) + 1) % len(PLANES)
        brain.set_arrangement(replace(brain.arrangement, main=PLANES[place]))

    def switch_sides(self) -> None:
        """Mirror left and right."""
        brain = self._session.brain
        mirrored = not brain.arrangement.radiological
        brain.set_arrangement(replace(brain.arrangement, radiological=mirrored))

    def switch_crosshair(self) -> None:
        """Draw the lines of the crosshair, or leave them out."""
        brain = self._session.brain
        drawn = not brain.arrangement.crosshair
        brain.set_arrangement(replace(brain.arrangement, crosshair=drawn))

    def go_to_peak(self) -> None:
        """Move the crosshair to where the topmost map, or else the response, is strongest."""
        session, overlays = self._session, self._session.overlays
        overlay, grid = overlays.topmost or overlays.find(RESPONSE), session.brain.grid
        if overlay is None or grid is None:
            return
        point = peak_of(overlay, grid)
        if point is None:
            session.problem.emit(f"{overlay.name} has no peak within the anatomy's picture")
        else:
            session.brain.set_crosshair(point)
            value = f"{value_at(overlay, grid, point):.3g}".replace("-", "−")
            session.message.emit(f"Peak of {overlay.name}: {value} {overlay.unit}".rstrip())

    def _remember(self) -> None:
        self._settings.brain = asdict(self._session.brain.arrangement)

    def play(self) -> None:
        """Play the movie, or stop it."""
        self._session.movie.play(not self._session.movie.playing)
