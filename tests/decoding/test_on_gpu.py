"""Nothing that decodes mixes devices, or forbids a graph; shown on an emulated GPU."""

import gc
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from mindvis_gui.data.attribution import METHODS
from mindvis_gui.data.mask import MaskState
from mindvis_gui.decoding import cuda_graph, drawn
from mindvis_gui.decoding import decoder as decoder_module
from mindvis_gui.decoding.models import load_decoder
from mindvis_gui.decoding.request import DecodeFailure, DecodeRequest, DecodeResult, decode_many
from mindvis_gui.decoding.sampling_settings import SAMPLERS, Sampling
from mindvis_gui.steps import finish
from tests.emulated_gpu import GPU, emulated_gpu

ONE = torch.ones(())


def vector(trial=0):
    return np.random.default_rng(trial).standard_normal(100).astype(np.float32)


@pytest.fixture(scope="module")
def here(tiny_model_folder):
    return load_decoder(tiny_model_folder, "cpu", "fp32")


@pytest.fixture
def both(here, tiny_model_folder):
    """Return a function: what to do with a decoder → what a CPU and a GPU make of it, the GPU."""

    def made(use, **memory):
        expected = use(here)
        with emulated_gpu(**memory) as gpu:
            return expected, use(load_decoder(tiny_model_folder, "cuda", "fp32")), gpu

    return made


def request(sampler="ddim", seeds=(0, 1, 2), guidance=None, trial=0):
    sampling = Sampling(sampler, 8, "fp32", guidance=guidance)
    return DecodeRequest("x", trial, vector(trial), seeds, sampling)


def assert_alike(one, other):
    """Last bits decide here and there which code is nearest, so a few pixels may differ."""
    for a, b in zip(one.samples, other.samples, strict=True):
        assert a.seed == b.seed
        assert np.abs(a.image.astype(float) - b.image).mean() < 0.1


def test_devices_do_not_mix():
    with emulated_gpu():
        there, here = torch.ones(3).to("cuda"), torch.ones(3)
        assert there.device == GPU
        assert (there + 1).cpu().tolist() == [2, 2, 2]
        with pytest.raises(RuntimeError, match="same device"):
            there + here
        with pytest.raises(TypeError, match="numpy"):
            np.asarray(there)


def test_a_graph_computes_again_in_its_own_memory():
    with emulated_gpu():
        x, weight = torch.ones(3).to(GPU), torch.full((3,), 2.0).to(GPU)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            y = (weight * x).view(1, 3)
            y[0, :2] += 1
        x.fill_(10)
        assert y.cpu().tolist() == [[3, 3, 2]]
        graph.replay()
        assert y.cpu().tolist() == [[21, 21, 20]]


@pytest.mark.parametrize("wait", [lambda x: x.sum().item(), Tensor.cpu, lambda x: x + ONE.to(GPU)])
def test_nobody_may_wait_while_a_graph_is_recorded(wait):
    with emulated_gpu():
        x = torch.ones(3).to(GPU)
        with (
            pytest.raises(RuntimeError, match="previous error") as ended,
            torch.cuda.graph(torch.cuda.CUDAGraph()),
        ):
            wait(x)
        assert "not permitted when stream is capturing" in str(ended.value.__context__)


def test_memory_ends_and_is_given_back():
    with emulated_gpu() as gpu:
        x = torch.ones(100).to(GPU)
        assert gpu.memory.used == 400
        gpu.memory.most = 1000
        y = x + 1
        view = y[:50]
        with pytest.raises(torch.OutOfMemoryError):
            x + y
        del y
        assert gpu.memory.used == 800
        del view
        assert (x + 1).cpu().sum() == 200


def test_a_recording_that_cannot_be_ended_leaves_the_stream_as_it_was(caplog):
    with emulated_gpu():
        x, before = torch.ones(3).to(GPU), torch.cuda.current_stream()
        with pytest.raises(RuntimeError, match="previous error"):
            cuda_graph._record(lambda: x + float(x.sum()))
        assert torch.cuda.current_stream() is before


def test_a_recording_gives_way_to_what_has_no_memory_beside_it(here, tiny_model_folder):
    """As on a GPU that holds the weights and one call, after a decode in another precision."""
    asked = request(seeds=(0,))
    with emulated_gpu() as gpu:
        decoder = load_decoder(tiny_model_folder, "cuda", "fp32")
        finish(decoder.decode(replace(asked, sampling=Sampling("ddim", 8, "bf16"))))
        assert [graph.replays for graph in gpu.graphs] == [6]
        gpu.memory.most = gpu.memory.used + 300_000  # beside the recording too few for a call
        other = finish(decoder.decode(asked))
    assert_alike(finish(here.decode(asked)), other)


def test_a_model_that_nobody_has_any_more_leaves_its_memory(tiny_model_folder):
    """At once, not when Python looks for garbage: the next model may not fit beside it."""
    with emulated_gpu() as gpu:
        decoder = load_decoder(tiny_model_folder, "cuda", "fp32")
        finish(decoder.decode(request(guidance=2.0)))
        assert gpu.graphs
        gc.collect()
        gc.disable()
        try:
            del decoder
            assert gpu.memory.used == 0
        finally:
            gc.enable()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_samples(both, sampler):
    one, other, gpu = both(lambda decoder: finish(decoder.latents(request(sampler))))
    np.testing.assert_allclose(one, other, atol=1e-4)
    assert [graph.replays for graph in gpu.graphs] == [6 + (sampler == "plms")]


def test_guided_samples(both):
    one, other, gpu = both(lambda decoder: finish(decoder.decode(request(guidance=2.0))))
    assert_alike(one, other)
    assert gpu.graphs


def test_many_requests_one_after_the_other(both):
    asked = [request(seeds=(0, 1), trial=trial) for trial in range(3)]

    def results(decoder):
        return [each for each in decode_many(decoder, asked) if isinstance(each, DecodeResult)]

    one, other, gpu = both(results, free=1)  # so a graph is replayed for other conditions
    assert len(one) == len(other) == 3
    assert len(gpu.graphs) == 1
    for a, b in zip(one, other, strict=True):
        assert_alike(a, b)


def test_memory_that_holds_one_row(both):
    one, other, gpu = both(lambda decoder: finish(decoder.decode(request())), free=1)
    assert_alike(one, other)
    assert gpu.graphs[0].replays == 3 * 8 - 2


def test_samples_that_are_not_finite_are_failures(both):
    def failures(decoder):
        with torch.inference_mode():
            decoder._pipeline.unet.conv_out.bias.fill_(torch.nan)
        asked = [request(seeds=(0, 1), trial=trial) for trial in range(2)]
        return [str(e.error) for e in decode_many(decoder, asked) if isinstance(e, DecodeFailure)]

    _, said, gpu = both(lambda decoder: failures(decoder) if decoder.info.device == "cuda" else 0)
    for trial, each in enumerate(said):
        assert f"no finite picture for trial {trial}, seeds 0, 1;" in each
    assert len(said) == 2
    assert gpu.graphs


class LateEvent:
    """An event that a GPU comes to two seconds after the one before; Python takes no time."""

    now = 0.0

    def record(self):
        LateEvent.recorded += 1
        self.done = 2.0 * LateEvent.recorded

    def query(self):
        return self.done <= LateEvent.now

    def synchronize(self):
        LateEvent.now = max(LateEvent.now, self.done)


def test_seconds_are_those_of_the_gpu(tiny_model_folder, monkeypatch):
    monkeypatch.setattr(LateEvent, "recorded", 0, raising=False)
    monkeypatch.setattr(LateEvent, "now", 0.0)
    for module in (decoder_module, drawn):
        monkeypatch.setattr(module, "perf_counter", lambda: LateEvent.now, raising=False)
    with emulated_gpu(free=1):
        decoder = load_decoder(tiny_model_folder, "cuda", "fp32")
        monkeypatch.setattr(torch.cuda, "Event", LateEvent)
        asked = [request(seeds=(0,), trial=trial) for trial in range(3)]
        results = [each for each in decode_many(decoder, asked) if isinstance(each, DecodeResult)]
    assert [result.request.trial for result in results] == [0, 1, 2]
    assert [result.seconds for result in results] == [2, 2, 2]


class LostEvent:
    """An event of a GPU that stopped working, as torch tells of it."""

    def record(self): ...

    def query(self):
        raise RuntimeError("CUDA error: unspecified launch failure")

    synchronize = query


def test_a_gpu_that_is_lost_while_it_decodes_pictures_fails_its_trials(
    tiny_model_folder, monkeypatch
):
    with emulated_gpu(free=1):
        decoder = load_decoder(tiny_model_folder, "cuda", "fp32")
        monkeypatch.setattr(torch.cuda, "Event", LostEvent)
        asked = [request(seeds=(0,), trial=trial) for trial in range(2)]
        failures = [each for each in decode_many(decoder, asked) if isinstance(each, DecodeFailure)]
    assert [failure.request.trial for failure in failures] == [0, 1]
    assert all("the GPU stopped working" in str(failure.error) for failure in failures)


def test_recovery(both):
    mask = MaskState.random(7, 0.5, 3)
    one, other, _ = both(lambda decoder: decoder.recover(vector(), mask))
    np.testing.assert_allclose(one.recovered, other.recovered, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_attribution(here, both, method):
    asked = request()
    sample = finish(here.decode(asked)).samples[0]
    one, other, _ = both(lambda decoder: finish(decoder.attribute(asked, sample, method)))
    np.testing.assert_allclose(one.values, other.values, rtol=1e-3, atol=1e-4)
