"""What the published checkpoints call each layer, and what the same layer is called here.

Every table maps the published name to ours. Names are dotted paths; a table holds the
parts of such a path that differ, and `renamed` replaces them from left to right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

# Held by a checkpoint and of no use here: buffers of the noise schedule, moving averages, the
# first stage's training loss, the label embedding that the fMRI encoder replaces, and the
# tokens of the autoencoder that the fine-tuned encoder does not use.
IGNORED = re.compile(
    r"(betas|logvar|lvlb_weights|\w*alphas\w*|posterior_\w+)$"
    r"|model_ema\.|first_stage_model\.loss\.|cond_stage_model\.embedding\."
    r"|cond_stage_model\.mae\.(cls_token|mask_token)$"
)
# What fine-tuning changes (section 3.2), by our names: a base model cannot stand in for it.
FINE_TUNED = re.compile(
    r"(encoder|conditioner)\.|unet\..*(\.attn2\.|\.transformer_blocks\.\d+\.norm2\.)"
)

UNET = "model.diffusion_model"
FIRST_STAGE = "first_stage_model"

_PARTS = {
    UNET: "unet",
    FIRST_STAGE: "vqvae",
    "cond_stage_model.mae": "encoder",
    "cond_stage_model.channel_mapper": "conditioner.token_mapper",
    "cond_stage_model.dim_mapper": "conditioner.width_mapper",
    f"{UNET}.time_embed_condtion.0": "conditioner.time_pool.0",
    f"{UNET}.time_embed_condtion.1": "conditioner.time_pool.1",
    f"{UNET}.time_embed_condtion.2": "conditioner.time_mapper",
    f"{UNET}.time_embed_condtion": "conditioner.time_mapper",  # of models that pool the tokens
}

MASKED_MODEL = {name: f"encoder.{name}" for name in ("patch_embed", "pos_embed", "blocks", "norm")}

_RESIDUAL = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}


def ldm_table(unet_levels: int, unet_layers: int, first_stage_levels: int) -> dict[str, str]:
    """Name every layer of a latent diffusion model, each name led by its part's.

    The parts are ``unet``, ``vqvae``, ``encoder`` and ``conditioner``.
    """
    unet = _unet_table(unet_levels, unet_layers)
    return _PARTS | unet | _first_stage_table(first_stage_levels)


def _unet_table(levels: int, layers: int) -> dict[str, str]:
    """Name the layers of a U-Net of `levels` resolutions with `layers` residual blocks each."""
    table = {
        "time_embed.0": "time_embedding.linear_1",
        "time_embed.2": "time_embedding.linear_2",
        "input_blocks.0.0": "conv_in",
        "middle_block.0": "mid_block.resnets.0",
        "middle_block.1": "mid_block.attentions.0",
        "middle_block.2": "mid_block.resnets.1",
        "out.0": "conv_norm_out",
        "out.2": "conv_out",
    }
    block = 1
    for level in range(levels):
        for layer in range(layers):
            table[f"input_blocks.{block}.0"] = f"down_blocks.{level}.resnets.{layer}"
            table[f"input_blocks.{block}.1"] = f"down_blocks.{level}.attentions.{layer}"
            block += 1
        table[f"input_blocks.{block}.0.op"] = f"down_blocks.{level}.downsamplers.0.conv"
        block += 1
    block = 0
    for level in range(levels):
        for layer in range(layers + 1):
            table[f"output_blocks.{block}.0"] = f"up_blocks.{level}.resnets.{layer}"
            table[f"output_blocks.{block}.1"] = f"up_blocks.{level}.attentions.{layer}"
            # Up-sampling comes after the attention, where a resolution has one.
            table[f"output_blocks.{block}.1.conv"] = f"up_blocks.{level}.upsamplers.0.conv"
            table[f"output_blocks.{block}.2.conv"] = f"up_blocks.{level}.upsamplers.0.conv"
            block += 1
    return table | _RESIDUAL


def _first_stage_table(levels: int) -> dict[str, str]:
    """Name the layers of a first stage of `levels` resolutions."""
    table = {"nin_shortcut": "conv_shortcut"}
    for level in range(levels):
        down, up = f"encoder.down.{level}", f"decoder.up.{level}"
        table[f"{down}.block"] = f"encoder.down_blocks.{level}.resnets"
        table[f"{down}.downsample"] = f"encoder.down_blocks.{level}.downsamplers.0"
        ours = f"decoder.up_blocks.{levels - 1 - level}"  # counted from the other end
        table[f"{up}.block"] = f"{ours}.resnets"
        table[f"{up}.upsample"] = f"{ours}.upsamplers.0"
    for half in ("encoder", "decoder"):
        attention = f"{half}.mid_block.attentions.0"
        table[f"{half}.mid.block_1"] = f"{half}.mid_block.resnets.0"
        table[f"{half}.mid.block_2"] = f"{half}.mid_block.resnets.1"
        table[f"{half}.mid.attn_1.norm"] = f"{attention}.group_norm"
        table[f"{half}.mid.attn_1.proj_out"] = f"{attention}.to_out.0"
        for name in "qkv":
            table[f"{half}.mid.attn_1.{name}"] = f"{attention}.to_{name}"
        table[f"{half}.norm_out"] = f"{half}.conv_norm_out"
    return table


def renamed(names: Iterable[str], table: Mapping[str, str]) -> dict[str, str]:
    """Map each published name to ours; a part that no table holds keeps its name."""
    longest_first = sorted(table, key=len, reverse=True)
    if not table:
        return {name: name for name in names}
    parts = re.compile(r"(?<![^.])(" + "|".join(map(re.escape, longest_first)) + r")(?![^.])")
    return {name: parts.sub(lambda match: table[match[0]], name) for name in names}
