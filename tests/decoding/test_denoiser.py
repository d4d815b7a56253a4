"""The fast U-Net against the plain one of diffusers, on random networks."""

import copy
import weakref

import numpy as np
import pytest
import torch
from torch import nn

from mindvis_gui.decoding import batches, onednn
from mindvis_gui.decoding.batches import BatchSize
from mindvis_gui.decoding.cuda_graph import GraphedDenoiser
from mindvis_gui.decoding.denoiser import BatchedDenoiser, Conditions, Denoiser
from mindvis_gui.decoding.networks import build_unet
from mindvis_gui.decoding.pictures import PictureMaker
from mindvis_gui.decoding.pipeline import load_pipeline


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module")
def unet():
    torch.manual_seed(3)
    return build_unet(
        32, 24, sample_size=8, multipliers=(1, 2), attention=(True, True), layers=1
    ).eval()


@pytest.fixture(scope="module")
def inputs():
    """Return latents, contexts and time vectors of 4 samples."""
    generator = torch.Generator().manual_seed(1)
    shapes = (4, 3, 8, 8), (4, 6, 24), (4, 128)
    return [torch.randn(shape, generator=generator) for shape in shapes]


@pytest.fixture(scope="module")
def plain(unet, inputs):
    latents, context, time = inputs
    with torch.inference_mode():
        return unet(latents, 321, context, class_labels=time).sample


def conditions_of(denoiser, inputs):
    _, context, time = inputs
    return [denoiser.conditions(context[i : i + 1], time[i : i + 1]) for i in range(4)]


def relative_error(actual, expected):
    return float((actual - expected).norm() / expected.norm())


@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
def test_it_predicts_what_the_plain_network_does(unet, inputs, plain, dtype, error):
    denoiser = Denoiser(unet, dtype)
    gathered = Conditions.gathered(conditions_of(denoiser, inputs), range(4))
    noise = denoiser(inputs[0], torch.tensor(321), gathered)
    assert noise.dtype == torch.float32
    assert relative_error(noise, plain) < error


def test_it_leaves_the_network_as_it_is(unet, inputs, plain):
    before = copy.deepcopy(unet.state_dict())
    processors = dict(unet.attn_processors)
    Denoiser(unet, torch.float32)
    Denoiser(unet, torch.bfloat16)
    assert unet.attn_processors == processors
    assert all(torch.equal(unet.state_dict()[name], value) for name, value in before.items())
    latents, context, time = inputs
    assert torch.equal(unet(latents, 321, context, class_labels=time).sample, plain)


def test_fp32_shares_its_weights(unet):
    denoiser = Denoiser(unet, torch.float32)
    assert denoiser._unet.conv_in.weight.data_ptr() == unet.conv_in.weight.data_ptr()
    assert denoiser._unet.mid_block.resnets[0].conv1.weight.data_ptr() == (
        unet.mid_block.resnets[0].conv1.weight.data_ptr()
    )


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")
def test_fp32_on_a_cpu_packs_its_convolutions(unet):
    denoiser = Denoiser(unet, torch.float32)
    assert nn.Conv2d not in map(type, denoiser._unet.modules())
    assert nn.Conv2d in map(type, unet.modules())


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")
@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-5), (torch.bfloat16, 0.02)])
def test_a_large_network_on_a_cpu_computes_by_onednn(
    unet, inputs, plain, monkeypatch, dtype, error
):
    monkeypatch.setattr(onednn, "_mkl_is_slow", lambda: True)
    monkeypatch.setattr(batches, "_SMALL_UNET", 0)
    denoiser = Denoiser(unet, dtype)
    if dtype == torch.float32 or torch.ops.mkldnn._is_mkldnn_bf16_supported():
        assert nn.Conv2d not in map(type, denoiser._unet.modules())
    for module in denoiser._unet.modules():
        if isinstance(module, nn.Linear):
            assert (type(module) is nn.Linear) == (module.weight.dtype == torch.bfloat16)
    predict = BatchedDenoiser(
        denoiser, conditions_of(denoiser, inputs), range(4), BatchSize(1, True)
    )
    assert relative_error(predict(inputs[0], torch.tensor(321)), plain) < error


def test_ends_and_time_stay_in_fp32(unet):
    weights = Denoiser(unet, torch.bfloat16)._unet.state_dict()
    full = {name.partition(".")[0] for name, w in weights.items() if w.dtype == torch.float32}
    assert full == {"conv_in", "time_embedding", "conv_norm_out", "conv_out"}


@pytest.mark.parametrize("size", [BatchSize(5, True), BatchSize(1, True), BatchSize(3, False)])
def test_each_latent_has_the_condition_of_its_request(unet, inputs, plain, size):
    denoiser = Denoiser(unet, torch.float32)
    owners = [2, 0, 0, 3, 1, 2, 3]
    predict = BatchedDenoiser(denoiser, conditions_of(denoiser, inputs), owners, size)
    for _ in range(2):  # the second time with conditions gathered before
        noise = predict(inputs[0][owners], torch.tensor(321))
        assert relative_error(noise, plain[owners]) < 1e-5


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_fixed_batch_gives_the_same_bytes_whatever_is_in_it(unet, inputs, dtype):
    denoiser = Denoiser(unet, dtype)
    conditions, size = conditions_of(denoiser, inputs), BatchSize(5, True)
    step = torch.tensor(77)
    alone = BatchedDenoiser(denoiser, conditions, [2], size)(inputs[0][2:3], step)
    owners = [0, 1, 3, 3, 1, 0, 2]
    among = BatchedDenoiser(denoiser, conditions, owners, size)(inputs[0][owners], step)
    assert torch.equal(among[6:], alone)


def test_conditions_of_batches_that_did_not_fit_are_not_kept(unet, inputs, monkeypatch):
    denoiser, called = Denoiser(unet, torch.float32), []

    def called_with(latents, step, conditions):
        called.append(weakref.ref(conditions.time))
        if len(latents) > 1:
            raise torch.OutOfMemoryError
        return latents

    monkeypatch.setattr(denoiser, "_denoise", called_with)
    conditions = conditions_of(denoiser, inputs)
    predict = BatchedDenoiser(denoiser, conditions, [0, 1, 2, 3], BatchSize(4, fixed=False))
    predict(inputs[0], torch.tensor(321))
    assert [time() is not None for time in called] == [False, False, True, True, True, True]


class Replay:
    """Stands in for a CUDA graph: computes again what was recorded, into the same memory."""

    def __init__(self, compute, result):
        self._compute, self._result = compute, result

    def replay(self):
        self._result.copy_(self._compute())


def test_recorded_calls_follow_latents_step_and_conditions(unet, inputs):
    denoiser = Denoiser(unet, torch.float32)
    recorded = []

    def record(compute):
        result = compute()
        recorded.append(result.shape)
        return Replay(compute, result), result

    graphed = GraphedDenoiser(denoiser._predict, record)
    conditions = conditions_of(denoiser, inputs)
    several = [Conditions.gathered(conditions, owners) for owners in ([0, 1], [3, 2])]
    for call in range(9):
        latents, step = inputs[0][call % 3 :][:2] + call, torch.tensor(100 * call + 1)
        expected = denoiser._predict(latents, step, several[call // 2 % 2])
        assert torch.equal(graphed(latents, step, several[call // 2 % 2]), expected)
    assert len(recorded) == 1
    for _ in range(3):
        graphed(inputs[0][:1], step, conditions[0])
    assert recorded[1:] == [(1, 3, 8, 8)]  # the third time


def test_without_memory_for_a_recording_calls_are_made_one_by_one(unet, inputs, caplog):
    denoiser = Denoiser(unet, torch.float32)

    def record(compute):
        raise torch.OutOfMemoryError("out of memory")

    graphed = GraphedDenoiser(denoiser._predict, record)
    conditions, step = conditions_of(denoiser, inputs)[0], torch.tensor(5)
    expected = denoiser._predict(inputs[0][:1], step, conditions)
    for _ in range(5):
        assert torch.equal(graphed(inputs[0][:1], step, conditions), expected)
    assert caplog.messages == ["batches of 1 run unrecorded: out of memory"]


def test_recordings_are_forgotten_by_two_threads_at_once(unet, inputs):
    """Both run out of memory; the other one comes while the first recording is freed."""
    denoiser = Denoiser(unet, torch.float32)

    def record(compute):
        result = compute()
        replay = Replay(lambda: result, result)
        weakref.finalize(replay, lambda: graphed.forget())
        return replay, result

    graphed = GraphedDenoiser(denoiser._predict, record)
    conditions, step = conditions_of(denoiser, inputs), torch.tensor(5)
    for rows in (1, 2):
        for _ in range(3):
            graphed(inputs[0][:rows], step, Conditions.gathered(conditions, range(rows)))
    assert len(graphed._graphs) == 2
    assert graphed.forget()
    assert not graphed.forget()


@pytest.mark.parametrize(
    ("dtype", "most", "mean"), [(torch.float32, 1, 0.01), (torch.bfloat16, 16, 2)]
)
def test_pictures_are_those_of_the_plain_first_stage(tiny_model_folder, dtype, most, mean):
    pipeline = load_pipeline(tiny_model_folder)
    latents = 0.05 * torch.randn(3, 3, 8, 8, generator=torch.Generator().manual_seed(2))
    pictures = PictureMaker(pipeline.vqvae, 32, dtype)(latents)
    assert pictures.ready
    plain = torch.cat([pipeline.pictures(latent[None]) for latent in latents]).int()
    made = torch.from_numpy(np.stack(pictures.finished())).int()
    assert made.shape == plain.shape == (3, 32, 32, 3)
    off = (made - plain).abs()
    assert off.max() <= most
    assert off.float().mean() <= mean
    assert not pictures.finished()[0].flags.writeable
