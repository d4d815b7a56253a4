"""By keys alone: open, pick, decode four seeds, compare, export."""

import json

import numpy as np
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from mindvis_gui.analysis.export import read_request
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.figure_dialog import FigureDialog

CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def test_by_keys_alone(qtbot, window, session, monkeypatch, tmp_path):
    def press(key, modifier=Qt.KeyboardModifier.NoModifier):
        """Press a key where the keyboard is."""
        qtbot.keyClick(QApplication.focusWidget() or window, key, modifier)

    # open a subject and a model
    monkeypatch.setattr(file_dialogs, "ask_subject_file", lambda *_: tmp_path / "tiny.h5")
    with qtbot.waitSignal(session.trial_changed):
        press(Qt.Key.Key_O, CONTROL)
    monkeypatch.setattr(file_dialogs, "ask_model_folder", lambda *_: tmp_path)
    with qtbot.waitSignal(session.model_changed):
        press(Qt.Key.Key_M, CONTROL)
    qtbot.waitUntil(lambda: session.idle)

    # pick the next trial; the list has the keyboard
    press(Qt.Key.Key_Down)
    assert session.trial.label == "crab"

    # decode four seeds
    press(Qt.Key.Key_Return, CONTROL)
    qtbot.waitUntil(lambda: session.results.comparison is not None)
    qtbot.waitUntil(lambda: session.idle)

    # compare: the grid has the keyboard at the trial that was decoded
    press(Qt.Key.Key_Tab, CONTROL)
    page = window.workspace.compare_page
    assert page.isVisible()
    assert page.model.row_label(page.model.rows[page.view.current.row()]) == "1 crab"
    press(Qt.Key.Key_Right)
    press(Qt.Key.Key_Return)
    assert page.large.isVisible()
    assert page.large.current.title == "seed 1"
    for key in (Qt.Key.Key_Right, Qt.Key.Key_D, Qt.Key.Key_W, Qt.Key.Key_Escape):
        press(key)
    assert not page.large.isVisible()
    assert QApplication.focusWidget() is page.view.samples
    press(Qt.Key.Key_C, CONTROL | SHIFT)
    qtbot.waitUntil(lambda: page.strip.consistency is not None)

    # another seed in this cell
    press(Qt.Key.Key_R, SHIFT)
    qtbot.waitUntil(lambda: session.idle)
    assert page.model.drawn_at(page.view.current).options.seed > 3

    # export the figure and the samples
    figure = tmp_path / "figure.png"
    monkeypatch.setattr(file_dialogs, "ask_figure_file", lambda *_: figure)
    press(Qt.Key.Key_Tab, CONTROL)
    press(Qt.Key.Key_E, CONTROL)
    dialog = window.findChild(FigureDialog)
    with qtbot.waitSignal(dialog.previewed, timeout=30_000):
        pass
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: figure.exists() and session.idle, timeout=30_000)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)  # else its shortcuts are deaf
    monkeypatch.setattr(file_dialogs, "ask_sample_folder", lambda *_: tmp_path / "samples")
    qtbot.keyClick(window, Qt.Key.Key_E, CONTROL | SHIFT)
    qtbot.waitUntil(lambda: session.idle and (tmp_path / "samples").exists())
    first, *others = sorted((tmp_path / "samples").iterdir())
    assert len(others) == 3
    request = read_request(first)
    with Image.open(first) as image:
        sample = next(s for s in session.results.result.samples if s.seed == request["seed"])
        assert np.array_equal(np.array(image), sample.image)
    assert json.loads(figure.with_name("figure.png.json").read_text())["requests"]
