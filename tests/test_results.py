import threading
from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.decoding.sample_cache import SampleCache
from mindvis_gui.errors import ModelError, UnavailableError
from mindvis_gui.session import results


def use(session, load):
    session.results._load_classifiers = load


def test_classifiers_are_asked_for_off_the_windows_thread_with_subject_and_model(
    qtbot, ready, subject, decoder, classifier
):
    asked = []

    def load(*given):
        asked.append((threading.current_thread() is threading.main_thread(), *given))
        return {"concept": classifier, "category": classifier}

    use(ready, load)
    with qtbot.waitSignal(ready.results.comparison_changed):
        ready.decode()
    qtbot.waitUntil(lambda: ready.results.recognitions is not None)
    assert asked == [(False, subject, decoder.info)]
    assert [each.names for each in ready.results.recognitions.found] == ["concept", "category"]
    assert ready.results.comparison is not None


def test_recognitions_are_kept_by_trial_and_go_with_a_new_result(qtbot, ready, classifier):
    use(ready, lambda *given: {"concept": classifier})
    ready.decode()
    qtbot.waitUntil(lambda: ready.results.recognitions is not None)
    first = ready.results.recognitions
    ready.set_trial(1)
    assert ready.results.recognitions is None
    ready.set_trial(0)
    assert ready.results.recognitions is first
    gone = []
    ready.results.result_changed.connect(lambda: gone.append(ready.results.recognitions))
    ready.set_seeds(7, 1)
    ready.decode()
    qtbot.waitUntil(lambda: ready.results.recognitions not in (None, first))
    assert gone[-1] is None
    assert len(ready.results.recognitions.found[0].accuracy) == 1


def test_why_there_is_no_classifier(qtbot, ready):
    def load(*given):
        raise UnavailableError("needs weights")

    use(ready, load)
    ready.decode()
    qtbot.waitUntil(lambda: ready.results.recognitions is not None)
    assert ready.results.recognitions.missing == "needs weights"


def test_damaged_weights_are_a_problem_and_the_comparison_stays(qtbot, ready):
    def load(*given):
        raise ModelError("weights.pth: damaged")

    use(ready, load)
    with qtbot.waitSignal(ready.problem) as said:
        ready.decode()
    assert said.args == ["weights.pth: damaged"]
    assert ready.results.comparison is not None
    assert ready.results.recognitions is None


def test_the_classifier_of_another_model_is_not_asked(qtbot, ready, decoder, classifier):
    use(ready, lambda *given: {"concept": classifier})
    ready.results.set_model(replace(decoder.info, hash="f" * 64))
    ready.decode()
    qtbot.waitUntil(lambda: ready.results.recognitions is not None)
    assert "not loaded" in ready.results.recognitions.missing


def test_without_a_stimulus_nothing_is_recognised(qtbot, ready, subject, classifier, monkeypatch):
    use(ready, lambda *given: {"concept": classifier})
    monkeypatch.setattr(subject.recording, "stimulus", lambda stimulus_id: None)
    ready.decode()
    qtbot.waitUntil(lambda: ready.results.recognitions is not None)
    assert ready.results.recognitions.found == ()
    assert "no stimulus" in ready.results.recognitions.missing


def test_samples_go_with_their_subject(qtbot, ready):
    with qtbot.waitSignal(ready.queue.decoded):
        ready.decode()
    found, request = ready.collection, ready.request().to_json()
    assert len(found.newest(0)) == len(found.alike(request)[0]) == len(found)
    with qtbot.waitSignal(ready.trial_changed):
        ready.open("other.h5")
    assert found.newest(0) == found.alike(request) == found.everything() == []


def test_samples_are_shown_though_the_cache_lies_on_a_disk_that_fails(
    qtbot, ready, decoder, failing, tmp_path
):
    ready.queue._cache = ready.collection._cache = SampleCache(tmp_path / "samples")
    problems = []
    ready.problem.connect(problems.append)
    with failing(tmp_path / "samples"):
        ready.decode()
        qtbot.waitUntil(lambda: ready.idle)
    assert [sample.seed for sample in ready.results.result.samples] == [0, 1, 2, 3]
    (problem,) = problems
    assert "samples are not kept for later" in problem
    assert "Input/output error" in problem


@pytest.mark.parametrize("kept_on_disk", [True, False])
def test_of_many_trials_the_results_looked_at_last_stay_in_memory_and_others_come_again(
    qtbot, ready, monkeypatch, tmp_path, kept_on_disk
):
    monkeypatch.setattr(results, "_MOST", 2)
    if kept_on_disk:
        ready.queue._cache = ready.collection._cache = SampleCache(tmp_path / "samples")
    shown = {}
    for trial in range(5):
        ready.set_trial(trial)
        ready.decode()
        qtbot.waitUntil(lambda: ready.idle)
        shown[trial] = ready.results.result
    assert set(ready.results._results) == {2, 3, 4}
    assert set(ready.results._comparisons) == {2, 3, 4}
    for trial in (0, 4, 1):
        ready.set_trial(trial)
        qtbot.waitUntil(lambda: ready.idle and ready.results.comparison is not None)
        again = ready.results.result
        assert again.request.to_json() == shown[trial].request.to_json()
        for one, other in zip(again.samples, shown[trial].samples, strict=True):
            assert np.array_equal(one.image, other.image)
        assert len(ready.results._results) <= 3
