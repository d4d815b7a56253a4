import pytest
from PySide6.QtCore import Qt

from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.trial_filter import TrialFilter
from mindvis_gui.views.preparation_panel import PreparationPanel


@pytest.fixture
def panel(qtbot, ready):
    made = PreparationPanel(ready)
    qtbot.addWidget(made)
    with qtbot.waitExposed(made):
        made.show()
    return made


def choose(box, key):
    box.setCurrentIndex(box.findData(key))


def test_what_is_shown_is_what_the_request_records(qtbot, panel, ready):
    with qtbot.waitSignal(ready.preparation.changed):
        choose(panel.form.z_score, "voxel")
    qtbot.keyClicks(panel.form.filter, "trial=0-17; label!=bed")
    with qtbot.waitSignal(ready.preparation.changed):
        qtbot.keyClick(panel.form.filter, Qt.Key.Key_Return)
    filters = (TrialFilter.parse("trial=0-17"), TrialFilter.parse("label!=bed"))
    assert ready.request().preparation == Preparation(filters, "voxel")
    assert panel.form.filter.text() == "trial=0-17; label!=bed"
    assert panel.effect.text().startswith("15 of 24 trials, responses in z")


def test_steps_from_elsewhere_are_shown(qtbot, panel, ready):
    with qtbot.waitSignal(ready.preparation.changed):
        ready.preparation.set_steps(Preparation(average="test"))
    assert panel.form.average.currentData() == "test"
    with qtbot.waitSignal(ready.preparation.changed):
        ready.preparation.set_steps(Preparation())
    assert panel.form.average.currentData() == "none"
    assert not panel.effect.isVisible()


def test_what_is_no_filter_is_explained_in_place(qtbot, panel, ready):
    qtbot.keyClicks(panel.form.filter, "colour=red")
    qtbot.keyClick(panel.form.filter, Qt.Key.Key_Return)
    assert "no column 'colour'" in panel.form.problem.text()
    assert panel.form.problem.isVisible()
    assert not ready.preparation.steps


def test_impossible_steps_fall_back_to_what_is_so(qtbot, panel, ready):
    with qtbot.waitSignals([ready.problem, ready.preparation.changed]):
        choose(panel.form.z_score, "run")
    assert panel.form.z_score.currentData() == "global"
