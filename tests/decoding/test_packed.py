import copy

import pytest
import torch
from torch import nn

from mindvis_gui.decoding.packed import pack_convolutions

CONVOLUTIONS = {
    "same size": {"padding": 1},
    "half size": {"padding": 1, "stride": 2},
    "one cell": {},
    "groups": {"padding": 1, "groups": 4},
    "without bias": {"padding": 1, "bias": False},
}


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.inference_mode():
        yield


def convolution(**settings):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(8, 16, 3, **settings)).requires_grad_(False)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_maps_of_any_shape_come_out_as_before(name):
    network = convolution(**CONVOLUTIONS[name])
    packed = copy.deepcopy(network)
    pack_convolutions(packed)
    for shape in [(2, 8, 12, 10), (1, 8, 6, 6), (2, 8, 12, 10)]:
        maps = torch.randn(shape)
        for order in (torch.contiguous_format, torch.channels_last):
            expected = network(maps)
            made = packed(maps.contiguous(memory_format=order))
            assert made.shape == expected.shape
            assert torch.allclose(made, expected, atol=1e-5)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")
def test_weights_are_laid_out_once_for_a_shape(monkeypatch):
    network, laid_out = convolution(padding=1), []
    pack_convolutions(network)
    layout = torch.ops.mkldnn._reorder_convolution_weight

    def counted(weight, *geometry):
        laid_out.append(geometry[-1])
        return layout(weight, *geometry)

    monkeypatch.setattr(torch.ops.mkldnn, "_reorder_convolution_weight", counted)
    for rows in (2, 2, 2, 3, 3):
        network(torch.zeros(rows, 8, 4, 4))
    assert laid_out == [[2, 8, 4, 4], [3, 8, 4, 4]]


def test_weights_stay_those_that_others_share():
    network = convolution(padding=1)
    weight = network[0].weight
    before = weight.clone()
    pack_convolutions(network)
    network(torch.randn(1, 8, 4, 4))
    assert network[0].weight is weight
    assert torch.equal(weight, before)
    assert list(network.state_dict()) == ["0.weight", "0.bias"]


@pytest.mark.parametrize(
    "network",
    [
        convolution(padding="same"),
        convolution(padding=1, padding_mode="circular"),
        convolution(padding=1).to(torch.bfloat16),
    ],
)
def test_other_convolutions_are_left_alone(network):
    pack_convolutions(network)
    assert type(network[0]) is nn.Conv2d


def test_without_the_library_nothing_changes(monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    network = convolution(padding=1)
    pack_convolutions(network)
    assert type(network[0]) is nn.Conv2d
