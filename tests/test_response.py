import threading
from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.data.at_hand import NotAtHandError, only_at_hand
from mindvis_gui.data.prepare import measure_normalisation
from mindvis_gui.data.recording import RowRecording, StackedRows
from mindvis_gui.data.scratch import ReadOnce, ScratchRows
from mindvis_gui.data.subject_file import SubjectFile, write_subject
from mindvis_gui.errors import DataError, RequestError
from mindvis_gui.jobs import Jobs
from mindvis_gui.session.response import Response

SLOW, QUICK = 2, 0


@pytest.fixture
def gate():
    """Held shut, it keeps the second half of the responses from being unpacked."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def packed(subject, gate):
    """Return the subject with its first two trials at hand and all others in a packed file."""
    values = subject.responses(range(len(subject.trials)))

    def unpack():
        assert gate.wait(5)
        return ScratchRows([values[SLOW:]], subject.n_voxels)

    second = ReadOnce(unpack)

    def read(rows):
        found = np.empty((len(rows), subject.n_voxels), np.float32)
        early = rows < SLOW
        found[early] = values[rows[early]]
        if not early.all():
            found[~early] = second(rows[~early] - SLOW)
        return found

    rows = [np.array([i]) for i in range(len(subject.trials))]
    return replace(subject, recording=RowRecording(read, rows))


@pytest.fixture
def response(qapp, subject, packed):
    jobs = Jobs()
    made = Response(jobs)
    made.set_subject(packed, measure_normalisation(subject))
    yield made
    jobs.close()


def test_what_must_be_unpacked_comes_later_and_is_there_then(
    qtbot, response, packed, subject, gate
):
    trial = packed.trials[SLOW]
    response.read(packed, trial, None)
    assert response.recorded is None
    assert response.vector is None
    assert response.awaited
    with qtbot.waitSignal(response.completed):
        gate.set()
    assert not response.awaited
    response.read(packed, trial, None)
    np.testing.assert_array_equal(response.recorded, subject.responses([SLOW])[0])
    assert response.vector is not None


def test_a_trial_at_hand_is_not_kept_waiting_or_disturbed(qtbot, response, packed, gate):
    response.read(packed, packed.trials[SLOW], None)
    response.read(packed, packed.trials[QUICK], None)
    assert response.vector is not None
    assert not response.awaited
    with qtbot.assertNotEmitted(response.completed, wait=100):
        gate.set()


def test_what_is_read_in_a_moment_is_there_at_once(qtbot, response, packed, subject, gate):
    gate.set()
    with qtbot.assertNotEmitted(response.completed, wait=100):
        response.read(packed, packed.trials[SLOW], None)
        np.testing.assert_array_equal(response.recorded, subject.responses([SLOW])[0])
        assert response.vector is not None
        assert not response.awaited


def test_a_file_is_read_once_a_trial_and_never_by_the_windows_thread(
    qtbot, response, subject, tmp_path, monkeypatch
):
    write_subject(tmp_path / "subject.h5", subject)
    opened = open_subject(tmp_path / "subject.h5")
    readers, read = [], SubjectFile.responses

    def noted(self, indices):
        values = read(self, indices)
        readers.append(threading.current_thread())
        return values

    monkeypatch.setattr(SubjectFile, "responses", noted)
    response.set_subject(opened, response.normalisation)
    for rois in (None, ("V1",), ("V2",)):
        response.read(opened, opened.trials[3], rois)
        qtbot.waitUntil(lambda: response._jobs.idle)
        if response.vector is None:  # it took longer than a moment
            response.read(opened, opened.trials[3], rois)
        assert response.vector[subject.roi("V1").voxels].any() == (rois != ("V2",))
    assert len(readers) == 1
    assert readers[0] is not threading.main_thread()


def test_what_is_read_of_a_subject_that_was_closed_is_let_go(
    qtbot, response, packed, subject, gate
):
    response.read(packed, packed.trials[SLOW], None)
    response.set_subject(subject, response.normalisation)
    gate.set()
    qtbot.waitUntil(lambda: response._jobs.idle)
    assert response._newest is None
    response.read(subject, subject.trials[SLOW], None)
    assert response.vector is not None


def test_of_trials_gone_through_only_the_last_is_read_again(qtbot, response, packed, gate):
    for index in (SLOW, SLOW + 1, SLOW):
        response.read(packed, packed.trials[index], None)
    response.read(packed, packed.trials[SLOW + 1], None)
    assert len(response._jobs._receivers) == 1
    with qtbot.waitSignal(response.completed):
        gate.set()
    response.read(packed, packed.trials[SLOW + 1], None)
    assert response.vector is not None


def test_after_an_error_it_is_no_longer_awaited(qtbot, response, packed, gate):
    class Damaged:
        def responses(self, indices):
            with_hands = ReadOnce(self.fail)
            return with_hands(indices)

        def fail(self):
            raise DataError("cut short")

    damaged = replace(packed, recording=Damaged())
    response.set_subject(damaged, response.normalisation)
    with qtbot.waitSignal(response._jobs.failed):
        response.read(damaged, damaged.trials[0], None)
    qtbot.waitUntil(lambda: not response.awaited)


def test_the_session_shows_it_when_it_comes(qtbot, ready, packed, subject, gate):
    ready._response.set_subject(packed, ready.normalisation)
    ready.subject = packed
    ready.set_trial(SLOW)
    assert ready.trial.index == SLOW
    with pytest.raises(RequestError, match="is being read"):
        ready.request()
    with qtbot.waitSignal(ready.trial_changed):
        gate.set()
    np.testing.assert_array_equal(ready.response, subject.responses([SLOW])[0])
    assert ready.request().trial == SLOW


def test_only_threads_that_must_not_wait_are_kept_from_unpacking():
    rows = StackedRows([(2, lambda: np.ones((2, 3), np.float32))])
    with only_at_hand():
        with pytest.raises(NotAtHandError):
            rows(np.array([1]))
        found = []
        other = threading.Thread(target=lambda: found.append(rows(np.array([1]))))
        other.start()
        other.join()
        assert rows(np.array([1])).tolist() == [[1, 1, 1]]
    assert found[0].tolist() == [[1, 1, 1]]
