import copy

import pytest
import torch
from torch import nn

from mindvis_gui.decoding import onednn
from mindvis_gui.decoding.onednn import multiply_by_onednn, pack_convolutions

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


def test_weights_that_change_are_laid_out_anew():
    with torch.inference_mode(mode=False), torch.no_grad():
        network, other = convolution(padding=1), nn.Sequential(nn.Conv2d(8, 16, 3, padding=1))
        pack_convolutions(network)
        maps = torch.randn(1, 8, 4, 4)
        network(maps)
        network.load_state_dict(other.state_dict())
        assert torch.allclose(network(maps), other(maps), atol=1e-5)
        network[0].weight.mul_(2)
        network[0].bias.mul_(2)
        assert torch.allclose(network(maps), 2 * other(maps), atol=1e-5)
        copied = copy.deepcopy(network)
        assert torch.equal(copied(maps), network(maps))


def test_packed_convolutions_still_have_gradients():
    with torch.inference_mode(mode=False):
        network = nn.Sequential(nn.Conv2d(8, 16, 3))
        pack_convolutions(network)
        network(torch.ones(1, 8, 3, 3)).sum().backward()
    assert torch.allclose(network[0].weight.grad, torch.ones(16, 8, 3, 3))


@pytest.mark.skipif(
    not torch.backends.mkldnn.is_available() or not torch.ops.mkldnn._is_mkldnn_bf16_supported(),
    reason="oneDNN without bf16",
)
def test_bf16_is_packed_too():
    network = convolution(padding=1).to(torch.bfloat16)
    maps = torch.randn(2, 8, 12, 10, dtype=torch.bfloat16)
    expected = network(maps)
    pack_convolutions(network)
    assert type(network[0]) is not nn.Conv2d
    assert torch.allclose(network(maps).float(), expected.float(), atol=0.02)


@pytest.mark.parametrize(
    "network",
    [
        convolution(padding="same"),
        convolution(padding=1, padding_mode="circular"),
        convolution(padding=1).to(torch.float16),
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


@pytest.fixture
def slow_mkl(monkeypatch):
    monkeypatch.setattr(onednn, "_mkl_is_slow", lambda: True)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch without oneDNN")
@pytest.mark.usefixtures("slow_mkl")
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(48,), (1, 48), (2, 7, 48), (2, 3, 5, 48), (0, 48)])
def test_matrix_products_come_out_as_before(bias, shape):
    torch.manual_seed(0)
    layer = nn.Linear(48, 32, bias=bias)
    changed = nn.Sequential(copy.deepcopy(layer))
    multiply_by_onednn(changed)
    assert type(changed[0]) is not nn.Linear
    tokens = torch.randn(shape)
    assert torch.allclose(changed(tokens), layer(tokens), atol=1e-5)
    turned = torch.randn(48, *shape[:-1]).movedim(0, -1)  # not contiguous
    assert torch.allclose(changed(turned), layer(turned), atol=1e-5)


@pytest.mark.usefixtures("slow_mkl")
def test_matrix_products_still_have_gradients():
    with torch.inference_mode(mode=False):
        layer = nn.Sequential(nn.Linear(4, 3)).requires_grad_(False)
        multiply_by_onednn(layer)
        tokens = torch.ones(2, 4, requires_grad=True)
        layer(tokens).sum().backward()
    assert torch.allclose(tokens.grad[0], layer[0].weight.sum(dim=0))


@pytest.mark.usefixtures("slow_mkl")
def test_only_fp32_leaves_mkl():
    layer = nn.Sequential(nn.Linear(4, 3)).to(torch.bfloat16)
    multiply_by_onednn(layer)
    assert type(layer[0]) is nn.Linear


@pytest.mark.parametrize(
    ("maker", "widest", "slow"),
    [
        ("AuthenticAMD", "AVX512", True),
        ("AuthenticAMD", "AVX2", False),
        ("GenuineIntel", "AVX512", False),
    ],
)
def test_mkl_is_slow_on_cpus_of_other_makers(monkeypatch, tmp_path, maker, widest, slow):
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\nvendor_id\t: {maker}\n", encoding="utf-8")
    monkeypatch.setattr(onednn, "_CPU_INFO", info)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: widest)
    assert onednn._mkl_is_slow.__wrapped__() is slow
