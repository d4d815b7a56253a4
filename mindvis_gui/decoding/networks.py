"""The unmodified diffusers networks, with the settings that reproduce the published ones."""

from __future__ import annotations

from collections.abc import Sequence

from diffusers import PNDMScheduler, UNet2DConditionModel, VQModel

from mindvis_gui.decoding.models import NOISE

# With these, the PLMS of diffusers takes the steps of the published sampler.
PLMS_AS_PUBLISHED = {"skip_prk_steps": True, "set_alpha_to_one": False, "steps_offset": 1}


def build_unet(
    channels: int = 192,
    context_width: int = 512,
    latent_channels: int = 3,
    sample_size: int = 64,
    multipliers: Sequence[int] = (1, 2, 3, 5),
    attention: Sequence[bool] = (False, True, True, True),
    layers: int = 2,
) -> UNet2DConditionModel:
    """Build the U-Net; the defaults are the published label-to-image network.

    Parameters
    ----------
    channels : int
        Channels at the first resolution, before `multipliers`; a multiple of 32.
    context_width : int
        Width of the cross-attention context.
    latent_channels, sample_size : int
        Of the latents; `sample_size` is their height and width.
    multipliers : sequence of int
        Channels at each resolution, in units of `channels`.
    attention : sequence of bool
        Which resolutions have transformer blocks.
    layers : int
        Residual blocks a resolution.
    """
    down = ["CrossAttnDownBlock2D" if wanted else "DownBlock2D" for wanted in attention]
    up = ["CrossAttnUpBlock2D" if wanted else "UpBlock2D" for wanted in reversed(attention)]
    return UNet2DConditionModel(
        sample_size=sample_size,
        in_channels=latent_channels,
        out_channels=latent_channels,
        block_out_channels=[channels * factor for factor in multipliers],
        layers_per_block=layers,
        down_block_types=down,
        mid_block_type="UNetMidBlock2DCrossAttn",
        up_block_types=up,
        cross_attention_dim=context_width,
        attention_head_dim=1,  # means one head in this class, whatever the channels
        use_linear_projection=False,
        class_embed_type="identity",  # the second condition, added to the time embedding
        flip_sin_to_cos=True,
        freq_shift=0,
        norm_eps=1e-5,
        downsample_padding=1,
    )


def time_width(unet: UNet2DConditionModel) -> int:
    """Width of the U-Net's time embedding, which the second condition is added to."""
    return int(unet.time_embedding.linear_2.out_features)


def build_vqvae(
    channels: int = 128,
    latent_channels: int = 3,
    codes: int = 8192,
    sample_size: int = 256,
    multipliers: Sequence[int] = (1, 2, 4),
    layers: int = 2,
) -> VQModel:
    """Build the first stage (VQ-f4 by default): pictures ↔ quantised latents.

    `sample_size` is the height and width of the pictures; each resolution after
    the first halves it.
    """
    return VQModel(
        sample_size=sample_size,
        block_out_channels=[channels * factor for factor in multipliers],
        down_block_types=["DownEncoderBlock2D"] * len(multipliers),
        up_block_types=["UpDecoderBlock2D"] * len(multipliers),
        layers_per_block=layers,
        latent_channels=latent_channels,
        vq_embed_dim=latent_channels,
        num_vq_embeddings=codes,
        scaling_factor=1.0,  # latents are diffused as they are
        mid_block_add_attention=True,
    )


def build_scheduler(prediction_type: str = NOISE) -> PNDMScheduler:
    """Build the noise schedule, 1000 steps, with PLMS as the published sampler.

    The U-Net predicts the `NOISE`, as published, or the `VELOCITY`.
    Only a number of sampling steps that divides 1000 gives the published time steps.
    """
    return PNDMScheduler(
        num_train_timesteps=1000,
        beta_start=0.0015,
        beta_end=0.0195,
        beta_schedule="scaled_linear",
        prediction_type=prediction_type,
        **PLMS_AS_PUBLISHED,
    )
