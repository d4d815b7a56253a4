"""Move the mask slider: time until the masked and then the recovered signal are redrawn.

    python benchmarks/masking.py [--moves 60]

With the demo model, in the real window off the screen. Bar: p95 of the recovered signal ≤ 50 ms.
The last lines simulate a full-size model, whose recovery takes `--slow` seconds: how long the
window is busy for one move of the slider, and how many recoveries a drag of all moves asks for.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
from PySide6.QtCore import QSettings
from report import report

from mindvis_gui import load_decoder
from mindvis_gui.app import make_application
from mindvis_gui.session import Session
from mindvis_gui.settings import Settings
from mindvis_gui.views.main_window import MainWindow
from mindvis_gui.views.theme import apply_theme


class SlowDecoder:
    """The demo model, with recoveries as slow as those of a full-size one."""

    def __init__(self, decoder, seconds):
        self._decoder, self._seconds = decoder, seconds
        self.info = decoder.info
        self.recoveries = 0

    def recover(self, vector, mask):
        """Recover as the demo model does, later."""
        self.recoveries += 1
        time.sleep(self._seconds)
        return self._decoder.recover(vector, mask)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--moves", type=int, default=60)
    parser.add_argument("--slow", type=float, default=0.4)
    args = parser.parse_args()
    app = make_application()
    apply_theme(app, "dark")
    decoder = load_decoder("demo", threads=1)
    slow = SlowDecoder(decoder, args.slow)
    session = Session(lambda name: slow if name == "slow" else decoder)
    window = MainWindow(session, Settings(QSettings("none", "none")))
    session.setParent(window)  # ends with the window, not before it
    window.resize(1440, 900)
    window.show()
    wait(app, lambda: session.open("demo"), lambda: session.trial is not None)
    wait(app, lambda: session.load_model("demo"), lambda: session.masking.recovery is not None)
    wait(app, lambda: None, lambda: session.idle)
    view = window.workspace.mask_view

    masked, recovered, worked = [], [], []
    for move in range(args.moves):
        before = session.masking.recovery
        start, cpu = time.perf_counter(), time.process_time()
        view.ratio.setValue(30 + move % 60)
        view.repaint()
        masked.append(time.perf_counter() - start)
        wait(app, lambda: None, lambda old=before: session.masking.recovery is not old)
        view.repaint()
        recovered.append(time.perf_counter() - start)
        worked.append(time.process_time() - cpu)
        wait(app, lambda: None, lambda: session.idle)
    print(f"{args.moves} moves of the mask slider, demo model, 1440 × 900, one thread")
    print(f"masked signal redrawn      {times(masked)}")
    print(f"recovered signal redrawn   {times(recovered)}")
    print(f"  of that, CPU time        {times(worked)}")
    p95 = 1000 * float(np.percentile(recovered, 95))
    report(
        "mask slider moved → recovered signal redrawn, demo model: median / p95",
        f"{1000 * float(np.median(recovered)):.1f} / {p95:.1f} ms",
        "p95 ≤ 50 ms",
        p95 <= 50,
    )

    wait(app, lambda: session.load_model("slow"), lambda: session.decoder is slow)
    wait(app, lambda: None, lambda: session.idle)
    slow.recoveries, busy = 0, []
    for move in range(args.moves):
        start = time.perf_counter()
        view.ratio.setValue(30 + move % 60)
        app.processEvents()
        busy.append(time.perf_counter() - start)
        time.sleep(0.016)
    wait(app, lambda: None, lambda: session.idle)
    print(f"a recovery of {args.slow:g} s: window busy   {times(busy)}")
    print(f"recoveries for the {args.moves} moves of one drag: {slow.recoveries}")
    report(
        f"one move of it, a recovery taking {args.slow:g} s: window busy, median / p95",
        f"{1000 * np.median(busy):.1f} / {1000 * np.percentile(busy, 95):.1f} ms",
    )
    window.close()


def wait(app, act, done, limit=120):
    """Do something and run the event loop until `done` says so."""
    act()
    end = time.perf_counter() + limit
    while not done():
        app.processEvents()
        if time.perf_counter() > end:
            raise SystemExit("waited too long")


def times(seconds):
    """Return median, p95 and maximum in words."""
    ms = 1000 * np.array(seconds)
    return (
        f"median {np.median(ms):6.1f}   p95 {np.percentile(ms, 95):6.1f}   max {ms.max():6.1f} ms"
    )


if __name__ == "__main__":
    main()
