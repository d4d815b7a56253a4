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
from mindvis_gui.decoding.checkpoint import Checkpoint, Weights
from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.networks import build_scheduler, build_unet, build_vqvae, time_width
from mindvis_gui.decoding.pipeline import MindVisPipeline
from mindvis_gui.decoding.preview import fit_latent_rgb_to_codes
from mindvis_gui.decoding.transformer import resized_positions
from mindvis_gui.errors import ModelError

_PAPER_WIDTH, _PAPER_HEADS = 1024, 16


def convert_published(
    ldm: Path, finetuned: Path, encoder: Path | None = None, n_voxels: int | None = None
) -> MindVisPipeline:
    """Build a pipeline from published checkpoint files.

    Parameters
    ----------
    ldm : Path
        ``model.ckpt`` of the label-to-image model: gives the frozen weights that
        `finetuned` does not hold.
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
    tuned = Checkpoint(finetuned)
    stage_a = Checkpoint(encoder) if encoder is not None else None
    weights = _used_weights(Checkpoint(ldm).weights("state_dict"), tuned)
    image_size = int(tuned.setting("img_size"))

    vqvae = _first_stage(weights.take(published.FIRST_STAGE), image_size)
    conditioning = _conditioning_weights(weights)
    fmri_encoder = _encoder(
        weights.take(published.ENCODER), stage_a, n_voxels, pooled=_is_pooled(conditioning)
    )
    latent_size = image_size // 2 ** (len(vqvae.config.block_out_channels) - 1)
    unet = _unet(weights.take(published.UNET), latent_size)
    if weights:
        raise ModelError(f"{finetuned}: weights that nothing here uses: {', '.join(weights)}")
    return MindVisPipeline(
        encoder=fmri_encoder,
        conditioner=_conditioner(conditioning, fmri_encoder, unet),
        unet=unet,
        vqvae=vqvae,
        scheduler=build_scheduler(),
        masked_model=None if stage_a is None else _masked_model(stage_a, fmri_encoder),
        n_voxels=n_voxels,
        image_size=image_size,
        dataset=str(tuned.setting("dataset")),
        latent_rgb=fit_latent_rgb_to_codes(vqvae),
    )


def _used_weights(base: Weights, tuned: Checkpoint) -> Weights:
    """Lay the fine-tuned weights over those of the base model that fine-tuning leaves frozen."""
    frozen = {name: value for name, value in base.items() if not published.FINE_TUNED.match(name)}
    merged = Weights(frozen | tuned.weights("model_state_dict"), tuned.path)
    if not torch.allclose(merged["betas"].float(), build_scheduler().betas, atol=1e-6):
        raise ModelError(f"{tuned.path}: was trained with another noise schedule than MinD-Vis's")
    used = {name: value for name, value in merged.items() if not published.IGNORED.match(name)}
    return Weights(used, tuned.path)


def _first_stage(weights: Weights, image_size: int) -> VQModel:
    levels = weights.count("encoder.down.{}.")
    widths = [len(weights[f"encoder.down.{level}.block.0.conv1.weight"]) for level in range(levels)]
    channels = len(weights["encoder.conv_in.weight"])
    codes, latent_channels = weights["quantize.embedding.weight"].shape
    vqvae = build_vqvae(
        channels=channels,
        latent_channels=latent_channels,
        codes=codes,
        sample_size=image_size,
        multipliers=[width // channels for width in widths],
        layers=weights.count("encoder.down.0.block.{}."),
    )
    weights.fill(vqvae, published.first_stage_table(levels))
    return vqvae


def _unet(weights: Weights, latent_size: int) -> UNet2DConditionModel:
    """Build the U-Net; resolutions are told apart by the down-sampling between them."""
    blocks = weights.count("input_blocks.{}.")
    down = [block for block in range(blocks) if f"input_blocks.{block}.0.op.weight" in weights]
    starts = [1, *(block + 1 for block in down)]
    layers = blocks // len(starts) - 1
    channels, latent_channels = weights["input_blocks.0.0.weight"].shape[:2]
    widths = [len(weights[f"input_blocks.{start}.0.out_layers.3.weight"]) for start in starts]
    context = weights["middle_block.1.transformer_blocks.0.attn2.to_k.weight"]
    unet = build_unet(
        channels=channels,
        context_width=context.shape[1],
        latent_channels=latent_channels,
        sample_size=latent_size,
        multipliers=[width // channels for width in widths],
        attention=[f"input_blocks.{start}.1.norm.weight" in weights for start in starts],
        layers=layers,
    )
    weights.fill(unet, published.unet_table(len(starts), layers))
    return unet


def _encoder(
    weights: Weights, stage_a: Checkpoint | None, n_voxels: int | None, *, pooled: bool
) -> FmriEncoder:
    weights["pos_embed"] = weights["pos_embed"][:, 1:]  # the first row is a class token's
    width, _, patch_size = weights["patch_embed.proj.weight"].shape
    padded = weights["pos_embed"].shape[1] * patch_size
    if n_voxels is not None and padded_length(n_voxels, patch_size) != padded:
        raise ModelError(
            f"{weights.path}: was trained on {padded - patch_size:,} to {padded - 1:,} voxels, "
            f"not on {n_voxels:,}"
        )
    if stage_a is not None:
        heads = int(stage_a.setting("num_heads"))
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
    weights.fill(encoder, {})
    return encoder


def _conditioning_weights(weights: Weights) -> Weights:
    """Take out the weights of the two conditions, which lie in two places."""
    names = [name for name in weights if published.CONDITIONING.match(name)]
    return Weights({name: weights.pop(name) for name in names}, weights.path)


def _is_pooled(conditioning: Weights) -> bool:
    return "cond_stage_model.channel_mapper.0.weight" not in conditioning


def _conditioner(weights: Weights, encoder: FmriEncoder, unet: UNet2DConditionModel) -> Conditioner:
    pooled = _is_pooled(weights)
    mapper = "cond_stage_model.channel_mapper.1.weight"
    conditioner = Conditioner(
        n_tokens=encoder.n_tokens,
        width=encoder.config.width,
        context_width=len(weights["cond_stage_model.dim_mapper.weight"]),
        time_width=time_width(unet),
        context_tokens=1 if pooled else len(weights[mapper]),
        time_condition=any("time_embed_condtion" in name for name in weights),
        global_pool=pooled,
    )
    weights.fill(conditioner, published.CONDITIONER)
    return conditioner


def _masked_model(stage_a: Checkpoint, encoder: FmriEncoder) -> MaskedBrainModel:
    """Build SC-MBM for the vectors of the fine-tuned `encoder`."""
    weights = stage_a.weights("model")
    for name in ("pos_embed", "decoder_pos_embed"):
        weights[name] = resized_positions(weights[name][:, 1:], encoder.n_patches)
    width, _, patch_size = weights["patch_embed.proj.weight"].shape
    model = MaskedBrainModel(
        n_voxels=encoder.config.n_voxels,
        patch_size=patch_size,
        width=width,
        depth=weights.count("blocks.{}."),
        heads=int(stage_a.setting("num_heads")),
        decoder_width=len(weights["decoder_embed.weight"]),
        decoder_depth=weights.count("decoder_blocks.{}."),
        decoder_heads=int(stage_a.setting("decoder_num_heads")),
        mlp_ratio=len(weights["blocks.0.mlp.fc1.weight"]) / width,
    )
    weights.fill(model, published.MASKED_MODEL)
    return model
