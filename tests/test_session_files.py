"""Sessions saved and opened again, here and elsewhere; decode folders; history; autosave."""

import json
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
import shiboken6
from PySide6.QtCore import QPoint, Qt

from mindvis_gui.analysis.comparison import compare
from mindvis_gui.analysis.decode_folder_writer import DecodeFolderWriter
from mindvis_gui.analysis.export import read_request, write_sample
from mindvis_gui.analysis.session_file import SessionFile, read_state, write_state
from mindvis_gui.data.fingerprint import fingerprint
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.prepare import Normalisation
from mindvis_gui.data.trial_filter import TrialFilter
from mindvis_gui.decoding import history_folder
from mindvis_gui.decoding.request import DecodeRequest, Step
from mindvis_gui.decoding.sample_cache import SampleCache
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import DataError
from mindvis_gui.session import session_opener
from mindvis_gui.session.autosave import Autosave
from mindvis_gui.session.decode_folders import open_decode_folder
from mindvis_gui.session.history import History
from mindvis_gui.session.lesions import EACH_REGION
from mindvis_gui.session.overlays import ANATOMY, REGIONS, RESPONSE, Look
from mindvis_gui.session.preparation import preparing_to_show
from mindvis_gui.session.session_opener import SessionOpener
from mindvis_gui.session.state import take_up_choices, unfinished
from mindvis_gui.steps import finish
from mindvis_gui.views import file_dialogs

NORMALISATION = Normalisation(0.1, 1.5, "training trials")


@pytest.fixture(autouse=True)
def source(subject, tmp_path):
    """Let the subject lie in a file that exists."""
    path = tmp_path / "tiny.h5"
    path.touch()
    object.__setattr__(subject, "source", path)
    return path


@pytest.fixture
def worked(qtbot, ready_window, ready):
    """Return the window after some work: trial 2 decoded, a region left out, the grid shown."""
    ready.set_trial(2)
    ready.set_used_rois(ready.used_rois - {"V1"})
    ready.set_sampling(Sampling("ddim", 10, "fp32"))
    ready.set_seeds(5, 3)
    ready.decode()
    qtbot.waitUntil(lambda: ready.idle)
    ready.grid.set_axes("trial", "roi")
    ready_window.actions_by_id["compare"].trigger()
    qtbot.waitUntil(lambda: ready.idle)
    return ready_window


def save(qtbot, window, session, monkeypatch, path):
    monkeypatch.setattr(file_dialogs, "ask_session_to_save", lambda *_: path)
    window.actions_by_id["save_session"].trigger()
    qtbot.waitUntil(lambda: session.idle)


def start_anew(qtbot, session):
    """Open the subject again, which forgets everything else."""
    with qtbot.waitSignal(session.trial_changed):
        session.open("tiny.h5")
    session.set_sampling(Sampling())
    session.set_seeds(0, 4)
    session.grid.set_axes("trial", "seed")
    qtbot.waitUntil(lambda: session.idle)
    assert session.results.result is None


def test_session_comes_back_with_samples_choices_and_layout(
    qtbot, worked, ready, monkeypatch, tmp_path
):
    before = [sample.image for sample in ready.results.result.samples]
    save(qtbot, worked, ready, monkeypatch, tmp_path / "a.mindvis")
    start_anew(qtbot, ready)
    worked.actions_by_id["compare"].trigger()
    with qtbot.waitSignal(worked._saved.opener.opened):
        worked._saved.open_any(tmp_path / "a.mindvis")
    qtbot.waitUntil(lambda: ready.idle)
    assert ready.trial.index == 2
    assert "V1" not in ready.used_rois
    assert not worked.actions_by_id["undo"].isEnabled()  # it is nothing that was done here
    assert ready.sampling == Sampling("ddim", 10, "fp32")
    assert (ready.first_seed, ready.n_samples) == (5, 3)
    assert (ready.grid.rows, ready.grid.columns) == ("trial", "roi")
    assert worked.workspace.comparing
    after = ready.results.result
    assert [sample.seed for sample in after.samples] == [5, 6, 7]
    for old, new in zip(before, after.samples, strict=True):
        assert np.array_equal(old, new.image)


def asked(monkeypatch, path):
    """Return the names that are suggested when a file to save in is asked for."""
    suggested = []
    monkeypatch.setattr(
        file_dialogs, "ask_session_to_save", lambda _, name: suggested.append(name) or path
    )
    return suggested


def open_session(qtbot, window, session, path):
    with qtbot.waitSignal(window._saved.opener.opened):
        window._saved.open_any(path)
    qtbot.waitUntil(lambda: session.idle)


def test_a_session_is_saved_in_its_file_without_a_question(
    qtbot, worked, ready, monkeypatch, tmp_path
):
    path, other = tmp_path / "a.mindvis", tmp_path / "b.mindvis"
    save(qtbot, worked, ready, monkeypatch, path)
    suggested = asked(monkeypatch, other)
    for how, trial in (("written", 3), ("opened", 4)):
        if how == "opened":
            start_anew(qtbot, ready)
            open_session(qtbot, worked, ready, path)
        ready.set_trial(trial)
        worked.actions_by_id["save_session"].trigger()
        qtbot.waitUntil(lambda: ready.idle)
        assert SessionFile(path).document["choices"]["trial"] == trial
    assert not suggested
    worked.actions_by_id["save_session_as"].trigger()
    qtbot.waitUntil(lambda: ready.idle)
    assert suggested == [path]
    ready.set_trial(5)
    worked.actions_by_id["save_session"].trigger()
    qtbot.waitUntil(lambda: ready.idle)
    written = [SessionFile(each).document["choices"]["trial"] for each in (path, other)]
    assert written == [4, 5]


def test_overlays_come_back_as_they_were_drawn(qtbot, worked, ready, monkeypatch, tmp_path):
    overlays, nifti = ready.overlays, tmp_path / "localiser.nii"
    nibabel.save(nibabel.Nifti1Image(np.ones((4, 4, 4), np.float32), np.eye(4)), nifti)
    overlays.open(nifti)
    qtbot.waitUntil(lambda: ready.idle)
    drawn = {
        f"file {nifti}": Look("red", 0.5, 2.0, clip_low=0.25, visible=False),
        RESPONSE: replace(overlays.find(RESPONSE).look, visible=True, threshold=1.5),
        REGIONS: replace(overlays.find(REGIONS).look, outlined=True),
    }
    for key, look in drawn.items():
        overlays.set_look(key, look)
    order = [ANATOMY, f"file {nifti}", REGIONS, RESPONSE]
    order += [each.key for each in overlays.items if each.key not in order]
    overlays.set_order(order)
    path = tmp_path / "a.mindvis"
    save(qtbot, worked, ready, monkeypatch, path)
    assert "NaN" not in (text := json.dumps(SessionFile(path).document))
    assert "Infinity" not in text
    start_anew(qtbot, ready)
    open_session(qtbot, worked, ready, path)
    assert [each.key for each in overlays.items] == order
    assert {key: overlays.find(key).look for key in drawn} == drawn


@pytest.mark.parametrize("changes", [{"colour_map": "plasma"}, {"low": "low"}, {"key": None}])
def test_overlays_that_cannot_be_drawn_so_are_one_line(
    qtbot, worked, ready, monkeypatch, tmp_path, changes
):
    path = tmp_path / "a.mindvis"
    save(qtbot, worked, ready, monkeypatch, path)
    document = SessionFile(path).document
    damaged = [{**each, **changes} for each in document["choices"]["overlays"]]
    if changes == {"key": None}:
        damaged = [{"key": "response"}]
    document["choices"]["overlays"] = damaged
    before = ready.overlays.items
    with pytest.raises(DataError, match="the session is incomplete"):
        take_up_choices(ready, document)
    assert ready.overlays.items == before


def test_a_session_of_an_earlier_version_has_overlays_as_at_first(
    qtbot, worked, ready, monkeypatch, tmp_path
):
    path = tmp_path / "a.mindvis"
    save(qtbot, worked, ready, monkeypatch, path)
    document = SessionFile(path).document
    del document["choices"]["overlays"]
    before = ready.overlays.items
    take_up_choices(ready, document)
    assert ready.overlays.items == before


def test_sessions_are_among_what_was_opened_last(
    qtbot, worked, ready, settings, source, monkeypatch, tmp_path
):
    path = tmp_path / "a.mindvis"
    save(qtbot, worked, ready, monkeypatch, path)
    assert settings.recent == [path, source]
    start_anew(qtbot, ready)
    assert settings.recent == [source, path]
    with qtbot.waitSignal(worked._saved.opener.opened):
        worked.welcome.chosen.emit(path)
    qtbot.waitUntil(lambda: ready.idle)
    assert settings.recent == [path, source]


@pytest.mark.parametrize("how", ["left", "without its model"])
def test_a_file_that_holds_more_or_another_is_not_written_unasked(
    qtbot, worked, ready, monkeypatch, tmp_path, how
):
    path = tmp_path / "a.mindvis"
    save(qtbot, worked, ready, monkeypatch, path)
    start_anew(qtbot, ready)
    if how == "without its model":
        info = replace(ready.decoder.info, hash="other weights")
        monkeypatch.setattr(ready.decoder, "info", info)
        open_session(qtbot, worked, ready, path)
    before, suggested = path.read_bytes(), asked(monkeypatch, None)
    worked.actions_by_id["save_session"].trigger()
    qtbot.waitUntil(lambda: ready.idle)
    assert suggested == [tmp_path / "tiny.mindvis"]
    assert path.read_bytes() == before


def test_the_window_is_called_by_the_file_of_its_session(
    qtbot, worked, ready, monkeypatch, tmp_path
):
    alone = worked.windowTitle()
    assert alone == "tiny (simulated) – mindvis"
    save(qtbot, worked, ready, monkeypatch, tmp_path / "tuesday.mindvis")
    assert worked.windowTitle() == f"tuesday.mindvis – {alone}"
    start_anew(qtbot, ready)
    assert worked.windowTitle() == alone
    with qtbot.waitSignal(worked._saved.opener.opened):
        worked._saved.open_any(tmp_path / "tuesday.mindvis")
    qtbot.waitUntil(lambda: ready.idle)
    assert worked.windowTitle() == f"tuesday.mindvis – {alone}"


def test_a_trial_that_cannot_be_read_keeps_no_other_from_being_saved(
    qtbot, worked, ready, subject, monkeypatch, tmp_path
):
    broken = subject.recording._responses.copy()
    broken[5, :3] = np.nan
    monkeypatch.setattr(subject.recording, "_responses", broken)
    with pytest.raises(DataError, match="trial 5 holds 3 values"):
        subject.responses([5])
    save(qtbot, worked, ready, monkeypatch, tmp_path / "a.mindvis")
    start_anew(qtbot, ready)
    with qtbot.waitSignal(worked._saved.opener.opened):
        worked._saved.open_any(tmp_path / "a.mindvis")
    qtbot.waitUntil(lambda: ready.idle)
    assert ready.trial.index == 2


@pytest.mark.parametrize("comparing", [False, True])
def test_session_that_was_opened_has_the_keyboard(
    qtbot, worked, ready, monkeypatch, tmp_path, comparing
):
    if not comparing:
        worked.actions_by_id["compare"].trigger()
    save(qtbot, worked, ready, monkeypatch, tmp_path / "a.mindvis")
    worked.workspace.decode_panel.samples.setFocus()
    with qtbot.waitSignal(worked._saved.opener.opened):
        worked._saved.open_any(tmp_path / "a.mindvis")
    focus = worked.focusWidget()
    workspace = worked.workspace
    expected = workspace.compare_page if comparing else workspace.subject_panel.trials
    assert focus is expected or expected.isAncestorOf(focus)


def test_session_holds_its_samples_itself(qtbot, worked, ready, monkeypatch, tmp_path):
    save(qtbot, worked, ready, monkeypatch, tmp_path / "a.mindvis")
    saved = SessionFile(tmp_path / "a.mindvis")
    (result,) = saved.document["results"]
    assert [each["seed"] for each in result["samples"]] == [5, 6, 7]
    assert all(saved.picture(each["file"]).startswith(b"\x89PNG") for each in result["samples"])
    assert saved.document["fingerprint"] == fingerprint(ready.subject)


def test_subject_that_moved_is_asked_for_and_checked(
    qtbot, worked, ready, monkeypatch, tmp_path, source, subject_factory
):
    import mindvis_gui.session.opening as module

    save(qtbot, worked, ready, monkeypatch, tmp_path / "a.mindvis")
    source.unlink()
    moved, wrong = tmp_path / "moved.h5", tmp_path / "wrong.h5"
    moved.touch()
    wrong.touch()
    known = {moved: ready.subject, wrong: subject_factory(n_trials=12)}
    monkeypatch.setattr(module, "open_subject", lambda path: known[Path(path)])
    answers, problems = [wrong, moved], []
    ready.problem.connect(problems.append)
    titles = []

    def answer(parent, folder, title):
        titles.append(title)
        return answers.pop(0)

    monkeypatch.setattr(file_dialogs, "ask_subject_file", answer)
    with qtbot.waitSignal(worked._saved.opener.opened):
        worked._saved.open_any(tmp_path / "a.mindvis")
    qtbot.waitUntil(lambda: ready.idle)
    assert "is gone; choose where subject tiny is now" in problems[0]
    assert "its content differs" in problems[1]
    assert [title.lower() for title in titles] == [problem.lower() for problem in problems]
    assert ready.results.result.request.trial == 2


def test_a_subject_that_the_system_refuses_to_look_at_is_asked_for(qtbot, ready):
    opener = SessionOpener(ready)
    with qtbot.waitSignal(opener.subject_wanted) as wanted:
        opener.open({"subject": {"name": "tiny", "source": "x" * 300}})
    assert "choose where subject tiny is now" in wanted.args[1]


def test_the_window_does_not_wait_for_the_drive_of_a_sessions_subject(qtbot, ready, monkeypatch):
    answers = threading.Event()
    monkeypatch.setattr(session_opener, "is_there", lambda path: not answers.wait(10))
    opener = SessionOpener(ready)
    with qtbot.waitSignal(opener.subject_wanted):
        opener.open({"subject": {"name": "tiny", "source": "share/tiny.h5"}})
        assert ready.jobs.busy == "Opening tiny.h5"
        answers.set()


@pytest.mark.parametrize("damage", ["cut", "text", "other", "newer"])
def test_damaged_session_is_one_line(qtbot, worked, ready, monkeypatch, tmp_path, damage):
    path = tmp_path / "a.mindvis"
    save(qtbot, worked, ready, monkeypatch, path)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "text":
        path.write_text("hello")
    else:
        import zipfile

        document = {"format": "zip of something", "format_version": 1}
        if damage == "newer":
            document = {"format": "mindvis session", "format_version": 99}
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("session.json", json.dumps(document))
    with qtbot.waitSignal(ready.problem) as problem:
        worked._saved.open_any(path)
    qtbot.waitUntil(lambda: ready.idle)
    assert str(path) in problem.args[0]
    assert "\n" not in problem.args[0]
    assert ready.results.result is not None  # what is open stays


def test_session_that_cannot_be_written_is_one_line(qtbot, worked, ready, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "a.mindvis"
    monkeypatch.setattr(file_dialogs, "ask_session_to_save", lambda *_: path)
    with qtbot.waitSignal(ready.problem) as problem:
        worked.actions_by_id["save_session"].trigger()
    qtbot.waitUntil(lambda: ready.idle)
    assert "cannot be written" in problem.args[0]


def test_picture_altered_inside_is_noticed(qtbot, worked, ready, monkeypatch, tmp_path):
    import zipfile

    path, other = tmp_path / "a.mindvis", tmp_path / "b.mindvis"
    save(qtbot, worked, ready, monkeypatch, path)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content[:-1] + b"x" if name.endswith(".png") else content)
    saved = SessionFile(other)
    with pytest.raises(DataError, match="is damaged"):
        saved.picture(saved.document["results"][0]["samples"][0]["file"])


def test_on_a_disk_that_fails_the_window_closes_and_leaves_the_next_one_its_turn(
    worked, ready, failing, tmp_path
):
    autosave = Autosave(ready, tmp_path / "state", dict)
    autosave.start()
    write_state(tmp_path / "state" / "last-session.json", {"subject": {"name": "tiny"}})
    with failing(tmp_path / "state"):
        autosave.close()
    following = Autosave(ready, tmp_path / "state", dict)
    following.start()
    assert following.left_over is not None
    assert following.left_over["subject"] == {"name": "tiny"}
    following.close()


# -- after a crash ---------------------------------------------------------------------------


def test_after_a_crash_the_last_state_is_offered(qtbot, worked, ready, settings, tmp_path):
    from mindvis_gui.views.main_window import MainWindow

    cache = SampleCache(tmp_path / "samples")
    ready.queue._cache = ready.collection._cache = ready.cache = cache
    folder = tmp_path / "state"
    autosave = Autosave(ready, folder, lambda: {"comparing": False})
    autosave._soon.setInterval(0)
    autosave.start()
    ready.set_trial(3)
    ready.decode()
    qtbot.waitUntil(lambda: ready.idle and not autosave._soon.isActive())
    qtbot.waitUntil(lambda: '"seed": 7' in (folder / "last-session.json").read_text())
    qtbot.waitUntil(lambda: ready.idle)
    state = (folder / "last-session.json").read_text()
    autosave.close()
    (folder / "last-session.json").write_text(state)  # as if it had never been closed
    image = ready.results.result.samples[1].image
    start_anew(qtbot, ready)

    again = MainWindow(ready, settings)
    again.save_by_itself(folder)
    assert not again.welcome.restore.isHidden()
    assert "tiny" in again.welcome.restore.text()
    with qtbot.waitSignal(again._saved.opener.opened):
        again.welcome.restore.click()
    qtbot.waitUntil(lambda: ready.idle and ready.results.result is not None)
    assert ready.trial.index == 3
    assert np.array_equal(ready.results.result.samples[1].image, image)
    again._autosave.close()
    assert not (folder / "last-session.json").exists()  # closed as it should be
    shiboken6.delete(again)  # before the session that it listens to


@pytest.fixture
def saving(ready_window, tmp_path):
    """Return the window, which saves its session by itself in the folder `state`."""
    ready_window.save_by_itself(tmp_path / "state")
    ready_window._autosave._soon.setInterval(0)
    return ready_window


def offered(saving, settings, tmp_path):
    """Close the window and return what the next one offers."""
    from mindvis_gui.views.main_window import MainWindow

    session = saving._session
    saving.close()
    again = MainWindow(session, settings)
    again.save_by_itself(tmp_path / "state")
    text = again.welcome.restore.text() if not again.welcome.restore.isHidden() else ""
    shiboken6.delete(again)  # before the session that it listens to
    return text


def test_work_that_was_not_done_is_offered_after_closing(
    qtbot, saving, ready, decoder, settings, tmp_path
):
    ready.regions.add("mine", np.arange(30), "sphere")
    decoder.hold()
    with qtbot.waitSignal(ready.queue.progressed):
        for trial in (1, 2, 3):
            ready.set_trial(trial)
            ready.decode()
    decoder.release()
    assert offered(saving, settings, tmp_path) == (
        "Your last session: tiny, 0 samples, 3 waiting decodes, 1 made region"
    )
    state = json.loads((tmp_path / "state" / "last-session.json").read_text())
    assert state["fingerprint"] == fingerprint(ready.subject)


def test_a_study_that_ran_is_offered_after_closing(
    qtbot, saving, ready, decoder, settings, tmp_path
):
    decoder.hold()
    ready.lesions.start(EACH_REGION, "zero", list(ready.subject.trials[:3]))
    decoder.release()
    assert offered(saving, settings, tmp_path) == (
        "Your last session: tiny, 0 samples, unfinished lesion study of 3 trials"
    )


def test_only_of_a_study_something_is_said_to_be_kept(qtbot, saving, ready, decoder, tmp_path):
    with qtbot.waitSignal(ready.message) as said:
        saving._saved._take_up({"unfinished": ["attribution of a sample"]})
    assert said.args[0] == "Not finished last time: attribution of a sample; start it again"
    ready.lesions.folder = tmp_path / "lesions"
    decoder.hold()
    ready.lesions.start(EACH_REGION, "zero", list(ready.subject.trials[:3]))
    assert unfinished(ready) == ["lesion study of 3 trials (finished ones are kept)"]
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle, timeout=20_000)


def test_nothing_is_offered_after_closing_with_all_done(qtbot, saving, ready, settings, tmp_path):
    ready.set_trial(2)
    ready.decode()
    qtbot.waitUntil(lambda: ready.idle and not saving._autosave._soon.isActive())
    assert offered(saving, settings, tmp_path) == ""


@pytest.mark.parametrize("how", ["written", "opened", "changed"])
def test_work_that_is_in_a_file_is_not_offered(
    qtbot, saving, ready, monkeypatch, settings, tmp_path, how
):
    ready.regions.add("mine", np.arange(30), "sphere")
    ready.queue.pause()
    ready.decode()
    path = tmp_path / "a.mindvis"
    monkeypatch.setattr(file_dialogs, "ask_session_to_save", lambda *_: path)
    with qtbot.waitSignal(ready.message, check_params_cb=lambda text: text.startswith("Wrote")):
        saving.actions_by_id["save_session"].trigger()
    if how == "opened":
        saving._saved.in_file = None
        with qtbot.waitSignal(saving._saved.opener.opened):
            saving._saved.open_any(path)
    if how == "changed":
        ready.regions.add("another", np.arange(30, 60), "sphere")
    assert bool(offered(saving, settings, tmp_path)) == (how == "changed")


@pytest.fixture
def left(qtbot, saving, ready, decoder):
    """Return the window whose subject was opened again while two decodes waited or ran."""
    ready.regions.add("mine", np.arange(30), "sphere")
    decoder.hold()
    with qtbot.waitSignal(ready.queue.progressed):
        for trial in (1, 2):
            ready.set_trial(trial)
            ready.decode()
    with qtbot.waitSignal(ready.subject_changed), qtbot.waitSignal(saving._saved.leaving.found):
        ready.open("tiny.h5")
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle)
    return saving


def test_opening_a_subject_tells_what_is_left_behind_and_brings_it_back(qtbot, left, ready):
    assert left.status.problem.text() == (
        "Left behind with tiny: 2 waiting decodes, 1 made region; “Restore the last session” in "
        "the menu File brings it back"
    )
    assert len(ready.queue) == 0
    with qtbot.waitSignal(left._saved.opener.opened):
        left.actions_by_id["restore_session"].trigger()
    qtbot.waitUntil(lambda: len(ready.queue) == 2)
    assert [each.name for each in ready.regions.rois if each.made] == ["mine"]
    assert left._saved.in_file is None
    ready.queue.stop()
    qtbot.waitUntil(lambda: ready.idle)


def test_each_subject_that_was_left_is_brought_back_in_turn(qtbot, left, ready, decoder):
    ready.regions.add("second", np.arange(40), "sphere")
    with qtbot.waitSignal(left._saved.leaving.found):
        ready.open("tiny.h5")
    qtbot.waitUntil(lambda: ready.idle)
    for name, waiting in (("second", 0), ("mine", 2)):
        with qtbot.waitSignal(left._saved.opener.opened):
            left.actions_by_id["restore_session"].trigger()
        qtbot.waitUntil(lambda waiting=waiting: len(ready.queue) == waiting)
        assert [each.name for each in ready.regions.rois if each.made] == [name]
        for roi in [each for each in ready.regions.rois if each.made]:
            ready.regions.delete(roi.name)  # done with it
        ready.queue.stop()
        qtbot.waitUntil(lambda: ready.idle)
    assert left._saved.leaving.documents == []


def test_what_was_left_behind_is_offered_after_closing(left, settings, tmp_path):
    assert "2 waiting decodes, 1 made region" in offered(left, settings, tmp_path)
    state = json.loads((tmp_path / "state" / "last-session.json").read_text())
    assert len(state["queue"]) == 2
    assert state["fingerprint"]


def test_a_crash_does_not_lose_what_was_left_behind(qtbot, left, ready, settings, tmp_path):
    from mindvis_gui.views.main_window import MainWindow

    folder = tmp_path / "state"
    qtbot.waitUntil(lambda: (folder / "left-behind.json").exists())
    qtbot.waitUntil(lambda: ready.idle and not left._autosave._soon.isActive())
    files = {path: path.read_bytes() for path in folder.glob("*.json")}
    left._autosave.close()
    for path, content in files.items():
        path.write_bytes(content)  # as if it had never been closed

    again = MainWindow(ready, settings)
    again.save_by_itself(folder)
    assert again.welcome.restore.text() == (
        "Go on where the last session broke off: tiny, 0 samples; left before it: tiny"
    )
    with qtbot.waitSignal(again._saved.opener.opened):
        again.welcome.restore.click()
    assert len(ready.queue) == 0
    assert "2 waiting decodes, 1 made region" in again.status.problem.text()
    with qtbot.waitSignal(again._saved.opener.opened):
        again.actions_by_id["restore_session"].trigger()
    qtbot.waitUntil(lambda: len(ready.queue) == 2)
    assert [each.name for each in ready.regions.rois if each.made] == ["mine"]
    ready.queue.stop()
    qtbot.waitUntil(lambda: ready.idle)
    again._autosave.note_undone({"subject": {}, "queue": (), "regions": ()})
    again._autosave.close()
    assert not (folder / "left-behind.json").exists()
    shiboken6.delete(again)  # before the session that it listens to


def test_what_was_left_behind_is_written_though_the_next_subject_is_gone(
    qtbot, saving, ready, monkeypatch, tmp_path
):
    def gone(subject):
        raise DataError("its file is gone")

    monkeypatch.setattr("mindvis_gui.session.autosave.fingerprint", gone)
    ready.regions.add("mine", np.arange(30), "sphere")
    with qtbot.waitSignal(saving._saved.leaving.found):
        ready.open("tiny.h5")
    qtbot.waitUntil(lambda: (tmp_path / "state" / "left-behind.json").exists())
    qtbot.waitUntil(lambda: ready.idle)


def test_all_that_was_left_behind_is_there_after_closing(qtbot, left, ready, settings, tmp_path):
    ready.regions.add("second", np.arange(40), "sphere")
    ready.open("tiny.h5")
    qtbot.waitUntil(lambda: len(left._saved.leaving.documents) == 2)
    qtbot.waitUntil(lambda: ready.idle)
    ready.regions.add("third", np.arange(50), "sphere")
    text = offered(left, settings, tmp_path)
    assert text.endswith("0 samples, 1 made region; left before it: tiny")
    before = json.loads((tmp_path / "state" / "left-behind.json").read_text())["sessions"]
    assert [each["regions"][0]["name"] for each in before] == ["mine", "second"]


def test_what_is_left_behind_is_not_written_down_in_the_windows_thread(
    qtbot, saving, ready, monkeypatch
):
    ready.queue.pause()
    ready.decode()
    qtbot.waitUntil(lambda: ready.idle or not saving._autosave._soon.isActive())
    threads, to_json = set(), DecodeRequest.to_json

    def tell(request):
        threads.add(threading.current_thread())
        return to_json(request)

    monkeypatch.setattr(DecodeRequest, "to_json", tell)
    with qtbot.waitSignal(saving._saved.leaving.found):
        ready.open("tiny.h5")
    assert threads
    assert threading.main_thread() not in threads
    qtbot.waitUntil(lambda: ready.idle)


def test_closing_at_once_does_not_lose_what_was_left_behind(
    qtbot, saving, ready, monkeypatch, settings, tmp_path
):
    monkeypatch.setattr(saving._saved.leaving, "_take", lambda *_: None)  # is written down still
    ready.queue.pause()
    ready.decode()
    with qtbot.waitSignal(ready.problem):
        ready.open("tiny.h5")
    qtbot.waitUntil(lambda: ready.idle)
    assert "1 waiting decode" in offered(saving, settings, tmp_path)


def test_other_steps_tell_of_decodes_but_not_of_regions_that_stay(qtbot, saving, ready, decoder):
    ready.regions.add("mine", np.arange(30), "sphere")
    with qtbot.waitSignal(ready.subject_changed):
        ready.preparation.set_steps(Preparation(z_score="voxel"))
    qtbot.waitUntil(lambda: ready.idle)
    assert saving.status.problem.isHidden()
    decoder.hold()
    with qtbot.waitSignal(ready.queue.progressed):
        ready.decode()
    with qtbot.waitSignal(saving._saved.leaving.found):
        ready.preparation.set_steps(Preparation())
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle)
    assert "Left behind with tiny: 1 waiting decode" in saving.status.problem.text()


def test_a_subject_left_with_all_done_or_in_a_file_is_left_without_a_word(
    qtbot, saving, ready, monkeypatch, tmp_path
):
    ready.regions.add("mine", np.arange(30), "sphere")
    save(qtbot, saving, ready, monkeypatch, tmp_path / "a.mindvis")
    start_anew(qtbot, ready)
    assert saving.status.problem.isHidden()
    assert not saving.actions_by_id["restore_session"].isEnabled()


def test_a_long_state_is_read_as_it_was_written(tmp_path):
    document = {
        "queue": [{"label": f"Über “{n}”\n", "seeds": [n], "rois": None} for n in range(250)],
        "regions": [{"name": "a", "voxels": list(range(1234)), "made": True}],
        "choices": {"mask": {"ratio": 0.75, "masked": []}, "crosshair": [1, 2, 3]},
        "results": [],
        "sessions": [{"queue": [{"trial": n} for n in range(101)]}, {}],
    }
    write_state(tmp_path / "state.json", document)
    read = read_state(tmp_path / "state.json")
    assert {name: read[name] for name in document} == document


def test_state_cut_short_is_not_offered(ready, tmp_path):
    (tmp_path / "last-session.json").write_text('{"format": "mindvis se')
    autosave = Autosave(ready, tmp_path, dict)
    autosave.start()
    assert autosave.left_over is None
    autosave.close()


def test_states_of_no_subject_are_not_offered(ready, tmp_path):
    for sessions in (7, [3, {}, {"subject": "tiny"}]):
        write_state(tmp_path / "left-behind.json", {"sessions": sessions})
        autosave = Autosave(ready, tmp_path, dict)
        autosave.start()
        assert (autosave.left_over, autosave.left_before) == (None, [])
        autosave.close()


def test_second_window_leaves_the_state_to_the_first(ready, tmp_path):
    first, second = (Autosave(ready, tmp_path, dict) for _ in range(2))
    first.start()
    second.start()
    assert second._lock is None
    second.close()
    first.close()


def test_folder_that_cannot_be_made_is_one_line(qtbot, ready, tmp_path):
    (tmp_path / "file").touch()
    with qtbot.waitSignal(ready.problem) as problem:
        Autosave(ready, tmp_path / "file" / "state", dict).start()
    assert "not saved by itself" in problem.args[0]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder nobody may write")
def test_folder_that_nothing_can_be_written_to_is_one_line(qtbot, ready):
    with qtbot.waitSignal(ready.problem, timeout=500) as problem:
        Autosave(ready, Path("/proc/self"), dict).start()
    assert "not saved by itself" in problem.args[0]


# -- decode folders --------------------------------------------------------------------------


@pytest.fixture
def folder(qtbot, ready, subject, tmp_path):
    """Return a decode folder of trials 1 and 4, seeds 0 to 2, made by a model that is gone."""
    path = tmp_path / "decoded"
    ready.set_seeds(0, 3)
    for trial in (1, 4):
        ready.set_trial(trial)
        ready.decode()
        qtbot.waitUntil(lambda: ready.idle)
        result = ready.results.result
        result = replace(result, request=replace(result.request, model_hash="9" * 64))
        writer = DecodeFolderWriter(
            path, subject, ready.decoder.info, result.request, NORMALISATION
        )
        writer.add(compare(result, subject))
    start_anew(qtbot, ready)
    return path


def test_decode_folder_is_shown_beside_the_stimuli_without_decoding(
    qtbot, ready_window, ready, folder
):
    started = []
    ready.queue.started.connect(started.append)
    assert ready_window._saved.open_any(folder)
    qtbot.waitUntil(lambda: ready.idle)
    page = ready_window.workspace.compare_page
    assert ready_window.workspace.comparing
    assert page.model.rows == [1, 4]
    assert page.model.columns == [0, 1, 2]
    every = [page.model.drawn_at(page.model.index(r, c)) for r in (0, 1) for c in (1, 2, 3)]
    assert all(each is not None for each in every)
    assert every[0].picture()[0, 0, 0] == 40
    assert ready.results.result.request.trial == 1
    assert started == []
    problems = []
    ready.problem.connect(problems.append)
    ready.set_seeds(0, 4)
    ready.grid.set_values("seed", "0-3")
    ready_window.actions_by_id["decode_missing"].trigger()
    assert "is not loaded" in problems[0]


def read_meanwhile(session, other):
    """Let what is being read come once another subject is open."""
    for job in session.jobs._receivers:
        assert job.wait(20_000)
    session.take_subject(finish(preparing_to_show(other, Preparation(), None)))


def test_a_decode_folder_of_the_subject_before_is_not_shown(
    qtbot, ready_window, ready, folder, subject_factory
):
    open_decode_folder(ready, folder)
    read_meanwhile(ready, subject_factory(8))
    qtbot.waitUntil(lambda: ready.idle)
    assert len(ready.collection) == 0


def test_samples_of_a_session_are_not_those_of_a_subject_opened_after_it(
    qtbot, worked, ready, monkeypatch, tmp_path, subject_factory
):
    save(qtbot, worked, ready, monkeypatch, tmp_path / "a.mindvis")
    start_anew(qtbot, ready)
    opener = SessionOpener(ready)
    with qtbot.waitSignal(ready.subject_changed):
        opener.open(SessionFile(tmp_path / "a.mindvis"))
    read_meanwhile(ready, subject_factory(8))
    with qtbot.assertNotEmitted(opener.opened):
        qtbot.waitUntil(lambda: ready.idle)
    assert len(ready.collection) == 0
    assert ready.request_rois is None


def test_decode_folder_of_another_subject_is_one_line(qtbot, ready_window, ready, folder):
    index = json.loads((folder / "decode.json").read_text())
    index["subject"]["name"] = "S9"
    (folder / "decode.json").write_text(json.dumps(index))
    with qtbot.waitSignal(ready.problem) as problem:
        ready_window._saved.open_any(folder / "decode.json")
    assert "was decoded from S9; open that subject first" in problem.args[0]


def test_decode_folder_of_prepared_responses_prepares_them_again(
    qtbot, ready_window, ready, subject, tmp_path
):
    steps = Preparation((TrialFilter.parse("trial!=0"),), z_score="voxel")
    ready.preparation.set_steps(steps)
    qtbot.waitUntil(lambda: ready.idle and ready.preparation.steps == steps)
    ready.set_trial(2)
    ready.decode()
    qtbot.waitUntil(lambda: ready.idle and ready.results.result is not None)
    result = ready.results.result
    writer = DecodeFolderWriter(
        tmp_path / "decoded", ready.subject, ready.decoder.info, result.request, NORMALISATION
    )
    writer.add(compare(result, ready.subject))
    start_anew(qtbot, ready)
    assert not ready.preparation.steps
    assert ready_window._saved.open_any(tmp_path / "decoded")
    qtbot.waitUntil(lambda: ready.idle and ready.results.result is not None)
    assert ready.preparation.steps == steps
    assert ready.trial.index == 2
    assert ready.results.result.request.vector.tolist() == result.request.vector.tolist()
    assert ready_window.workspace.comparing


def test_decode_folder_that_comes_before_the_responses_are_measured_is_one_line(
    qtbot, ready_window, ready, folder, monkeypatch
):
    monkeypatch.setattr(ready._response, "normalisation", None)
    with qtbot.waitSignal(ready.problem) as problem:
        ready_window._saved.open_any(folder)
    assert problem.args[0] == "the responses are being measured; open the folder again then"


def test_decode_folder_of_other_responses_is_one_line(qtbot, ready_window, ready, folder):
    text = (folder / "decode.json").read_text()
    index = json.loads(text)
    index["trials"][0]["request"]["vector_sha256"] = "0" * 64
    (folder / "decode.json").write_text(json.dumps(index))
    with qtbot.waitSignal(ready.problem) as problem:
        ready_window._saved.open_any(folder)
    assert "another response" in problem.args[0]


def test_decode_folder_of_a_lesion_is_one_line(qtbot, ready_window, ready, folder):
    index = json.loads((folder / "decode.json").read_text())
    for each in index["trials"]:
        each["request"]["lesion"] = {"name": "V1 + hV4", "method": "zero"}
    (folder / "decode.json").write_text(json.dumps(index))
    problems = []
    ready.problem.connect(problems.append)
    ready_window._saved.open_any(folder)
    qtbot.waitUntil(lambda: ready.idle)
    (problem,) = problems
    assert "was decoded without V1 + hV4; decode it again in the panel Lesion" in problem
    assert len(ready.collection) == 0


# -- pictures and history --------------------------------------------------------------------


def test_dropped_sample_shows_its_pixels_again_and_decoding_gives_the_same(
    qtbot, ready_window, ready, tmp_path
):
    ready.set_trial(2)
    ready.decode()
    qtbot.waitUntil(lambda: ready.idle)
    result, path = ready.results.result, tmp_path / "sample.png"
    write_sample(result.samples[3], result.request, path)
    start_anew(qtbot, ready)
    ready_window._saved.open_any(path)
    qtbot.waitUntil(lambda: ready.results.result is not None)
    (shown,) = ready.results.result.samples
    assert (ready.trial.index, shown.seed) == (2, 3)
    assert np.array_equal(shown.image, result.samples[3].image)
    with qtbot.waitSignal(ready.queue.decoded) as decoded:
        ready.decode()
    assert np.array_equal(decoded.args[0].samples[0].image, shown.image)
    qtbot.waitUntil(lambda: ready.idle)


@pytest.fixture
def remembered(qtbot, ready, tmp_path):
    """Return the session with cache and history on disk, trial 1 decoded."""
    cache = SampleCache(tmp_path / "samples")
    ready.queue._cache = ready.collection._cache = ready.cache = cache
    ready.history._folder = tmp_path / "history"
    cache.pinned = ready.history.pinned
    ready.set_trial(1)
    ready.decode()
    qtbot.waitUntil(lambda: ready.idle)
    return ready


def test_history_is_found_again_after_a_start(qtbot, remembered, tmp_path):
    again = History(remembered.jobs, tmp_path / "history")
    again.load()
    qtbot.waitUntil(lambda: len(again.entries) == 1)
    (entry,) = again.search("crab dpm++")
    assert entry.request["trial"] == 1
    assert again.search("crab violin") == []


def test_history_forgets_the_oldest_as_decodes_come(qtbot, remembered, monkeypatch):
    history, folder = remembered.history, remembered.history._folder
    (first,) = history.search("")
    history.star(first, True)
    monkeypatch.setattr(history_folder, "_MOST", 2)
    for trial in (2, 3, 4, 5):
        remembered.set_trial(trial)
        remembered.decode()
        qtbot.waitUntil(lambda: remembered.idle)
    kept = sorted(entry.request["trial"] for entry in history.entries.values())
    assert kept == [1, 4, 5]  # the first has a star
    assert {path.stem for path in folder.glob("*.json")} == set(history.entries)
    history.star(first, False)
    qtbot.waitUntil(lambda: remembered.idle)
    assert first.id in history.entries  # who took a star away may give it back


def test_a_star_of_another_window_keeps_an_old_entry_on_disk(qtbot, remembered, monkeypatch):
    history, folder = remembered.history, remembered.history._folder
    (first,) = history.search("")
    History(remembered.jobs, folder).star(first, True)
    monkeypatch.setattr(history_folder, "_MOST", 0)
    remembered.set_trial(2)
    remembered.decode()
    qtbot.waitUntil(lambda: remembered.idle)
    assert first.id not in history.entries
    assert history_folder.read_entry(folder / f"{first.id}.json").starred


def test_history_finds_its_subject_from_any_folder(remembered):
    info = remembered.decoder.info
    remembered.history.add(remembered.results.result, info, Path("tiny.h5"))
    (entry,) = remembered.history.search("")
    assert Path(entry.source) == Path.cwd() / "tiny.h5"


def test_starred_entries_keep_their_samples_and_same_requests_are_one_entry(qtbot, remembered):
    (entry,) = remembered.history.search("")
    remembered.history.star(entry, True)
    assert remembered.history.pinned() == set(entry.keys)
    remembered.decode()
    qtbot.waitUntil(lambda: remembered.idle)
    (entry,) = remembered.history.search("starred")
    assert all(remembered.cache.get(key) is not None for key in entry.keys)
    remembered.history.remove(entry)
    qtbot.waitUntil(lambda: remembered.idle)
    assert list((remembered.history._folder).glob("*.json")) == []


def test_star_of_the_same_request_stays_where_the_history_is_not_read(qtbot, remembered, tmp_path):
    (entry,) = remembered.history.search("")
    remembered.history.star(entry, True)
    qtbot.waitUntil(lambda: remembered.idle)
    remembered.history.entries.clear()  # as with a screenshot
    remembered.decode()
    qtbot.waitUntil(lambda: remembered.idle)
    assert remembered.history.pinned() == set(entry.keys)
    remembered.history.load()  # a decode may be finished before it is read
    qtbot.waitUntil(lambda: len(remembered.history.search("starred")) == 1)


def test_entry_of_the_history_is_brought_back(qtbot, ready_window, remembered):
    (entry,) = remembered.history.search("")
    image = remembered.results.result.samples[2].image
    start_anew(qtbot, remembered)
    ready_window.workspace.show_panel("history", True)
    panel = ready_window.workspace.history_panel
    panel.list.setCurrentIndex(panel.list.model().index(0, 0))
    panel.list.restored.emit(panel.list.currentIndex().data(0x0100))
    qtbot.waitUntil(lambda: remembered.results.result is not None)
    assert remembered.trial.index == 1
    assert np.array_equal(remembered.results.result.samples[2].image, image)
    shutil.rmtree(remembered.cache.folder)
    start_anew(qtbot, remembered)
    with qtbot.waitSignal(remembered.message) as message:
        ready_window._saved.restorer.open_entry(entry)
    assert "no longer kept" in message.args[0]


def test_long_history_keeps_its_chosen_entry_without_naming_all_anew(
    qtbot, ready_window, remembered, monkeypatch
):
    history = remembered.history
    (newest,) = history.search("")
    for trial in range(2, 200):
        request = {**newest.request, "trial": trial, "label": f"old {trial}"}
        entry = replace(
            newest, request=request, when=f"2020-01-01T00:{trial // 60:02d}:{trial % 60:02d}"
        )
        history.entries[entry.id] = entry
    ready_window.workspace.show_panel("history", True)
    panel = ready_window.workspace.history_panel
    shown = panel.list.model()
    panel.list.setCurrentIndex(shown.index(150, 0))
    chosen, named, name = panel.list.currentIndex().data(0x0100), [], type(newest).id.fget
    monkeypatch.setattr(type(newest), "id", property(lambda each: named.append(1) or name(each)))
    panel.search.setText("old")
    assert panel.list.currentIndex().data(0x0100) is chosen
    assert panel.list.currentIndex().row() == 149
    history.star(chosen, True)
    panel._show()
    assert panel.list.currentIndex().data(0x0100).starred
    panel.search.setText(chosen.when)
    assert panel.list.currentIndex().row() == 0
    assert len(named) < 20
    panel.search.setText("")
    history.remove(panel.list.currentIndex().data(0x0100))
    panel._show()
    assert panel.list.currentIndex().row() == 150  # what has moved into its place
    qtbot.waitUntil(lambda: remembered.idle)


def test_damaged_entry_of_the_history_is_left_out(qtbot, remembered, tmp_path):
    (tmp_path / "history" / "cut.json").write_text('{"format": "mindvis hist')
    (tmp_path / "history" / "other.json").write_text('{"format": "mindvis history 1"}')
    again = History(remembered.jobs, tmp_path / "history")
    with qtbot.waitSignal(again.changed):
        again.load()
    assert len(again.entries) == 1


def test_sample_of_the_gallery_is_taken_out_as_a_file(qtbot, ready_window, ready, monkeypatch):
    from mindvis_gui.views import gallery as module
    from mindvis_gui.views.drag_out import sample_data

    taken = []
    monkeypatch.setattr(
        module, "drag_sample", lambda _, drawn, complain: taken.append(sample_data(drawn))
    )
    ready.decode()
    qtbot.waitUntil(lambda: ready.idle)
    tile = ready_window.workspace.gallery.tiles[2]
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(tile, left, pos=QPoint(20, 20))
    qtbot.mouseMove(tile, QPoint(60, 60))
    qtbot.mouseRelease(tile, left, pos=QPoint(60, 60))
    (data,) = taken
    assert read_request(Path(data.urls()[0].toLocalFile()))["seed"] == 1
    assert not ready_window.workspace.gallery.large.isVisible()


def test_scores_and_arrays_of_all_samples_are_written(
    qtbot, ready_window, ready, monkeypatch, tmp_path
):
    for trial in (0, 1):
        ready.set_trial(trial)
        ready.decode()
        qtbot.waitUntil(lambda: ready.idle)
    monkeypatch.setattr(file_dialogs, "ask_scores_file", lambda *_: tmp_path / "scores.csv")
    ready_window.actions_by_id["export_scores"].trigger()
    qtbot.waitUntil(lambda: ready.idle)
    lines = (tmp_path / "scores.csv").read_text().splitlines()
    assert len(lines) == 1 + 8
    assert {"trial", "seed", "pixel_correlation", "chance_rank"} <= set(lines[0].split(","))
    monkeypatch.setattr(file_dialogs, "ask_arrays_file", lambda *_: tmp_path / "samples.npy")
    ready_window.actions_by_id["export_arrays"].trigger()
    qtbot.waitUntil(lambda: ready.idle)
    assert np.load(tmp_path / "samples.npy").shape == (8, 32, 32, 3)


def test_latents_of_all_samples_are_drawn_again_and_written(
    qtbot, ready_window, ready, decoder, monkeypatch, tmp_path
):
    def latents(request):
        yield Step(1, 1)
        return np.stack(
            [np.full((3, 4, 4), 100 * request.trial + seed, np.float32) for seed in request.seeds]
        )

    problems = []
    ready.problem.connect(problems.append)
    monkeypatch.setattr(file_dialogs, "ask_arrays_file", lambda *_: tmp_path / "latents.npy")
    for trial in (0, 1):
        ready.set_trial(trial)
        ready.set_seeds(3 - trial, 2)
        ready.decode()
        qtbot.waitUntil(lambda: ready.idle)
    ready_window.actions_by_id["export_latents"].trigger()
    qtbot.waitUntil(lambda: ready.idle)
    assert problems == ["model fake has no latents to export; choose another"]
    decoder.latents = latents
    ready_window.actions_by_id["export_latents"].trigger()
    qtbot.waitUntil(lambda: ready.idle)
    written = np.load(tmp_path / "latents.npy")
    assert (written.shape, written.dtype) == ((4, 3, 4, 4), np.float32)
    rows = json.loads((tmp_path / "latents.json").read_text())["rows"]
    assert [100 * row["trial"] + row["seed"] for row in rows] == [3, 4, 102, 103]
    assert written[:, 0, 0, 0].tolist() == [3, 4, 102, 103]


def test_history_that_cannot_be_written_is_said_once(qtbot, ready, tmp_path):
    (tmp_path / "file").touch()
    ready.history._folder = tmp_path / "file"
    problems = []
    ready.problem.connect(problems.append)
    for trial in (0, 1):
        ready.set_trial(trial)
        ready.decode()
        qtbot.waitUntil(lambda: ready.idle)
    assert len(problems) == 1
    assert "decodes are not remembered" in problems[0]


def figure(session, path):
    """Write a figure of all trials that were decoded like the chosen one."""
    from mindvis_gui.analysis.figures.writing import write_figure

    session.figures.all_trials = True
    write_figure(session.figures.content()(), path)


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.tif", "b.TIFF", "a.pdf", "a.pdf.json"])
@pytest.mark.parametrize("kept", ["all", "some", "none"])
def test_dropped_figure_brings_all_its_trials_and_samples_back(
    qtbot, ready_window, remembered, tmp_path, kept, name
):
    session = remembered
    session.set_seeds(5, 2)
    for trial in (3, 1):
        session.set_trial(trial)
        session.decode()
        qtbot.waitUntil(lambda: session.idle)
    drawn = {
        (each.options.trial, each.options.seed): each.picture()
        for each in session.collection.everything()
        if each.options.seed >= 5
    }
    figure(session, tmp_path / name.removesuffix(".json"))
    if kept == "none":
        shutil.rmtree(session.cache.folder)
    elif kept == "some":  # one is gone, and one was cut short
        for seed, trial in ((5, 1), (6, 3)):
            (each,) = [
                each
                for each in session.collection.everything()
                if (each.options.trial, each.options.seed) == (trial, seed)
            ]
            each.source.write_bytes(each.source.read_bytes()[: 100 if trial == 3 else 0])
    start_anew(qtbot, session)
    assert len(session.collection) == 0
    started = []
    session.queue.started.connect(started.append)
    assert ready_window._saved.open_any(tmp_path / name)
    qtbot.waitUntil(lambda: session.idle and session.results.result is not None)
    assert (session.trial.index, session.first_seed, session.n_samples) == (1, 5, 2)
    assert [sample.seed for sample in session.results.result.samples] == [5, 6]
    assert ready_window.workspace.comparing
    grid = session.grid
    assert (grid.axis("trial").values, grid.axis("seed").values) == ((1, 3), (5, 6))
    assert len(drawn) == 4
    for (trial, seed), image in drawn.items():
        again = session.collection.get(grid.cell(trial, seed).options)
        assert np.array_equal(again.picture(), image)
    assert len(started) == (0 if kept == "all" else 2)


def test_dropped_figure_brings_the_preparation_back(qtbot, ready_window, remembered, tmp_path):
    session = remembered
    session.preparation.set_steps(Preparation(z_score="voxel"))
    qtbot.waitUntil(lambda: session.idle and session.preparation.steps.z_score == "voxel")
    session.set_trial(2)
    session.decode()
    qtbot.waitUntil(lambda: session.idle and session.results.result is not None)
    before = session.results.result
    figure(session, tmp_path / "a.png")
    start_anew(qtbot, session)
    session.preparation.set_steps(Preparation())
    qtbot.waitUntil(lambda: session.idle and not session.preparation.steps)
    problems = []
    session.problem.connect(problems.append)
    ready_window._saved.open_any(tmp_path / "a.png")
    qtbot.waitUntil(lambda: session.idle and session.results.result is not None)
    assert session.preparation.steps.z_score == "voxel"
    assert session.trial.index == 2
    for again, sample in zip(session.results.result.samples, before.samples, strict=True):
        assert np.array_equal(again.image, sample.image)
    assert problems == []


def test_dropped_grid_brings_its_axes_and_samples_back(qtbot, ready_window, remembered, tmp_path):
    from mindvis_gui.analysis.figures.writing import write_figure

    session = remembered
    session.grid.set_axes("guidance", "seed")
    session.grid.set_values("guidance", "1, 2.5")
    session.grid.set_values("seed", "7-8")
    session.grid.start(session.grid.missing())
    qtbot.waitUntil(lambda: session.idle and not session.grid.missing())
    drawn = {
        (scale, seed): session.collection.get(session.grid.cell(scale, seed).options).picture()
        for scale in (1, 2.5)
        for seed in (7, 8)
    }
    trial = session.trial.index
    write_figure(session.figures.content("grid")(), tmp_path / "a.png", "grid")
    start_anew(qtbot, session)
    started = []
    session.queue.started.connect(started.append)
    assert ready_window._saved.open_any(tmp_path / "a.png")
    qtbot.waitUntil(lambda: session.idle and ready_window.workspace.comparing)
    grid = session.grid
    assert (session.trial.index, grid.rows, grid.columns) == (trial, "guidance", "seed")
    assert (grid.axis("guidance").values, grid.axis("seed").values) == ((1, 2.5), (7, 8))
    for (scale, seed), image in drawn.items():
        again = session.collection.get(grid.cell(scale, seed).options)
        assert np.array_equal(again.picture(), image)
    assert not started


def test_dropped_figure_of_one_trial_stays_with_its_samples(
    qtbot, ready_window, remembered, tmp_path
):
    figure(remembered, tmp_path / "a.png")
    start_anew(qtbot, remembered)
    ready_window._saved.open_any(tmp_path / "a.png")
    qtbot.waitUntil(lambda: remembered.idle and remembered.results.result is not None)
    assert remembered.trial.index == 1
    assert not ready_window.workspace.comparing


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>", "no decode request inside"),
        ("a.svg", "<svg", "no decode request inside"),
        ("a.tif", "II*", "no decode request inside"),
        ("a.pdf", "%PDF", "a.pdf.json, which is not beside it"),
        ("a.png.json", "[]", "not the record of a figure"),
        ("a.png.json", '{"format": "mindvis figure", "requests": [{}]}', "decoded from None"),
    ],
)
def test_figure_from_elsewhere_is_one_line(ready_window, ready, tmp_path, name, content, complaint):
    (tmp_path / name).write_text(content)
    problems = []
    ready.problem.connect(problems.append)
    assert ready_window._saved.open_any(tmp_path / name)
    assert len(problems) == 1
    assert complaint in problems[0]


def test_figure_of_other_responses_is_one_line(qtbot, ready_window, remembered, tmp_path):
    figure(remembered, tmp_path / "a.png")
    record = json.loads((tmp_path / "a.png.json").read_text())
    record["requests"][0]["vector_sha256"] = "0" * 64
    (tmp_path / "a.png.json").write_text(json.dumps(record))
    with qtbot.waitSignal(remembered.problem) as problem:
        ready_window._saved.open_any(tmp_path / "a.png.json")
    assert "another response" in problem.args[0]


def test_picture_of_another_subject_is_one_line(qtbot, ready_window, ready, tmp_path):
    ready.decode()
    qtbot.waitUntil(lambda: ready.idle)
    result = ready.results.result
    other = replace(result.request, subject="S7")
    write_sample(result.samples[0], other, tmp_path / "sample.png")
    with qtbot.waitSignal(ready.problem) as problem:
        ready_window._saved.open_any(tmp_path / "sample.png")
    assert "decoded from S7; open that subject first" in problem.args[0]


def test_history_keeps_its_place_when_an_entry_is_starred_or_forgotten(qtbot, ready_window, ready):
    for trial in (0, 1, 2):
        ready.set_trial(trial)
        ready.decode()
        qtbot.waitUntil(lambda: ready.idle)
    ready_window.workspace.show_panel("history", True)
    panel = ready_window.workspace.history_panel

    def chosen():
        entry = panel.list.currentIndex().data(Qt.ItemDataRole.UserRole)
        return None if entry is None else (entry.request["trial"], entry.starred)

    qtbot.waitUntil(lambda: panel.list.model().rowCount() == 3)
    panel.list.setCurrentIndex(panel.list.model().index(1))
    assert chosen() == (1, False)
    qtbot.keyClick(panel.list, Qt.Key.Key_S)
    qtbot.waitUntil(lambda: chosen() == (1, True))
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: chosen() == (0, False))
