"""The diffusion model before fine-tuning."""

from dataclasses import replace

import torch

from mindvis_gui.training.label_ldm import PictureContext, degrade, noise_loss, train_label_ldm


def test_context_without_grid_is_the_label_alone(rng):
    context = PictureContext(3, 16)
    latents = torch.randn(2, 4, 8, 8, generator=rng)
    tokens = context(torch.tensor([2, 0]), context.layout(latents))
    torch.testing.assert_close(tokens, context.labels.weight[[2, 0]].unsqueeze(1))


def test_layout_tokens_tell_cells_apart(rng):
    context = PictureContext(3, 16, 4, grid=4)
    latents = torch.randn(2, 4, 8, 8, generator=rng)
    layout = context.layout(latents)
    torch.testing.assert_close(layout[:, :, 0, 0], latents[:, :, :2, :2].mean(dim=(2, 3)))
    labels = torch.tensor([1, 1])
    tokens = context(labels, layout)
    assert tokens.shape == (2, 1 + 16, 16)
    layout[0, :, 1, 2] += 1.0
    changed = (context(labels, layout) != tokens).any(dim=2)
    assert changed.nonzero().tolist() == [[0, 1 + 4 + 2]]


def test_degraded_layouts_keep_their_mean(rng):
    layout = torch.randn(4000, 1, 8, 8, generator=rng) + 3.0
    degraded = degrade(layout, rng)
    assert degraded.shape == layout.shape
    assert abs(float(degraded.mean()) - 3.0) < 0.02
    assert not torch.equal(degraded, layout)


def test_noise_loss_of_an_all_zero_network_is_one(unet, scheduler, rng):
    torch.nn.init.zeros_(unet.conv_out.weight)
    torch.nn.init.zeros_(unet.conv_out.bias)
    latents, context = torch.zeros(16, 4, 8, 8), torch.zeros(16, 2, 16)
    with torch.no_grad():
        loss = noise_loss(unet, scheduler, latents, context, torch.zeros(16, 128), rng)
    assert abs(float(loss) - 1.0) < 0.05


def test_training_lowers_the_loss_and_leaves_frozen_context(unet, scheduler, plan, metrics):
    context = PictureContext(2, 16, 4, grid=2).requires_grad_(False)
    before = context.places.clone()

    def draw(number, generator):
        labels = torch.randint(2, (number,), generator=generator)
        return (2.0 * labels - 1).view(-1, 1, 1, 1).expand(-1, 4, 8, 8), labels

    held = draw(8, torch.Generator().manual_seed(1))
    plan = replace(plan, steps=30, validate_every=15)
    train_label_ldm(unet, context, scheduler, draw, held, plan, batch=8)
    losses = metrics("loss", "validation")
    assert losses[1] < losses[0]
    assert torch.equal(context.places, before)
