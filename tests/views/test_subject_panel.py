import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QColor
from PySide6.QtWidgets import QCheckBox, QLabel, QToolButton

from mindvis_gui.views.subject_panel import SubjectPanel
from mindvis_gui.views.trial_model import DECODED_ROLE, TRIAL_ROLE


@pytest.fixture
def panel(qtbot, session):
    made = SubjectPanel(session)
    qtbot.addWidget(made)
    made.resize(250, 800)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def full(panel, opened):
    return panel


def texts(panel):
    return [text.text() for text in panel.findChildren(QLabel) if text.isVisible()]


def box(panel, name):
    return next(b for b in panel.findChildren(QCheckBox) if b.text() == name)


def eye(panel, name):
    wanted = f"Show {name} on the brain"
    return next(b for b in panel.findChildren(QToolButton) if b.accessibleName() == wanted)


def rows(panel):
    model = panel.trials.model()
    return [model.index(row, 0).data(TRIAL_ROLE).index for row in range(model.rowCount())]


def test_without_a_subject_it_says_what_to_do(panel):
    assert "Open one from the toolbar." in texts(panel)


def test_letters_look_for_a_trial_unless_an_action_has_the_key(qtbot, full, opened):
    action = QAction("Pause", full, shortcut="C")
    action.setEnabled(False)
    full.addAction(action)
    qtbot.keyClick(full.trials, Qt.Key.Key_B)
    assert opened.trial.label == "bird"
    full.trials.keyboardSearch("")  # the next letter is the first of another word
    chosen = opened.trial
    qtbot.keyClick(full.trials, Qt.Key.Key_C)
    assert opened.trial is chosen


def test_a_region_that_is_made_has_room_in_the_list(qtbot, full, opened):
    full.resize(240, 700)
    opened.regions.add("made", np.arange(20), "painted")
    area = full.rois.parentWidget().parentWidget()
    qtbot.waitUntil(lambda: area.height() == 8 * full.rois.row_height)


def test_facts_of_the_subject(full):
    assert "tiny" in texts(full)
    assert "(simulated)" in texts(full)
    assert "24 trials · 700 voxels · 4 mm" in texts(full)


def test_real_subject_is_not_called_simulated(panel, subject, qtbot, session):
    object.__setattr__(subject, "simulated", False)
    with qtbot.waitSignal(session.trial_changed):
        session.open("tiny.h5")
    assert "(simulated)" not in texts(panel)


@pytest.fixture
def of_an_atlas(qtbot, panel, subject, session):
    """Return the panel with regions and a subject whose names are longer than it is wide."""
    long = "7Networks_left_inferior_temporal_gyrus_posterior_division_"
    for each in subject.rois:
        object.__setattr__(each, "name", long + each.name)
    object.__setattr__(subject, "name", "participant of the second study of 2026, session 3")
    with qtbot.waitSignal(session.trial_changed):
        session.open("tiny.h5")
    return panel


def test_long_names_leave_the_other_fields_of_their_rows_in_view(of_an_atlas):
    fields = [b for b in of_an_atlas.rois.findChildren(QToolButton) if b.isCheckable()]
    fields += [text for text in of_an_atlas.rois.findChildren(QLabel) if text.text() == "100"]
    assert len(fields) == 14
    for each in fields:
        assert each.visibleRegion().boundingRect().width() == each.width()
    name = of_an_atlas._name
    assert QLabel.text(name).startswith("participant of")
    assert QLabel.text(name).endswith("…")
    assert name.toolTip() == "participant of the second study of 2026, session 3"


def test_many_regions_can_be_filtered(qtbot, full, opened):
    def listed():
        return [name for name, row in full.rois._rows.items() if row.isVisible()]

    area = full.rois.parentWidget().parentWidget()
    opened.regions.add("left V1", np.arange(20), "sphere")
    assert not full.roi_filter.isVisible()
    opened.regions.add("left V2", np.arange(20, 40), "sphere")
    assert full.roi_filter.isVisible()
    full.roi_filter.setText("v1")
    assert listed() == ["V1", "left V1"]
    qtbot.waitUntil(lambda: area.height() == 2 * full.rois.row_height)
    full.roi_filter.setText("V LEFT")
    assert listed() == ["left V1", "left V2"]
    full.rois.menu.fill("left V1", QColor("red"), full.rois.listed)
    for action in full.rois.menu.actions():
        if "the 2 listed alone" in action.text():
            action.trigger()
    assert opened.used_rois == opened.brain.visible_rois == {"left V1", "left V2"}
    opened.regions.rename("left V2", "right V2")
    assert listed() == ["left V1"]
    full.roi_filter.setText("V9")
    assert not area.isVisible()
    assert "No region matches; empty the filter." in texts(full)
    with qtbot.waitSignal(opened.trial_changed):
        opened.open("tiny.h5")
    assert len(listed()) == 7
    assert not full.roi_filter.isVisible()


def test_tick_says_whether_a_region_is_used(full, opened):
    box(full, "V1").click()
    assert opened.used_rois == {"V2", "V3", "hV4", "LOC", "FFA", "PPA"}
    opened.undo_stack.undo()
    assert box(full, "V1").isChecked()


def test_last_region_stays_ticked(full, opened):
    opened.set_used_rois(frozenset({"V1"}))
    box(full, "V1").click()
    assert box(full, "V1").isChecked()


def test_eye_hides_a_region(full, opened):
    eye(full, "FFA").click()
    assert opened.brain.visible_rois == opened.used_rois - {"FFA"}
    opened.brain.set_visible_rois(opened.used_rois)
    assert eye(full, "FFA").isChecked()


def test_test_trials_are_listed_first(full, opened):
    assert full.split.currentText() == "test"
    assert rows(full) == [0, 1, 2, 3, 4, 5]
    assert full.trials.currentIndex().data(TRIAL_ROLE) is opened.trial


def test_click_chooses_a_trial(qtbot, full, opened):
    place = full.trials.visualRect(full.trials.model().index(2, 0)).center()
    qtbot.mouseClick(full.trials.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert opened.trial.index == 2


def test_arrow_keys_choose_a_trial(qtbot, full, opened):
    qtbot.keyClick(full.trials, Qt.Key.Key_Down)
    assert opened.trial.index == 1
    qtbot.keyClick(full.trials, Qt.Key.Key_End)
    assert opened.trial.index == 5


def test_steps_stay_within_what_is_listed(full, opened):
    full.step_trial(-1)
    assert opened.trial.index == 0
    for _ in range(9):
        full.step_trial(1)
    assert opened.trial.index == 5


def test_filter_keeps_the_chosen_trial(qtbot, full, opened):
    qtbot.keyClicks(full.filter, "bird")
    assert rows(full) == [2]
    assert opened.trial.index == 0
    full.step_trial(1)
    assert opened.trial.index == 2


def test_focus_alone_chooses_nothing(qtbot, full, opened):
    qtbot.keyClicks(full.filter, "bird")
    full.trials.setFocus()
    assert opened.trial.index == 0


def test_filter_that_nothing_passes_says_what_to_do(qtbot, full):
    qtbot.keyClicks(full.filter, "unicorn")
    assert "No trial matches; empty the filter or choose all." in texts(full)


def test_trial_chosen_elsewhere_is_marked(full, opened):
    opened.set_trial(4)
    assert full.trials.currentIndex().row() == 4


def test_subject_without_regions(qtbot, panel, session, subject):
    object.__setattr__(subject, "rois", ())
    with qtbot.waitSignal(session.trial_changed):
        session.open("tiny.h5")
    assert "This subject has no regions; decoding uses every voxel." in texts(panel)


def test_another_subject_takes_the_place_of_the_first(qtbot, full, opened):
    qtbot.keyClicks(full.filter, "bird")
    with qtbot.waitSignal(opened.trial_changed):
        opened.open("again.h5")
    assert full.filter.text() == ""
    assert rows(full) == [0, 1, 2, 3, 4, 5]
    assert len([b for b in full.findChildren(QCheckBox) if b.isVisible()]) == 7


def in_view(trials):
    return trials.viewport().rect().contains(trials.visualRect(trials.currentIndex()))


def test_the_chosen_trial_stays_in_view_when_the_list_gets_shorter(qtbot, full):
    trials = full.trials
    full.split.setCurrentIndex(full.split.findData(""))
    last_seen = trials.indexAt(trials.viewport().rect().bottomLeft()).row() - 1
    trials.show_trial(last_seen)
    assert in_view(trials)
    full.resize(full.width(), full.height() - 150)
    qtbot.waitUntil(lambda: in_view(trials))
    trials.verticalScrollBar().setValue(0)  # scrolled away on purpose
    full.resize(full.width(), full.height() - 50)
    assert trials.verticalScrollBar().value() == 0


def decode(qtbot, session):
    with qtbot.waitSignal(session.collection.added):
        session.decode()


def test_trials_with_samples_are_marked(qtbot, panel, ready):
    def dot():
        place = panel.trials.visualRect(panel.trials.model().index(1, 0))
        shot = panel.trials.viewport().grab(place).toImage()
        accent = panel.palette().accent().color()
        at = [shot.pixelColor(x, shot.height() // 2) for x in range(shot.width())]
        return accent in at

    row = panel.trials.model().index(1, 0)
    assert not dot()
    assert not row.data(DECODED_ROLE)
    ready.set_trial(1)
    decode(qtbot, ready)
    ready.set_trial(0)
    assert row.data(DECODED_ROLE)
    assert row.data(Qt.ItemDataRole.AccessibleTextRole).endswith(", decoded")
    assert dot()


def test_filter_of_decoded_trials_follows_the_decodes(qtbot, panel, ready):
    panel.filter.setText("decoded:no")
    assert rows(panel) == [0, 1, 2, 3, 4, 5]
    decode(qtbot, ready)
    qtbot.waitUntil(lambda: rows(panel) == [1, 2, 3, 4, 5])
    panel.step_trial(1)
    assert ready.trial.index == 1
    panel.filter.setText("Decoded:yes")
    assert rows(panel) == [0]
