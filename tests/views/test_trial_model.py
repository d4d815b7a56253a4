import sys
import time

import pytest
from PySide6.QtCore import Qt

from mindvis_gui.data.subject import Trial
from mindvis_gui.errors import DataError
from mindvis_gui.views import trial_model
from mindvis_gui.views.trial_list import TrialList
from mindvis_gui.views.trial_model import TRIAL_ROLE, TrialModel, caption


@pytest.fixture
def model(session, subject):
    made = TrialModel(session)
    made.set_subject(subject)
    return made


def shown(model):
    return [model.index(row).data(TRIAL_ROLE).index for row in range(model.rowCount())]


def test_all_trials_are_rows(model, subject, qtmodeltester):
    assert shown(model) == list(range(24))
    qtmodeltester.check(model)


@pytest.mark.parametrize(
    ("split", "words", "rows"),
    [
        ("test", "", [0, 1, 2, 3, 4, 5]),
        ("", "CRAB", [1, 7, 13, 19]),
        ("train", "crab", [7, 13, 19]),
        ("", "split:test crab", [1]),
        ("", "trial 23", [23]),
        ("test", "split:train", []),
        ("", "crab thing", [1, 7, 13, 19]),
        ("", "unicorn", []),
    ],
)
def test_filter(model, split, words, rows):
    model.set_filter(split, words)
    assert shown(model) == rows


def test_row_of_a_trial_follows_the_filter(model, subject):
    model.set_filter("train", "")
    assert model.row_of(subject.trials[7]) == 1
    assert model.row_of(subject.trials[0]) == -1


def test_thumbnail_comes_later_and_is_square(qtbot, model):
    assert model.index(0).data(Qt.ItemDataRole.DecorationRole) is None
    with qtbot.waitSignal(model.dataChanged):
        pass
    pixmap = model.index(0).data(Qt.ItemDataRole.DecorationRole)
    assert pixmap.width() == pixmap.height()


def test_stimulus_that_cannot_be_read_leaves_the_others(qtbot, model, subject, monkeypatch):
    def stimulus(stimulus_id):
        if stimulus_id == "cactus":
            raise DataError("cactus.png: not a picture")
        return original(stimulus_id)

    original = subject.recording.stimulus
    monkeypatch.setattr(subject.recording, "stimulus", stimulus)
    for row in range(2):
        model.index(row).data(Qt.ItemDataRole.DecorationRole)
    with qtbot.waitSignal(model.dataChanged):
        pass
    assert model.index(0).data(Qt.ItemDataRole.DecorationRole) is None
    assert model.index(1).data(Qt.ItemDataRole.DecorationRole) is not None


def test_after_an_unexpected_error_thumbnails_still_come(qtbot, session, model, monkeypatch):
    def crash(*_):
        raise RuntimeError("a bug")

    with monkeypatch.context() as patched:
        patched.setattr("mindvis_gui.views.trial_model._thumbnail", crash)
        with qtbot.waitSignal(session.crashed):
            model.index(0).data(Qt.ItemDataRole.DecorationRole)
        qtbot.waitUntil(lambda: session.idle)
    with qtbot.waitSignal(model.dataChanged):
        model.index(0).data(Qt.ItemDataRole.DecorationRole)
    assert model.index(0).data(Qt.ItemDataRole.DecorationRole) is not None


def test_only_the_newest_rows_asked_for_are_read(qtbot, session, subject_factory):
    subject = subject_factory(6)
    asked = []
    original = subject.recording.stimulus
    subject.recording.stimulus = lambda name: (asked.append(name), original(name))[1]
    trials = tuple(Trial(i, "test", f"picture {i}") for i in range(500))
    object.__setattr__(subject, "trials", trials)
    model = TrialModel(session)
    model.set_subject(subject)
    for row in range(500):
        model.index(row).data(Qt.ItemDataRole.DecorationRole)
    with qtbot.waitSignal(model.dataChanged):
        pass
    assert asked == [f"picture {i}" for i in range(468, 500)]


def test_thirty_thousand_trials_cost_nothing_until_they_are_drawn(session, subject_factory):
    subject = subject_factory(30_000)
    subject.recording.stimulus = lambda name: pytest.fail("read before it was drawn")
    model = TrialModel(session)
    begun = time.process_time()
    model.set_subject(subject)
    model.set_filter("train", "cra")
    assert time.process_time() - begun < 2
    assert model.rowCount() == 4999


def test_caption_leaves_out_what_is_not_known():
    assert caption(Trial(3, "test", category="plant")) == "test · trial 3 · plant"
    assert caption(Trial(3, "test")) == "test · trial 3"


def test_a_list_of_thousands_is_laid_out_without_a_call_a_row(qtbot, session, subject_factory):
    model = TrialModel(session)
    listed = TrialList(model)
    qtbot.addWidget(listed)
    listed.resize(240, 400)
    with qtbot.waitExposed(listed):
        listed.show()
    model.set_subject(subject_factory(3000))
    calls = []

    def note(frame, event, _):
        if event == "call":
            calls.append(frame.f_code.co_filename == trial_model.__file__)

    sys.setprofile(note)
    try:
        model.set_filter("train", "c")
        listed.show_trial(model.rowCount() - 1)
    finally:
        sys.setprofile(None)
    assert model.rowCount() > 900
    assert sum(calls) < 100


def test_rows_are_chosen_and_not_edited(model):
    flags = model.flags(model.index(0))
    assert flags & Qt.ItemFlag.ItemIsSelectable
    assert not flags & Qt.ItemFlag.ItemIsEditable
    assert not flags & Qt.ItemFlag.ItemIsDragEnabled


def test_thousands_of_trials_are_listed_and_selected_without_a_call_each(
    qtbot, session, subject_factory, calls_of
):
    model = TrialModel(session)
    shown = TrialList(model)
    qtbot.addWidget(shown)
    model.set_subject(subject_factory(3000))
    model.set_filter("train", "cra")
    shown.selectAll()
    found = []
    assert calls_of(lambda: found.append(shown.listed)) < 100
    assert calls_of(lambda: found.append(shown.selected)) < 1000
    listed, selected = found
    assert listed == selected
    assert [trial.index for trial in listed[:2]] == [7, 13]
    assert len(listed) == model.rowCount() == 499
