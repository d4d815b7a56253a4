"""Stage B: what is trained, how responses are varied, and a few steps of training."""

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.networks import build_unet, time_width
from mindvis_gui.errors import TrainingError
from mindvis_gui.training import dcldm
from mindvis_gui.training.averages import Best
from mindvis_gui.training.dcldm import (
    DoubleConditioned,
    drawn_versions,
    encoder_of,
    train_dcldm,
    trained_parameters,
)
from mindvis_gui.training.label_ldm import PictureContext, PictureObjective
from mindvis_gui.training.rehearsal import Rehearsal
from mindvis_gui.training.settings import LdmSettings
from mindvis_gui.training.trials import TrialSet
from tools.demo.warm_up import warm_up


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


def test_frozen_encoder_and_cross_attention_stay_as_they_were(
    unet, masked_model, conditioner, scheduler, trials, plan
):
    encoder = encoder_of(masked_model)
    network = DoubleConditioned(encoder, conditioner, unet)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    settings = LdmSettings(batch=4, trainable="none", train_encoder=False)
    train_dcldm(network, scheduler, trials, trials, settings, plan)
    changed = {
        name.partition(".")[0]
        for name, value in network.state_dict().items()
        if not torch.equal(value, before[name])
    }
    assert changed == {"conditioner"}
    assert trained_parameters(unet, "none") == {}


def test_the_network_ends_with_the_weights_that_did_best(
    unet, masked_model, conditioner, scheduler, trials, plan, monkeypatch
):
    network = DoubleConditioned(encoder_of(masked_model), conditioner, unet)
    losses, seen = iter([0.1, 0.9]), []

    def measured(*_):
        seen.append(conditioner.width_mapper.weight.detach().clone())
        return {"loss": next(losses)}

    monkeypatch.setattr(dcldm, "mean_values", measured)
    train_dcldm(network, scheduler, trials, trials, LdmSettings(batch=4), plan)
    assert torch.equal(conditioner.width_mapper.weight, seen[0])
    assert not torch.equal(seen[0], seen[1])


def test_what_is_judged_and_kept_is_the_average_of_the_weights(
    unet, masked_model, conditioner, scheduler, trials, plan, monkeypatch
):
    first = DoubleConditioned(encoder_of(masked_model), conditioner, unet)
    seen, weights = {}, {}
    for decay in (0.0, 0.999):  # 0: the weights themselves
        network, judged = deepcopy(first), seen.setdefault(decay, [])

        def measured(*_, network=network, judged=judged):
            judged.append(network.conditioner.width_mapper.weight.detach().clone())
            return {"loss": -float(len(judged))}  # the last is the best

        monkeypatch.setattr(dcldm, "mean_values", measured)
        own = replace(plan, folder=plan.folder / str(decay), steps=3, validate_every=1)
        settings = LdmSettings(batch=4, average_decay=decay)
        train_dcldm(network, scheduler, trials, trials, settings, own)
        weights[decay] = network.conditioner.width_mapper.weight.detach()
    average = first.conditioner.width_mapper.weight.detach()
    for update, after in enumerate(seen[0.0], 1):
        average = average.lerp(after, 1 - (1 + update) / (10 + update))
    torch.testing.assert_close(weights[0.999], average)
    assert torch.equal(weights[0.999], seen[0.999][-1])
    assert torch.equal(weights[0.0], seen[0.0][-1])


@pytest.fixture
def rehearsing(unet, scheduler):
    """Return a function: U-Net → rehearsal of pictures of three labels, each one shade."""
    context = PictureContext(3, 16, time_width(unet), grid=2).requires_grad_(False)

    def draw(number, generator):
        labels = torch.randint(3, (number,), generator=generator)
        return labels.view(-1, 1, 1, 1).float().expand(number, 4, 8, 8), labels

    return lambda unet: Rehearsal(PictureObjective(unet, context, scheduler), draw, each=2)


def test_rehearsed_pictures_count_like_draws_of_a_trial(
    unet, masked_model, conditioner, scheduler, trials, plan, metrics, rehearsing
):
    network = DoubleConditioned(encoder_of(masked_model), conditioner, unet)
    pictures = rehearsing(unet)
    settings = LdmSettings(batch=4, draws=3)
    train_dcldm(network, scheduler, trials, trials, settings, plan, rehearsal=pictures)
    [loss], [of_trials], [of_pictures] = (
        metrics(name, "train") for name in ("loss", "trials", "pictures")
    )
    assert loss == pytest.approx((3 * of_trials + 2 * of_pictures) / 5, rel=1e-5)
    assert len(metrics("loss", "validation")) == 2


def test_rehearsal_keeps_the_unet_at_pictures_without_responses(
    unet, masked_model, conditioner, scheduler, trials, plan, rehearsing, rng
):
    held = rehearsing(unet).rows(64, rng)
    losses = {}
    for rehearses in (False, True):
        network = deepcopy(DoubleConditioned(encoder_of(masked_model), conditioner, unet))
        pictures = rehearsing(network.unet)
        train_dcldm(
            network,
            scheduler,
            trials,
            trials,
            LdmSettings(batch=4, draws=4, trainable="all", average_decay=0.0),
            replace(plan, folder=plan.folder / str(rehearses), steps=40, rate=lambda step: 3e-3),
            rehearsal=pictures if rehearses else None,
        )
        with torch.no_grad():
            losses[rehearses] = float(pictures.loss(held))
    assert losses[True] < 0.9 * losses[False]


def test_whole_pictures_are_shown_in_the_share_asked_for(rng):
    drawn = drawn_versions(5, (4000,), 0.5, rng)
    assert float((drawn == 0).float().mean()) == pytest.approx(0.5, abs=0.03)
    assert drawn.unique().tolist() == [0, 1, 2, 3, 4]
    assert float((drawn_versions(5, (4000,), None, rng) == 0).float().mean()) < 0.25
    assert not drawn_versions(1, (10,), 0.5, rng).any()


@pytest.mark.parametrize("whole", [None, 0.5])
def test_versions_are_drawn_by_their_generator_alone(whole):
    drawn = []
    for of_all in (1, 2):
        torch.manual_seed(of_all)
        drawn.append(drawn_versions(5, (40,), whole, torch.Generator().manual_seed(0)))
    assert torch.equal(*drawn)


def test_pooling_encoder_starts_with_fresh_norms_as_published(masked_model):
    torch.nn.init.constant_(masked_model.encoder.blocks[0].norm1.weight, 3.0)
    torch.nn.init.constant_(masked_model.encoder.norm.bias, 3.0)
    plain = encoder_of(masked_model)
    pooled = encoder_of(masked_model, global_pool=True)
    kept = encoder_of(masked_model, global_pool=True, fresh_norms=False)
    assert (plain.n_tokens, pooled.n_tokens, kept.n_tokens) == (7, 1, 1)
    assert pooled.pos_embed.requires_grad
    assert plain.blocks[0].norm1.weight[0] == kept.blocks[0].norm1.weight[0] == 3
    assert (pooled.blocks[0].norm1.weight[0], pooled.norm.bias[0]) == (1, 0)
    assert torch.equal(pooled.blocks[0].attn.qkv.weight, plain.blocks[0].attn.qkv.weight)


def test_best_weights_come_back():
    network = torch.nn.Linear(1, 1, bias=False)
    best = Best(network)
    for value, weight in ((0.5, 1.0), (0.3, 2.0), (0.4, 3.0)):
        torch.nn.init.constant_(network.weight, weight)
        best.offer(value)
    best.restore()
    assert float(network.weight.detach()) == 2.0


def test_weights_of_which_none_was_validated_are_not_the_best():
    network = torch.nn.Linear(1, 1, bias=False)
    best = Best(network)
    best.offer(float("nan"))
    with pytest.raises(TrainingError, match="no validation gave a finite number"):
        best.restore()


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
    settings = LdmSettings(batch=4, draws=2, sparsify=0.2)
    train_dcldm(network, scheduler, trials, trials, settings, plan)
    moved = {name for name, p in network.named_parameters() if not torch.equal(p, before[name])}
    allowed = {f"unet.{name}" for name in trained_parameters(unet)}
    assert {name for name in moved if name.startswith("unet.")} == allowed
    assert "encoder.pos_embed" in moved
    assert "conditioner.time_mapper.weight" in moved
