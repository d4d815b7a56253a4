"""The whole story by clicks and keys, and what only a process of its own can show."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QCheckBox

from mindvis_gui import app
from mindvis_gui.analysis.export import read_request
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.errors import MindVisError
from mindvis_gui.session.shown import shown_sample
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.error_dialog import ErrorDialog
from mindvis_gui.views.figure_dialog import FigureDialog

HEAVY = ("torch", "diffusers", "nilearn", "matplotlib", "skimage", "scipy")
CONTROL = Qt.KeyboardModifier.ControlModifier
LEFT = Qt.MouseButton.LeftButton

# Runs the application, says what is imported once the window was shown, whether garbage is
# collected, and who imports; then closes it.
SHOW_AND_TELL = """
import builtins, gc, json, sys
from PySide6.QtCore import QTimer
from mindvis_gui.views.main_window import MainWindow

shown = MainWindow.showEvent
def show(self, event):
    shown(self, event)
    QTimer.singleShot(50, lambda: tell(self))
def tell(window):
    imported = [name for name in sys.argv[1:] if name in sys.modules]
    plain = builtins.__import__ is builtins.__orig_import__
    print(json.dumps([imported, gc.isenabled(), plain]))
    window.close()
MainWindow.showEvent = show

from mindvis_gui.cli import main
sys.exit(main([]))
"""


def pixels(path):
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def click(qtbot, window, action):
    qtbot.mouseClick(window.toolbar.widgetForAction(window.actions_by_id[action]), LEFT)


def test_open_pick_mask_decode_stop_decode_compare_export(
    qtbot, window, session, decoder, monkeypatch, tmp_path
):
    workspace = window.workspace

    # open, and load a model
    monkeypatch.setattr(file_dialogs, "ask_subject_file", lambda *_: tmp_path / "tiny.h5")
    with qtbot.waitSignal(session.trial_changed):
        qtbot.keyClick(window, Qt.Key.Key_O, CONTROL)
    monkeypatch.setattr(file_dialogs, "ask_model_folder", lambda *_: tmp_path)
    with qtbot.waitSignal(session.masking.recovery_changed):
        window.actions_by_id["open_model"].trigger()

    # pick a trial, leave a region out, mask half of the patches
    qtbot.keyClick(window, Qt.Key.Key_PageDown)
    assert session.trial.label == "crab"
    boxes = workspace.subject_panel.findChildren(QCheckBox)
    next(box for box in boxes if box.text() == "V1").click()
    workspace.mask_view.ratio.setValue(50)
    assert session.masking.mask.ratio == pytest.approx(0.5, abs=0.02)
    workspace.decode_panel.apply_mask.click()

    # decode, stop, decode
    decoder.hold()
    with qtbot.waitSignal(session.queue.progressed):
        click(qtbot, window, "decode")
    with qtbot.waitSignal(session.message, check_params_cb=lambda text: "Stopped" in text):
        qtbot.keyClick(window, Qt.Key.Key_Escape)
        decoder.release()
    qtbot.waitUntil(lambda: session.idle)
    assert session.results.result is None
    qtbot.keyClick(window, Qt.Key.Key_Return, CONTROL)
    qtbot.waitUntil(lambda: session.results.comparison is not None)
    request = session.results.result.request
    assert request.trial == 1
    assert request.rois == ("V2", "V3", "hV4", "LOC", "FFA", "PPA")
    assert request.mask is session.masking.mask

    # compare
    seen, *decoded = workspace.gallery.pictures
    assert seen.seen
    assert [picture.seed for picture in decoded] == [0, 1, 2, 3]
    assert all(picture.image is not None for picture in decoded)
    assert workspace.compare_panel.isVisible()

    # export figure and samples
    figure = tmp_path / "figure.png"
    monkeypatch.setattr(file_dialogs, "ask_figure_file", lambda *_: figure)
    export_figure(qtbot, window, lambda: qtbot.keyClick(window, Qt.Key.Key_E, CONTROL))
    qtbot.waitUntil(lambda: session.idle, timeout=30_000)
    assert pixels(figure).std() > 10
    assert window.status.activity.text() == f"Wrote {figure}"
    monkeypatch.setattr(file_dialogs, "ask_sample_folder", lambda *_: tmp_path / "samples")
    window.actions_by_id["export_samples"].trigger()
    qtbot.waitUntil(lambda: session.idle)
    names = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert names == [f"tiny_trial-0001_seed-{seed:04d}.png" for seed in range(4)]
    embedded = read_request(tmp_path / "samples" / names[2])
    assert (embedded["seed"], embedded["trial"]) == (2, 1)

    # undo the mask and the region
    qtbot.keyClick(window, Qt.Key.Key_Z, CONTROL)
    qtbot.keyClick(window, Qt.Key.Key_Z, CONTROL)
    assert len(session.used_rois) == 7


def export_figure(qtbot, window, ask):
    """Open the dialog of figures and press Return once the preview is there."""
    ask()
    dialog = window.findChild(FigureDialog)
    with qtbot.waitSignal(dialog.previewed, timeout=30_000):
        pass
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    if dialog.isVisible():
        dialog.close()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)


def test_suggested_names_say_what_is_inside(qtbot, ready_window, ready, monkeypatch):
    asked = []
    monkeypatch.setattr(file_dialogs, "ask_figure_file", lambda _, path: asked.append(path.name))
    monkeypatch.setattr(file_dialogs, "ask_sample_file", lambda _, path: asked.append(path.name))
    object.__setattr__(ready.subject, "name", "S/1 (day 2)")
    with qtbot.waitSignal(ready.results.result_changed):
        ready.decode()
    export_figure(qtbot, ready_window, ready_window.actions_by_id["export_figure"].trigger)
    ready_window.workspace.gallery.export_requested.emit(shown_sample(ready, 3))
    assert asked == ["s-1-day-2_trial-0000_comparison.png", "s-1-day-2_trial-0000_seed-0003.png"]


def test_one_sample_from_the_gallery(qtbot, ready_window, ready, monkeypatch, tmp_path):
    path = tmp_path / "one.png"
    monkeypatch.setattr(file_dialogs, "ask_sample_file", lambda *_: path)
    with qtbot.waitSignal(ready.results.result_changed):
        ready.decode()
    ready_window.workspace.gallery.export_requested.emit(shown_sample(ready, 3))
    qtbot.waitUntil(lambda: ready.idle)
    assert read_request(path)["seed"] == 3
    assert np.array_equal(pixels(path), ready.results.result.samples[3].image)


def test_export_that_cannot_be_written_is_one_line(
    qtbot, ready_window, ready, monkeypatch, tmp_path
):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setattr(file_dialogs, "ask_figure_file", lambda *_: blocked / "figure.png")
    with qtbot.waitSignal(ready.results.result_changed):
        ready.decode()
    with qtbot.waitSignal(ready.problem, timeout=30_000):
        export_figure(qtbot, ready_window, ready_window.actions_by_id["export_figure"].trigger)
    assert "cannot be written" in ready_window.status.problem.text()
    assert ready.results.result is not None
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".png"] == []


def test_steps_at_the_start_wait_for_one_another(qtbot, session):
    steps = [lambda: session.open("tiny.h5", 3), lambda: session.load_model("fake"), session.decode]
    app.do_in_turn(session, steps)
    qtbot.waitUntil(lambda: session.results.comparison is not None)
    assert session.results.result.request.trial == 3


def test_unexpected_errors_open_one_dialog(window, session, monkeypatch, capsys):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    app.show_errors(window, session)
    session.crashed.emit(ZeroDivisionError("in a job"))
    sys.excepthook(ValueError, ValueError("in a slot"), None)
    dialogs = window.findChildren(ErrorDialog)
    assert [dialog.isVisible() for dialog in dialogs] == [True]
    assert "in a job" in dialogs[0].report
    assert "in a slot" in capsys.readouterr().err
    dialogs[0].close()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    session.crashed.emit(ZeroDivisionError("in the next job"))
    (after,) = window.findChildren(ErrorDialog)
    assert after.isVisible()
    assert "in the next job" in after.report


@pytest.fixture
def subject_path(tmp_path, subject):
    path = tmp_path / "tiny.h5"
    write_subject(path, subject)
    return path


def run_python(*arguments, **environment):
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        env=env | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_the_window_is_shown_without_anything_heavy_and_with_plain_imports():
    done = run_python("-c", SHOW_AND_TELL, *HEAVY, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [[], True, True]


def test_screenshot_of_a_trial(subject_path, tmp_path):
    picture = tmp_path / "s.png"
    command = ("-m", "mindvis_gui", "view", subject_path, "--trial", 3, "--screenshot", picture)
    look = ("--size", "1280x800", "--theme", "light")
    done = run_python(*command, *look, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
    shown = pixels(picture)
    assert shown.shape == (800, 1280, 3)
    stimulus = (120, 135, 90)  # of the fourth trial
    assert np.all(shown == stimulus, axis=2).sum() > 1000


def test_the_subject_is_read_while_the_window_is_built(qapp, monkeypatch, subject_path, tmp_path):
    under_way = []

    class Watched(app.MainWindow):
        def __init__(self, session, *rest):
            under_way.append(session.jobs.busy)
            super().__init__(session, *rest)

    monkeypatch.setattr(app, "MainWindow", Watched)
    assert app.run(str(subject_path), trial=3, screenshot=tmp_path / "s.png") == 0
    assert under_way == ["Opening tiny.h5"]
    assert np.all(pixels(tmp_path / "s.png") == (120, 135, 90), axis=2).sum() > 1000


def test_picture_after_some_steps(subject_path, tmp_path):
    picture = tmp_path / "s.png"
    steps = (
        "from pathlib import Path; from mindvis_gui.app import pictured; pictured(lambda window, "
        f"session: [lambda: window.open('{subject_path}', 1), lambda: session.set_trial(3)], "
        f"Path('{picture}'), size=(1280, 800))"
    )
    done = run_python("-c", steps, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
    assert np.all(pixels(picture) == (120, 135, 90), axis=2).sum() > 1000  # the fourth trial's


def test_screenshot_needs_no_display(subject_path, tmp_path):
    picture = tmp_path / "s.png"
    command = ("-m", "mindvis_gui", "view", subject_path, "--screenshot", picture)
    done = run_python(*command, QT_QPA_PLATFORM="")
    assert done.returncode == 0, done.stderr
    assert picture.exists()


_NO_DISPLAY = ":64123"  # of an X server that nobody started


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays are found differently")
@pytest.mark.parametrize("display", ["", _NO_DISPLAY])
def test_screenshot_without_a_display_says_nothing(subject_path, tmp_path, display):
    picture = tmp_path / "s.png"
    command = ("-m", "mindvis_gui", "view", subject_path, "--screenshot", picture)
    named = {"DISPLAY": display, "QT_QPA_PLATFORM": ""}
    done = run_python(*command, **named)
    assert (done.returncode, done.stderr) == (0, "")
    assert picture.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays are found differently")
@pytest.mark.parametrize(
    ("platform", "said"),
    [
        ("", f"could not connect to display {_NO_DISPLAY}"),
        ("nosuch", 'Could not find the Qt platform plugin "nosuch"'),
    ],
)
def test_a_display_that_is_gone_is_one_line(subject_path, platform, said):
    command = ("-m", "mindvis_gui", "view", subject_path)
    named = {"DISPLAY": _NO_DISPLAY, "QT_QPA_PLATFORM": platform}
    done = run_python(*command, **named)
    assert done.returncode == 1
    assert done.stderr.startswith("mindvis: Qt opens no window here: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_screenshot_of_what_is_no_subject(tmp_path):
    broken = tmp_path / "broken.h5"
    broken.write_bytes(b"no subject")
    picture = tmp_path / "s.png"
    command = ("-m", "mindvis_gui", "view", broken, "--screenshot", picture)
    done = run_python(*command, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if "plugin" not in line]
    assert len(lines) == 1
    assert "broken.h5" in lines[0]
    assert not picture.exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays are found differently")
def test_without_a_display_it_says_so(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(
        MindVisError, match=r"no display here .* `mindvis decode demo .* `make demo`"
    ):
        app.run("demo")


@pytest.mark.parametrize(("cores", "alone"), [(1, True), (2, True), (4, False)])
def test_with_few_cores_qt_paints_without_threads_of_its_own(qapp, monkeypatch, cores, alone):
    monkeypatch.setattr("os.environ", {})
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    app.make_application()
    assert os.environ == ({"QT_NO_GUI_THREADPOOL": "1"} if alone else {})
