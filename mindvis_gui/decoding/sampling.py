"""From noise to latents: the samplers, and the loop that all of them share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, PNDMScheduler
from torch import Tensor

from mindvis_gui.decoding.request import Sampling

NoisePredictor = Callable[[Tensor, Tensor], Tensor]  # (latents, step of the schedule) → noise


def build_sampler(schedule: PNDMScheduler, sampling: Sampling) -> Any:
    """Return a fresh scheduler of diffusers for one decode.

    Parameters
    ----------
    schedule : PNDMScheduler
        The model's noise schedule.
    sampling : Sampling
        PLMS makes one network call more than its steps: its first step is an improved
        Euler step.
    """
    config = schedule.config
    if sampling.sampler == "dpm++":
        # Same steps and same end as PLMS, so that both walk from one noise to one picture.
        sampler = DPMSolverMultistepScheduler.from_config(
            config, algorithm_type="dpmsolver++", solver_order=2, final_sigmas_type="sigma_min"
        )
        steps = np.arange(sampling.steps) * config.num_train_timesteps // sampling.steps
        sampler.set_timesteps(timesteps=steps[::-1] + config.steps_offset)
        return sampler
    if sampling.sampler == "ddim":
        sampler = DDIMScheduler.from_config(config, clip_sample=False)
    else:
        sampler = PNDMScheduler.from_config(config)
    sampler.set_timesteps(sampling.steps)
    return sampler


def initial_noise(seeds: Sequence[int], shape: Sequence[int]) -> Tensor:
    """Draw one noise latent a seed, (n_seeds, *shape), each from a generator of its own.

    Drawn on the CPU, so that a seed means the same noise on every device.
    """
    draws = [
        torch.randn(*shape, generator=torch.Generator("cpu").manual_seed(seed)) for seed in seeds
    ]
    return torch.stack(draws)


def denoise(
    predict_noise: NoisePredictor, sampler: Any, latents: Tensor
) -> Generator[tuple[Tensor, Tensor]]:
    """Walk from noise to clean latents.

    Parameters
    ----------
    predict_noise : callable
    sampler
        Of `build_sampler`; it remembers earlier steps and serves one walk only.
    latents : Tensor, shape (n, channels, h, w)
        Noise of unit variance.

    Yields
    ------
    latents : Tensor, shape (n, channels, h, w)
        After each network call; the last ones are the result.
    predicted : Tensor, shape (n, channels, h, w)
        The clean latents as the network saw them at that call (DDIM, eq. 12).
    """
    for step in sampler.timesteps:
        noise = predict_noise(latents, step)
        alpha = sampler.alphas_cumprod[step.long()]
        predicted = (latents - (1 - alpha).sqrt() * noise) / alpha.sqrt()
        latents = sampler.step(noise, step, latents).prev_sample
        yield latents, predicted
