import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from mindvis_gui.analysis.figures import writing
from mindvis_gui.analysis.figures.style import FigureStyle
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.exports import start_figure
from mindvis_gui.views.figure_dialog import FigureDialog


@pytest.fixture
def dialog(qtbot, ready_window, ready):
    with qtbot.waitSignal(ready.results.comparison_changed):
        ready.decode()
    qtbot.waitUntil(lambda: ready.results.comparison is not None)
    ready_window.actions_by_id["export_figure"].trigger()
    found = ready_window.findChild(FigureDialog)
    with qtbot.waitSignal(found.previewed, timeout=30_000):
        pass
    return found


def choose(qtbot, dialog, field, text):
    with qtbot.waitSignal(dialog.previewed, timeout=30_000):
        field.setCurrentIndex(field.findText(text))


def test_the_preview_follows_what_is_chosen(qtbot, dialog):
    first = dialog.preview.image
    assert first.width() == pytest.approx(170 / 25.4 * 150, abs=2)
    choose(qtbot, dialog, dialog.width_kind, "single column, 85 mm")
    assert dialog.preview.image.width() == pytest.approx(85 / 25.4 * 150, abs=2)
    with qtbot.waitSignal(dialog.previewed, timeout=30_000):
        dialog.captions.setChecked(False)
    assert dialog.preview.image.height() < first.height()
    assert not dialog.style_chosen.captions


def test_the_preview_is_as_large_where_two_pixels_stand_for_one(qtbot, dialog, monkeypatch):
    shown = dialog.preview.image.width()
    monkeypatch.setattr(dialog, "devicePixelRatioF", lambda: 2.0)
    with qtbot.waitSignal(dialog.previewed, timeout=30_000):
        dialog.captions.setChecked(False)
    assert dialog.preview.image.width() == pytest.approx(2 * shown, abs=2)


def test_every_choice_can_be_read_in_full(dialog):
    for field in (dialog.template, dialog.trials, dialog.width_kind):
        assert field.width() >= field.sizeHint().width()


def test_the_empty_sheet_says_that_it_is_drawn(qtbot, ready_window, ready):
    with qtbot.waitSignal(ready.results.comparison_changed):
        ready.decode()
    ready_window.actions_by_id["export_figure"].trigger()
    preview = ready_window.findChild(FigureDialog).preview
    empty = preview.image.isNull(), preview.words
    assert empty == (True, "Drawing …")
    drawn = preview.grab().toImage()
    preview.say("")
    assert preview.grab().toImage() != drawn
    with qtbot.waitSignal(ready_window.findChild(FigureDialog).previewed, timeout=30_000):
        pass
    assert preview.words == ""
    ready_window.findChild(FigureDialog).close()
    qtbot.waitUntil(lambda: ready.idle)


def test_a_template_that_lacks_something_says_so(qtbot, dialog, ready):
    ready.brain.grid = None
    choose(qtbot, dialog, dialog.template, "Brain, regions and samples")
    assert "needs the subject's voxel positions" in dialog.problem.text()
    assert not dialog.export.isEnabled()
    choose(qtbot, dialog, dialog.template, "Consistency over seeds")
    assert dialog.problem.text() == ""
    assert dialog.export.isEnabled()


def test_return_exports_what_is_previewed(qtbot, dialog, ready, monkeypatch, tmp_path):
    asked = []

    def ask(parent, suggested):
        asked.append(suggested.name)
        return tmp_path / "figure.png"

    monkeypatch.setattr(file_dialogs, "ask_figure_file", ask)
    dialog.dpi.setValue(100)
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: ready.idle, timeout=30_000)
    assert asked == ["tiny_trial-0000_comparison.png"]
    with Image.open(tmp_path / "figure.png") as image:
        assert image.width == pytest.approx(170 / 25.4 * 100, abs=2)
        assert np.asarray(image.convert("L")).std() > 10
    assert (tmp_path / "figure.png.json").is_file()


def test_copy_puts_the_figure_into_the_clipboard(qtbot, dialog, ready):
    QGuiApplication.clipboard().clear()
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: ready.idle, timeout=30_000)
    assert QGuiApplication.clipboard().image().width() == pytest.approx(170 / 25.4 * 300, abs=2)


def test_all_trials_decoded_alike_share_a_figure(qtbot, dialog, ready):
    ready.set_trial(1)
    with qtbot.waitSignal(ready.results.result_changed):
        ready.decode()
    qtbot.waitUntil(lambda: ready.idle)
    ready.set_sampling(type(ready.sampling)("ddim", 20))
    ready.set_trial(2)
    with qtbot.waitSignal(ready.results.result_changed):
        ready.decode()
    qtbot.waitUntil(lambda: ready.idle)
    ready.set_trial(0)
    choose(qtbot, dialog, dialog.trials, "all decoded alike")
    trials = ready.figures.content()().trials
    assert [trial.request["trial"] for trial in trials] == [0, 1]


def test_on_a_grid_of_two_options_the_grid_is_drawn(qtbot, ready_window, ready):
    ready.grid.set_axes("guidance", "seed")
    ready.grid.set_values("guidance", "1, 2")
    ready_window.workspace.compare(True)
    ready.grid.start(ready.grid.missing())
    qtbot.waitUntil(lambda: ready.idle and not ready.grid.missing())
    ready_window.actions_by_id["export_figure"].trigger()
    shown = ready_window.findChild(FigureDialog)
    assert shown.template.currentData() == "grid"
    with qtbot.waitSignal(shown.previewed, timeout=20_000):
        shown.seeds.click()
    assert not shown.problem.text()
    shown.close()
    qtbot.waitUntil(lambda: ready.idle)


def test_letters_that_no_font_has_are_told_after_the_export(
    qtbot, dialog, ready, monkeypatch, tmp_path
):
    monkeypatch.setattr(writing, "lacking", lambda letters, families: frozenset("猫"))
    monkeypatch.setattr(writing, "families_with", lambda letters: ())
    with qtbot.waitSignal(ready.problem) as said:
        start_figure(ready, tmp_path / "a.png", "comparison", FigureStyle())
    assert said.args[0].startswith("a.png: no font here has 猫: drawn")


def test_of_thousands_of_trials_those_with_a_sample_are_looked_at(qtbot, ready, calls_of):
    object.__setattr__(ready.subject, "trials", ready.subject.trials * 125)
    ready.grid.set_trials(range(2998, 3000))
    ready.grid.start(ready.grid.missing())
    qtbot.waitUntil(lambda: ready.idle and not ready.grid.missing())
    ready.grid.set_trials(range(3000))
    made = []
    assert calls_of(lambda: made.append(ready.figures.content("grid"))) < 12_000
    assert len(made[0]().grid.rows) == 2
