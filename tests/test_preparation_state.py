from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.subject import Volume
from mindvis_gui.data.trial_filter import TrialFilter
from mindvis_gui.session.options import request_from_json
from mindvis_gui.session.overlays import RESPONSE, Look, Overlay
from mindvis_gui.session.preparation import preparing_to_show


def test_steps_change_the_responses_and_the_request(qtbot, ready, subject):
    with qtbot.waitSignal(ready.preparation.changed):
        ready.preparation.set_steps(Preparation(z_score="voxel"))
    train = [t.index for t in subject.trials if t.split == "train"]
    raw = subject.responses(range(24))
    expected = (raw - raw[train].mean(axis=0)) / raw[train].std(axis=0)
    assert np.allclose(ready.response, expected[ready.trial.index], atol=1e-4)
    assert ready.request().preparation == Preparation(z_score="voxel")
    values = ready.request().to_json()  # what samples that are brought back say of themselves
    assert request_from_json(values, ready.vector, tuple(values["seeds"])).to_json() == values
    with qtbot.waitSignal(ready.preparation.changed):
        ready.preparation.set_steps(Preparation())
    assert ready.subject is subject
    assert not ready.request().preparation


def test_the_stimulus_chosen_stays_chosen(qtbot, opened):
    opened.set_trial(4)
    with qtbot.waitSignal(opened.trial_changed, check_params_cb=lambda: True):
        opened.preparation.set_steps(Preparation((TrialFilter.parse("trial=3-23"),)))
    qtbot.waitUntil(lambda: opened.idle)
    assert opened.trial.label == "violin"
    assert opened.trial.index == 1
    assert len(opened.subject.trials) == 21


def test_what_was_chosen_of_regions_and_brain_stays_after_other_steps(qtbot, opened):
    opened.regions.add("mine", np.arange(30), "sphere")
    used, visible = frozenset({"V2", "mine"}), frozenset({"FFA"})
    opened.set_used_rois(used)
    opened.brain.set_visible_rois(visible)
    opened.brain.set_crosshair((5, 6, 7))
    volume = Volume(np.ones((4, 4, 4), np.float32), np.eye(4))
    opened.overlays.put(Overlay("file x.nii", "x", volume=volume, look=Look("red", 2, 3)))
    opened.overlays.set_order(["anatomy", "file x.nii", "regions", "response", "mask"])
    look = replace(opened.overlays.find(RESPONSE).look, visible=True, threshold=1.0, low=-9.0)
    opened.overlays.set_look(RESPONSE, look)
    for steps in (Preparation(average="all"), Preparation(z_score="voxel")):
        opened.undo_stack.clear()
        with qtbot.waitSignal(opened.preparation.changed):
            opened.preparation.set_steps(steps)
        qtbot.waitUntil(lambda: opened.idle)
        assert opened.used_rois == used
        assert opened.brain.visible_rois == visible
        assert opened.brain.crosshair == (5, 6, 7)
        order = [each.key for each in opened.overlays.items]
        assert order == ["anatomy", "file x.nii", "regions", "response", "mask"]
        assert opened.overlays.find("file x.nii").look == Look("red", 2, 3)
        assert not opened.undo_stack.canUndo()
        assert opened.overlays.find(RESPONSE).look == look


def test_impossible_steps_are_one_sentence_and_the_old_ones_stay(qtbot, opened, subject):
    with qtbot.waitSignals([opened.problem, opened.preparation.changed]):
        opened.preparation.set_steps(Preparation(z_score="run"))
    assert opened.subject is subject
    assert not opened.preparation.steps


def test_large_subjects_are_shown_before_they_are_measured(qtbot, session, monkeypatch):
    monkeypatch.setattr("mindvis_gui.session.preparation._AT_ONCE", 1)
    seen = []
    session.subject_changed.connect(lambda: seen.append(session.normalisation))
    with qtbot.waitSignals([session.subject_changed, session.trial_changed, session.trial_changed]):
        session.open("tiny.h5")
    assert seen == [None]
    assert session.vector is not None
    assert session.normalisation.basis == "training trials"


@pytest.mark.parametrize("at_once", [1, 1 << 26])
def test_a_subject_with_a_broken_training_response_opens_and_steps_leave_it_out(
    qtbot, session, subject, monkeypatch, at_once
):
    monkeypatch.setattr("mindvis_gui.session.preparation._AT_ONCE", at_once)
    broken = subject.recording._responses.copy()
    broken[6, :3] = np.nan  # the first training trial: estimates look at it, too
    monkeypatch.setattr(subject.recording, "_responses", broken)
    problems = []
    session.problem.connect(problems.append)
    with qtbot.waitSignals([session.trial_changed, session.problem]):
        session.open("tiny.h5")
    assert session.response is not None
    with qtbot.waitSignal(session.model_changed):
        session.load_model("fake")
    session.decode()
    session.grid.start(session.grid.missing())
    assert ["trial 6 holds 3 values" in each for each in problems] == [True, True, True]
    with qtbot.waitSignal(session.preparation.changed):
        session.preparation.set_steps(Preparation((TrialFilter.parse("trial!=6"),)))
    qtbot.waitUntil(lambda: session.idle and session.normalisation is not None)
    session.decode()
    qtbot.waitUntil(lambda: session.results.result is not None)


def test_only_the_newest_steps_count(qtbot, opened, subject):
    for score in ("voxel", "global", "voxel"):
        opened.preparation.set_steps(Preparation(z_score=score))
    qtbot.waitUntil(lambda: opened.idle)
    assert opened.preparation.steps == Preparation(z_score="voxel")
    assert opened.subject.unit == "z"
    assert opened.subject is not subject


def test_another_subject_is_not_prepared_by_the_steps_of_the_last(qtbot, opened, subject_factory):
    other = subject_factory(name="other")
    opened.preparation.set_steps(Preparation(z_score="voxel"))
    opened.take_subject(next_subject(other), None)
    qtbot.waitUntil(lambda: opened.idle)
    assert opened.subject is other
    assert not opened.preparation.steps


def next_subject(subject):
    items = preparing_to_show(subject, Preparation(), None)
    while True:
        try:
            next(items)
        except StopIteration as stop:
            return stop.value
