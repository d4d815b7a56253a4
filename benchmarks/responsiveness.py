"""Whether the window stays quick while the CPU decodes, and how soon the first preview is there.

    python benchmarks/responsiveness.py [--decodes 5] [--preset fast]

The real window with the demo, offscreen, painting its previews. A timer of 10 ms stands for what
a person does: the time between two of its ticks is how long a click waits.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from statistics import median

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QEventLoop, QSettings, Qt, QTimer
from report import report

from mindvis_gui import app as application
from mindvis_gui.decoding.sampling_settings import PRESETS
from mindvis_gui.session import Session
from mindvis_gui.settings import Settings
from mindvis_gui.views.main_window import MainWindow

TICK = 10  # ms
BAR = 33  # ms


def main() -> None:
    """Print two lines."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--decodes", type=int, default=5)
    parser.add_argument("--preset", choices=PRESETS, default="fast")
    parser.add_argument("--subject", default="demo")
    parser.add_argument("--model", default="demo")
    args = parser.parse_args()
    app = application.make_application()

    def wait_for(done: Callable[[], bool]) -> None:
        while not done():
            app.processEvents()
            time.sleep(0.001)

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(QSettings(f"{folder}/settings.ini", QSettings.Format.IniFormat))
        session = Session(application._load_decoder)
        window = MainWindow(session, settings, application._import_model)
        window.resize(1440, 900)
        window.show()
        session.open(args.subject, None)
        wait_for(lambda: session.trial is not None and session.idle)
        session.load_model(args.model)
        wait_for(lambda: session.decoder is not None and session.idle)
        session.set_sampling(PRESETS[args.preset])
        ticks: list[float] = []
        steps: list[float] = []
        timer = QTimer(interval=TICK, timerType=Qt.TimerType.PreciseTimer)
        timer.timeout.connect(lambda: ticks.append(time.perf_counter()))
        session.queue.progressed.connect(lambda step: steps.append(time.perf_counter()))
        loop = QEventLoop()
        session.queue.decoded.connect(loop.quit)
        session.queue.failed.connect(loop.quit)
        session.problem.connect(sys.exit)
        gaps, firsts, a_step = [], [], []
        for turn in range(args.decodes + 1):
            session.set_seeds(5 * turn, 5)  # new ones: nothing is known yet
            wait_for(lambda: session.idle)
            for _ in range(3):  # what is to be painted is painted
                app.processEvents()
            ticks.clear()
            steps.clear()
            clicked = time.perf_counter()
            timer.start()
            session.decode()
            loop.exec()
            timer.stop()
            if turn:  # the first decode sets up what stays
                gaps += np.diff(ticks).tolist()
                firsts.append(steps[0] - clicked)
                a_step += np.diff(steps).tolist()
        window.close()
    p50, p99 = 1000 * np.percentile(gaps, [50, 99])
    print(f"{len(gaps)} ticks of {TICK} ms in {args.decodes} decodes")
    report(
        f"event loop while decoding on the CPU, preset {args.preset}: p50 / p99 between ticks",
        f"{p50:.1f} / {p99:.1f} ms",
        f"p99 ≤ {BAR} ms",
        p99 <= BAR,
    )
    first, step = median(firsts), median(a_step)
    report(
        "first preview after the click, model loaded",
        f"{1000 * first:.0f} ms = {first / step:.1f} steps",
        "≤ 2 steps",
        first <= 2 * step,
    )


if __name__ == "__main__":
    main()
