"""The published way to decode, written plainly: what every benchmark compares with.

A loop over diffusers' own networks in fp32, one call a step with the context as it is, so that
keys and values of the cross-attention are computed again every time; 250 PLMS steps; one picture
after the other from the first stage.
"""

from __future__ import annotations

import torch
from diffusers import PNDMScheduler, UNet2DConditionModel, VQModel
from torch import Tensor

from mindvis_gui.decoding.models import NOISE, VELOCITY

STEPS = 250


@torch.inference_mode()
def published_latents(
    unet: UNet2DConditionModel,
    scheduler: PNDMScheduler,
    context: Tensor,
    time: Tensor,
    noise: Tensor,
    steps: int = STEPS,
) -> Tensor:
    """Walk from noise (n, channels, h, w) to latents; context (1, tokens, width), time (1, …)."""
    of_velocity = scheduler.config.prediction_type == VELOCITY
    scheduler = PNDMScheduler.from_config(scheduler.config, prediction_type=NOISE)
    scheduler.set_timesteps(steps)
    context, time = context.expand(len(noise), -1, -1), time.expand(len(noise), -1)
    latents = noise
    for step in scheduler.timesteps:
        predicted = unet(latents, step, context, class_labels=time).sample
        if of_velocity:  # PLMS adds up noises of different steps
            alpha = scheduler.alphas_cumprod[step]
            predicted = alpha.sqrt() * predicted + (1 - alpha).sqrt() * latents
        latents = scheduler.step(predicted, step, latents).prev_sample
    return latents


@torch.inference_mode()
def published_pictures(vqvae: VQModel, latents: Tensor) -> Tensor:
    """Decode latents to pictures (n, H, W, 3) uint8."""
    pictures = torch.cat([vqvae.decode(latent[None]).sample for latent in latents])
    return (255 * ((pictures + 1) / 2).clamp(0, 1)).to(torch.uint8).movedim(1, -1)
