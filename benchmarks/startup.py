"""Time from process start to the painted window, and memory then.

Runs `python benchmarks/startup.py [SUBJECT]` on the display of the moment (under Xvfb:
`xvfb-run python benchmarks/startup.py`), each case in fresh processes.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from compileall import compile_dir
from pathlib import Path

from report import report

import mindvis_gui

RUNS = 5
FORBIDDEN = ("torch", "diffusers", "matplotlib", "scipy", "skimage", "nilearn")

# Ends the application after the first paint of the window (and of the subject, if one is given).
PROBE = (
    f"MODULES = {FORBIDDEN!r}"
    + """
import json, resource, sys, time
start, subject = float(sys.argv[1]), sys.argv[2] or None
from mindvis_gui.light_start import begin_light_start
begin_light_start()
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
app.make_application().installEventFilter(probe)
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
        if modules and not subject:  # opening one may bring more
            sys.exit(f"imported before the window was painted: {', '.join(modules)}")
        rows.append(numbers)
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def main() -> None:
    """Print one line a case."""
    compile_dir(Path(mindvis_gui.__file__).parent, quiet=1)  # as pip does when it installs a wheel
    seconds, cpu, memory = measure("")[:3]
    report(
        "process start → window painted, no subject",
        f"{seconds:.2f} s (CPU {cpu:.2f} s), {memory:.0f} MiB",
        "≤ 0.8 s, ≤ 250 MiB",
        seconds <= 0.8 and memory <= 250,
    )
    for subject in sys.argv[1:] or ["demo"]:
        painted, _, _, *shown = measure(subject)
        seconds, cpu, memory = shown
        report(
            f"process start → trial of {subject} on screen",
            f"{seconds:.2f} s (CPU {cpu:.2f} s), {memory:.0f} MiB",
        )
        opened = seconds - painted
        report(f"{subject} opened, after the window", f"{opened:.2f} s", "≤ 0.5 s", opened <= 0.5)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mni.h5"
        # In a process of its own: it brings libraries that the window must start without.
        make = "import viewer, mindvis_gui.data.subject_file as f, sys; from pathlib import Path; "
        make += "f.write_subject(Path(sys.argv[1]), viewer.make_subject())"
        here = Path(__file__).parent
        subprocess.run([sys.executable, "-c", make, str(path)], check=True, cwd=here)
        seconds, cpu, memory = measure(str(path))[3:]
    report(
        "process start → 1 mm MNI volume with regions on screen",
        f"{seconds:.2f} s (CPU {cpu:.2f} s), {memory:.0f} MiB",
        "≤ 1.2 s",
        seconds <= 1.2,
    )


if __name__ == "__main__":
    main()
