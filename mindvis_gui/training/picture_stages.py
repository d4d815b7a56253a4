"""``mindvis train vq`` and ``label-ldm``: what stage B starts from, from folders of pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from diffusers import PNDMScheduler, UNet2DConditionModel, VQModel
from safetensors.torch import save_file
from torch import Generator, Tensor

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.decoding.networks import build_scheduler, build_unet, time_width
from mindvis_gui.errors import DataError, RequestError
from mindvis_gui.training.base import read_first_stage
from mindvis_gui.training.common_settings import Settings
from mindvis_gui.training.first_stage import standardise_latents, train_first_stage
from mindvis_gui.training.known_pictures import save_known
from mindvis_gui.training.label_ldm import PictureContext, train_label_ldm
from mindvis_gui.training.loop import warmup_cosine
from mindvis_gui.training.picture_folder import LabelledPictures, read_picture_folders
from mindvis_gui.training.plots import picture_grid
from mindvis_gui.training.run import Run
from mindvis_gui.training.samples import decoded, sampled
from mindvis_gui.training.settings import Fit, LabelLdmSettings, VqSettings
from mindvis_gui.training.trials import encode, held_back

_MOST_HELD = 64  # pictures of the validation, however many there are
_STANDARD = 256  # pictures that the latents are standardised on
_SHOWN, _SEEDS = 6, (0, 1)


def train_vq(sources: Sequence[str], settings: VqSettings, run: Run) -> None:
    """Train the first stage on all pictures of folders."""
    data = read_picture_folders(sources, settings.image_size, settings.fit)
    _say_what_is_fitted(data, settings.fit, run)
    held, rest = _split(data, settings, sources)
    run.seed()
    vqvae = _vqvae(settings).to(run.accelerator.device)
    plan = run.plan(_cosine(settings), sources, rest, held, data.pixels)
    pictures = data.pictures(held)

    def draw(number: int, generator: Generator) -> Tensor:
        rows = rest[torch.randint(len(rest), (number,), generator=generator)]
        return data.crops(
            rows, generator, crop=settings.crop, probability=settings.crop_probability
        )

    train_first_stage(
        vqvae,
        draw,
        pictures,
        plan,
        batch=settings.batch,
        plain_steps=max(1, int(settings.plain_share * plan.steps)),
        weight_decay=settings.weight_decay,
    )
    standardise_latents(vqvae, data.pictures(rest[:_STANDARD]).to(vqvae.device))

    def save(folder: Path) -> None:
        vqvae.save_pretrained(folder / "vqvae")
        save_known(folder, data.known)

    run.publish(save)


def _say_what_is_fitted(data: LabelledPictures, fit: Fit, run: Run) -> None:
    if data.oblong and fit == "cut":
        run.say(
            f"{data.oblong}: of each the middle square is taken; stage B squeezes a subject's "
            "whole pictures into squares, as '--fit squeeze' does here"
        )
    elif data.oblong:
        run.say(f"{data.oblong}: each is squeezed into a square, as stage B does")


def train_label_model(sources: Sequence[str], settings: LabelLdmSettings, run: Run) -> None:
    """Train a diffusion model on pictures in one folder a label."""
    vqvae, known = read_first_stage(settings.first_stage)
    vqvae.to(run.accelerator.device)
    size = int(vqvae.config.sample_size)
    data = read_picture_folders(sources, size, settings.fit, labelled=True)
    _say_what_is_fitted(data, settings.fit, run)
    held, rest = _split(data, settings, sources)
    run.say(f"{len(data.names)} labels; encoding {len(data):,} pictures")
    latents = _versions(vqvae, data, rest, settings)
    run.seed()
    unet = _unet(settings, vqvae)
    context = PictureContext(
        len(data.names),
        settings.context_width,
        time_width(unet),
        int(vqvae.config.latent_channels),
        settings.grid,
    )
    scheduler = build_scheduler()
    plan = run.plan(
        _cosine(settings),
        sources,
        *(rest, held, data.pixels, data.labels),
        *vqvae.state_dict().values(),  # not latents: these depend on the machine
    )
    labels = data.labels[rest]

    def draw(number: int, generator: Generator) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(rest), (number,), generator=generator)
        versions = torch.randint(latents.shape[1], (number,), generator=generator)
        return latents[rows, versions], labels[rows]

    held_out = encode(vqvae, data.pictures(held)), data.labels[held]
    train_label_ldm(
        unet.to(vqvae.device),
        context.to(vqvae.device),
        scheduler,
        draw,
        held_out,
        settings,
        plan,
        illustrate=_sample_grid(unet, context, vqvae, scheduler, held_out),
    )

    def save(folder: Path) -> None:
        unet.save_pretrained(folder / "unet")
        vqvae.save_pretrained(folder / "vqvae")
        scheduler.save_pretrained(folder / "scheduler")
        weights = {name: value.contiguous().cpu() for name, value in context.state_dict().items()}
        save_file(weights, folder / "context.safetensors")
        (folder / "labels.json").write_text(json.dumps(data.names), encoding="utf-8")
        save_known(folder, known, data.known)

    run.publish(save)


def _split(
    data: LabelledPictures, settings: Settings, sources: Sequence[str]
) -> tuple[Tensor, Tensor]:
    try:
        return held_back(len(data), settings.seed, settings.validation, most=_MOST_HELD)
    except DataError as error:
        raise DataError(f"{sources[0]}: one picture cannot be split; add more") from error


def _cosine(settings: Settings) -> Callable[[int], Callable[[int], float]]:
    def of(steps: int) -> Callable[[int], float]:
        warmup = settings.warmup * steps
        return lambda step: warmup_cosine(step + 1, settings.rate, warmup, steps + 1)

    return of


def _vqvae(settings: VqSettings) -> VQModel:
    levels = settings.multipliers
    if settings.image_size % 2 ** (len(levels) - 1):
        raise RequestError(
            f"image_size: {settings.image_size} cannot be halved {len(levels) - 1} times"
        )
    try:
        return VQModel(
            sample_size=settings.image_size,
            block_out_channels=[settings.channels * factor for factor in levels],
            down_block_types=["DownEncoderBlock2D"] * len(levels),
            up_block_types=["UpDecoderBlock2D"] * len(levels),
            layers_per_block=settings.layers,
            norm_num_groups=settings.norm_groups,
            latent_channels=settings.latent_channels,
            vq_embed_dim=settings.latent_channels,
            num_vq_embeddings=settings.codes,
            scaling_factor=1.0,
            mid_block_add_attention=True,
        )
    except (ValueError, RuntimeError) as error:  # too large ones are of the latter kind
        raise RequestError(f"no first stage has these sizes: {error}") from error


def _unet(settings: LabelLdmSettings, vqvae: VQModel) -> UNet2DConditionModel:
    levels = len(settings.multipliers)
    latent_size = int(vqvae.config.sample_size) // 2 ** (len(vqvae.config.block_out_channels) - 1)
    try:
        return build_unet(
            settings.channels,
            settings.context_width,
            int(vqvae.config.latent_channels),
            latent_size,
            settings.multipliers,
            [level in settings.attention for level in range(levels)],
            settings.layers,
        )
    except (ValueError, RuntimeError) as error:  # too large ones are of the latter kind
        raise RequestError(f"no U-Net has these sizes: {error}") from error


def _versions(
    vqvae: VQModel, data: LabelledPictures, rows: Tensor, settings: LabelLdmSettings
) -> Tensor:
    """Return latents (n, 1 + crops, channels, h, w): whole pictures, then crops of them."""
    rng = Generator().manual_seed(settings.seed)
    crops = (
        data.crops(rows, rng, crop=settings.crop, probability=1.0) for _ in range(settings.crops)
    )
    versions = [encode(vqvae, data.pictures(rows)), *(encode(vqvae, each) for each in crops)]
    return torch.stack(versions, dim=1)


def _sample_grid(
    unet: UNet2DConditionModel,
    context: PictureContext,
    vqvae: VQModel,
    scheduler: PNDMScheduler,
    held_out: tuple[Tensor, Tensor],
) -> Callable[[int], ImageArray]:
    """Return what draws held-out pictures over samples of their labels (and layouts)."""
    latents, labels = (each[:_SHOWN] for each in held_out)

    @torch.no_grad()
    def draw(step: int) -> ImageArray:
        layout = context.layout(latents).to(vqvae.device)
        condition = context(labels.to(vqvae.device), layout)
        samples = [sampled(unet, vqvae, scheduler, condition, seed) for seed in _SEEDS]
        return picture_grid([decoded(vqvae, latents), *samples])

    return draw
