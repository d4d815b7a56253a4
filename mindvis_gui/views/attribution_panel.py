"""What the model looked at: one sample attributed to voxels, summed by region."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QScrollArea

from mindvis_gui.data.attribution import MEANING, NAMES
from mindvis_gui.session import Session
from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.effect_plot import Bar, EffectPlot
from mindvis_gui.views.fields import choice, narrow_choice
from mindvis_gui.views.progress_line import thin_bar
from mindvis_gui.views.study_layout import found_part, lay_out_study
from mindvis_gui.views.theme import label, roi_colours

_MIN_WIDTH = 220
_LETTERS = 6  # of what is chosen, at least
_SHARE, _DENSITY = "share", "density"
_UNITS = {
    _SHARE: ("Share of the map", "% of all, without signs"),
    _DENSITY: ("Share a voxel", "times the mean voxel"),
}
_EMPTY = "Decode the trial, then choose one of its samples."


class AttributionPanel(QScrollArea):
    """Chooses a sample and a method, and shows what each region has of the map."""

    export_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.sample = narrow_choice({}, "Sample to attribute", _LETTERS)
        self.method = narrow_choice(NAMES, "Method of attribution", _LETTERS, MEANING)
        self.run = push_button("Attribute", "Attribute the sample to voxels", "primary")
        self.stop = push_button("Stop", "Stop the attribution")
        self.export = push_button("Export…", "Export the map as NIfTI")
        self.bar = thin_bar()
        self.measure = choice(
            {key: text for key, (text, _) in _UNITS.items()}, "What the bars show"
        )
        self.plot = EffectPlot()
        self.plot.setAccessibleName("Attribution by region")
        self.caption = label("", "caption", wrap=True)
        self.note = label("", "note", wrap=True)
        self._lay_out()
        self._connect()
        self._show_samples()
        self._show_map()
        self._show_progress()

    def _lay_out(self) -> None:
        choices = (("Sample", self.sample), ("Method", self.method))
        self._found = found_part("Regions", self.measure, (self.plot, self.caption))
        buttons = (self.run, self.stop, self.export)
        lay_out_study(self, choices, buttons, (self.bar, self._found, self.note))
        self.setMinimumWidth(_MIN_WIDTH)

    def _connect(self) -> None:
        session, attributions = self._session, self._session.attributions
        self.run.clicked.connect(self.start)
        self.stop.clicked.connect(attributions.stop)
        self.export.clicked.connect(self.export_wanted)
        self.measure.currentIndexChanged.connect(self._show_map)
        self.method.currentIndexChanged.connect(self._show_note)
        attributions.changed.connect(self._show_map)
        attributions.progressed.connect(self._show_progress)
        session.results.result_changed.connect(self._show_samples)
        session.model_changed.connect(self._show_progress)
        session.rois_edited.connect(self._show_map)

    def start(self) -> None:
        """Attribute the chosen sample."""
        seed = self.sample.currentData()
        if seed is None:
            self._session.problem.emit(_EMPTY)
        else:
            self._session.attributions.start(seed, self.method.currentData())

    # -- showing -----------------------------------------------------------------------------

    def _show_samples(self) -> None:
        result = self._session.results.result
        seeds = [] if result is None else [sample.seed for sample in result.samples]
        before = self.sample.currentData()
        with QSignalBlocker(self.sample):
            self.sample.clear()
            for seed in seeds:
                self.sample.addItem(f"seed {seed}", seed)
            if before in seeds:
                self.sample.setCurrentIndex(seeds.index(before))
        self._show_note()
        self._show_progress()

    def _show_note(self) -> None:
        text = MEANING[self.method.currentData()] if self.sample.count() else _EMPTY
        self.note.setText(f"{text[0].upper()}{text[1:].rstrip('.')}.")

    def _show_progress(self) -> None:
        attributions = self._session.attributions
        running = attributions.running
        can = self.sample.count() > 0 and self._session.decoder is not None
        self.run.setEnabled(can and not running)
        self.run.setVisible(not running)
        self.stop.setVisible(running)
        placed = self._session.brain.grid is not None
        self.export.setEnabled(attributions.found is not None and placed)
        self.bar.setVisible(running)
        if attributions.progress is not None:
            self.bar.setRange(0, attributions.progress.total)
            self.bar.setValue(attributions.progress.index)

    def _show_map(self) -> None:
        attributions, subject = self._session.attributions, self._session.subject
        found = attributions.found
        self._found.setVisible(found is not None)
        self._show_progress()
        if found is None or subject is None:
            return
        colours = roi_colours(subject)
        measure = self.measure.currentData()
        bars = [
            Bar(
                each.name,
                each.share if measure == _SHARE else each.density,
                colour=colours.get(each.name),
            )
            for each in attributions.regions
        ]
        self.plot.show_bars(bars, _UNITS[measure][1], float("nan") if measure == _SHARE else 1.0)
        text = f"{NAMES[found.method]} of trial {found.trial}, seed {found.seed}"
        text += ", on the brain." if self._session.brain.grid is not None else ", by region."
        if found.method == "gradients":
            net = sum(each.net for each in attributions.regions)
            text += f" {net:.0f} % remain of all when the voxels that speak against it are set off."
        self.caption.setText(text)
