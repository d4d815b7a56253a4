"""The diffusion model before fine-tuning."""

from dataclasses import replace

import pytest
import torch
from diffusers import DDPMScheduler

from mindvis_gui.decoding.networks import build_scheduler
from mindvis_gui.training.label_ldm import (
    PictureContext,
    PictureObjective,
    degrade,
    draw_noise,
    noise_loss,
    train_label_ldm,
    weaken,
    weakening,
)
from mindvis_gui.training.settings import LabelLdmSettings


def test_context_without_grid_is_the_label_alone(rng):
    context = PictureContext(3, 16, 128)
    latents = torch.randn(2, 4, 8, 8, generator=rng)
    tokens, time = context(torch.tensor([2, 0]), context.layout(latents))
    embeddings = context.labels.weight[[2, 0]]
    torch.testing.assert_close(tokens, embeddings.unsqueeze(1))
    torch.testing.assert_close(time, embeddings @ context.second.weight.T)


def test_layout_tokens_tell_cells_apart(rng):
    context = PictureContext(3, 16, 128, 4, grid=4)
    latents = torch.randn(2, 4, 8, 8, generator=rng)
    layout = context.layout(latents)
    torch.testing.assert_close(layout[:, :, 0, 0], latents[:, :, :2, :2].mean(dim=(2, 3)))
    labels = torch.tensor([1, 1])
    tokens = context(labels, layout)[0]
    assert tokens.shape == (2, 1 + 16, 16)
    layout[0, :, 1, 2] += 1.0
    changed = (context(labels, layout)[0] != tokens).any(dim=2)
    assert changed.nonzero().tolist() == [[0, 1 + 4 + 2]]


def test_degraded_layouts_keep_their_mean(rng):
    layout = torch.randn(4000, 1, 8, 8, generator=rng) + 3.0
    degraded = degrade(layout, rng)
    assert degraded.shape == layout.shape
    assert abs(float(degraded.mean()) - 3.0) < 0.02
    assert not torch.equal(degraded, layout)


def test_weakened_labels_point_the_same_way(rng):
    embeddings = torch.randn(2000, 16, generator=rng)
    weak = weaken(embeddings, weakening(2000, rng), torch.randn(2000, 16, generator=rng))
    share = (weak * embeddings).sum(dim=1) / embeddings.square().sum(dim=1)
    assert 0.2 < float(share.min()) < 0.5
    assert 0.9 < float(share.max()) < 1.2
    assert float(torch.cosine_similarity(weak, embeddings).min()) > 0.7


def test_noise_loss_of_an_all_zero_network_is_one(unet, scheduler, rng):
    torch.nn.init.zeros_(unet.conv_out.weight)
    torch.nn.init.zeros_(unet.conv_out.bias)
    latents, context = torch.zeros(16, 4, 8, 8), torch.zeros(16, 2, 16)
    with torch.no_grad():
        drawn = draw_noise(latents.shape, scheduler, rng)
        loss = noise_loss(unet, scheduler, latents, context, torch.zeros(16, 128), drawn)
    assert abs(float(loss) - 1.0) < 0.05


def test_noisy_steps_count_more_up_to_the_limit(unet, scheduler):
    torch.nn.init.zeros_(unet.conv_out.weight)
    torch.nn.init.zeros_(unet.conv_out.bias)

    def loss(limit: float) -> float:
        rng = torch.Generator().manual_seed(1)
        conditions = torch.zeros(64, 2, 16), torch.zeros(64, 128)
        latents = torch.zeros(64, 4, 8, 8)
        drawn = draw_noise(latents.shape, scheduler, rng)
        with torch.no_grad():
            value = noise_loss(unet, scheduler, latents, *conditions, drawn, limit)
        return float(value)

    assert loss(1.0) < loss(2.0) < 2 * loss(1.0)
    assert loss(2.0) < loss(50.0) < 50 * loss(1.0)


def test_training_lowers_the_loss_and_leaves_frozen_context(unet, scheduler, plan, metrics):
    context = PictureContext(2, 16, 128, 4, grid=2).requires_grad_(False)
    before = context.places.clone()

    def draw(number, generator):
        labels = torch.randint(2, (number,), generator=generator)
        return (2.0 * labels - 1).view(-1, 1, 1, 1).expand(-1, 4, 8, 8), labels

    held = draw(8, torch.Generator().manual_seed(1))
    plan = replace(plan, steps=30, validate_every=15)
    train_label_ldm(unet, context, scheduler, draw, held, LabelLdmSettings(batch=8), plan)
    losses = metrics("loss", "validation")
    assert losses[1] < losses[0]
    assert torch.equal(context.places, before)
    # What was looked at last is what the training ends with.
    pictures = PictureObjective(unet, context, scheduler)
    with torch.no_grad(), plan.accelerator.autocast():
        loss = pictures.loss(pictures.batch(*held, torch.Generator().manual_seed(0)))
    assert losses[1] == pytest.approx(float(loss), rel=1e-3)


def test_velocity_loss_of_an_all_zero_network_is_the_size_of_diffusers_velocity(unet, rng):
    torch.nn.init.zeros_(unet.conv_out.weight)
    torch.nn.init.zeros_(unet.conv_out.bias)
    scheduler = build_scheduler("v_prediction")
    latents = 2 * torch.randn(16, 4, 8, 8, generator=rng)
    conditions = torch.zeros(16, 2, 16), torch.zeros(16, 128)
    drawn = draw_noise(latents.shape, scheduler, rng)
    with torch.no_grad():
        loss = noise_loss(unet, scheduler, latents, *conditions, drawn)
    velocity = DDPMScheduler.from_config(scheduler.config).get_velocity(latents, *drawn)
    assert float(loss) == pytest.approx(float(velocity.square().mean()), rel=1e-5)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
def test_the_loss_of_a_batch_is_the_mean_of_its_samples(unet, rng, prediction):
    scheduler = build_scheduler(prediction)
    latents = torch.randn(6, 4, 8, 8, generator=rng) * torch.arange(6.0).view(-1, 1, 1, 1)
    context, time = (torch.randn(6, *shape, generator=rng) for shape in ((2, 16), (128,)))
    drawn = draw_noise(latents.shape, scheduler, rng)

    def loss(rows: slice) -> float:
        own = (each[rows] for each in (latents, context, time))
        with torch.no_grad():
            return float(noise_loss(unet, scheduler, *own, tuple(d[rows] for d in drawn), 50.0))

    alone = [loss(slice(row, row + 1)) for row in range(6)]
    assert loss(slice(None)) == pytest.approx(sum(alone) / 6, rel=1e-5)


@pytest.mark.parametrize("central", [False, True])
def test_what_a_batch_draws_depends_on_its_generator_alone(unet, scheduler, central):
    context = PictureContext(3, 16, 128, 4, grid=4)
    pictures = PictureObjective(unet, context, scheduler, central=central)
    latents = torch.randn(8, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(8) % 3

    def draw(own: int, of_all: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(of_all)
        return pictures.batch(latents, labels, torch.Generator().manual_seed(own))

    first, again, other = draw(1, 1), draw(1, 2), draw(2, 1)
    drawn = {name for name in first if not torch.equal(first[name], other[name])}
    assert drawn == {"layout", "share", "shift", "noise", "steps"}
    assert all(torch.equal(first[name], again[name]) for name in first)


def test_noisy_steps_count_more_in_training_if_asked_for(unet, scheduler, plan, metrics):
    context = PictureContext(2, 16, 128)
    losses = []
    for weight in (1.0, 50.0):
        own = replace(plan, folder=plan.folder / str(weight), rate=lambda step: 0.0)

        def draw(number, generator):
            labels = torch.randint(2, (number,), generator=generator)
            return torch.ones(number, 4, 8, 8), labels

        held = draw(8, torch.Generator().manual_seed(1))
        settings = LabelLdmSettings(batch=8, largest_weight=weight)
        train_label_ldm(unet, context, scheduler, draw, held, settings, own)
        losses.append(metrics("loss", folder=own.folder)[0])
    assert losses[1] > 1.5 * losses[0]


def test_central_steps_are_all_there_but_most_of_them_in_the_middle(scheduler, rng):
    shape = (20_000, 1, 1, 1)
    even, central = (draw_noise(shape, scheduler, rng, central=c)[1] for c in (False, True))
    for steps in (even, central):
        assert int(steps.min()) < 20
        assert int(steps.max()) >= 980
    in_the_middle = [float(((s >= 150) & (s < 650)).float().mean()) for s in (even, central)]
    assert abs(in_the_middle[0] - 0.5) < 0.02
    assert in_the_middle[1] > 0.56
