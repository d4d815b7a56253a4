"""A display that goes."""

import os
import subprocess
import sys

LOSE_DISPLAY = """
from threading import Event
from PySide6.QtCore import qWarning
from PySide6.QtWidgets import QApplication
from mindvis_gui.display import ended_with_display
from mindvis_gui.jobs import Jobs

app, jobs = QApplication([]), Jobs()
jobs.run(Event().wait, "", print)
with ended_with_display():
    qWarning("something else")
    qWarning("The X11 connection broke (error 1). Did the X11 server die?")
"""


def test_a_display_that_goes_ends_the_program_though_jobs_run():
    done = subprocess.run(
        [sys.executable, "-c", LOSE_DISPLAY],
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == [
        "mindvis: something else",
        "mindvis: the display is gone",
    ]
