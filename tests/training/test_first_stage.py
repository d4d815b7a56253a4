"""The VQ autoencoder: its codebook, its coordinates, and a few steps of training."""

from dataclasses import replace

import pytest
import torch

from mindvis_gui.training import first_stage
from mindvis_gui.training.first_stage import (
    correlation_penalty,
    picture_loss,
    psnr,
    restart_dead_codes,
    standardise_latents,
    start_codebook,
    train_first_stage,
    visibility,
)


def test_standardising_changes_latents_but_no_picture(vqvae, rng):
    vqvae.eval()
    pictures = torch.rand(24, 3, 32, 32, generator=rng) * 2 - 1
    with torch.no_grad():
        before = vqvae.decode(vqvae.encode(pictures).latents, force_not_quantize=True).sample
        standardise_latents(vqvae, pictures)
        latents = vqvae.encode(pictures).latents
        after = vqvae.decode(latents, force_not_quantize=True).sample
    torch.testing.assert_close(after, before, atol=1e-3, rtol=0)
    torch.testing.assert_close(latents.mean(dim=(0, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
    assert float(latents.square().mean()) == pytest.approx(1.0, abs=1e-3)


def test_codes_follow_the_latents(vqvae, rng):
    vqvae.eval()
    pictures = torch.rand(24, 3, 32, 32, generator=rng) * 2 - 1
    with torch.no_grad():  # codes at the latents of one picture: its own are the nearest still
        latents = vqvae.encode(pictures[:1]).latents
        vqvae.quantize.embedding.weight.copy_(latents.flatten(2)[0].T[:16])
        standardise_latents(vqvae, pictures)
        moved = vqvae.encode(pictures[:1]).latents.flatten(2)[0].T[:16]
    torch.testing.assert_close(vqvae.quantize.embedding.weight.detach(), moved, atol=1e-3, rtol=0)


def test_standardised_latents_show_errors_of_all_channels_alike(vqvae, rng):
    vqvae.eval()
    pictures = torch.rand(24, 3, 32, 32, generator=rng) * 2 - 1
    with torch.no_grad():
        vqvae.post_quant_conv.weight[:, 2] *= 5  # errors of one channel are seen most
        uneven = visibility(vqvae, vqvae.encode(pictures).latents)
        standardise_latents(vqvae, pictures)
        even = visibility(vqvae, vqvae.encode(pictures).latents)
    spread = [float(torch.linalg.cond(products)) for products in (uneven, even)]
    assert spread[0] > 10 * spread[1]
    assert spread[1] < 2


def test_codebook_starts_in_the_clusters(vqvae, rng):
    centres = torch.randn(16, 4, generator=rng) * 5
    points = centres[torch.randint(16, (3200,), generator=rng)]
    points = points + 0.01 * torch.randn(points.shape, generator=rng)
    start_codebook(vqvae, points.T.reshape(1, 4, 40, 80), rng)
    distance = torch.cdist(points, vqvae.quantize.embedding.weight.detach()).min(dim=1).values
    assert float((distance < 0.1).float().mean()) > 0.6  # k-means may merge a few


def test_dead_codes_move_onto_latents(vqvae, rng):
    used = torch.ones(16)
    used[3] = used[7] = 0.1
    before = vqvae.quantize.embedding.weight.detach().clone()
    latents = torch.full((1, 4, 2, 2), 9.0)
    restart_dead_codes(vqvae, latents, used, rng)
    moved = (vqvae.quantize.embedding.weight != before).any(dim=1)
    assert moved.nonzero().flatten().tolist() == [3, 7]
    assert bool((vqvae.quantize.embedding.weight[[3, 7]] == 9).all())
    assert used.tolist() == [1.0] * 16


def test_copied_channels_are_penalised(rng):
    independent = torch.randn(8, 4, 32, 32, generator=rng)
    copied = independent[:, :1].expand(-1, 4, -1, -1)
    assert float(correlation_penalty(independent)) < 0.01
    assert float(correlation_penalty(copied)) == pytest.approx(12 / 16, abs=0.1)
    moved = independent + torch.arange(4.0).view(1, 4, 1, 1)  # where a channel lies says nothing
    assert float(correlation_penalty(moved)) < 0.01


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
def test_many_latents_do_not_exceed_half_precision(rng, half):
    """Sixteen pictures of 256 pixels have more points than fp16 can count."""
    latents = torch.randn(16, 3, 64, 64, generator=rng)
    with torch.autocast("cpu", half):
        penalty = correlation_penalty(latents)
    assert float(penalty) == float(correlation_penalty(latents))


def test_picture_loss_sees_blur_and_colour():
    sharp = torch.zeros(1, 3, 16, 16)
    sharp[..., ::2] = 1.0
    blurred = torch.full_like(sharp, 0.5)
    tinted = sharp.clone()
    tinted[:, 1] -= 0.2
    assert float(picture_loss(sharp, sharp)) == 0.0
    grey = sharp - 0.2 / 3
    assert float(picture_loss(tinted, sharp)) > float(picture_loss(grey, sharp))
    assert float(picture_loss(blurred, sharp)) > 0.75  # 0.25 + 0.5 without the edges


def test_picture_loss_of_errors_that_can_be_worked_out_by_hand():
    black = torch.zeros(1, 3, 16, 16)
    tinted, half = black.clone(), black.clone()
    tinted[:, 0], tinted[:, 1] = 0.3, -0.3  # as light as before
    half[..., 8:] = 1.0  # an edge between two of 16, 8 and 4 columns
    edges = (1 / 15 + 1 / 7 + 1 / 3) / 4
    assert float(picture_loss(black + 0.4, black)) == pytest.approx(0.4**2 + 0.4)
    assert float(picture_loss(tinted, black)) == pytest.approx(0.06 + 0.2 + 3 * 0.06)
    for made in (half, half.transpose(2, 3)):
        assert float(picture_loss(made, black)) == pytest.approx(0.5 + 0.5 + edges)


def test_psnr_of_a_known_error():
    target = torch.zeros(2, 3, 4, 4)
    assert psnr(target + 0.2, target) == pytest.approx(20.0, abs=1e-3)


def test_training_lowers_the_error(vqvae, plan, metrics):
    def draw(number, generator):
        colours = torch.rand(number, 3, 1, 1, generator=generator) * 2 - 1
        return colours.expand(-1, -1, 32, 32).contiguous()

    held = draw(4, torch.Generator().manual_seed(1))
    plan = replace(plan, steps=24, log_every=6, validate_every=24)
    train_first_stage(vqvae, draw, held, plan, batch=4, plain_steps=12)
    errors = metrics("picture")
    assert errors[1] < errors[0]
    assert metrics("codes_in_use", "validation")[0] > 1
    parts = (metrics(name)[-1] for name in ("picture", "commitment", "shared"))
    assert metrics("loss")[-1] == pytest.approx(
        sum(w * p for w, p in zip((1, 1, 0.3), parts, strict=True))
    )


@pytest.mark.parametrize(("steps", "moves"), [(126, True), (125, False)])  # 100 of them are 80 %
def test_codes_that_go_unused_are_moved_until_it_is_too_late(vqvae, plan, steps, moves):
    codes, black = vqvae.quantize.embedding.weight, -torch.ones(2, 3, 8, 8)
    drawn, started = 0, []

    def draw(number, generator):
        nonlocal drawn
        drawn += 1
        if drawn <= 61:  # the first step, and what the codebook starts from
            return torch.rand(number, 3, 8, 8, generator=generator) * 2 - 1
        if not started:
            started.append(codes.detach().clone())
        return black if drawn < 161 else -black  # white from the step on that moves them

    def nearest(pictures, centres):
        with torch.no_grad(), plan.accelerator.autocast():
            latents = vqvae.encode(pictures).latents[0].flatten(1).T.float()
        return torch.cdist(latents, centres)

    plan = replace(plan, steps=steps, rate=lambda step: 0.0, validate_every=steps)
    train_first_stage(vqvae, draw, black, plan, batch=2, plain_steps=1)
    used = torch.cat([nearest(each, started[0]).argmin(dim=1) for each in (black, -black)])
    unused = torch.ones(16, dtype=torch.bool).index_fill(0, used, value=False)
    assert unused.any()
    assert torch.equal((codes.detach() != started[0]).any(dim=1), unused & moves)
    if moves:  # onto what is there now
        assert float(nearest(-black, codes.detach()[unused]).min(dim=0).values.max()) < 1e-4


@pytest.mark.parametrize("shared", ["start_codebook", "restart_dead_codes"])
def test_codes_start_from_the_whole_batch_however_it_is_shared(vqvae, plan, monkeypatch, shared):
    found, care = [], getattr(first_stage, shared)

    def seen(vqvae, latents, *rest):
        found.append(latents.clone())
        care(vqvae, latents, *rest)

    monkeypatch.setattr(first_stage, shared, seen)

    def draw(number, generator):
        return torch.rand(number, 3, 32, 32, generator=generator) * 2 - 1

    start = {name: value.clone() for name, value in vqvae.state_dict().items()}
    for at_a_time, accumulate in ((4, 1), (2, 2)):
        vqvae.load_state_dict(start)
        kept = replace(plan, folder=plan.folder / str(accumulate), rate=lambda step: 0.0)
        kept = replace(kept, accumulate=accumulate, steps=1)
        held = draw(2, torch.Generator())
        plain = int(shared == "start_codebook")  # what the first step is followed by
        train_first_stage(vqvae, draw, held, kept, batch=at_a_time, plain_steps=plain)
    whole, parts = found
    assert len(whole) == (240 if shared == "start_codebook" else 4)
    torch.testing.assert_close(parts, whole, atol=1e-5, rtol=0)
