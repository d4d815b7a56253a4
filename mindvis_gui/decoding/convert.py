"""Published MinD-Vis checkpoints → a model of this application.

Sizes are read off the weights, so that any model trained with the published code
converts; what weights do not tell comes from the saved configuration.
"""

from __future__ import annotations

from pathlib import Path

import torch
from diffusers import UNet2DConditionModel, VQModel

from mindvis_gui.data.prepare import padded_length
from mindvis_gui.decoding import published_keys as published
from mindvis_gui.decoding.base_model import read_base_model, renamed_ldm
from mindvis_gui.decoding.building import building
from mindvis_gui.decoding.checkpoint import Checkpoint, Weights, listed
from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.models import PUBLISHED_TEST_USE
from mindvis_gui.decoding.networks import build_scheduler, build_unet, build_vqvae, time_width
from mindvis_gui.decoding.pipeline import MindVisPipeline
from mindvis_gui.decoding.preview import fit_latent_rgb_to_codes
from mindvis_gui.decoding.transformer import resized_positions
from mindvis_gui.errors import ModelError

_PAPER_WIDTH, _PAPER_HEADS = 1024, 16
_SMALLEST_PICTURE = 8  # pixels a side; smaller ones could not be compared with stimuli
_LARGEST_PICTURE = 4096  # pixels a side; no machine has memory for more
_ROUNDED = 1 / 128  # relative; how far a file in bf16 or fp16 is from what was trained with


def convert_published(
    ldm: Path, finetuned: Path, encoder: Path | None = None, n_voxels: int | None = None
) -> MindVisPipeline:
    """Build a pipeline from published checkpoint files.

    Parameters
    ----------
    ldm : Path
        ``model.ckpt`` of the label-to-image model, or the same model as a folder of
        diffusers: gives the frozen weights that `finetuned` does not hold.
    finetuned : Path
        ``finetuned.pth`` of stage B.
    encoder : Path, optional
        ``fmri_encoder.pth`` of stage A; without it the model cannot recover masked voxels.
        If it was trained at another length, its position embeddings are interpolated.
    n_voxels : int, optional
        Length of the response vectors. The files only tell the number of patches.

    Raises
    ------
    ModelError
        If a file cannot be read safely, or a weight is left over, missing or of another shape.
    """
    return convert(
        read_base_model(ldm),
        Checkpoint(finetuned, "model_state_dict"),
        None if encoder is None else Checkpoint(encoder, "model"),
        n_voxels,
    )


@building()
def convert(
    base: Weights, tuned: Checkpoint, stage_a: Checkpoint | None = None, n_voxels: int | None = None
) -> MindVisPipeline:
    """Build a pipeline from what was read of the files; see `convert_published`."""
    weights = _used_weights(base, tuned)
    image_size = tuned.number("img_size")
    try:
        vqvae = _first_stage(weights.take("vqvae."), image_size)
        conditioning = weights.take("conditioner.")
        encoder = _encoder(
            weights.take("encoder."), stage_a, n_voxels, pooled=_is_pooled(conditioning)
        )
        said = f"{tuned.path}: its configuration has {image_size} as 'img_size'"
        unet = _unet(weights.take("unet."), _latent_size(image_size, vqvae, said))
        conditioner = _conditioner(conditioning, encoder, unet)
        _check_settings(tuned, conditioner)
        masked_model = None if stage_a is None else _masked_model(stage_a, encoder)
    except (ValueError, ZeroDivisionError, RuntimeError) as error:
        raise ModelError(
            f"{tuned.path}: no networks have the sizes of its weights: {error}"
        ) from error
    if weights:
        files: dict[Path, list[str]] = {}
        for name in weights:
            files.setdefault(weights.file(name), []).append(weights.called(name))
        path, names = next(iter(files.items()))
        raise ModelError(
            f"{path}: holds weights that nothing here uses: {listed(names)}; "
            "is this the right file?"
        )
    return MindVisPipeline(
        encoder=encoder,
        conditioner=conditioner,
        unet=unet,
        vqvae=vqvae,
        scheduler=build_scheduler(),
        masked_model=masked_model,
        n_voxels=n_voxels,
        image_size=image_size,
        dataset=str(tuned.settings.get("dataset", "")),
        latent_rgb=fit_latent_rgb_to_codes(vqvae),
        test_use=[PUBLISHED_TEST_USE],
    )


def _used_weights(base: Weights, tuned: Checkpoint) -> Weights:
    """Lay the fine-tuned weights over those of the base model that fine-tuning leaves frozen."""
    own = tuned.take_weights()
    betas = build_scheduler().betas
    if own["betas"].shape != betas.shape or not torch.allclose(
        own["betas"].float(), betas, rtol=_ROUNDED, atol=0
    ):
        raise ModelError(f"{tuned.path}: was trained with another noise schedule than MinD-Vis's")
    tuned_weights = renamed_ldm(own)
    for name in list(base):
        if name in tuned_weights or published.FINE_TUNED.match(name):
            del base[name]  # gigabytes that the caller need not keep
    return tuned_weights.over(base)


def _first_stage(weights: Weights, image_size: int) -> VQModel:
    levels = weights.count("encoder.down_blocks.{}.")
    first = "encoder.down_blocks.{}.resnets.0.conv1.weight"
    channels = len(weights["encoder.conv_in.weight"])
    codes, latent_channels = weights.shape("quantize.embedding.weight", 2)
    vqvae = build_vqvae(
        channels=channels,
        latent_channels=latent_channels,
        codes=codes,
        sample_size=image_size,
        multipliers=[len(weights[first.format(level)]) // channels for level in range(levels)],
        layers=weights.count("encoder.down_blocks.0.resnets.{}."),
    )
    weights.fill(vqvae)
    return vqvae


def _latent_size(image_size: int, vqvae: VQModel, said: str) -> int:
    """Return the side of the latents; `said` tells in a message where the size comes from.

    Raises
    ------
    ModelError
        If the first stage makes no pictures of this size.
    """
    scale: int = 2 ** (len(vqvae.config.block_out_channels) - 1)
    if image_size % scale or not _SMALLEST_PICTURE <= image_size <= _LARGEST_PICTURE:
        raise ModelError(
            f"{said}, but its first stage makes pictures of {_SMALLEST_PICTURE} to "
            f"{_LARGEST_PICTURE:,} pixels, in steps of {scale}"
        )
    return image_size // scale


def _unet(weights: Weights, latent_size: int) -> UNet2DConditionModel:
    levels = weights.count("down_blocks.{}.")
    first = "down_blocks.{}.resnets.0.conv2.weight"
    channels, latent_channels, _, _ = weights.shape("conv_in.weight", 4)
    context = weights.shape("mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight", 2)
    unet = build_unet(
        channels=channels,
        context_width=context[1],
        latent_channels=latent_channels,
        sample_size=latent_size,
        multipliers=[len(weights[first.format(level)]) // channels for level in range(levels)],
        attention=[
            f"down_blocks.{level}.attentions.0.norm.weight" in weights for level in range(levels)
        ],
        layers=weights.count("down_blocks.0.resnets.{}."),
    )
    weights.fill(unet)
    return unet


def _encoder(
    weights: Weights, stage_a: Checkpoint | None, n_voxels: int | None, *, pooled: bool
) -> FmriEncoder:
    n_positions = weights.shape("pos_embed", 3)[1]
    weights["pos_embed"] = weights["pos_embed"][:, 1:]  # the first row is a class token's
    width, _, patch_size = weights.shape("patch_embed.proj.weight", 3)
    padded = (n_positions - 1) * patch_size
    if n_voxels is not None and padded_length(n_voxels, patch_size) != padded:
        raise ModelError(
            f"{weights.path}: was trained on {padded - patch_size:,} to {padded - 1:,} voxels, "
            f"not on {n_voxels:,}"
        )
    if stage_a is not None:
        heads = stage_a.number("num_heads")
    elif width == _PAPER_WIDTH:
        heads = _PAPER_HEADS
    else:
        raise ModelError(
            f"{weights.path}: does not tell how many attention heads its encoder of width {width} "
            "has; give the encoder's checkpoint (fmri_encoder.pth) as well"
        )
    encoder = FmriEncoder(
        n_voxels=padded - 1 if n_voxels is None else n_voxels,
        patch_size=patch_size,
        width=width,
        depth=weights.count("blocks.{}."),
        heads=heads,
        mlp_ratio=len(weights["blocks.0.mlp.fc1.weight"]) / width,
        global_pool=pooled,
    )
    weights.fill(encoder)
    return encoder


def _is_pooled(conditioning: Weights) -> bool:
    return "token_mapper.0.weight" not in conditioning


def _conditioner(weights: Weights, encoder: FmriEncoder, unet: UNet2DConditionModel) -> Conditioner:
    pooled = _is_pooled(weights)
    conditioner = Conditioner(
        n_tokens=encoder.n_tokens,
        width=encoder.config.width,
        context_width=len(weights["width_mapper.weight"]),
        time_width=time_width(unet),
        context_tokens=1 if pooled else len(weights["token_mapper.1.weight"]),
        time_condition=any(name.startswith("time_") for name in weights),
        global_pool=pooled,
    )
    weights.fill(conditioner)
    return conditioner


def _check_settings(tuned: Checkpoint, conditioner: Conditioner) -> None:
    """Refuse weights of another variant than the configuration beside them names."""
    found = {
        "global_pool": bool(conditioner.config.global_pool),
        "use_time_cond": bool(conditioner.config.time_condition),
    }
    for name, value in found.items():
        said = tuned.settings.get(name, value)
        if said != value:
            raise ModelError(
                f"{tuned.path}: its configuration has {said} as '{name}' but its weights are of a "
                f"model with {value}; the file is damaged or put together"
            )


def _masked_model(stage_a: Checkpoint, encoder: FmriEncoder) -> MaskedBrainModel:
    """Build SC-MBM for the vectors of the fine-tuned `encoder`."""
    weights = stage_a.take_weights()
    width, _, patch_size = weights.shape("patch_embed.proj.weight", 3)
    depth = weights.count("blocks.{}.")
    config = encoder.config
    if (width, patch_size, depth) != (config.width, config.patch_size, config.depth):
        raise ModelError(
            f"{stage_a.path}: its encoder (width {width}, patches of {patch_size}, {depth} blocks) "
            f"is not the one that was fine-tuned (width {config.width}, patches of "
            f"{config.patch_size}, {config.depth} blocks)"
        )
    return _sc_mbm(weights, stage_a, config.n_voxels)


@building()
def convert_masked_model(path: Path) -> MaskedBrainModel:
    """Build SC-MBM from ``fmri_encoder.pth``, for vectors as long as it was trained on.

    The file tells the number of patches only; the model takes the longest vector of so many.

    Raises
    ------
    ModelError
        If it cannot be read safely, or no network has the sizes of its weights.
    """
    stage_a = Checkpoint(path, "model")
    weights = stage_a.take_weights()
    positions = weights.shape("pos_embed", 3)[1] - 1  # the first row is a class token's
    patch_size = weights.shape("patch_embed.proj.weight", 3)[2]
    try:
        return _sc_mbm(weights, stage_a, positions * patch_size - 1)
    except (ValueError, ZeroDivisionError, RuntimeError) as error:
        raise ModelError(f"{path}: no networks have the sizes of its weights: {error}") from error


def _sc_mbm(weights: Weights, stage_a: Checkpoint, n_voxels: int) -> MaskedBrainModel:
    """Build SC-MBM for vectors of `n_voxels`, position embeddings taken to their length."""
    width, _, patch_size = weights.shape("patch_embed.proj.weight", 3)
    n_patches = padded_length(n_voxels, patch_size) // patch_size
    for name in ("pos_embed", "decoder_pos_embed"):
        weights.shape(name, 3)
        weights[name] = resized_positions(weights[name][:, 1:], n_patches)
    model = MaskedBrainModel(
        n_voxels=n_voxels,
        patch_size=patch_size,
        width=width,
        depth=weights.count("blocks.{}."),
        heads=stage_a.number("num_heads"),
        decoder_width=len(weights["decoder_embed.weight"]),
        decoder_depth=weights.count("decoder_blocks.{}."),
        decoder_heads=stage_a.number("decoder_num_heads"),
        mlp_ratio=len(weights["blocks.0.mlp.fc1.weight"]) / width,
    )
    weights.renamed(published.MASKED_MODEL).fill(model)
    return model


def convert_base(path: Path, image_size: int = 256) -> tuple[UNet2DConditionModel, VQModel]:
    """Build U-Net and first stage from a checkpoint of the CompVis code, to fine-tune them.

    Raises
    ------
    ModelError
        If it cannot be read safely, or no networks have the sizes of its weights.
    """
    weights = read_base_model(path)
    try:
        vqvae = _first_stage(weights.take("vqvae."), image_size)
        said = f"{path}: image_size {image_size} was asked for"
        return _unet(weights.take("unet."), _latent_size(image_size, vqvae, said)), vqvae
    except (ValueError, ZeroDivisionError, RuntimeError) as error:
        raise ModelError(f"{path}: no networks have the sizes of its weights: {error}") from error
