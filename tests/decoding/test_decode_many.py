"""Many requests decoded together, and the fast way against the plain one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from mindvis_gui.data.mask import MaskState
from mindvis_gui.decoding import device
from mindvis_gui.decoding.drawn import DrawnTogether
from mindvis_gui.decoding.finite import check_finite
from mindvis_gui.decoding.pipeline import load_pipeline
from mindvis_gui.decoding.request import (
    DecodeFailure,
    DecodeRequest,
    DecodeResult,
    Step,
    decode_many,
)
from mindvis_gui.decoding.sampling import build_sampler, denoise, initial_noise
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import ModelError
from mindvis_gui.steps import finish


@pytest.fixture(autouse=True)
def _bf16_everywhere(monkeypatch):
    monkeypatch.setattr(device, "_has_bf16", lambda name: True)


def request(trial, seeds=(0, 1), sampler="dpm++", steps=4, precision="fp32", **others):
    vector = np.random.default_rng(trial).normal(size=others.pop("n", 100)).astype(np.float32)
    return DecodeRequest(
        "tiny", trial, vector, seeds, Sampling(sampler, steps, precision), **others
    )


def decode_alone(decoder, asked):
    items = decoder.decode(asked)
    while True:
        try:
            next(items)
        except StopIteration as stop:
            return stop.value


def pixels(result):
    return {(result.request.trial, s.seed): s.image.tobytes() for s in result.samples}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_sample_is_the_same_whatever_trials_are_beside_it(tiny, precision):
    requests = [request(trial, (trial, 7, 9), precision=precision) for trial in range(6)]
    together = {}
    for item in decode_many(tiny, requests):
        if isinstance(item, DecodeResult):
            together |= pixels(item)
    assert len(together) == 18
    for asked in requests[::2]:
        for key, image in pixels(decode_alone(tiny, asked)).items():
            assert image == together[key]
    some = decode_alone(tiny, replace(requests[1], seeds=(7,)))
    assert pixels(some)[1, 7] == together[1, 7]


def test_results_come_in_order_and_as_early_as_they_can(tiny):
    requests = iter([request(trial, (0, 1, 2, 3, 4)) for trial in range(3)])
    items = list(decode_many(tiny, requests))
    kinds = [type(item) for item in items]
    assert kinds == ([Step] * 4 + [DecodeResult]) * 3
    assert [item.request.trial for item in items if isinstance(item, DecodeResult)] == [0, 1, 2]
    assert [(s.index, s.total, s.n_requests) for s in items[:4]] == [
        (i, 4, 1) for i in (1, 2, 3, 4)
    ]


def test_requests_are_drawn_as_they_are_needed(tiny):
    drawn = []

    def draw():
        for trial in range(3):
            drawn.append(trial)
            yield request(trial, (0, 1, 2, 3, 4))

    items = decode_many(tiny, draw())
    next(items)
    assert drawn == [0]
    items.close()


def test_one_that_fails_does_not_lose_the_others(tiny):
    requests = [
        request(0),
        request(1, n=90),
        request(2, mask=MaskState.random(9, 0.5, seed=0)),
        request(3),
    ]
    items = [item for item in decode_many(tiny, requests) if not isinstance(item, Step)]
    assert [item.request.trial for item in items] == [0, 1, 2, 3]
    failures = {i.request.trial: str(i.error) for i in items if isinstance(i, DecodeFailure)}
    assert failures.keys() == {1, 2}
    assert "trained on 100 voxels but the response has 90" in failures[1]
    assert "9 patches" in failures[2]
    results = [item for item in items if isinstance(item, DecodeResult)]
    assert [result.request.trial for result in results] == [0, 3]
    assert pixels(results[1]) == pixels(decode_alone(tiny, requests[3]))


def test_memory_that_runs_out_fails_one_group_and_the_next_goes_on(tiny, monkeypatch):
    denoiser, _ = tiny._networks_in("fp32")
    predict, calls = denoiser._predict, []

    def fail_once(*args):
        calls.append(args)
        if len(calls) == 2:
            raise torch.OutOfMemoryError
        return predict(*args)

    monkeypatch.setattr(denoiser, "_denoise", fail_once)
    requests = [request(trial, (0, 1, 2, 3, 4)) for trial in range(2)]
    items = [item for item in decode_many(tiny, requests) if not isinstance(item, Step)]
    assert isinstance(items[0], DecodeFailure)
    assert "does not fit into the memory" in str(items[0].error)
    assert isinstance(items[1], DecodeResult)


def poisoned(decoder, monkeypatch, which=lambda call: True):
    """Let the network answer with no numbers for the second of all samples."""
    denoiser, _ = decoder._networks_in("fp32")
    predict, calls = denoiser._predict, []

    def answer(*args):
        calls.append(args)
        made = predict(*args).clone()
        if which(len(calls)):
            made[1] = torch.nan
        return made

    monkeypatch.setattr(denoiser, "_denoise", answer)


def test_latents_that_are_not_finite_fail_their_trial_alone(tiny, monkeypatch):
    requests = [request(trial, (trial,)) for trial in range(4)]
    good = pixels(decode_alone(tiny, requests[3]))
    poisoned(tiny, monkeypatch)
    items = [item for item in decode_many(tiny, requests) if not isinstance(item, Step)]
    assert [item.request.trial for item in items] == [0, 1, 2, 3]
    kinds = [type(item) for item in items]
    assert kinds == [DecodeResult, DecodeFailure, DecodeResult, DecodeResult]
    said = "model tiny gives no finite picture for trial 1, seed 1; try another model"
    assert str(items[1].error) == said
    assert pixels(items[3]) == good


def test_one_sample_that_is_not_finite_is_no_picture(tiny, monkeypatch):
    poisoned(tiny, monkeypatch, lambda call: call % 4 == 0)
    with pytest.raises(ModelError, match="for trial 0, seed 7; try another model"):
        decode_alone(tiny, request(0, (3, 7, 5)))
    with pytest.raises(ModelError, match="for trial 0, seed 7; try another model"):
        finish(tiny.latents(request(0, (3, 7, 5))))


def test_fp32_is_named_where_it_may_help(tiny):
    lower = replace(tiny.info, precision="fp16")
    for asked, said in (
        ("auto", "precision fp32"),
        ("bf16", "precision fp32"),
        ("fp32", "another"),
    ):
        with pytest.raises(ModelError, match=f"seeds 0, 1; try {said}"):
            check_finite(request(0, precision=asked), [False, False], lower)


def test_a_failure_waits_for_pictures_that_are_on_the_way(tiny, monkeypatch):
    """As on a GPU, where a group can run out of memory before the last one's pictures are there."""
    denoiser, _ = tiny._networks_in("fp32")
    predict, calls = denoiser._predict, []

    def fail_later(*args):
        calls.append(args)
        if len(calls) > 4:
            raise torch.OutOfMemoryError
        return predict(*args)

    monkeypatch.setattr(denoiser, "_denoise", fail_later)
    monkeypatch.setattr(DrawnTogether, "ready", False)
    requests = [request(trial, (0, 1, 2, 3, 4)) for trial in range(2)]
    items = [item for item in decode_many(tiny, requests) if not isinstance(item, Step)]
    assert [type(item) for item in items] == [DecodeResult, DecodeFailure]
    assert [item.request.trial for item in items] == [0, 1]


def test_one_sampling_for_all(tiny):
    with pytest.raises(ValueError, match="one sampling"):
        list(decode_many(tiny, [request(0), request(1, steps=5)]))


class OneByOne:
    """A decoder that knows nothing of batches."""

    def __init__(self, decoder):
        self.info, self.decode, self.recover = decoder.info, decoder.decode, decoder.recover


def test_a_decoder_without_batches_decodes_one_after_the_other(tiny):
    requests = [request(0), request(1, n=90), request(2)]
    kinds = [type(item) for item in decode_many(OneByOne(tiny), requests)]
    assert kinds == [*[Step] * 4, DecodeResult, DecodeFailure, *[Step] * 4, DecodeResult]


@pytest.mark.parametrize("sampler", ["plms", "dpm++", "unipc"])
def test_fast_is_the_plain_way(tiny_model_folder, tiny, sampler):
    """Latents and pictures of the plain networks, one sample after the other, nothing cached.

    Latents in the middle between two codes may be rounded to either: a patch of the picture.
    """
    pipeline, asked = load_pipeline(tiny_model_folder), request(4, sampler=sampler)
    fast, fast_latents = decode_alone(tiny, asked), finish(tiny.latents(asked))
    half = decode_alone(tiny, replace(asked, sampling=replace(asked.sampling, precision="bf16")))
    with torch.inference_mode():
        condition = pipeline.condition(tiny._padded(asked.vector))
        for index, seed in enumerate(asked.seeds):
            *_, (latents, _) = denoise(
                lambda x, step: pipeline.predict(x, step, condition),
                build_sampler(pipeline.scheduler, asked.sampling),
                initial_noise([seed], (3, 8, 8)),
            )
            assert_close(torch.tensor(fast_latents[index]), latents[0], rtol=1e-4, atol=1e-4)
            plain = pipeline.pictures(latents)[0].numpy()
            off = np.abs(fast.samples[index].image.astype(int) - plain)
            assert np.mean(off <= 1) >= 0.75
            pair = half.samples[index].image.ravel(), plain.ravel()
            assert np.corrcoef(*pair)[0, 1] >= 0.99
