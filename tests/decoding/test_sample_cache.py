from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.data.mask import MaskState
from mindvis_gui.decoding.cached_decoder import CachedDecoder, PartStep, seeds_together
from mindvis_gui.decoding.request import DecodeRequest, DecodeResult, Sample, Sampling, Step
from mindvis_gui.decoding.sample_cache import SampleCache, sample_key
from mindvis_gui.errors import ExportError

VECTOR = np.arange(32, dtype=np.float32)
REQUEST = DecodeRequest("tiny", 3, VECTOR, (0, 1, 2), Sampling("dpm++", 4, "fp32"), "m", "f" * 64)


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
    assert decoder.found == (1,)
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
