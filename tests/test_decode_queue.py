"""The queue: order, pause, stop, and that nothing finished is ever lost."""

import os
import random
import signal
import subprocess
import sys
import threading
import weakref
from dataclasses import replace
from time import perf_counter

import numpy as np
import pytest

from mindvis_gui import decode_queue
from mindvis_gui.decode_queue import DecodeQueue, Waiting
from mindvis_gui.decoding.request import (
    DecodeFailure,
    DecodeRequest,
    DecodeResult,
    Sample,
    Step,
)
from mindvis_gui.decoding.sample_cache import SampleCache, sample_key
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import ModelError
from mindvis_gui.jobs import Jobs

VECTOR = np.zeros(700, dtype=np.float32)


class QuickDecoder:
    """Draws plain colours in two steps, one seed at a time as large models do."""

    def __init__(self, info):
        self.info = replace(info, parameters=10**9)
        self.drawn = []
        self.hold_at = None  # seed at whose first step a decode waits
        self.seconds = 0.001
        self.go_on = threading.Event()

    def decode(self, request):
        for index in (1, 2):
            yield Step(index, 2)
            if index == 1 and request.seeds[0] == self.hold_at:
                assert self.go_on.wait(30)
        samples = []
        for seed in request.seeds:
            self.drawn.append((request.trial, seed))
            samples.append(Sample(colour(request.trial, seed), seed))
        return DecodeResult(request, tuple(samples), self.seconds)


def colour(trial, seed):
    return np.full((8, 8, 3), (trial * 7 + seed * 31) % 256, np.uint8)


SAMPLING = Sampling("ddim", 2, "fp32", 1.0)


def request(trial, seeds=(0, 1)):
    vector = VECTOR.copy()
    vector[0] = trial
    return DecodeRequest("tiny", trial, vector, tuple(seeds), SAMPLING, "m", "a")


@pytest.fixture
def jobs(qapp):
    made = Jobs()
    yield made
    made.close()


@pytest.fixture
def quick(decoder_factory):
    return QuickDecoder(decoder_factory(700).info)


@pytest.fixture
def queue(jobs, tmp_path):
    made = DecodeQueue(jobs, cache=SampleCache(tmp_path / "samples"))
    yield made
    made.abandon()


def finished_of(queue):
    found = {}
    queue.decoded.connect(
        lambda result, info: found.update(
            {(result.request.trial, sample.seed): sample.image for sample in result.samples}
        )
    )
    return found


def idle(queue, jobs):
    return jobs.idle and not len(queue) and not queue.active


def test_waiting_requests_are_moved_and_removed(qtbot, jobs, queue, quick):
    queue.pause()
    queue.extend(Waiting(quick, request(trial)) for trial in range(6))
    order = lambda: [each.request.trial for each in queue.waiting]  # noqa: E731
    items = queue.waiting
    queue.move([items[4], items[5]], 1)
    assert order() == [0, 4, 5, 1, 2, 3]
    queue.move([items[0]], 6)
    assert order() == [4, 5, 1, 2, 3, 0]
    queue.remove([items[1], items[3]])
    assert order() == [4, 5, 2, 0]
    started = []
    queue.started.connect(lambda each: started.append(each.trial))
    queue.pause(False)
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert started == [4, 5, 2, 0]


def test_pause_rests_between_two_steps_and_goes_on_from_there(qtbot, jobs, queue, quick):
    steps, done = [], finished_of(queue)
    queue.progressed.connect(steps.append)
    quick.hold_at = 1
    queue.add(quick, request(0, (0, 1, 2)))
    qtbot.waitUntil(lambda: queue.step is not None and queue.step.index == 3)  # first of seed 1
    queue.pause()
    quick.go_on.set()
    qtbot.waitUntil(lambda: queue.step.index == 4)
    qtbot.wait(150)  # longer than the pause is looked at: nothing may come
    assert queue.step.index == 4
    assert not done
    queue.pause(False)
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert set(done) == {(0, 0), (0, 1), (0, 2)}
    assert quick.drawn == [(0, 0), (0, 1), (0, 2)]  # nothing was drawn twice


def test_stop_keeps_the_seeds_that_were_finished(qtbot, jobs, queue, quick):
    done = finished_of(queue)
    quick.hold_at = 2
    queue.add(quick, request(3, range(6)))
    qtbot.waitUntil(lambda: queue.step is not None and queue.step.index == 5)  # first of seed 2
    assert [sample.seed for sample in queue.samples] == [0, 1]
    with qtbot.waitSignal(queue.stopped):
        queue.stop()
        quick.go_on.set()
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert set(done) == {(3, 0), (3, 1)}


def test_the_window_does_not_let_go_of_what_waited(qtbot, queue, quick):
    """Vectors that lie in files take a tenth of a second to go, by the thousand."""
    threads = []
    queue.pause()
    for trial in range(3):
        waits = request(trial)
        weakref.finalize(waits.vector, lambda: threads.append(threading.current_thread()))
        queue.add(quick, waits)
    del waits
    queue.stop()
    qtbot.waitUntil(lambda: len(threads) == 3)
    assert threading.main_thread() not in threads


def test_skip_goes_on_with_the_next(qtbot, jobs, queue, quick):
    done = finished_of(queue)
    quick.hold_at = 1
    queue.extend(Waiting(quick, request(trial)) for trial in (0, 1))
    qtbot.waitUntil(lambda: queue.step is not None and queue.step.index == 3)
    queue.skip()
    quick.go_on.set()
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert set(done) == {(0, 0), (1, 0), (1, 1)}


def test_whoever_hears_of_an_end_may_ask_for_more(qtbot, jobs, queue, quick):
    finished = finished_of(queue)
    quick.hold_at = 0
    queue.stopped.connect(lambda: queue.add(quick, request(2, (2, 3))))
    queue.add(quick, request(1))
    qtbot.waitUntil(lambda: queue.step is not None)
    queue.stop()
    quick.go_on.set()
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert set(finished) == {(2, 2), (2, 3)}


def test_same_request_again_takes_no_step(qtbot, jobs, queue, quick):
    queue.add(quick, request(0))
    qtbot.waitUntil(lambda: idle(queue, jobs))
    steps = []
    queue.progressed.connect(steps.append)
    with qtbot.waitSignal(queue.decoded) as decoded:
        queue.add(quick, request(0))
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert steps == []
    assert [sample.seed for sample in decoded.args[0].samples] == [0, 1]


def test_time_left_counts_all_that_waits(qtbot, jobs, queue, quick):
    assert queue.seconds_left is None
    queue.add(quick, request(0))
    qtbot.waitUntil(lambda: idle(queue, jobs))
    queue.pause()
    queue.extend(Waiting(quick, request(trial)) for trial in range(1, 11))
    ten = queue.seconds_left
    assert ten == pytest.approx(10 * 2 * quick.seconds)  # two seeds, one after the other
    queue.remove(queue.waiting[:5])
    assert queue.seconds_left == pytest.approx(ten / 2)
    queue.move(queue.waiting[3:], 0)
    assert queue.seconds_left == pytest.approx(ten / 2)
    quick.hold_at = 0
    with qtbot.waitSignal(queue.progressed):
        queue.pause(False)
    assert ten / 2 * 4 / 5 < queue.seconds_left < ten / 2
    quick.go_on.set()
    queue.stop()
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert queue.seconds_left == 0


def test_time_left_grows_with_steps_and_seeds(qtbot, jobs, queue, quick):
    queue.add(quick, request(0))
    qtbot.waitUntil(lambda: idle(queue, jobs))
    queue.pause()
    queue.add(quick, request(1))
    one = queue.seconds_left
    queue.add(quick, request(2, (0, 1, 2, 3)))
    assert queue.seconds_left == pytest.approx(3 * one)
    queue.add(quick, replace(request(3), sampling=replace(SAMPLING, steps=4)))
    assert queue.seconds_left == pytest.approx(5 * one)


def test_a_decode_that_rested_tells_nothing_of_the_time_left(qtbot, jobs, queue, quick):
    queue.add(quick, request(0))
    qtbot.waitUntil(lambda: idle(queue, jobs))
    quick.hold_at, quick.seconds = 0, 3600
    with qtbot.waitSignal(queue.progressed):
        queue.add(quick, request(1))
    queue.pause()
    queue.pause(False)
    quick.go_on.set()
    qtbot.waitUntil(lambda: idle(queue, jobs))
    queue.pause()
    queue.add(quick, request(2))
    assert queue.seconds_left == pytest.approx(2 * 0.001)
    queue.pause(False)
    qtbot.waitUntil(lambda: idle(queue, jobs))
    queue.pause()
    queue.add(quick, request(3))
    assert queue.seconds_left > 1000  # nothing rested this time


@pytest.mark.parametrize("end", ["stop", "skip", "go on, then stop"])
def test_a_rest_is_no_time_of_a_decode_that_was_stopped(
    qtbot, jobs, queue, quick, monkeypatch, end
):
    rested = 0.0
    monkeypatch.setattr(decode_queue, "perf_counter", lambda: perf_counter() + rested)
    results = []
    queue.decoded.connect(lambda result, _: results.append(result))
    quick.hold_at = 1
    queue.add(quick, request(0))
    qtbot.waitUntil(lambda: len(queue.samples) == 1 and queue.step is not None)
    queue.pause()
    rested = 5000.0
    if end == "go on, then stop":
        queue.pause(False)
    (queue.skip if end == "skip" else queue.stop)()
    quick.go_on.set()
    qtbot.waitUntil(lambda: not queue.active)
    queue.stop()
    assert [sample.seed for sample in results[0].samples] == [0]
    assert 0 < results[0].seconds < 1000


def test_what_follows_a_decode_that_was_stopped_is_not_stopping(qtbot, jobs, queue, quick):
    quick.hold_at = 0
    with qtbot.waitSignal(queue.progressed):
        queue.add(quick, request(0))
    queue.stop()
    assert queue.stopping
    quick.go_on.set()
    qtbot.waitUntil(lambda: idle(queue, jobs))
    quick.go_on.clear()
    with qtbot.waitSignal(queue.progressed):
        queue.add(quick, request(1))
    assert queue.active
    assert not queue.stopping
    quick.go_on.set()
    qtbot.waitUntil(lambda: idle(queue, jobs))


def test_time_left_does_not_go_through_the_queue(qtbot, jobs, queue, quick, monkeypatch):
    queue.add(quick, request(0))
    qtbot.waitUntil(lambda: idle(queue, jobs))
    queue.pause()
    queue.extend(Waiting(quick, request(trial)) for trial in range(1000))
    looked_at = []
    monkeypatch.setattr("mindvis_gui.decode_queue._work", lambda each: looked_at.append(each) or 1)
    assert queue.seconds_left > 0  # asked at every step of every decode
    assert len(looked_at) == 0


def test_full_disk_is_said_once_and_costs_no_sample(qtbot, jobs, queue, quick, tmp_path):
    (tmp_path / "samples").write_text("in the way")
    done, problems = finished_of(queue), []
    queue.problem.connect(problems.append)
    queue.extend(Waiting(quick, request(trial)) for trial in range(5))
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert len(done) == 10
    assert len(problems) == 1


def test_a_thousand_trials_with_random_stops_lose_nothing_finished(qtbot, jobs, queue, quick):
    chance, done, stops = random.Random(0), finished_of(queue), []

    def maybe_stop(_):
        if chance.random() < 0.004:
            stops.append(len(done))
            queue.stop()

    queue.progressed.connect(maybe_stop)
    while len(done) < 2000:
        left = [trial for trial in range(1000) if not {(trial, 0), (trial, 1)} <= set(done)]
        queue.extend(Waiting(quick, request(trial)) for trial in left)
        qtbot.waitUntil(lambda: idle(queue, jobs), timeout=60_000)
    assert len(stops) > 5
    assert len(quick.drawn) == len(set(quick.drawn)) == 2000  # nothing was lost and drawn again
    assert all(np.array_equal(image, colour(*key)) for key, image in done.items())


# -- several at once -------------------------------------------------------------------------


class CompanyDecoder(QuickDecoder):
    """Draws several requests at once, as small models do; `fails` holds trials that fail."""

    def __init__(self, info):
        super().__init__(info)
        self.info = replace(info, parameters=10**7)
        self.groups, self.fails = [], set()

    def recover(self, vector, mask):
        raise NotImplementedError

    def decode_many(self, requests):
        requests = list(requests)
        self.groups.append([each.trial for each in requests])
        for index in (1, 2):
            yield Step(index, 2, None, len(requests))
        for place, each in enumerate(requests):
            if each.trial == self.hold_at and place:
                yield Step(2, 2, None, len(requests))
                assert self.go_on.wait(30)
            if each.trial in self.fails:
                yield DecodeFailure(each, ModelError(f"trial {each.trial} cannot be decoded"))
                continue
            self.drawn += [(each.trial, seed) for seed in each.seeds]
            samples = tuple(Sample(colour(each.trial, seed), seed) for seed in each.seeds)
            yield DecodeResult(each, samples, 0.001)


@pytest.fixture
def social(decoder_factory):
    return CompanyDecoder(decoder_factory(700).info)


def test_requests_that_gain_from_it_are_decoded_together(qtbot, jobs, queue, social):
    done, started = finished_of(queue), []
    queue.started.connect(lambda each: started.append(each.trial))
    queue.pause()
    queue.extend(Waiting(social, request(trial)) for trial in range(7))
    queue.pause(False)
    assert [each.trial for each in queue.together] == [0, 1, 2, 3, 4]
    assert [each.request.trial for each in queue.waiting] == [5, 6]
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert social.groups == [[0, 1, 2, 3, 4], [5, 6]]
    assert started == list(range(7))
    assert set(done) == {(trial, seed) for trial in range(7) for seed in (0, 1)}
    assert all(np.array_equal(image, colour(*key)) for key, image in done.items())


def test_only_neighbours_of_one_sampling_and_as_many_seeds_go_together(qtbot, jobs, queue, social):
    queue.pause()
    other = replace(request(2), sampling=Sampling("ddim", 4, "fp32"))
    asked = [request(0), request(1), other, request(3), request(4, (0, 1, 2)), request(5)]
    queue.extend(Waiting(social, each) for each in asked)
    queue.pause(False)
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert social.groups == [[0, 1]]
    assert [trial for trial, seed in social.drawn if seed == 0] == [0, 1, 2, 3, 4, 5]


def test_large_model_on_a_cpu_goes_alone(qtbot, jobs, queue, social):
    social.info = replace(social.info, parameters=10**9)
    queue.pause()
    queue.extend(Waiting(social, request(trial)) for trial in range(3))
    queue.pause(False)
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert social.groups == []


def test_stop_keeps_those_of_a_group_that_are_finished(qtbot, jobs, queue, social):
    done = finished_of(queue)
    social.hold_at = 2
    queue.pause()
    queue.extend(Waiting(social, request(trial)) for trial in range(5))
    queue.pause(False)
    qtbot.waitUntil(lambda: len(done) == 4)
    assert queue.running.trial == 2
    with qtbot.waitSignal(queue.stopped):
        queue.stop()
        social.go_on.set()
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert {trial for trial, _ in done} == {0, 1, 2}  # it was at the last when told to stop
    queue.extend(Waiting(social, request(trial)) for trial in range(5))
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert {trial for trial, _ in done} == set(range(5))


def test_one_that_fails_does_not_lose_those_beside_it(qtbot, jobs, queue, social):
    done, failures = finished_of(queue), []
    jobs.failed.connect(lambda error: failures.append(str(error)))
    social.fails = {1}
    queue.pause()
    queue.extend(Waiting(social, request(trial)) for trial in range(5))
    with qtbot.waitSignal(queue.failed):
        queue.pause(False)
    qtbot.waitUntil(lambda: idle(queue, jobs))
    assert failures == ["trial 1 cannot be decoded"]
    assert {trial for trial, _ in done} == {0, 2, 3, 4}
    assert queue.together == ()


def test_a_sample_has_the_same_bytes_alone_and_together(qtbot, jobs, queue, tiny_model_folder):
    from mindvis_gui import load_decoder
    from mindvis_gui.session.turns import Turns, taking_turns

    model = load_decoder(tiny_model_folder, device="cpu", precision="fp32")
    rng = np.random.default_rng(0)
    asked = [
        replace(request(trial), vector=rng.normal(size=100).astype(np.float32), model_hash="")
        for trial in range(5)
    ]
    done, calls = finished_of(queue), []
    decoder, many = taking_turns(model, Turns()), model.decode_many
    model.decode_many = lambda requests: calls.append(requests) or many(requests)
    queue.pause()
    queue.extend(Waiting(decoder, each) for each in asked)
    queue.pause(False)
    qtbot.waitUntil(lambda: idle(queue, jobs), timeout=60_000)
    assert [len(each) for each in calls] == [5]
    together = dict(done)
    for each in asked:
        queue.add(decoder, each)
        qtbot.waitUntil(lambda: idle(queue, jobs), timeout=60_000)
    assert len(calls) == 1
    assert len(together) == 10
    assert all(np.array_equal(done[key], image) for key, image in together.items())


# Decodes trials one after the other and says which sample is finished, until it is killed.
VICTIM = """
import sys
from pathlib import Path
from dataclasses import replace
from time import perf_counter
sys.path.insert(0, sys.argv[2])
from tests.test_decode_queue import QuickDecoder, request
from tests.conftest import FakeDecoder
from mindvis_gui.decoding.cached_decoder import CachedDecoder
from mindvis_gui.decoding.sample_cache import SampleCache
decoder = CachedDecoder(QuickDecoder(FakeDecoder(700).info), SampleCache(Path(sys.argv[1])))
for trial in range(1000):
    for _ in decoder.decode(request(trial)):
        pass
    print(trial, flush=True)
"""


def test_killed_at_any_moment_all_that_was_finished_is_on_disk_and_whole(tmp_path):
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    for wanted in (3, 40):
        victim = subprocess.Popen(
            [sys.executable, "-c", VICTIM, str(tmp_path), root],
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
        )
        finished = -1
        for line in victim.stdout:
            finished = int(line)
            if finished >= wanted:
                victim.send_signal(signal.SIGKILL)
                break
        victim.communicate()
        cache = SampleCache(tmp_path)
        for trial in range(finished + 1):
            for seed in (0, 1):
                key = sample_key(request(trial).to_json(), seed, "cpu")
                assert np.array_equal(cache.get(key), colour(trial, seed))
