"""Time from process start to the painted window, and memory then.

Runs `python benchmarks/startup.py [SUBJECT]` on the display of the moment (under Xvfb:
`xvfb-run python benchmarks/startup.py`), each case in fresh processes, and prints one table.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

RUNS = 5
FORBIDDEN = ("torch", "diffusers", "matplotlib", "scipy", "skimage", "nilearn")

# Ends the application after the first paint of the window (and of the subject, if one is given).
PROBE = (
    f"MODULES = {FORBIDDEN!r}"
    + """
import json, resource, sys, time
start, subject = float(sys.argv[1]), sys.argv[2] or None
from PySide6.QtCore import QEvent, QObject, QTimer
from mindvis_gui import app
from mindvis_gui.views.main_window import MainWindow

class Probe(QObject):
    painted = opened = None

    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and isinstance(watched, MainWindow):
            if self.painted is None:
                self.painted = True
                QTimer.singleShot(0, lambda: self.note(watched))
        return False

    def note(self, window):
        self.painted = time.time() - start
        self.cpu = time.process_time()
        self.modules = [name for name in MODULES if name in sys.modules]
        self.rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if subject is None:
            self.report(window)
        else:
            window._session.trial_changed.connect(lambda: self.wait_for_paint(window))

    def wait_for_paint(self, window):
        window.repaint()
        QTimer.singleShot(0, lambda: self.report(window))

    def report(self, window):
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        now = [time.time() - start, time.process_time(), rss]
        print(json.dumps([self.painted, self.cpu, self.rss, *now, self.modules]))
        window.close()

probe = Probe()
app._application().installEventFilter(probe)
app.run(subject)
"""
)


def measure(subject: str) -> list[float]:
    """Return medians of s, s of CPU, MiB at the window; and the same once the subject is shown."""
    rows = []
    for _ in range(RUNS):
        command = [sys.executable, "-c", PROBE, str(time.time()), subject]
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        *numbers, modules = json.loads(out.strip().splitlines()[-1])
        if modules:
            sys.exit(f"imported before the window was painted: {', '.join(modules)}")
        rows.append(numbers)
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def main() -> None:
    """Print the table."""
    print(f"{'case':32}{'s':>7}{'CPU s':>7}{'MiB':>7}   median of {RUNS}")
    print(row("window painted, no subject", measure("")[:3]))
    if len(sys.argv) > 1:
        print(row(f"{sys.argv[1]}: trial on screen", measure(sys.argv[1])[3:]))


def row(case: str, values: list[float]) -> str:
    """Return one line of the table."""
    seconds, cpu, memory = values
    return f"{case:32}{seconds:7.2f}{cpu:7.2f}{memory:7.0f}"


if __name__ == "__main__":
    main()
