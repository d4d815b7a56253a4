import gc
import weakref
from pathlib import Path
from threading import Event

import pytest

from mindvis_gui.data.mask import MaskState
from mindvis_gui.decoding.sampling_settings import PRESETS
from mindvis_gui.job import Job
from mindvis_gui.session import Session
from mindvis_gui.session.session_opener import SessionOpener


def problems_of(session):
    seen = []
    session.problem.connect(seen.append)
    return seen


def test_open_chooses_the_first_test_trial(opened, subject):
    assert opened.subject is subject
    assert opened.trial is subject.trials[0]
    assert opened.vector.shape == (subject.n_voxels,)
    assert opened.used_rois == opened.brain.visible_rois == {roi.name for roi in subject.rois}


def test_open_can_choose_a_trial(qtbot, session):
    with qtbot.waitSignal(session.trial_changed, check_params_cb=lambda: True):
        session.open("tiny.h5", trial=5)
    assert session.trial.index == 5


def test_open_what_is_no_subject_keeps_the_old_one(qtbot, opened, subject):
    with qtbot.waitSignal(opened.problem) as problem:
        opened.open("missing.h5")
    assert "missing.h5" in problem.args[0]
    assert opened.subject is subject


def test_trial_that_does_not_exist_is_one_sentence(opened, subject):
    seen = problems_of(opened)
    opened.set_trial(99)
    assert seen == ["trial 99 does not exist; choose one of 0 to 23"]
    assert opened.trial is subject.trials[0]


def test_unused_regions_are_zero_in_the_vector(opened, subject):
    used = opened.used_rois - {"V1"}
    opened.set_used_rois(used)
    assert not opened.vector[subject.roi("V1").voxels].any()
    assert opened.vector[subject.roi("V2").voxels].all()
    assert opened.request_rois == ("V2", "V3", "hV4", "LOC", "FFA", "PPA")


def test_all_regions_mean_the_whole_vector(opened):
    assert opened.request_rois is None


def test_no_region_at_all_is_refused(qtbot, opened):
    seen, before = problems_of(opened), opened.used_rois
    with qtbot.waitSignal(opened.rois_changed):
        opened.set_used_rois(frozenset())
    assert "at least one region" in seen[0]
    assert opened.used_rois == before


def test_regions_and_mask_are_undone_in_turn(opened):
    rois, mask = opened.used_rois, opened.masking.mask
    opened.set_used_rois(rois - {"V1"})
    opened.masking.draw_mask(0.5, seed=3)
    opened.undo_stack.undo()
    assert opened.masking.mask is mask
    opened.undo_stack.undo()
    assert opened.used_rois == rois
    opened.undo_stack.redo()
    assert opened.used_rois == rois - {"V1"}


def test_the_same_mask_again_is_no_change(opened):
    opened.masking.set_mask(MaskState(opened.masking.mask.kept.copy()))
    assert not opened.undo_stack.canUndo()


def test_hidden_regions_do_not_change_the_vector(qtbot, opened):
    vector = opened.vector
    with qtbot.waitSignal(opened.brain.visible_rois_changed):
        opened.brain.set_visible_rois(frozenset({"V1"}))
    assert opened.vector is vector


def test_crosshair_stays_in_the_grid(opened):
    opened.brain.set_crosshair((-5, 10**6, 3))
    assert opened.brain.crosshair == (0, opened.brain.grid.shape[1] - 1, 3)


def test_a_model_makes_the_recovery(qtbot, ready, decoder):
    qtbot.waitUntil(lambda: ready.masking.recovery is not None)
    assert ready.masking.recovery.correlation == pytest.approx(1 - ready.masking.mask.ratio)
    with qtbot.waitSignal(ready.masking.recovery_changed):
        ready.masking.draw_mask(0.25, seed=1)
    qtbot.waitUntil(
        lambda: ready.masking.recovery.correlation == pytest.approx(1 - ready.masking.mask.ratio)
    )


def test_request_holds_what_was_chosen(ready):
    ready.set_seeds(7, 2)
    ready.set_sampling(PRESETS["paper"])
    ready.masking.set_applied(True)
    request = ready.request()
    assert request.seeds == (7, 8)
    assert request.sampling == PRESETS["paper"]
    assert request.mask is ready.masking.mask
    assert request.vector is ready.vector
    assert request.label == "cactus"


def test_automatic_precision_is_the_model_s(ready, decoder):
    assert ready.request().sampling.precision == decoder.info.precision


def test_decode_then_score(qtbot, ready):
    steps = []
    ready.queue.progressed.connect(steps.append)
    with qtbot.waitSignal(ready.results.comparison_changed, check_params_cb=lambda: True):
        ready.decode()
    qtbot.waitUntil(lambda: ready.results.comparison is not None)
    assert [sample.seed for sample in ready.results.result.samples] == [0, 1, 2, 3]
    assert [step.index for step in steps] == list(range(1, 11))
    assert len(ready.results.comparison.scores) == 4
    assert not ready.queue.active


def test_stop_keeps_the_result_of_before(qtbot, ready, decoder):
    with qtbot.waitSignal(ready.results.result_changed):
        ready.decode()
    before = ready.results.result
    decoder.hold()
    with qtbot.waitSignal(ready.queue.progressed):
        ready.decode()
    with qtbot.waitSignal(ready.message, check_params_cb=lambda text: "Stopped" in text):
        ready.queue.stop()
        decoder.release()
    qtbot.waitUntil(lambda: not ready.queue.active)
    assert ready.results.result is before


def test_decodes_wait_their_turn(qtbot, ready, decoder):
    results = []
    ready.results.result_changed.connect(lambda: results.append(ready.results.result))
    decoder.hold()
    ready.decode()
    ready.set_seeds(10, 1)
    ready.decode()
    assert len(ready.queue) == 1
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle)
    assert [r.request.seeds for r in results] == [(0, 1, 2, 3), (10,)]


def test_stop_forgets_those_that_wait(qtbot, ready, decoder):
    decoder.hold()
    ready.decode()
    ready.decode()
    ready.queue.stop()
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle)
    assert ready.results.result is None


def test_results_are_kept_by_trial(qtbot, ready):
    with qtbot.waitSignal(ready.results.result_changed):
        ready.decode()
    first = ready.results.result
    ready.set_trial(1)
    assert ready.results.result is None
    ready.set_trial(0)
    assert ready.results.result is first


def test_decode_without_a_model_says_what_to_do(opened):
    seen = problems_of(opened)
    opened.decode()
    assert seen == ["no model is loaded; choose one in the toolbar"]


def test_model_that_cannot_be_loaded(qtbot, opened):
    with qtbot.waitSignal(opened.problem) as problem:
        opened.load_model("missing")
    assert "no model of that name" in problem.args[0]
    assert opened.decoder is None


def test_the_model_that_was_asked_for_last_stays(qtbot, subject, decoder_factory):
    turns = {name: Event() for name in ("first", "second")}
    made = {name: decoder_factory(subject.n_voxels) for name in turns}

    def load(name):
        assert turns[name].wait(30)
        return made[name]

    session = Session(load)
    session.load_model("first")
    session.load_model("second")
    with qtbot.waitSignal(session.model_changed):
        turns["second"].set()
    assert not session.loading.name
    turns["first"].set()
    qtbot.waitUntil(lambda: session.idle)
    assert session.decoder is made["second"]
    session.close()


@pytest.mark.parametrize("model_first", [True, False])
def test_model_of_another_length_is_one_sentence(
    qtbot, monkeypatch, subject, decoder_factory, model_first
):
    import mindvis_gui.session.opening as module

    monkeypatch.setattr(module, "open_subject", lambda path: subject)
    session = Session(lambda name: decoder_factory(4643))
    steps = [lambda: session.load_model("other"), lambda: session.open("tiny.h5")]
    done = [session.model_changed, session.trial_changed]
    if not model_first:
        steps.reverse()
        done.reverse()
    with qtbot.waitSignal(done[0]):
        steps[0]()
    with qtbot.waitSignal(session.problem) as problem:
        steps[1]()
    assert "4,643 voxels but tiny has 700" in problem.args[0]
    session.decode()
    assert not session.queue.active
    session.close()


def test_what_nobody_expected_is_reported_as_a_crash(qtbot, session):
    def work():
        raise ZeroDivisionError

    with qtbot.waitSignal(session.crashed) as crash:
        session.jobs.run(work, "Dividing", lambda _: None)
    assert isinstance(crash.args[0], ZeroDivisionError)
    qtbot.waitUntil(lambda: session.idle)


def test_job_without_a_title_is_not_announced(qtbot, session):
    announced, done = [], []
    session.jobs.changed.connect(lambda: announced.append(session.jobs.busy))
    session.jobs.run(lambda: 1, "", done.append)
    assert session.jobs.busy == ""
    assert not session.idle
    qtbot.waitUntil(lambda: session.idle)
    assert done == [1]
    assert announced == []


def test_busy_is_the_title_of_the_job(qtbot, session):
    session.jobs.run(lambda: 1, "Counting", lambda _: None)
    assert session.jobs.busy == "Counting"
    with qtbot.waitSignal(session.jobs.changed):
        pass
    assert session.jobs.busy == ""


@pytest.fixture
def slow(monkeypatch, subject, subject_factory):
    """Let `slow.h5` be another subject, which is read once the event is set."""
    go_on, other = Event(), subject_factory(8)

    def open_subject(path):
        if Path(path).name != "slow.h5":
            return subject
        go_on.wait(20)
        return other

    monkeypatch.setattr("mindvis_gui.session.opening.open_subject", open_subject)
    yield go_on
    go_on.set()


def test_of_two_subjects_the_one_asked_for_last_is_shown(qtbot, session, slow, subject):
    session.open("slow.h5")
    with qtbot.waitSignal(session.subject_changed):
        session.open("tiny.h5")
    slow.set()
    qtbot.waitUntil(lambda: session.idle)
    assert session.subject is subject


def test_a_subject_asked_for_after_a_session_is_shown(qtbot, session, slow, subject, tmp_path):
    (tmp_path / "slow.h5").touch()
    source = str(tmp_path / "slow.h5")
    SessionOpener(session).open({"subject": {"name": "tiny", "source": source}})
    with qtbot.waitSignal(session.subject_changed):
        session.open("tiny.h5")
    slow.set()
    qtbot.waitUntil(lambda: session.idle)
    assert session.subject is subject


def test_close_ends_what_runs(qtbot, ready, decoder):
    decoder.hold()
    with qtbot.waitSignal(ready.queue.progressed):
        ready.decode()
    decoder.release()
    ready.close()
    assert all(job.isFinished() for job in ready.findChildren(Job))


def test_another_subject_stops_the_decode_and_drops_its_result(qtbot, ready, decoder):
    decoder.hold()
    with qtbot.waitSignal(ready.queue.progressed):
        ready.decode()
    with qtbot.waitSignal(ready.trial_changed):
        ready.open("again.h5")
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle)
    assert ready.results.result is None
    assert ready.queue.running is None


def test_nobody_keeps_a_model_that_gave_way_to_another(qtbot, opened, decoder_factory, subject):
    """Its memory, maybe most of a GPU's, is the next one's."""
    session = opened
    before = decoder_factory(subject.n_voxels)
    kept = weakref.ref(before)
    session.take_decoder(before)
    with qtbot.waitSignal(session.results.result_changed):
        session.decode()
    qtbot.waitUntil(lambda: session.jobs.idle)
    session.take_decoder(decoder_factory(subject.n_voxels))
    del before
    qtbot.waitUntil(lambda: session.jobs.idle)
    gc.collect()
    assert kept() is None
