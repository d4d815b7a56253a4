import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from mindvis_gui.errors import ModelError
from mindvis_gui.scoring import torch_network
from mindvis_gui.scoring.torch_network import CLIP_MEAN, CLIP_SD, Layer, Preparation, TorchNetwork
from tests.emulated_gpu import emulated_gpu


def pictures(n, side=32, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


class Spy(nn.Module):
    """Counts its calls and keeps what it was given; rectifies in place, as real networks do."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.ReLU(inplace=True), nn.Conv2d(4, 5, 3), nn.ReLU(inplace=True)
        )
        self.head = nn.Linear(5, 7)
        self.inputs = []

    def forward(self, x):
        self.inputs.append(x.clone())
        return self.head(self.features(x).mean(dim=(2, 3)))


@pytest.fixture
def spy():
    return Spy()


@pytest.fixture
def network(spy):
    layers = {"first": Layer("features.0", "before the rectifier"), "out": Layer("", "logits")}
    return TorchNetwork(spy, "spy", Preparation(16), layers, tuple("abcdefg"))


def test_pictures_are_resized_and_scaled(network, spy):
    seen = pictures(2)
    network.run(seen)
    (given,) = spy.inputs
    assert given.shape == (2, 3, 16, 16)
    small = [Image.fromarray(each).resize((16, 16), Image.Resampling.BILINEAR) for each in seen]
    expected = (np.array(small) / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(given.permute(0, 2, 3, 1).numpy(), expected, atol=1e-5)


def test_pictures_of_the_right_size_are_not_touched():
    seen = pictures(1, side=8)
    found = Preparation(0, CLIP_MEAN, CLIP_SD)(seen).permute(0, 2, 3, 1).numpy()
    assert np.array_equal(found, Preparation(8, CLIP_MEAN, CLIP_SD)(seen).permute(0, 2, 3, 1))
    np.testing.assert_allclose(found, (seen / 255 - CLIP_MEAN) / CLIP_SD, atol=1e-5)


def test_preparation_says_what_it_does():
    text = str(Preparation(518, filter="bicubic"))
    assert "518 × 518 pixels (bicubic), (x − (0.485, 0.456, 0.406)) / (0.229, 0.224, 0.225)" in text
    assert "as it is" in str(Preparation(0))


def test_features_are_of_the_layer_that_was_asked_for(network, spy):
    seen = pictures(3)
    output = network.run(seen, ["first", "out"])
    prepared = Preparation(16)(seen)
    with torch.inference_mode():
        first = spy.features[0](prepared).flatten(1).numpy()  # the rectifier has not cut it
        logits = spy(prepared)
    assert first.min() < 0
    np.testing.assert_allclose(output.features["first"], first, atol=1e-6)
    np.testing.assert_allclose(output.features["out"], logits.numpy(), atol=1e-6)
    np.testing.assert_allclose(output.probabilities, logits.softmax(-1).numpy(), atol=1e-6)
    assert not network.run(seen).features


def test_batches_change_nothing_and_hooks_do_not_pile_up(network, spy, monkeypatch):
    seen = pictures(5)
    together = network.run(seen, ["first"])
    monkeypatch.setattr(torch_network, "BATCH", 2)
    apart = network.run(seen, ["first"])
    assert [len(each) for each in spy.inputs] == [5, 2, 2, 1]
    np.testing.assert_allclose(together.features["first"], apart.features["first"], atol=1e-5)
    np.testing.assert_allclose(together.probabilities, apart.probabilities, atol=1e-6)
    assert not spy.features[0]._forward_hooks


def test_a_network_that_is_no_classifier_has_no_probabilities(spy):
    network = TorchNetwork(spy, "spy", Preparation(16), {"out": Layer("", "output")})
    output = network.run(pictures(2), ["out"])
    assert output.probabilities.shape == (2, 0)
    assert output.features["out"].shape == (2, 7)


class Large(Spy):
    """A network whose maps no GPU holds."""

    def forward(self, x):
        if x.device.type == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().forward(x)


def test_a_gpu_that_is_too_small_is_said():
    with emulated_gpu():
        network = TorchNetwork(Large(), "large", Preparation(16), {})
        with pytest.raises(ModelError, match="model large does not fit into the memory of 'cuda'"):
            network.run(pictures(1))


def test_a_gpu_that_pytorch_has_no_code_for_is_left_alone(monkeypatch):
    with emulated_gpu():
        monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_100"])
        network = TorchNetwork(Large(), "large", Preparation(16), {}, tuple("abcdefg"))
        assert network.run(pictures(1)).probabilities.shape == (1, 7)
