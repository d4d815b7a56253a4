from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from mindvis_gui.data.mask import MaskState
from mindvis_gui.decoding.cached_decoder import CachedDecoder, PartStep
from mindvis_gui.decoding.company import seeds_together
from mindvis_gui.decoding.request import (
    DecodeFailure,
    DecodeRequest,
    DecodeResult,
    Sample,
    Step,
    decode_many,
)
from mindvis_gui.decoding.sample_cache import SampleCache, sample_key
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import ExportError, ModelError
from mindvis_gui.steps import finish

VECTOR = np.arange(32, dtype=np.float32)
SAMPLING = Sampling("dpm++", 4, "fp32", 1.0)
REQUEST = DecodeRequest("tiny", 3, VECTOR, (0, 1, 2), SAMPLING, "m", "f" * 64)


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)


class NoisyDecoder:
    """Draws noise that depends on the seed; remembers which seeds it was asked for."""

    def __init__(self, info):
        self.info = info
        self.asked = []

    def decode(self, request):
        self.asked.append(request.seeds)
        for index in range(1, 5):
            yield Step(index, 4)
        samples = tuple(Sample(picture(seed), seed) for seed in request.seeds)
        return DecodeResult(request, samples, 1.0)


@pytest.fixture
def noisy(decoder_factory):
    return NoisyDecoder(decoder_factory(32).info)


@pytest.fixture
def cache(tmp_path):
    return SampleCache(tmp_path / "cache")


def run(decoder, request):
    steps, generator = [], decoder.decode(request)
    while True:
        try:
            steps.append(next(generator))
        except StopIteration as stop:
            return stop.value, steps


def files(cache):
    return sorted(cache.folder.rglob("*.png"))


def test_same_request_again_is_read_not_drawn(cache, noisy):
    first, _ = run(CachedDecoder(noisy, cache), REQUEST)
    again, steps = run(CachedDecoder(noisy, cache), replace(REQUEST, vector=VECTOR.copy()))
    assert noisy.asked == [(0, 1, 2)]
    assert steps == []
    assert [sample.seed for sample in again.samples] == [0, 1, 2]
    for a, b in zip(first.samples, again.samples, strict=True):
        assert np.array_equal(a.image, b.image)


def test_only_missing_seeds_are_drawn_and_the_order_is_the_request_s(cache, noisy):
    run(CachedDecoder(noisy, cache), replace(REQUEST, seeds=(1,)))
    decoder = CachedDecoder(noisy, cache)
    result, steps = run(decoder, REQUEST)
    assert noisy.asked == [(1,), (0, 2)]
    assert result.found == (1,)
    assert [sample.seed for sample in result.samples] == [0, 1, 2]
    assert isinstance(steps[0], PartStep)
    assert [sample.seed for sample in steps[0].samples] == [1]  # shown at once
    assert steps[0].seeds == (0, 2)


@pytest.mark.parametrize(
    "other",
    [
        {"vector": VECTOR + 1},
        {"model_hash": "e" * 64},
        {"sampling": Sampling("ddim", 4, "fp32")},
        {"sampling": Sampling("dpm++", 5, "fp32")},
        {"sampling": Sampling("dpm++", 4, "bf16")},
        {"sampling": Sampling("dpm++", 4, "fp32", 1.5)},
        {"mask": MaskState.random(2, 0.5, 0)},
        {"mask": MaskState.random(2, 0.5, 1).painted([0], keep=True)},
    ],
)
def test_whatever_shapes_a_sample_is_part_of_the_key(cache, noisy, other):
    run(CachedDecoder(noisy, cache), REQUEST)
    run(CachedDecoder(noisy, cache), replace(REQUEST, **other))
    assert len(noisy.asked) == 2


def test_device_versions_and_seed_are_part_of_the_key_but_names_are_not():
    values = REQUEST.to_json()
    key = sample_key(values, 0, "cpu")
    assert key == sample_key({**values, "subject": "S2", "trial": 9, "label": "x"}, 0, "cpu")
    others = {
        sample_key(values, 1, "cpu"),
        sample_key(values, 0, "cuda"),
        sample_key(values, 0, "cpu", {"torch": "1.0"}),
    }
    assert len({key} | others) == 4


@pytest.mark.parametrize("damage", ["cut", "pixel", "empty", "text"])
def test_damaged_entry_is_ignored_and_drawn_again(cache, noisy, damage):
    good, _ = run(CachedDecoder(noisy, cache), REQUEST)
    path = files(cache)[0]
    whole = path.read_bytes()
    at = whole.index(b"IDAT") + 40
    path.write_bytes(
        {
            "cut": whole[: len(whole) // 2],
            "pixel": whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
            "empty": b"",
            "text": b"no picture",
        }[damage]
    )
    result, _ = run(CachedDecoder(noisy, cache), REQUEST)
    assert len(noisy.asked) == 2
    assert len(noisy.asked[1]) == 1
    for a, b in zip(good.samples, result.samples, strict=True):
        assert np.array_equal(a.image, b.image)
    run(CachedDecoder(noisy, cache), REQUEST)
    assert len(noisy.asked) == 2  # mended


def test_least_used_go_first_and_pinned_ones_stay(tmp_path, noisy):
    cache = SampleCache(tmp_path, limit=10 * 3700)
    pinned = sample_key(REQUEST.to_json(), 0, "cpu")
    cache.pinned = lambda: {pinned}
    run(CachedDecoder(noisy, cache), replace(REQUEST, seeds=tuple(range(40))))
    sizes = [path.stat().st_size for path in files(cache)]
    assert sum(sizes) <= 10 * 3700
    assert len(sizes) >= 5
    assert cache.get(pinned) is not None
    newest = sample_key(REQUEST.to_json(), 39, "cpu")
    assert cache.get(newest) is not None


def test_files_that_cannot_be_removed_cost_no_sample(tmp_path, noisy, monkeypatch):
    cache, unlink = SampleCache(tmp_path, limit=3 * 3700), Path.unlink

    def refuse(path, missing_ok=False):
        if not path.name.startswith("."):
            raise PermissionError(path)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    result, _ = run(CachedDecoder(noisy, cache), replace(REQUEST, seeds=tuple(range(8))))
    assert len(result.samples) == len(files(cache)) == 8


def test_sample_that_another_process_removes_at_once_costs_nothing(cache, noisy, monkeypatch):
    write = Path.replace

    def written_and_removed(path, target):
        write(path, target).unlink()

    run(CachedDecoder(noisy, cache), REQUEST)
    monkeypatch.setattr(Path, "replace", written_and_removed)
    result, _ = run(CachedDecoder(noisy, cache), replace(REQUEST, seeds=(5, 6)))
    assert len(result.samples) == 2


def test_finished_part_survives_a_stop(cache, noisy):
    decoder = CachedDecoder(noisy, cache)
    generator = decoder.decode(replace(REQUEST, seeds=tuple(range(8))))  # 5 and 3
    steps = [next(generator) for _ in range(6)]
    generator.close()
    assert [sample.seed for sample in steps[-1].samples] == [0, 1, 2, 3, 4]
    assert [(step.index, step.total) for step in steps[3:]] == [(4, 8), (4, 8), (5, 8)]
    run(CachedDecoder(noisy, cache), replace(REQUEST, seeds=tuple(range(8))))
    assert noisy.asked[-1] == (5, 6, 7)


def test_large_models_draw_one_seed_at_a_time(decoder_factory):
    info = decoder_factory(32).info
    assert seeds_together(info) == 5
    assert seeds_together(replace(info, parameters=10**9)) == 1
    assert seeds_together(replace(info, parameters=10**9, device="cuda")) > 5


def test_full_disk_costs_no_sample(cache, noisy, monkeypatch):
    def refuse(*_):
        raise ExportError("cache: cannot be written: No space left on device")

    monkeypatch.setattr(cache, "put", refuse)
    decoder = CachedDecoder(noisy, cache)
    result, _ = run(decoder, REQUEST)
    assert len(result.samples) == 3
    assert "No space left" in decoder.trouble


def test_folder_that_is_no_folder_costs_no_sample(tmp_path, noisy):
    (tmp_path / "cache").write_text("in the way")
    decoder = CachedDecoder(noisy, SampleCache(tmp_path / "cache"))
    result, _ = run(decoder, REQUEST)
    assert len(result.samples) == 3
    assert "cannot be written" in decoder.trouble


def test_without_a_model_hash_nothing_is_kept(cache, noisy):
    run(CachedDecoder(noisy, cache), replace(REQUEST, model_hash=""))
    assert not cache.folder.exists()


class Batches(NoisyDecoder):
    """Decodes three requests at once, and cannot decode trial 13."""

    def recover(self, vector, mask):
        raise NotImplementedError

    def decode_many(self, requests):
        coming = iter(requests)
        while group := list(islice(coming, 3)):
            yield Step(1, 1, n_requests=len(group))
            for request in group:
                self.asked.append((request.trial, request.seeds))
                if request.trial == 13:
                    yield DecodeFailure(request, ModelError("13"))
                else:
                    samples = tuple(Sample(picture(seed), seed) for seed in request.seeds)
                    yield DecodeResult(request, samples, 0.5)


def of_trial(trial):
    return replace(REQUEST, trial=trial, vector=VECTOR + trial)


def test_many_requests_are_drawn_together_and_come_in_their_order(cache, decoder_factory):
    batches = Batches(decoder_factory(32).info)
    decoder = CachedDecoder(batches, cache)
    for trial in (1, 2, 5):
        run(decoder, of_trial(trial))
    run(decoder, replace(of_trial(4), seeds=(1,)))
    batches.asked.clear()
    outcomes, found = [], []
    for item in decode_many(decoder, (of_trial(trial) for trial in (0, 1, 2, 13, 4, 5, 6))):
        if not isinstance(item, Step):
            outcomes.append(item)
            found.append(item.found if isinstance(item, DecodeResult) else ())
    assert [outcome.request.trial for outcome in outcomes] == [0, 1, 2, 13, 4, 5, 6]
    assert [isinstance(outcome, DecodeFailure) for outcome in outcomes].index(True) == 3
    whole = (0, 1, 2)
    assert found == [(), whole, whole, (), (1,), whole, ()]
    assert batches.asked == [(0, whole), (13, whole), (4, (0, 2)), (6, whole)]
    for outcome in outcomes:
        if isinstance(outcome, DecodeResult):
            assert [sample.seed for sample in outcome.samples] == [0, 1, 2]
            assert all(np.array_equal(s.image, picture(s.seed)) for s in outcome.samples)


def test_many_that_were_all_found_do_not_wait_for_each_other(cache, decoder_factory):
    batches = Batches(decoder_factory(32).info)
    requests = [replace(of_trial(trial), seeds=(0,)) for trial in range(20, 120)]
    list(CachedDecoder(batches, cache).decode_many(requests))
    taken = []

    def coming():
        for request in requests:
            taken.append(request)
            yield request

    outcomes = CachedDecoder(batches, cache).decode_many(coming())
    next(outcomes)
    assert len(taken) < 70
    assert len(list(outcomes)) == 99


def test_kept_samples_of_a_model_are_those_it_draws_alone(cache, tiny_model_folder):
    from mindvis_gui import load_decoder

    model = load_decoder(str(tiny_model_folder), "cpu", "fp32")
    vector = np.random.default_rng(1).normal(size=100).astype(np.float32)
    sampling = Sampling("ddim", 3, "fp32")
    request = DecodeRequest("tiny", 0, vector, tuple(range(7)), sampling, "tiny", model.info.hash)
    drawn, _ = run(CachedDecoder(model, cache), request)
    kept, steps = run(CachedDecoder(model, cache), request)
    alone, _ = run(model, replace(request, seeds=(6,)))
    assert steps == []
    for one, other in zip(drawn.samples, kept.samples, strict=True):
        assert np.array_equal(one.image, other.image)
    assert np.array_equal(kept.samples[6].image, alone.samples[0].image)


def test_a_failure_costs_only_the_trial_that_failed(cache, tiny):
    asked = [
        DecodeRequest("s", trial, vector, (0,), Sampling("ddim", 2), model_hash="m", mask=mask)
        for trial, vector, mask in (
            (0, np.linspace(-1, 1, 100, dtype=np.float32), None),
            (1, np.zeros(100, np.float32), MaskState.random(9, 0.5, seed=0)),
            (2, np.linspace(2, -2, 100, dtype=np.float32), None),
        )
    ]
    alone = {n: finish(tiny.decode(asked[n])).samples[0].image for n in (0, 2)}
    for _ in range(2):  # drawn, and from the cache
        items = list(CachedDecoder(tiny, cache).decode_many(asked))
        outcomes = [item for item in items if not isinstance(item, Step)]
        assert [outcome.request.trial for outcome in outcomes] == [0, 1, 2]
        assert "9 patches" in str(outcomes[1].error)
        for number, image in alone.items():
            assert np.array_equal(outcomes[number].samples[0].image, image)


def test_a_disk_that_fails_once_a_sample_is_kept_does_not_cost_the_sample(
    noisy, cache, monkeypatch
):
    def fail():
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(cache, "_files", fail)
    decoder = CachedDecoder(noisy, cache)
    assert len(run(decoder, REQUEST)[0].samples) == 3
    assert decoder.trouble.endswith("cache: cannot be listed: Stale file handle")
