"""The line at the bottom: device, model, what happens now and how long, and problems."""

from __future__ import annotations

import time
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStatusBar

from mindvis_gui.decoding.request import DecodeRequest, ModelInfo, Step
from mindvis_gui.session import Session
from mindvis_gui.views.announcing import announce
from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.elided_label import ElidedLabel
from mindvis_gui.views.numerals import duration
from mindvis_gui.views.progress_line import thin_bar
from mindvis_gui.views.sentences import sentence
from mindvis_gui.views.theme import label

_READY = "Ready"
_BAR_WIDTH = 180
_PADDING = 16  # of labels here, as the style sheet has it, both sides
_FEW_WORDS = 150  # pixels that a text gets by with


class ActivityBar(QStatusBar):
    """Follows the session; a problem stays until `forget_problem`."""

    import_wanted = Signal(object)  # Path of the file that could not be opened as it is

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._started = 0.0
        self._message = _READY
        self.device = label()
        self.model = ElidedLabel(least=_FEW_WORDS, padding=_PADDING)
        self.model.setText("no model")
        self.bar = thin_bar()
        self.bar.setFixedWidth(_BAR_WIDTH)
        self.bar.setAccessibleName("Progress")
        self.bar.hide()
        self.activity = ElidedLabel(least=_FEW_WORDS, padding=_PADDING)
        self.activity.setText(self._message)
        self.problem = ElidedLabel(lines=2, least=_FEW_WORDS, padding=_PADDING)
        self.problem.setProperty("kind", "problem")
        self.problem.setAccessibleName("Problem")
        self.problem.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.problem.hide()
        self._importable: Path | None = None
        self.import_file = push_button("Import…", "Import the file step by step", "link")
        self.import_file.setToolTip("Say what is what in this file, and make a subject of it")
        self.import_file.clicked.connect(self._want_import)
        self.import_file.hide()
        for widget in (self.device, self.model, self.bar):
            self.addWidget(widget)
        self.addWidget(self.activity, 1)
        self.addWidget(self.problem)  # takes what it needs, the activity the rest
        self.addWidget(self.import_file)
        self.setSizeGripEnabled(False)
        self.setContentsMargins(6, 0, 6, 0)
        self.device.hide()
        session.model_changed.connect(self._show_model)
        session.message.connect(self._show_message)
        session.problem.connect(self.show_problem)
        session.import_offered.connect(self._offer_import)
        session.jobs.changed.connect(self._show_jobs)
        session.queue.started.connect(self._start)
        session.queue.progressed.connect(self._show_step)
        session.queue.cleared.connect(self._show_stopping)
        session.queue.changed.connect(self._show_queue)
        self._show_jobs()  # a subject may already be on its way

    def show_problem(self, text: str) -> None:
        """Show one sentence in the colour of problems and say it to screen readers."""
        self.import_file.hide()
        self.problem.setText(sentence(text))
        self.problem.show()
        announce(self.problem, text, urgent=True)

    def forget_problem(self) -> None:
        """Empty the problem: the person has gone on to something else."""
        self.problem.setText("")
        self.problem.hide()
        self.import_file.hide()

    def _offer_import(self, path: Path) -> None:
        self._importable = path
        self.import_file.show()

    def _want_import(self) -> None:
        self.forget_problem()
        self.import_wanted.emit(self._importable)

    def _show_model(self) -> None:
        decoder = self._session.decoder
        if decoder is not None:
            info = decoder.info
            self.device.setText(f"{info.device.upper()} · {info.precision}")
            self.device.show()
            self.model.setText(f"{info.name} · {_count(info)} parameters")

    def _show_message(self, text: str) -> None:
        self._message = text
        announce(self.activity, text)
        if not self._session.jobs.busy:
            self._show_rest()

    def _show_jobs(self) -> None:
        busy = self._session.jobs.busy
        self.bar.setVisible(bool(busy))
        if not busy:
            self._show_rest()
        elif not self._session.queue.active:
            self.bar.setRange(0, 0)  # how long opening and loading take is not known
            self.activity.setText(f"{busy} …")

    def _show_rest(self) -> None:
        """Show what was last done, and before it that nothing goes on until it is let."""
        queue = self._session.queue
        waiting = f", {len(queue):,} waiting" if len(queue) else ""
        paused = f"Paused{waiting} (P goes on)" if queue.paused else ""
        done = "" if paused and self._message == _READY else self._message
        self.activity.setText(" · ".join(part for part in (paused, done) if part))

    def _show_queue(self) -> None:
        queue = self._session.queue
        if queue.running is not None and queue.step is not None:
            self._show_step(queue.step)  # of one that is paused no more steps come
        elif not self._session.jobs.busy:
            self._show_rest()

    def _start(self, request: DecodeRequest) -> None:
        self._started = time.monotonic()
        self.bar.setRange(0, 1)
        self.bar.setValue(0)
        self.bar.show()
        self.activity.setText(f"Decoding trial {request.trial} …")

    def _show_stopping(self) -> None:
        if self._session.queue.stopping:
            self.activity.setText("Stopping …")

    def _show_step(self, step: Step) -> None:
        if self._session.queue.stopping:
            return  # a step that was on its way
        self.bar.setRange(0, step.total)
        self.bar.setValue(step.index)
        queue = self._session.queue
        elapsed = time.monotonic() - self._started
        left = queue.seconds_left
        if left is None:
            left = elapsed / max(step.index, 1) * (step.total - step.index)
        at = f"{step.index} of {step.total}"
        now = (
            f"Paused at step {at} (P goes on)"
            if queue.paused
            else f"Step {at} · {duration(left)} left"
        )
        waiting = f" · {len(queue):,} waiting" if len(queue) else ""
        self.activity.setText(f"{now}{waiting}")


def _count(info: ModelInfo) -> str:
    """Return the number of parameters in millions."""
    millions = info.parameters / 1e6
    return f"{millions:.0f} M" if millions >= 10 else f"{millions:.1f} M"
