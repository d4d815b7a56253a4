import gc
import threading
import time

import pytest
import shiboken6
from PySide6.QtCore import QObject

from mindvis_gui.jobs import Jobs


@pytest.fixture
def jobs(qapp):
    made = Jobs()
    yield made
    made.close()
    shiboken6.delete(made)


def count_to(n):
    yield from range(1, n + 1)
    return n * 10


def test_items_result_and_end_are_handed_over_in_order(qtbot, jobs):
    told = []
    with qtbot.waitSignal(jobs.changed), qtbot.waitSignal(jobs.changed):
        jobs.start(
            count_to(3),
            "Counting",
            lambda result: told.append(("done", result)),
            progress=told.append,
            ended=lambda: told.append("ended"),
        )
    qtbot.waitUntil(lambda: jobs.idle)
    assert told == [1, 2, 3, ("done", 30), "ended"]


def test_failure_is_reported_and_the_end_told(qtbot, jobs):
    told = []

    def fail():
        yield 1
        raise ZeroDivisionError

    with qtbot.waitSignal(jobs.failed) as failed:
        jobs.start(fail(), "", told.append, ended=lambda: told.append("ended"))
    qtbot.waitUntil(lambda: jobs.idle)
    assert isinstance(failed.args[0], ZeroDivisionError)
    assert told == ["ended"]


def test_a_job_without_a_title_does_not_make_it_busy(qtbot, jobs):
    with qtbot.assertNotEmitted(jobs.changed):
        jobs.run(lambda: 1, "", lambda _: None)
        assert jobs.busy == ""
        assert not jobs.idle
        qtbot.waitUntil(lambda: jobs.idle)


def test_nothing_starts_and_nobody_is_told_after_the_end(qtbot, jobs):
    told = []

    def again(result):
        told.append(result)
        jobs.run(lambda: 2, "", again)  # as the list of trials asks for its next thumbnails

    jobs.run(lambda: 1, "", again)
    jobs.close()
    late = jobs.run(lambda: 3, "", told.append)
    qtbot.waitUntil(lambda: jobs.idle)
    assert told == []
    assert not late.isRunning()
    assert not late.isFinished()


def test_what_is_quick_is_there_at_once_and_once(qtbot, jobs):
    told = []
    jobs.soon(lambda: 5, "Reading", told.append)
    assert told == [5]
    assert not jobs.busy
    qtbot.waitUntil(lambda: jobs.idle)
    assert told == [5]


def test_what_takes_longer_is_said_and_comes_later(qtbot, jobs):
    told, go_on = [], threading.Event()
    begun = time.perf_counter()
    jobs.soon(lambda: go_on.wait(10), "Reading", told.append)
    assert time.perf_counter() - begun < 5
    assert jobs.busy == "Reading"
    assert not told
    go_on.set()
    qtbot.waitUntil(lambda: jobs.idle)
    assert told == [True]
    assert not jobs.busy


def test_what_is_quick_and_fails_is_reported(qtbot, jobs):
    told = []
    with qtbot.waitSignal(jobs.failed):
        jobs.soon(lambda: 1 // 0, "Reading", told.append)
    assert told == []


def test_what_the_end_of_a_job_lets_go_is_collected_after_it(qtbot):
    """Nobody but the job knows its owner any more, and a collection comes while it ends."""
    told = []

    class Owner(QObject):
        def __init__(self):
            super().__init__()
            self.jobs, self.itself = Jobs(self), self
            self.jobs.changed.connect(self.tell)
            self.destroyed.connect(lambda: told.append("gone"))

        def tell(self):
            told.append("changed")

    Owner().jobs.run(lambda: 1, "Work", lambda _: None, ended=gc.collect)
    qtbot.waitUntil(lambda: told.count("changed") == 2)
    gc.collect()
    assert told == ["changed", "changed", "gone"]
