import pytest
import torch
from diffusers.models.activations import GEGLU
from torch import nn

from mindvis_gui.decoding.rows_alike import treat_rows_alike

LAYERS = {
    "linear": (lambda: nn.Linear(64, 256), (5, 64)),
    "group norm": (lambda: nn.GroupNorm(32, 64), (5, 64, 32, 32)),
    "SiLU": (nn.SiLU, (5, 64, 16, 16)),
    "GEGLU": (lambda: GEGLU(32, 128), (5, 200, 32)),
}


@pytest.fixture(params=[2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def made(name):
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    rows = torch.randn(shape)
    if name == "group norm":  # as attention leaves a map behind
        rows = rows.to(memory_format=torch.channels_last)
    return nn.Sequential(make()).requires_grad_(False), rows


def differing(network, rows):
    """Return the rows that are others when they come first, with zeros behind them."""
    among = network(rows)
    found = []
    for place, row in enumerate(rows):
        first = torch.zeros_like(rows)
        first[0] = row
        if not torch.equal(network(first)[0], among[place]):
            found.append(place)
    return found


@pytest.mark.parametrize("name", LAYERS)
def test_a_row_has_the_same_bytes_wherever_it_stands(threads, name):
    network, rows = made(name)
    treat_rows_alike(network)
    assert differing(network, rows) == []


@pytest.mark.parametrize("name", LAYERS)
def test_what_is_computed_stays_the_same(name):
    network, rows = made(name)
    plain = network(rows)
    treat_rows_alike(network)
    assert torch.allclose(network(rows), plain, atol=1e-6)
