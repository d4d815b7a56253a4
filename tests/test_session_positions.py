"""Positions, steps and regions added to a subject, in sessions saved and opened again."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

import mindvis_gui.data
from mindvis_gui.analysis.session_file import SessionFile
from mindvis_gui.session.state import snapshot
from mindvis_gui.views import file_dialogs
from tests.data.makers import make_god


def write_mask(path, n, step=2.0):
    mask = np.zeros((n + 3, 2, 2), np.int16)
    mask[:n, 0, 0] = 1
    nib.save(nib.Nifti1Image(mask, np.diag([step, step, step, 1])), path)
    return path


@pytest.fixture
def mask(qtbot, window, session, tmp_path, monkeypatch):
    """Return the file of positions that were added to the GOD subject which is open."""
    monkeypatch.setattr("mindvis_gui.session.opening.open_subject", mindvis_gui.data.open_subject)
    monkeypatch.setattr(file_dialogs, "ask_subject_file", lambda *_: None)  # it must not be asked
    with qtbot.waitSignal(session.trial_changed):
        session.open(make_god(tmp_path / "god"))
    qtbot.waitUntil(lambda: session.idle)
    path = write_mask(tmp_path / "mask.nii", session.subject.n_voxels)
    with qtbot.waitSignal(session.subject_changed):
        session.preparation.add_positions(path)
    qtbot.waitUntil(lambda: session.idle)
    return path


@pytest.fixture
def saved(qtbot, window, session, mask, tmp_path, monkeypatch):
    """Return the session's file; the subject is open anew, without positions."""
    path = tmp_path / "a.mindvis"
    session.set_trial(3)
    monkeypatch.setattr(file_dialogs, "ask_session_to_save", lambda *_: path)
    window.actions_by_id["save_session"].trigger()
    qtbot.waitUntil(lambda: session.idle)
    with qtbot.waitSignal(session.trial_changed):
        session.open(session.subject.source)
    qtbot.waitUntil(lambda: session.idle)
    assert session.subject.ijk is None
    assert snapshot(session, {}).document["positions"] is None
    return path


def open_again(qtbot, window, session, path):
    with qtbot.waitSignal(window._saved.opener.opened):
        window._saved.open_any(path)
    qtbot.waitUntil(lambda: session.idle)


def test_they_come_back(qtbot, window, session, saved, mask):
    told = SessionFile(saved).document["positions"]
    assert told["path"] == str(mask)
    open_again(qtbot, window, session, saved)
    assert session.trial.index == 3
    assert session.subject.ijk[5].tolist() == [5, 0, 0]
    assert session.brain.grid is not None
    assert snapshot(session, {}).document["positions"] == told


def test_other_steps_keep_them(qtbot, session, mask):
    with qtbot.waitSignal(session.subject_changed):
        session.preparation.set_steps(replace(session.preparation.steps, z_score="voxel"))
    qtbot.waitUntil(lambda: session.idle)
    assert snapshot(session, {}).document["positions"]["path"] == str(mask)


def test_steps_and_regions_that_were_made_come_back(
    qtbot, window, session, mask, tmp_path, monkeypatch
):
    steps = replace(session.preparation.steps, z_score="voxel")
    with qtbot.waitSignal(session.subject_changed):
        session.preparation.set_steps(steps)
    qtbot.waitUntil(lambda: session.idle)
    session.regions.add("mine", np.array([1, 2, 3]), "by hand")
    path = tmp_path / "a.mindvis"
    monkeypatch.setattr(file_dialogs, "ask_session_to_save", lambda *_: path)
    window.actions_by_id["save_session"].trigger()
    qtbot.waitUntil(lambda: session.idle)
    response = session.response
    with qtbot.waitSignal(session.trial_changed):
        session.open(session.subject.source)
    qtbot.waitUntil(lambda: session.idle)
    open_again(qtbot, window, session, path)
    assert session.preparation.steps == steps
    assert np.array_equal(session.response, response)
    assert session.subject.roi("mine").voxels.tolist() == [1, 2, 3]
    assert session.subject.ijk is not None


def test_a_file_that_moved_is_asked_for_and_checked(
    qtbot, window, session, saved, mask, tmp_path, monkeypatch
):
    moved = mask.rename(tmp_path / "moved.nii")
    wrong = write_mask(tmp_path / "wrong.nii", session.subject.n_voxels, step=3.0)
    answers, problems = [wrong, moved], []
    session.problem.connect(problems.append)
    monkeypatch.setattr(file_dialogs, "ask_any_file", lambda *_: answers.pop(0))
    open_again(qtbot, window, session, saved)
    assert problems == [
        f"the positions of this session: {mask} is gone; choose where it is now",
        f"the positions of this session: {wrong} holds other positions than those that this "
        "session was saved with; choose the right file",
    ]
    assert session.subject.affine[0, 0] == 2
    assert snapshot(session, {}).document["positions"]["path"] == str(moved)


def test_without_an_answer_it_opens_without_them(qtbot, window, session, saved, mask, monkeypatch):
    mask.unlink()
    monkeypatch.setattr(file_dialogs, "ask_any_file", lambda *_: None)
    open_again(qtbot, window, session, saved)
    assert session.trial.index == 3
    assert session.subject.ijk is None
    assert snapshot(session, {}).document["positions"] is None
    before, asked = saved.read_bytes(), []
    monkeypatch.setattr(file_dialogs, "ask_session_to_save", lambda *given: asked.append(given))
    window.actions_by_id["save_session"].trigger()
    qtbot.waitUntil(lambda: session.idle)
    assert asked  # for the file would lose them
    assert saved.read_bytes() == before


def test_sessions_from_before_positions_were_kept_open(qtbot, window, session, saved):
    document = {**SessionFile(saved).document}
    del document["positions"]
    with qtbot.waitSignal(window._saved.opener.opened):
        window._saved.opener.open({**document, "results": []})
    qtbot.waitUntil(lambda: session.idle)
    assert session.subject.ijk is None
