"""Samples and decoded latents in the middle of a training, as pictures from -1 to 1."""

from __future__ import annotations

import torch
from diffusers import PNDMScheduler, UNet2DConditionModel, VQModel
from torch import Tensor

from mindvis_gui.decoding.pipeline import Condition
from mindvis_gui.decoding.sampling import build_sampler, denoise, initial_noise
from mindvis_gui.decoding.sampling_settings import Sampling

_QUICK = Sampling("dpm++", 20)


@torch.no_grad()
def sampled(
    unet: UNet2DConditionModel,
    vqvae: VQModel,
    scheduler: PNDMScheduler,
    condition: Condition,
    seed: int,
) -> Tensor:
    """Draw one picture (3, h, w) a row of the condition, all from the noise of `seed`.

    Returns
    -------
    Tensor, shape (n, 3, h, w)
    """
    context, time = condition
    config = unet.config
    shape = (config.in_channels, config.sample_size, config.sample_size)
    latents = initial_noise([seed] * len(context), shape).to(unet.device)

    def predict_noise(latents: Tensor, step: Tensor) -> Tensor:
        predicted: Tensor = unet(latents, step, context, class_labels=time).sample
        return predicted.float()

    *_, (made, _) = denoise(predict_noise, build_sampler(scheduler, _QUICK), latents)
    return decoded(vqvae, made)


@torch.no_grad()
def decoded(vqvae: VQModel, latents: Tensor) -> Tensor:
    """Decode latents (n, channels, h, w), quantised first, one after the other."""
    pictures = [vqvae.decode(each[None].to(vqvae.device)).sample for each in latents]
    return torch.cat(pictures).float().cpu()
