"""Attribution on a model with random networks: that it adds up, and that weights decide."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from mindvis_gui import open_subject
from mindvis_gui.analysis.comparison import resized
from mindvis_gui.data.attribution import METHODS
from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.prepare import measure_normalisation, prepare
from mindvis_gui.decoding.attribution import folded
from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.models import VELOCITY, find_model, load_decoder
from mindvis_gui.decoding.networks import build_scheduler
from mindvis_gui.decoding.request import Attributor, DecodeRequest, Sample
from mindvis_gui.decoding.rollout import weighted_roll_out
from mindvis_gui.decoding.transformer import Attention
from mindvis_gui.errors import ModelError, RequestError


def load(folder):
    return load_decoder(folder, device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def tiny(tiny_model_folder):
    """Return a decoder whose context moves what the U-Net predicts: 100 voxels, 7 patches."""
    decoder = load(tiny_model_folder)
    with torch.no_grad():
        decoder._pipeline.conditioner.width_mapper.weight *= 5
    return decoder


@pytest.fixture(scope="module")
def request_of_all():
    vector = np.random.default_rng(0).normal(size=100).astype(np.float32)
    return DecodeRequest("tiny", 2, vector, (5,))


@pytest.fixture(scope="module")
def sample():
    image = np.random.default_rng(1).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    return Sample(image, seed=5)


def finish(items):
    steps = []
    while True:
        try:
            steps.append(next(items))
        except StopIteration as stop:
            return steps, stop.value


def attribute(decoder, request, sample, method="gradients"):
    return finish(decoder.attribute(request, sample, method))[1]


def test_gradients_share_out_what_the_response_does(tiny, request_of_all, sample):
    found = attribute(tiny, request_of_all, sample)
    assert (found.trial, found.seed) == (2, 5)
    assert np.abs(found.values).sum() == pytest.approx(100, rel=1e-4)
    assert (found.values < 0).any()
    assert found.explained == pytest.approx(found.effect, rel=0.05)


def test_a_network_that_predicts_the_velocity_has_the_same_map(
    tiny, request_of_all, sample, monkeypatch
):
    expected = attribute(tiny, request_of_all, sample)
    pipeline, predict_noise = tiny._pipeline, tiny._pipeline.predict

    def velocity(latents, step, condition):
        kept = pipeline.scheduler.alphas_cumprod[int(step)]
        noise = predict_noise(latents, step, condition)
        return (noise - (1 - kept).sqrt() * latents) / kept.sqrt()

    monkeypatch.setattr(pipeline, "scheduler", build_scheduler(VELOCITY))
    monkeypatch.setattr(pipeline, "predict", velocity)
    found = attribute(tiny, request_of_all, sample)
    assert found.effect == pytest.approx(expected.effect, rel=1e-3)
    np.testing.assert_allclose(found.values, expected.values, atol=1e-2)


def test_progress_ends_at_its_total(tiny, request_of_all, sample):
    steps, _ = finish(tiny.attribute(request_of_all, sample, "gradients"))
    assert [step.index for step in steps] == list(range(1, steps[0].total + 1))


def test_it_is_the_same_again_and_another_for_another_sample(tiny, request_of_all, sample):
    first = attribute(tiny, request_of_all, sample)
    assert np.array_equal(first.values, attribute(tiny, request_of_all, sample).values)
    other = Sample(255 - sample.image, seed=5)
    assert not np.allclose(first.values, attribute(tiny, request_of_all, other).values, atol=0.05)


def test_masked_voxels_have_no_gradient_share(tiny, request_of_all, sample):
    mask = MaskState(np.array([True, False, True, True, True, True, True]))
    masked = DecodeRequest("tiny", 2, request_of_all.vector, (5,), mask=mask)
    values = attribute(tiny, masked, sample).values
    assert not values[16:32].any()
    assert values[:16].any()


@pytest.mark.parametrize("method", METHODS)
def test_a_conditioner_that_reads_one_token_looks_at_its_patch(
    tiny_model_folder, request_of_all, sample, method
):
    decoder = load(tiny_model_folder)
    pipeline = decoder._pipeline
    with torch.no_grad():
        first = pipeline.conditioner.token_mapper[0].weight  # (between, tokens, 1)
        first[:, torch.arange(7) != 2] = 0
        for block in pipeline.encoder.blocks:
            block.attn.qkv.weight.zero_()  # attends to all alike
            if method != "rollout":
                block.attn.proj.weight.zero_()  # tokens stay by themselves
    found = attribute(decoder, request_of_all, sample, method)
    assert found.values[32:48].all()
    share = np.abs(found.values[32:48]).sum()
    if method != "rollout":
        assert share == pytest.approx(100, abs=1e-3)
    else:
        # Half of it goes straight on, the other half is spread over 7 patches; the copies that
        # wrapping adds to the last patch are the first voxels.
        assert share == pytest.approx(100 * (0.5 + 0.5 / 7), rel=1e-3)


@pytest.fixture
def demo_question():
    """Return the demo's model, a request, and the stimulus that was seen."""
    subject = open_subject("demo")
    trial = subject.trials[9]
    vector = prepare(subject, trial, measure_normalisation(subject))
    request = DecodeRequest(subject.name, 9, vector, (0,))
    return load(find_model("demo")), request, Sample(resized(subject.stimulus(trial), 64, 64), 0)


def randomise(network):
    """Draw the weights of a network anew, each matrix with the spread that it had."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.dim() > 1:
                weight.copy_(weight.std() * torch.randn(weight.shape, generator=generator))


def test_randomised_weights_give_another_map(demo_question):
    """The sanity check of Adebayo et al. (2018), on the demo's trained model.

    A map that does not depend on the weights would explain the data, not the model. Signs are
    compared: without them integrated gradients keep the size of the response itself.
    """
    decoder, request, seen = demo_question
    trained = {method: attribute(decoder, request, seen, method).values for method in METHODS}
    randomise(decoder._pipeline.encoder)
    random = {method: attribute(decoder, request, seen, method).values for method in METHODS}
    alike = {m: abs(spearmanr(trained[m], random[m]).statistic) for m in METHODS}
    assert alike["gradients"] < 0.15
    assert alike["grad-rollout"] < 0.2
    assert alike["rollout"] < 0.6
    assert min(trained["rollout"].min(), trained["grad-rollout"].min()) >= 0


def test_the_weighted_roll_out_notices_a_randomised_conditioner(demo_question):
    """Where the plain one, which sees attention alone, stays as it was."""
    decoder, request, seen = demo_question
    roll_outs = ("grad-rollout", "rollout")
    trained = {method: attribute(decoder, request, seen, method).values for method in roll_outs}
    randomise(decoder._pipeline.conditioner)
    random = {method: attribute(decoder, request, seen, method).values for method in roll_outs}
    alike = {m: abs(spearmanr(trained[m], random[m]).statistic) for m in roll_outs}
    assert alike["grad-rollout"] < 0.25
    assert alike["rollout"] > 0.9


def test_the_weighted_roll_out_follows_attention_whose_gradient_is_positive():
    """A block of one head: what it brings is (∇A ⊙ A)⁺ beside the residual."""
    torch.manual_seed(0)
    width, n = 4, 3
    encoder = FmriEncoder(5, patch_size=2, width=width, depth=1, heads=1, global_pool=True)
    conditioner = Conditioner(1, width, 2, 2, 1, global_pool=True)
    pipeline = SimpleNamespace(encoder=encoder, conditioner=conditioner)
    padded = torch.linspace(-1, 1, n * 2)[None]
    direction = (torch.ones(1, 1, 2), torch.zeros(1, 2))
    block = encoder.blocks[0]
    found = weighted_roll_out(pipeline, padded, direction)
    inputs = block.norm1(encoder.embed(padded))
    query, key, _ = block.attn.qkv(inputs)[0].split(width, dim=-1)
    weights = (query @ key.T / width**0.5).softmax(-1).detach().requires_grad_()
    tokens = encoder.embed(padded) + block.attn.mixed(weights[None, None], inputs)
    final = encoder.finish(tokens + block.mlp(block.norm2(tokens)))
    projected = conditioner(final)[0].sum()
    slope, last = torch.autograd.grad(projected, [weights, final])
    relevance = torch.eye(n) + (slope * weights).clamp(min=0)
    expected = (last * final).detach().sum().abs() / n * relevance.detach().sum(0)
    torch.testing.assert_close(found.view(n, 2).sum(1), expected)


def test_given_weights_mix_as_the_layer_does():
    torch.manual_seed(0)
    layer, tokens = Attention(8, 2), torch.randn(3, 5, 8)
    query, key, _ = layer.qkv(tokens).view(3, 5, 3, 2, 4).permute(2, 0, 3, 1, 4)
    weights = (query @ key.transpose(-1, -2) / 2).softmax(dim=-1)
    torch.testing.assert_close(layer.mixed(weights, tokens), layer(tokens))


def test_copies_made_by_wrapping_belong_to_their_voxels():
    values = np.arange(1.0, 9.0)
    assert folded(values, 6, wraps=True).tolist() == [8, 10, 3, 4, 5, 6]
    assert folded(values, 6, wraps=False).tolist() == [1, 2, 3, 4, 5, 6]
    assert folded(values, 10, wraps=False).tolist() == [*range(1, 9), 0, 0]  # two were cut off


def test_bad_questions(tiny, request_of_all, sample):
    assert isinstance(tiny, Attributor)
    with pytest.raises(RequestError, match="choose one of gradients, grad-rollout, rollout"):
        attribute(tiny, request_of_all, sample, "guess")
    with pytest.raises(ModelError, match="8 × 8 pixels but the model makes 32 × 32"):
        attribute(tiny, request_of_all, Sample(np.zeros((8, 8, 3), np.uint8), 0))
    silent = DecodeRequest("tiny", 2, np.zeros(100, np.float32), (5,))
    with pytest.raises(ModelError, match="does not change what the model expects"):
        attribute(tiny, silent, sample)
    with pytest.raises(ModelError, match="trained on 100 voxels"):
        attribute(tiny, DecodeRequest("tiny", 2, np.zeros(90, np.float32), (5,)), sample)
