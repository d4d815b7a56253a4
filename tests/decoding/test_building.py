"""Networks that several threads want at once."""

from threading import Event, Thread

import pytest
from torch import nn

from mindvis_gui import scoring
from mindvis_gui.decoding.building import building
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.models import load_decoder
from mindvis_gui.scoring import lpips


@pytest.fixture
def torch_as_it_was(monkeypatch):
    monkeypatch.setattr(nn.Module, "register_parameter", nn.Module.register_parameter)


@pytest.mark.usefixtures("torch_as_it_was")
def test_models_that_load_at_once_leave_torch_as_it_was(tiny_model_folder, monkeypatch):
    inside, go_on = (Event(), Event()), (Event(), Event())
    calls = iter(range(2))
    from_config = FmriEncoder.from_config

    def held(*args, **options):
        call = next(calls)
        inside[call].set()
        go_on[call].wait(30)
        return from_config(*args, **options)

    monkeypatch.setattr(FmriEncoder, "from_config", held)
    loaded = []
    first, second = (
        Thread(target=lambda: loaded.append(load_decoder(tiny_model_folder, device="cpu")))
        for _ in range(2)
    )
    first.start()
    inside[0].wait(30)
    second.start()
    inside[1].wait(1)  # where nothing keeps it out
    go_on[0].set()
    first.join(60)
    go_on[1].set()
    second.join(60)
    assert len(loaded) == 2
    assert nn.Linear(1, 1).weight.device.type == "cpu"


def test_a_network_for_scores_waits_while_a_model_loads(monkeypatch):
    built = Event()
    monkeypatch.setattr(lpips, "load_lpips", built.set)
    scoring.load_network.cache_clear()
    thread = Thread(target=lambda: scoring.load_network("lpips"))
    with building():
        thread.start()
        assert not built.wait(0.3)
    thread.join(30)
    assert built.is_set()
    scoring.load_network.cache_clear()
