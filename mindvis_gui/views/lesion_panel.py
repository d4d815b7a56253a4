"""Leave something out and decode again: what of the pictures goes with it."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QScrollArea

from mindvis_gui.analysis.lesion_scores import LesionScore
from mindvis_gui.data.lesion import MEANING
from mindvis_gui.data.subject import Trial
from mindvis_gui.session import Session
from mindvis_gui.session.lesions import KINDS
from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.effect_plot import Bar, EffectPlot
from mindvis_gui.views.effect_table import EffectTable
from mindvis_gui.views.fields import narrow_choice
from mindvis_gui.views.lesion_samples import LesionSamples
from mindvis_gui.views.progress_line import thin_bar
from mindvis_gui.views.study_layout import found_part, lay_out_study
from mindvis_gui.views.theme import label, roi_colours
from mindvis_gui.wording import counted

_MIN_WIDTH = 290  # room for one column a score
_HELD = "paused with the queue (P goes on)"  # a decode that is paused keeps its turn
_LETTERS = 8  # of what is chosen, at least
_MANY = 10  # trials of the short study
_METHODS = {"zero": "the mean (0)", "recover": "SC-MBM's guess", "noise": "noise"}
_ABOUT = (
    "Each trial is decoded intact and without each part, from the same seeds. Bars: lesioned "
    "minus intact, with the 95 % interval over stimuli; in the table, what is grey is "
    "not told apart from no change. A region that others can stand in for "
    "loses little."
)


class LesionPanel(QScrollArea):
    """Chooses what is left out and how, runs the study, and shows what it changes."""

    export_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._lesion = ""
        self.kind = narrow_choice({kind: kind for kind in KINDS}, "What is left out", _LETTERS)
        self.method = narrow_choice(_METHODS, "What takes its place", _LETTERS, MEANING)
        self.trials = narrow_choice({}, "Trials", _LETTERS)
        self.run = push_button("Run study", "Run the lesion study", "primary")
        self.stop = push_button("Stop", "Stop the lesion study")
        self.export = push_button("Export…", "Export the tables of the study")
        self.bar = thin_bar()
        self.what = label("", "caption")
        self.what.setMinimumWidth(1)
        self.score = narrow_choice({}, "Score of the bars", _LETTERS)
        self.plot = EffectPlot()
        self.plot.setAccessibleName("Change of the score by lesion")
        self.table = EffectTable()
        self.notes = label("", "caption", wrap=True)
        self.samples = LesionSamples()
        self.note = label(_ABOUT, "note", wrap=True)
        self._lay_out()
        self._connect()
        self._show_trials()
        self._show_study()
        self._show_progress()

    def _lay_out(self) -> None:
        choices = (("Leave out", self.kind), ("Instead", self.method), ("Trials", self.trials))
        parts = (self.plot, self.table, self.notes, self.samples)
        self._found = found_part("Score", self.score, parts)
        buttons = (self.run, self.stop, self.export)
        lay_out_study(self, choices, buttons, (self.bar, self.what, self._found, self.note))
        self.setMinimumWidth(_MIN_WIDTH)

    def _connect(self) -> None:
        session, lesions = self._session, self._session.lesions
        self.run.clicked.connect(self.start)
        self.stop.clicked.connect(lesions.stop)
        self.export.clicked.connect(self.export_wanted)
        self.score.currentIndexChanged.connect(self._show_bars)
        self.plot.chosen.connect(self._choose)
        self.table.chosen.connect(self._choose)
        lesions.changed.connect(self._show_study)
        lesions.progressed.connect(self._show_progress)
        session.queue.changed.connect(self._show_progress)
        session.subject_changed.connect(self._show_trials)
        session.model_changed.connect(self._show_progress)
        session.trial_changed.connect(self._show_progress)

    # -- asking ------------------------------------------------------------------------------

    def start(self) -> None:
        """Run the study that is chosen."""
        chosen = self._trials()
        kind, method = self.kind.currentData(), self.method.currentData()
        self._session.lesions.start(kind, method, chosen)

    def _trials(self) -> list[Trial]:
        subject, trial = self._session.subject, self._session.trial
        if subject is None or trial is None:
            return []
        if self.trials.currentIndex() == 0:
            return [trial]
        return [t for t in subject.trials if t.split == "test"][: self.trials.currentData()]

    # -- showing -----------------------------------------------------------------------------

    def _show_trials(self) -> None:
        subject = self._session.subject
        n = sum(trial.split == "test" for trial in subject.trials) if subject else 0
        before = self.trials.currentIndex()
        self.trials.clear()
        self.trials.addItem("this trial", 1)
        for size in (_MANY, n):
            if self.trials.findData(size) < 0 and 1 < size <= n:
                text = f"all {n} test trials" if size == n else f"first {size} test trials"
                self.trials.addItem(text, size)
        self.trials.setCurrentIndex(min(max(before, 0), self.trials.count() - 1))
        self._show_progress()

    def _show_progress(self) -> None:
        session, lesions = self._session, self._session.lesions
        can = session.trial is not None and session.decoder is not None
        self.run.setEnabled(can and not lesions.running)
        self.run.setVisible(not lesions.running)
        self.stop.setVisible(lesions.running)
        self.stop.setEnabled(not lesions.stopping)
        self.export.setEnabled(lesions.study is not None and not lesions.running)
        progress = lesions.progress
        self.bar.setVisible(lesions.running)
        self.what.setVisible(lesions.running)
        if progress is not None:
            self.bar.setRange(0, 1000)
            self.bar.setValue(round(1000 * progress.done / max(progress.total, 1)))
        self.what.setText("" if progress is None else progress.what)
        if session.queue.paused and session.queue.active:
            self.what.setText(_HELD)
        if lesions.stopping:
            self.what.setText("stopping…")

    def _show_study(self) -> None:
        study = self._session.lesions.study
        self._found.setVisible(study is not None)
        if study is None:
            return
        cautions = study.cautions()
        self.notes.setText("\n".join(cautions))
        self.notes.setVisible(bool(cautions))
        names = [lesion.name for lesion in study.lesions]
        if self._lesion not in names:
            self._lesion = names[0]
        known = [self.score.itemData(i).key for i in range(self.score.count())]
        if known != [score.key for score in study.scores]:
            with QSignalBlocker(self.score):
                self.score.clear()
                for score in study.scores:
                    self.score.addItem(score.name, score)
        self._show_bars()

    def _choose(self, lesion: str) -> None:
        self._lesion = lesion
        self._show_bars()

    def _show_bars(self) -> None:
        lesions, subject = self._session.lesions, self._session.subject
        study, score = lesions.study, self.score.currentData()
        if study is None or subject is None or not isinstance(score, LesionScore):
            return
        colours = roi_colours(subject)
        bars = []
        for lesion in study.lesions:
            effect = lesions.effects.get((lesion.name, score.key))
            if effect is not None:
                colour = colours.get(lesion.name)
                bars.append(Bar(lesion.name, effect.change, effect.interval, colour))
        floor = float("nan") if score.chance is None else score.chance - study.intact(score.key)
        n = len(study.trials)
        unit = f"change of {score.name}, {counted(n, 'trial')}"
        self.plot.show_bars(bars, unit, floor, self._lesion, of_coefficients=True)
        dashed = "Dashed: where the score falls to chance." if score.chance is not None else ""
        self.plot.setToolTip(f"{score.name}: {score.definition}. {dashed}".strip())
        self.table.show_study(study, lesions.effects, colours, self._lesion)
        self.samples.show_results(lesions.results, self._lesion)
