import gc
import weakref
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import pytest
import shiboken6

from mindvis_gui.data import scratch
from mindvis_gui.data.mask import MaskState
from mindvis_gui.decoding.sample_cache import SampleCache
from mindvis_gui.decoding.sampling_settings import SAMPLERS, Sampling
from mindvis_gui.errors import RequestError
from mindvis_gui.session import planner
from mindvis_gui.session.axes import NONE, read_axis
from mindvis_gui.session.options import Options
from mindvis_gui.session.sample_blocks import SampleBlock, count_samples


def cells(grid):
    return [
        [grid.cell(row, column).options for column in grid.axis(grid.columns).values]
        for row in grid.axis(grid.rows).values
    ]


def drawn(session):
    return [
        [session.collection.get(each) is not None for each in row] for row in cells(session.grid)
    ]


def decode_missing(qtbot, session):
    session.grid.start(session.grid.missing())
    qtbot.waitUntil(lambda: session.idle, timeout=20_000)


@pytest.fixture
def cached(qtbot, ready, tmp_path):
    """Return a ready session that keeps samples on disk."""
    cache = SampleCache(tmp_path / "samples")
    ready.queue._cache = ready.collection._cache = ready.cache = cache
    return ready


@pytest.mark.parametrize(
    ("option", "text", "values"),
    [
        ("seed", "0, 3, 5-7", (0, 3, 5, 6, 7)),
        ("steps", "20,50", (20, 50)),
        ("mask", "0, .5, 75%", (0.0, 0.5, 0.75)),
        ("roi", "None, v1", (NONE, "V1")),
        ("roi", "v1 + V2, V2+V2, v3+x", ("V1+V2", "V2", "V3+x")),
        ("sampler", "ddim, PLMS", ("ddim", "plms")),
        ("trial", "2, 2, 1", (2, 1)),
    ],
)
def test_values_are_read_as_they_are_typed(option, text, values):
    assert read_axis(option, text, ("V1", "V2", "V3+x")).values == values


@pytest.mark.parametrize(
    ("option", "text", "complaint"),
    [
        ("seed", "a", "'a' is no number"),
        ("seed", "7-5", "'7-5' is no range"),
        ("seed", "0-99999999", "'0-99999999' is 100,000,000 values, more than the 100,000"),
        ("steps", "0", "0 steps"),
        ("mask", "1", "'1' is no mask ratio"),
        ("roi", "V9", "'V9' is none of none, V1, V2"),
        ("roi", "V1+none", "'none' is none of V1, V2"),
        ("roi", "V1+", "'' is none of V1, V2"),
        ("sampler", "euler", "'euler' is none of"),
        ("seed", " , ", "no seeds given"),
    ],
)
def test_values_that_make_no_sense_are_said(option, text, complaint):
    with pytest.raises(RequestError, match=complaint):
        read_axis(option, text, ("V1", "V2"))


def test_trials_by_seeds_of_the_session_at_first(ready):
    found = cells(ready.grid)
    assert len(found) == 6  # test trials
    assert [options.seed for options in found[0]] == [0, 1, 2, 3]
    assert [row[0].trial for row in found] == list(range(6))
    assert found[0][0] == Options.of(ready.request().to_json(), 0)


def test_other_trials_are_the_rows_at_once(qtbot, ready):
    requests = []
    ready.queue.started.connect(requests.append)
    for trials in ([1], [20, 4]):
        ready.grid.decode_trials(trials)
        qtbot.waitUntil(lambda: ready.idle)
        assert ready.grid.axis("trial").values == tuple(trials)
    assert [request.trial for request in requests] == [1, 20, 4]


def test_what_waited_is_decoded_again_with_its_mask(qtbot, ready):
    ready.masking.set_mask(MaskState.random(ready.decoder.info.n_patches, 0.5, seed=4))
    ready.masking.set_applied(True)
    asked = ready.request().to_json()
    ready.masking.set_applied(False)
    requests = []
    ready.queue.started.connect(requests.append)
    ready.grid.take_up([asked])
    qtbot.waitUntil(lambda: ready.idle)
    assert [request.to_json() for request in requests] == [asked]


def test_all_missing_cells_are_decoded_one_request_a_trial(qtbot, ready):
    requests = []
    ready.queue.started.connect(requests.append)
    assert count_samples(ready.grid.missing()) == 24
    decode_missing(qtbot, ready)
    assert drawn(ready) == [[True] * 4] * 6
    assert [request.trial for request in requests] == list(range(6))
    assert not ready.grid.missing()
    assert not ready.grid.queued


def test_vectors_of_thousands_that_wait_lie_in_files_and_are_the_same(
    qtbot, ready, decoder, monkeypatch
):
    mapped, mmap = [], scratch.mmap.mmap
    monkeypatch.setattr(scratch.mmap, "mmap", lambda *args: mapped.append(1) or mmap(*args))
    decoder.hold()
    ready.grid.start(ready.grid.missing())
    qtbot.waitUntil(lambda: len(ready.queue) == 5)
    assert not mapped
    before = [each.request.to_json() for each in ready.queue.waiting]
    ready.queue.stop()
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle)
    decoder.hold()
    monkeypatch.setattr(planner, "ScratchVectors", partial(scratch.ScratchVectors, 3000))
    ready.grid.start(ready.grid.missing())
    qtbot.waitUntil(lambda: len(ready.queue) == 5)
    assert mapped
    assert [each.request.to_json() for each in ready.queue.waiting] == before
    ready.queue.stop()
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle)


def test_only_what_is_missing_is_asked_for(qtbot, ready):
    ready.set_seeds(0, 2)
    ready.grid.set_trials([0, 3])
    decode_missing(qtbot, ready)
    ready.set_seeds(0, 4)
    requests = []
    ready.queue.started.connect(requests.append)
    decode_missing(qtbot, ready)
    assert [request.seeds for request in requests] == [(2, 3), (2, 3)]


@pytest.mark.parametrize(
    ("rows", "columns", "shape"),
    [
        ("steps", "sampler", (3, len(SAMPLERS))),
        ("roi", "seed", (8, 4)),
        ("mask", "roi", (5, 8)),
        ("seed", "mask", (4, 5)),
        ("trial", "roi", (6, 8)),
    ],
)
def test_any_two_options_make_a_grid(qtbot, ready, rows, columns, shape):
    ready.grid.set_axes(rows, columns)
    found = cells(ready.grid)
    assert (len(found), len(found[0])) == shape
    decode_missing(qtbot, ready)
    possible = [[options is not None for options in row] for row in found]
    assert drawn(ready) == possible


def test_requests_of_one_response_hold_it_once(qtbot, ready):
    ready.grid.set_axes("trial", "steps")
    requests = []
    ready.queue.started.connect(requests.append)
    decode_missing(qtbot, ready)
    assert len(requests) > len({request.trial for request in requests})
    responses = {id(request.vector): request.trial for request in requests}
    assert sorted(responses.values()) == sorted({request.trial for request in requests})


def test_left_out_region_and_mask_reach_the_request(qtbot, ready, subject):
    ready.grid.set_axes("roi", "mask")
    ready.grid.set_values("roi", "V1")
    ready.grid.set_values("mask", "0.5")
    requests = []
    ready.queue.started.connect(requests.append)
    decode_missing(qtbot, ready)
    (request,) = requests
    assert request.rois == ("V2", "V3", "hV4", "LOC", "FFA", "PPA")
    assert not request.vector[subject.roi("V1").voxels].any()
    assert request.mask.ratio == pytest.approx(0.5, abs=0.02)


def test_regions_may_be_left_out_together(qtbot, ready, subject):
    ready.grid.set_axes("roi", "seed")
    ready.grid.set_values("roi", "V1+V2")
    ready.grid.set_values("seed", "0")
    assert ready.grid.axis("roi").label("V1+V2") == "without V1+V2"
    requests = []
    ready.queue.started.connect(requests.append)
    decode_missing(qtbot, ready)
    (request,) = requests
    assert request.rois == ("V3", "hV4", "LOC", "FFA", "PPA")
    for name in ("V1", "V2"):
        assert not request.vector[subject.roi(name).voxels].any()


def test_leaving_out_every_region_is_a_reason_in_its_cell(ready, subject):
    everything = "+".join(roi.name for roi in subject.rois)
    ready.grid.set_axes("roi", "seed")
    ready.grid.set_values("roi", everything)
    assert ready.grid.cell(everything, 0).reason == "no region left"


def test_plms_with_steps_it_cannot_take_is_a_reason_in_its_cell(ready):
    ready.grid.set_axes("steps", "sampler")
    ready.grid.set_values("steps", "30")
    cell = ready.grid.cell(30, "plms")
    assert cell.options is None
    assert "1000" in cell.reason
    assert ready.grid.cell(30, "ddim").options.sampling == Sampling("ddim", 30, "fp32", 1.0)


def test_two_models_with_the_same_seeds(qtbot, ready, decoder_factory, subject):
    other = decoder_factory(subject.n_voxels)
    object.__setattr__(other, "info", type(other.info)(**{**_fields(other.info), "hash": "1" * 64}))
    load = ready.load_decoder
    ready.load_decoder = lambda name: other if name == "other" else load(name)
    ready.grid.set_axes("seed", "model")
    ready.grid.set_values("model", "fake, other")
    qtbot.waitUntil(lambda: ready.idle)
    decode_missing(qtbot, ready)
    assert drawn(ready) == [[True, True]] * 4
    hashes = [options.model_hash for options in cells(ready.grid)[0]]
    assert hashes == ["0" * 64, "1" * 64]


def _fields(info):
    return {name: getattr(info, name) for name in info.__dataclass_fields__}


@pytest.mark.parametrize("go_on", ["other values", "its own value", "another subject"])
def test_nobody_keeps_a_model_that_is_no_longer_compared(
    qtbot, ready, decoder_factory, subject, go_on
):
    """Its memory, maybe most of a GPU's, is that of the next."""
    made = {name: decoder_factory(subject.n_voxels) for name in ("second", "third")}
    for place, (name, one) in enumerate(made.items()):
        one.info = replace(one.info, name=name, hash=str(place) * 64)
    kept, load = weakref.ref(made["second"]), ready.load_decoder
    ready.load_decoder = lambda name: made.pop(name) if name in made else load(name)
    ready.grid.set_values("model", "fake, second")
    qtbot.waitUntil(lambda: ready.grid.models.facts("second") is not None)
    del one
    if go_on == "another subject":
        with qtbot.waitSignal(ready.trial_changed):
            ready.open("again.h5")
    else:
        ready.grid.set_values("model", "fake, third" if go_on == "other values" else "")
    qtbot.waitUntil(lambda: ready.idle)
    gc.collect()
    assert kept() is None
    assert (ready.grid.models.facts("third") is not None) == (go_on == "other values")


def test_a_model_that_comes_when_it_is_no_longer_compared_is_let_go(
    qtbot, ready, decoder_factory, subject
):
    go_on, load = Event(), ready.load_decoder
    late = decoder_factory(subject.n_voxels)
    ready.load_decoder = lambda name: go_on.wait(10) and late if name == "late" else load(name)
    ready.grid.set_values("model", "fake, late")
    ready.grid.set_values("model", "")
    go_on.set()
    qtbot.waitUntil(lambda: ready.idle)
    assert ready.grid.models.facts("late") is None


def test_cells_are_of_the_model_that_was_loaded_last(ready, decoder_factory, subject):
    assert {options.model_hash for row in cells(ready.grid) for options in row} == {"0" * 64}
    other = decoder_factory(subject.n_voxels)
    other.info = replace(other.info, name="other", hash="1" * 64)
    ready.take_decoder(other)
    assert {options.model_hash for row in cells(ready.grid) for options in row} == {"1" * 64}


def test_what_is_on_its_way_is_not_missing(qtbot, ready, decoder):
    ready.grid.set_trials([0])
    decoder.hold()
    ready.grid.start(ready.grid.missing())
    qtbot.waitUntil(lambda: ready.queue.step is not None and ready.queue.step.index == 2)
    assert not len(ready.queue)
    assert not ready.grid.missing()
    ready.queue.stop()
    assert not ready.grid.missing()  # it may get done before it hears of that
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle)
    assert count_samples(ready.grid.missing()) == 4


def test_model_that_cannot_be_loaded_is_one_line(qtbot, ready):
    ready.grid.set_axes("seed", "model")
    with qtbot.waitSignal(ready.problem) as problem:
        ready.grid.set_values("model", "fake, missing")
    assert "no model of that name" in problem.args[0]
    qtbot.waitUntil(lambda: ready.idle)
    assert ready.grid.cell(0, "missing").reason == "model not loaded"


def test_same_option_twice_and_trials_as_columns_are_refused(ready):
    with pytest.raises(RequestError, match="same option"):
        ready.grid.set_axes("seed", "seed")
    with pytest.raises(RequestError, match="only be rows"):
        ready.grid.set_axes("seed", "trial")
    with pytest.raises(RequestError, match="trial 99 does not exist"):
        ready.grid.set_values("trial", "99")


def test_one_cell_is_drawn_again_with_another_seed(qtbot, ready):
    ready.grid.set_trials([0])
    decode_missing(qtbot, ready)
    before = cells(ready.grid)[0]
    ready.grid.draw_again(0, 2)
    qtbot.waitUntil(lambda: ready.idle)
    after = cells(ready.grid)[0]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, False, True]
    assert after[2].seed not in {options.seed for options in before}
    assert drawn(ready) == [[True] * 4]


def test_pictures_stay_on_disk_and_come_back_with_their_trial(qtbot, cached):
    decode_missing(qtbot, cached)
    every = cached.collection.everything()
    assert all(isinstance(each.source, Path) for each in every)
    assert list(cached.results._results) == [0]  # the chosen trial's alone is in memory
    with qtbot.waitSignal(cached.results.result_changed, check_params_cb=lambda: True):
        cached.set_trial(4)
    qtbot.waitUntil(lambda: cached.results.result is not None)
    assert [sample.seed for sample in cached.results.result.samples] == [0, 1, 2, 3]
    assert cached.results.result.request.trial == 4
    qtbot.waitUntil(lambda: cached.idle)


def test_message_says_what_was_not_drawn(qtbot, cached):
    for n_samples, told in (
        (2, "2 samples in 0."),
        (2, "2 samples from the cache"),
        (3, "s, 2 of them from the cache"),
        (1, "1 sample from the cache"),
    ):
        cached.set_seeds(0, n_samples)
        with qtbot.waitSignal(
            cached.message, check_params_cb=lambda text: "sample" in text
        ) as said:
            cached.decode()
        assert told in said.args[0]
        qtbot.waitUntil(lambda: cached.idle)


def test_scores_of_all_cells_come_when_they_are_wanted(qtbot, cached, monkeypatch):
    decode_missing(qtbot, cached)
    wanted = [options for row in cells(cached.grid) for options in row]
    cached.collection.want_scores(SampleBlock.of(each) for each in wanted)
    qtbot.waitUntil(lambda: all(cached.collection.score(each) for each in wanted), timeout=20_000)
    qtbot.waitUntil(lambda: cached.idle)
    score = cached.collection.score(wanted[5])
    assert score.scores.seed == wanted[5].seed
    assert score.n_candidates == 6


def test_samples_are_not_scored_twice(qtbot, cached, monkeypatch):
    cached.decode()
    qtbot.waitUntil(lambda: cached.idle and cached.results.comparison is not None)
    drawn = cached.collection.everything()
    assert all(cached.collection.score(each.options) for each in drawn)  # by the images below
    scored = []
    monkeypatch.setattr(cached.collection._scoring, "add", scored.append)
    cached.collection.want_scores([SampleBlock.of(each.options) for each in drawn])
    assert scored == []


def test_picture_that_was_removed_is_no_sample(qtbot, cached):
    cached.grid.set_trials([0])
    decode_missing(qtbot, cached)
    first = cached.collection.everything()[0]
    assert isinstance(first.picture(), np.ndarray)
    first.source.unlink()
    assert first.picture() is None


def test_another_subject_empties_the_grid(qtbot, ready):
    decode_missing(qtbot, ready)
    with qtbot.waitSignal(ready.trial_changed):
        ready.open("tiny.h5")
    assert len(ready.collection) == 0
    assert count_samples(ready.grid.missing()) == 24
    assert shiboken6.isValid(ready)


def test_guidance_is_an_axis(ready):
    ready.grid.set_axes("guidance", "seed")
    assert ready.grid.axis("guidance").values == (1.0, 1.5, 2.0, 3.0)
    ready.grid.set_values("guidance", "1, 2.5")
    axis = ready.grid.axis("guidance")
    assert [axis.label(value) for value in axis.values] == ["no guidance", "guidance 2.5"]
    assert ready.grid.cell(2.5, 0).options.sampling.guidance == 2.5
    assert ready.grid.cell(1.0, 0).options == ready.grid.options(seed=0).options
    for wrong in ("much", "0.5", "99"):
        with pytest.raises(RequestError):
            ready.grid.set_values("guidance", wrong)


def test_after_stop_no_request_comes_that_was_made_before(qtbot, ready):
    ready.grid.start(ready.grid.missing())
    (job,) = ready.grid._planner._jobs
    assert job.wait(20_000)  # its requests are made, but nobody was told of them yet
    ready.queue.stop()
    with qtbot.assertNotEmitted(ready.queue.started):
        qtbot.waitUntil(lambda: ready.idle, timeout=20_000)
    assert not ready.grid.queued


def test_of_two_models_of_which_one_is_gone_no_cell_waits_in_vain(qtbot, ready):
    here = ready.grid.cell(0, 0).options
    gone = replace(here, trial=1, model_hash="9" * 64)
    with qtbot.waitSignal(ready.problem) as problem:
        ready.grid.start([SampleBlock.of(here), SampleBlock.of(gone)])
    assert "is not loaded" in problem.args[0]
    assert ready.grid.is_missing(here)
    assert not ready.grid.queued


def test_stop_while_one_set_is_planned_and_another_was(qtbot, ready, monkeypatch):
    wanted = [SampleBlock.of(options) for row in cells(ready.grid) for options in row]
    ready.grid.start(wanted[:1])
    (planned,) = ready.grid._planner._jobs
    go_on = Event()

    def waiting(*_):
        yield []
        go_on.wait(20)
        yield []
        return []

    monkeypatch.setattr("mindvis_gui.session.planner.planning", waiting)
    ready.grid.start(wanted[1:2])
    qtbot.waitUntil(lambda: not shiboken6.isValid(planned), timeout=20_000)
    ready.queue.stop()
    go_on.set()
    qtbot.waitUntil(lambda: ready.idle, timeout=20_000)
    assert not ready.grid.queued


def test_cells_that_differ_in_trial_and_seed_alone_are_worked_out_once(ready, monkeypatch):
    grid = ready.grid
    grid.set_trials(range(24))
    grid.set_values("seed", "3-7")
    expected = {
        (trial, seed): grid.options(trial=trial, seed=seed) for trial in (0, 23) for seed in (3, 7)
    }
    asked, options = [], grid.options
    monkeypatch.setattr(grid, "options", lambda **changed: asked.append(1) or options(**changed))
    assert count_samples(grid.missing()) == 24 * 5
    assert len(asked) == 1
    assert {place: grid.cell(*place) for place in expected} == expected
    ready.set_sampling(Sampling("ddim", 7, "fp32"))
    assert grid.cell(0, 3).options.sampling.steps == 7


@pytest.mark.parametrize(
    ("rows", "columns"),
    [("trial", "seed"), ("trial", "roi"), ("seed", "mask"), ("steps", "sampler")],
)
def test_what_is_missing_is_the_same_by_axis_and_by_cell(qtbot, ready, decoder, rows, columns):
    grid = ready.grid
    grid.set_axes(rows, columns)
    firsts = [grid.axis(option).values[0] for option in (rows, columns)]
    decode_missing(qtbot, ready)
    for option, text in {"trial": "0-9", "seed": "0-6", "steps": "7, 10, 30"}.items():
        grid.set_values(option, text)
    grid.draw_again(*firsts)
    qtbot.waitUntil(lambda: ready.idle, timeout=20_000)
    decoder.hold()
    grid.draw_again(grid.axis(rows).values[-1], firsts[1])
    every = [options for row in cells(grid) for options in row if options is not None]
    grid.start([SampleBlock.of(options) for options in every if grid.is_missing(options)][:3])
    missing = [options for options in every if grid.is_missing(options)]
    found = [options for block in grid.missing() for options in block.options()]
    if rows == "trial":
        assert found == missing  # row by row, as they are drawn
    assert len(found) == len(missing) == count_samples(grid.missing())
    assert set(found) == set(missing)
    there = [options for options in every if ready.collection.get(options) is not None]
    drawn_ones = list(grid.drawn(grid.axis(grid.rows).values))
    assert {options for block in drawn_ones for options in block.options()} == set(there)
    assert count_samples(drawn_ones) == len(there)
    ready.queue.stop()
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle, timeout=20_000)
    assert not grid.queued


def test_thousands_of_trials_are_queued_by_axis_and_not_cell_by_cell(
    qtbot, ready, decoder, calls_of
):
    grid, many = ready.grid, range(3000)
    object.__setattr__(ready.subject, "trials", ready.subject.trials * 125)
    decoder.hold()
    assert calls_of(lambda: grid.decode_trials(many)) < 1000
    assert calls_of(grid.missing) < 100
    assert not grid.missing()
    assert grid.cell(2999, 3).options in grid.queued
    ready.set_seeds(2, 4)
    assert calls_of(grid.missing) < 100
    (block,) = grid.missing()
    assert (block.trials, block.seeds) == (tuple(many), (4, 5))
    ready.queue.stop()
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle, timeout=20_000)
    assert grid.missing()[0].trials == tuple(many)
