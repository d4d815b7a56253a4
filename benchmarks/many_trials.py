"""How long the window does not answer where a subject has as many trials as those of NSD.

    python benchmarks/many_trials.py [--trials 30000] [--seeds 4]

The real window with the demo's model, offscreen; the trials are the demo's again and again, and
the queue is paused. A timer of 2 ms stands for what a person does: the longest time between two of
its ticks is how long a click waits at most, until all is done that goes on in the background, too.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QSettings, Qt, QTimer
from report import report

from mindvis_gui import app as application
from mindvis_gui import open_subject
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.session import Session
from mindvis_gui.settings import Settings
from mindvis_gui.views.main_window import MainWindow

TICK = 2  # ms
BAR = 100  # ms; what is shorter seems to be at once
AFTER = 1.0  # s that are watched after something was done, at least


class Repeated:
    """The responses and pictures of a subject, again and again."""

    def __init__(self, subject) -> None:
        self._recording, self._n = subject.recording, len(subject.trials)

    def responses(self, rows):
        """Return the responses of rows, which begin anew where the subject ends."""
        return self._recording.responses(np.asarray(rows) % self._n)

    def __getattr__(self, name):
        return getattr(self._recording, name)


def write_many(path: Path, n_trials: int) -> None:
    """Write the demo subject with more trials."""
    demo = open_subject("demo")
    trials = [replace(demo.trials[i % len(demo.trials)], index=i) for i in range(n_trials)]
    many = replace(demo, name="many", trials=tuple(trials), recording=Repeated(demo))
    write_subject(path, many, dtype="int8")


def main() -> None:
    """Print a line for each thing that is done."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=30_000)
    parser.add_argument("--seeds", type=int, default=4)
    args = parser.parse_args()
    app = application.make_application()
    ticks: list[float] = []
    timer = QTimer(interval=TICK, timerType=Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))

    def wait_for(done: Callable[[], bool], least: float = 0.0) -> None:
        end = time.perf_counter() + least
        while time.perf_counter() < end or not done():
            app.processEvents()
            time.sleep(0.0005)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.h5"
        write_many(path, args.trials)
        settings = Settings(QSettings(f"{folder}/settings.ini", QSettings.Format.IniFormat))
        session = Session(application._load_decoder)
        window = MainWindow(session, settings, application._import_model)
        window.resize(1440, 900)
        window.show()

        def measure(what: str, act: Callable[[], object], bar: float | None = BAR) -> None:
            wait_for(lambda: session.jobs.idle, AFTER)
            ticks.clear()
            ticks.append(time.perf_counter())
            timer.start()
            act()
            wait_for(lambda: session.jobs.idle, AFTER)
            timer.stop()
            waits = 1000 * np.diff(ticks)
            said = f"{waits.max():.0f} ms"
            if bar is None:  # imports of torch's libraries stop every thread as they please
                report(f"{what}: longest wait, waits over {BAR} ms", f"{said}, {sum(waits > BAR)}")
            else:
                report(f"{what}: longest wait", said, f"≤ {bar} ms", waits.max() <= bar)

        measure(f"{args.trials:,} trials opened", lambda: session.open(str(path), None))
        measure("the demo's model loaded", lambda: session.load_model("demo"), bar=None)
        session.set_seeds(0, args.seeds)
        session.queue.pause()
        actions, panel = window.actions_by_id, window.workspace.subject_panel
        panel.split.setCurrentIndex(0)
        measure("a word in the filter of the list", lambda: panel.filter.setText("cat"))
        panel.filter.setText("")
        measure(
            f"all listed trials × {args.seeds} seeds put into the queue",
            actions["decode_listed"].trigger,
        )
        assert len(session.queue) == args.trials
        measure("that queue stopped", session.queue.stop)
        session.queue.pause()
        session.grid.set_trials(())
        measure("page Compare opened", actions["compare"].trigger)
        measure("all trials its rows", lambda: session.grid.set_trials(range(args.trials)))
        measure("other seeds for all of them", lambda: session.set_seeds(100, args.seeds))
        measure("all missing cells put into the queue", actions["decode_missing"].trigger)
        session.queue.stop()
        wait_for(lambda: session.jobs.idle)
        window.close()


if __name__ == "__main__":
    main()
