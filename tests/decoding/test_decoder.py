"""The decoder on a model with random networks: what a sample depends on, and what it does not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from mindvis_gui.data.attribution import METHODS
from mindvis_gui.data.mask import MaskState
from mindvis_gui.decoding import decoder as decoder_module
from mindvis_gui.decoding import device, drawn, onednn
from mindvis_gui.decoding.models import load_decoder
from mindvis_gui.decoding.request import DecodeRequest, DecodeResult
from mindvis_gui.decoding.sampling_settings import SAMPLERS, Sampling
from mindvis_gui.errors import ModelError, RequestError

pytestmark = pytest.mark.usefixtures("bf16_everywhere")


@pytest.fixture(scope="module")
def vector():
    return np.random.default_rng(0).normal(size=100).astype(np.float32)


@pytest.fixture
def ask(vector):
    """Return a function that builds a request."""

    def build(seeds=(0, 1), sampler="dpm++", steps=5, precision="fp32", **others):
        sampling = Sampling(sampler, steps, precision)
        return DecodeRequest("tiny", 0, others.pop("vector", vector), seeds, sampling, **others)

    return build


def finish(items):
    """Draw all items of a decode; return them and its result."""
    steps = []
    while True:
        try:
            steps.append(next(items))
        except StopIteration as stop:
            return steps, stop.value


def images(decoder, request):
    return {s.seed: s.image for s in finish(decoder.decode(request))[1].samples}


@pytest.mark.parametrize("together", [False, True])
def test_a_rest_between_two_steps_is_no_time_of_the_decode(tiny, ask, monkeypatch, together):
    now, results = 0.0, []

    def clock():
        nonlocal now
        now += 1
        return now

    for module in (decoder_module, drawn):
        monkeypatch.setattr(module, "perf_counter", clock)
    asked = [ask((0,)), ask((1,)), ask((2, 3))]
    decodes = [tiny.decode_many(asked)] if together else map(tiny.decode, asked)
    for steps in decodes:
        while True:
            try:
                item = next(steps)
            except StopIteration as stop:
                results.append(stop.value)
                break
            results.append(item)
            now += 1000
    seconds = [each.seconds for each in results if isinstance(each, DecodeResult)]
    assert len(seconds) == 3
    assert all(0 < each < 100 for each in seconds)  # a tick each time that the clock is read


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_sample_is_the_same_whatever_is_drawn_beside_it(tiny, ask, sampler, precision):
    among_five = images(tiny, ask((0, 1, 2, 3, 4), sampler, precision=precision))
    alone = images(tiny, ask((3,), sampler, precision=precision))
    in_another_order = images(tiny, ask((4, 3, 9, 1, 7, 8, 2), sampler, precision=precision))
    assert np.array_equal(alone[3], among_five[3])
    for seed in (1, 2, 3, 4):
        assert np.array_equal(in_another_order[seed], among_five[seed])
    assert not np.array_equal(among_five[3], among_five[4])


def test_two_runs_give_the_same_bytes(tiny, tiny_model_folder, ask):
    again = load_decoder(tiny_model_folder, device="cpu", precision="fp32")
    assert np.array_equal(images(tiny, ask((5,)))[5], images(again, ask((5,)))[5])


def test_previews_develop_together(tiny, ask):
    steps, result = finish(tiny.decode(ask((0, 1, 2))))
    assert [(s.index, s.total) for s in steps] == [(i, 5) for i in range(1, 6)]
    assert {s.preview.shape for s in steps} == {(3, 8, 8, 3)}
    assert steps[0].preview.dtype == np.uint8
    assert [s.seed for s in result.samples] == [0, 1, 2]
    assert result.samples[0].image.shape == (32, 32, 3)
    assert not result.samples[0].image.flags.writeable


def test_plms_counts_its_extra_network_call(tiny, ask):
    steps, _ = finish(tiny.decode(ask(sampler="plms")))
    assert [s.total for s in steps] == [6] * 6


def test_closing_stops_the_decode(tiny, ask, monkeypatch):
    calls = []
    denoiser, _ = tiny._networks_in("fp32")
    predict = denoiser._predict

    def counted(*args):
        calls.append(args)
        return predict(*args)

    monkeypatch.setattr(denoiser, "_denoise", counted)
    items = tiny.decode(ask())
    next(items)
    next(items)
    assert not torch.is_inference_mode_enabled()  # between steps the thread is as it was
    items.close()
    assert len(calls) == 2
    assert list(items) == []


def test_response_and_mask_matter(tiny, ask, vector):
    plain = images(tiny, ask((0,)))[0]
    all_kept = MaskState(np.ones(7, dtype=bool))
    half = MaskState.random(7, 0.5, seed=0)
    assert np.array_equal(images(tiny, ask((0,), mask=all_kept))[0], plain)
    time = tiny._conditions(ask((0,))).time
    assert not torch.equal(tiny._conditions(ask((0,), mask=half)).time, time)


def test_response_of_another_length_is_refused(tiny, ask):
    short = np.zeros(90, dtype=np.float32)
    with pytest.raises(ModelError, match="trained on 100 voxels but the response has 90;"):
        next(tiny.decode(ask(vector=short)))


def test_mask_of_another_length_is_refused(tiny, ask):
    with pytest.raises(RequestError, match="9 patches but model tiny has 7"):
        next(tiny.decode(ask(mask=MaskState.random(9, 0.5, seed=0))))


def test_a_length_known_in_patches_only_takes_any_that_fills_them(tiny, vector):
    loose = replace(tiny.info, n_voxels=0)  # 7 patches of 16
    assert [n for n in range(200) if loose.fits(n)] == list(range(96, 112))
    assert [n for n in range(200) if tiny.info.fits(n)] == [100]
    assert "trained on 96 to 111 voxels but anna has 90;" in loose.misfit("anna", 90)
    assert "trained on 100 voxels but anna has 90;" in tiny.info.misfit("anna", 90)


def test_recovery_predicts_masked_voxels_from_kept_ones(tiny, vector):
    mask = MaskState.random(7, 0.5, seed=1)
    recovery = tiny.recover(vector, mask)
    assert recovery.recovered.shape == (100,)
    masked = ~mask.kept_voxels(16, 100)
    expected = np.corrcoef(vector[masked], recovery.recovered[masked])[0, 1]
    assert recovery.correlation == pytest.approx(expected)


def test_masked_voxels_are_not_seen_through_the_padding(tiny, vector):
    """Padding repeats the first voxels behind the last: here they are masked, the end is kept."""
    mask = MaskState(np.array([False, True, True, False, True, True, True]))
    other = np.where(mask.kept_voxels(16, 100), vector, np.float32(5))
    assert np.array_equal(tiny.recover(vector, mask).recovered, tiny.recover(other, mask).recovered)


def test_recovery_without_masked_voxels_has_no_correlation(tiny, vector):
    assert np.isnan(tiny.recover(vector, MaskState(np.ones(7, dtype=bool))).correlation)


def test_recovery_needs_the_masked_model(tiny_model_folder, vector):
    decoder = load_decoder(tiny_model_folder, device="cpu")
    decoder._pipeline.masked_model = None
    with pytest.raises(ModelError, match="has no SC-MBM"):
        decoder.recover(vector, MaskState.random(7, 0.5, seed=1))


@pytest.mark.parametrize("message", ["CUDA out of memory", "can't allocate memory: 9 bytes"])
def test_too_little_memory_for_one_sample_is_said(tiny_model_folder, ask, monkeypatch, message):
    decoder = load_decoder(tiny_model_folder, device="cpu", precision="fp32")
    kind = torch.OutOfMemoryError if "CUDA" in message else RuntimeError

    def fail(*args):
        raise kind(message)

    monkeypatch.setattr(decoder._networks_in("fp32")[0], "_denoise", fail)
    with pytest.raises(ModelError, match="does not fit into the memory of 'cpu'; close what else"):
        next(decoder.decode(ask()))


def out_of_memory(*args, **kwargs):
    raise torch.OutOfMemoryError("CUDA out of memory")


def test_too_little_memory_for_a_recovery_is_said(tiny_model_folder, vector, monkeypatch):
    decoder = load_decoder(tiny_model_folder, device="cpu", precision="fp32")
    monkeypatch.setattr(decoder._pipeline.masked_model, "forward", out_of_memory)
    with pytest.raises(ModelError, match="does not fit into the memory of 'cpu'; close what else"):
        decoder.recover(vector, MaskState.random(7, 0.5, seed=1))


@pytest.mark.parametrize("method", METHODS)
def test_too_little_memory_for_an_attribution_is_said(tiny_model_folder, ask, monkeypatch, method):
    decoder = load_decoder(tiny_model_folder, device="cpu", precision="fp32")
    _, result = finish(decoder.decode(ask()))
    monkeypatch.setattr(decoder._pipeline.encoder, "embed", out_of_memory)
    with pytest.raises(ModelError, match="does not fit into the memory of 'cpu'; close what else"):
        finish(decoder.attribute(result.request, result.samples[0], method))


def test_a_precision_that_the_processor_lacks_is_refused(tiny, ask, monkeypatch):
    monkeypatch.setattr(device, "_has_bf16", lambda name: False)
    with pytest.raises(ModelError, match="'bf16' is not available: this CPU has no"):
        next(tiny.decode(ask(precision="bf16")))
    with pytest.raises(ModelError, match="'fp16' is for GPUs only"):
        next(tiny.decode(ask(precision="fp16")))


@pytest.mark.parametrize("steps", [0, -1, 1000, 10_000])
def test_too_few_and_too_many_steps_are_refused(steps):
    with pytest.raises(RequestError, match=f"{steps} steps is not in the range 1 to 999"):
        Sampling("ddim", steps)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")
def test_where_mkl_is_slow_the_encoders_do_without(tiny, tiny_model_folder, ask, monkeypatch):
    monkeypatch.setattr(onednn, "_mkl_is_slow", lambda: True)
    other = load_decoder(tiny_model_folder, device="cpu", precision="fp32")
    pipeline = other._pipeline
    for network in (pipeline.encoder, pipeline.masked_model):
        assert nn.Linear not in map(type, network.modules())
    assert np.abs(images(other, ask((5,)))[5].astype(int) - images(tiny, ask((5,)))[5]).max() <= 1
