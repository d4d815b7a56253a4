"""Stage B: what is trained, how responses are varied, and a few steps of training."""

from dataclasses import replace

import pytest
import torch

from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.networks import build_unet, time_width
from mindvis_gui.training.augmentation import Augmentation, interpolate_pairs
from mindvis_gui.training.dcldm import (
    Augmentation,
    Best,
    DoubleConditioned,
    train_dcldm,
    trained_parameters,
    warm_up,
)
from mindvis_gui.training.label_ldm import PictureContext
from mindvis_gui.training.trials import TrialSet


@pytest.fixture
def trials(rng):
    return TrialSet(
        torch.randn(12, 112, generator=rng),
        torch.randn(12, 2, 4, 8, 8, generator=rng),
        torch.arange(12) % 3,
    )


def test_as_many_numbers_are_trained_as_in_the_published_code():
    # The reduced published configuration: 153 tensors, 741,692 numbers (of which 153 - 112 are in
    # the encoder, the projections and the time condition).
    unet = build_unet(32, 64)
    chosen = trained_parameters(unet)
    assert sum("attn2" in name for name in chosen) == 80
    assert sum("norm2" in name for name in chosen) == 32
    encoder = FmriEncoder(464, width=64, depth=2, heads=4)  # 480 with its whole extra patch
    front = [
        *encoder.parameters(),
        *Conditioner(encoder.n_tokens, 64, 64, time_width(unet)).parameters(),
    ]
    numbers = sum(p.numel() for p in [*chosen.values(), *front])
    # The published position embedding has a row for a class token that is not used here.
    assert numbers + 64 == 741_692
    assert len(chosen) + len(front) == 153


def test_the_rest_of_the_unet_is_frozen(unet):
    chosen = trained_parameters(unet)
    trained = {name for name, parameter in unet.named_parameters() if parameter.requires_grad}
    assert trained == set(chosen)
    assert not any("resnets" in name for name in trained)
    everything = trained_parameters(unet, "all")
    assert len(everything) == len(list(unet.parameters()))


def test_sparsifying_sets_a_share_to_zero(rng):
    varied = Augmentation(sparsify=0.2).apply(torch.ones(50, 400), rng)
    assert set(varied.unique().tolist()) == {0.0, 1.0}
    assert float(varied.mean()) == pytest.approx(0.8, abs=0.01)


def test_noise_has_the_strength_asked_for(rng):
    varied = Augmentation(noise=0.3).apply(torch.zeros(50, 400), rng)
    assert float(varied.std()) == pytest.approx(0.3, abs=0.01)


def test_best_weights_come_back():
    network = torch.nn.Linear(1, 1, bias=False)
    best = Best(network)
    for value, weight in ((0.5, 1.0), (0.3, 2.0), (0.4, 3.0)):
        torch.nn.init.constant_(network.weight, weight)
        best.offer(value)
    best.restore()
    assert float(network.weight.detach()) == 2.0


def test_warm_up_approaches_the_context(masked_model, conditioner, trials, plan, metrics):
    context = PictureContext(3, 16, 128, 4, grid=2).requires_grad_(False)
    plan = replace(plan, steps=40, log_every=10)
    warm_up(masked_model.encoder, conditioner, context, trials, trials, plan, batch=6)
    losses = metrics("loss", "validation")
    assert losses[-1] < 0.9 * losses[0]


def test_training_moves_only_what_it_may(unet, masked_model, conditioner, scheduler, trials, plan):
    network = DoubleConditioned(masked_model.encoder, conditioner, unet)
    masked_model.encoder.pos_embed.requires_grad_(True)
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    train_dcldm(
        network, scheduler, trials, trials, plan, batch=4, draws=2, augmentation=Augmentation(0.2)
    )
    moved = {name for name, p in network.named_parameters() if not torch.equal(p, before[name])}
    allowed = {f"unet.{name}" for name in trained_parameters(unet)}
    assert {name for name in moved if name.startswith("unet.")} == allowed
    assert "encoder.pos_embed" in moved
    assert "conditioner.time_mapper.weight" in moved
