"""From noise to latents: the samplers, and the loop that all of them share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

import numpy as np
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    PNDMScheduler,
    UniPCMultistepScheduler,
)
from numpy.typing import NDArray
from torch import Tensor

from mindvis_gui.data.subject import IntArray
from mindvis_gui.decoding.models import NOISE, VELOCITY
from mindvis_gui.decoding.sampling_settings import Sampling

# (latents, step of the schedule) → noise, or the velocity if the schedule says so
Predictor = Callable[[Tensor, Tensor], Tensor]
# Every solver has the end of PLMS, and but for Karras' spacing its steps, too: from one noise they
# all walk to one picture.
_END_OF_PLMS: dict[str, Any] = {"final_sigmas_type": "sigma_min"}
_RHO = 7.0


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
    return _BUILDERS[sampling.sampler](schedule, sampling.steps)


def _plms(schedule: PNDMScheduler, steps: int) -> Any:
    config = schedule.config
    sampler = PNDMScheduler.from_config(config, prediction_type=NOISE)
    sampler.set_timesteps(steps)
    return _PlmsOfVelocities(config, sampler) if config.prediction_type == VELOCITY else sampler


def _ddim(schedule: PNDMScheduler, steps: int) -> Any:
    if schedule.config.num_train_timesteps % steps:
        # Steps of one length would begin far from noise; of first order, DPM-Solver++ is DDIM.
        return _dpm_solver(schedule, _even_steps(schedule, steps), order=1)
    sampler = DDIMScheduler.from_config(schedule.config, clip_sample=False)
    sampler.set_timesteps(steps)
    return sampler


def _unipc(schedule: PNDMScheduler, steps: int) -> Any:
    sampler = UniPCMultistepScheduler.from_config(schedule.config, solver_order=2, **_END_OF_PLMS)
    sampler.set_timesteps(steps)
    # It takes no time steps of one's choice.
    times = _even_steps(schedule, steps)
    sampler.timesteps = torch.from_numpy(times)
    sampler.sigmas = torch.from_numpy(_sigmas(schedule)[np.append(times, 0)]).float()
    return sampler


def _dpm_solver(schedule: PNDMScheduler, times: IntArray, order: int = 2) -> Any:
    sampler = DPMSolverMultistepScheduler.from_config(
        schedule.config, algorithm_type="dpmsolver++", solver_order=order, **_END_OF_PLMS
    )
    sampler.set_timesteps(timesteps=times)
    return sampler


_BUILDERS: dict[str, Callable[[PNDMScheduler, int], Any]] = {  # one for each of `SAMPLERS`
    "plms": _plms,
    "ddim": _ddim,
    "dpm++": lambda schedule, steps: _dpm_solver(schedule, _even_steps(schedule, steps)),
    "dpm++karras": lambda schedule, steps: _dpm_solver(schedule, _karras_steps(schedule, steps)),
    "unipc": _unipc,
}


class _PlmsOfVelocities:
    """PLMS for a network that predicts the velocity, which becomes noise first.

    PLMS combines predictions of several steps. That suits noises; velocities, each of another
    mixture of noise and picture, it would combine no better than DDIM uses a single one.
    """

    def __init__(self, config: Any, plms: PNDMScheduler) -> None:
        self.config, self._plms = config, plms
        self.timesteps, self.alphas_cumprod = plms.timesteps, plms.alphas_cumprod

    def step(self, velocity: Tensor, step: Tensor, latents: Tensor) -> Any:
        alpha = self.alphas_cumprod[step.long()]  # Salimans & Ho 2022, appendix D
        noise = alpha.sqrt() * velocity + (1 - alpha).sqrt() * latents
        return self._plms.step(noise, step, latents)


def _even_steps(schedule: PNDMScheduler, n: int) -> IntArray:
    """Return `n` steps of the schedule as PLMS spaces them, the noisiest first."""
    config = schedule.config
    steps = np.arange(n) * config.num_train_timesteps // n + config.steps_offset
    return np.flip(steps).copy()


def _karras_steps(schedule: PNDMScheduler, n: int) -> IntArray:
    """Return `n` steps spaced evenly in sigma^(1 / 7) (Karras et al. 2022, eq. 5).

    Each is the nearest one of the schedule that is not yet taken.
    """
    sigmas, last = _sigmas(schedule), int(_even_steps(schedule, n)[0])
    low, high = sigmas[schedule.config.steps_offset] ** (1 / _RHO), sigmas[last] ** (1 / _RHO)
    wanted = np.log(np.linspace(low, high, n) ** _RHO)
    nearest = np.interp(wanted, np.log(sigmas), np.arange(len(sigmas))).round().astype(np.int64)
    places = np.arange(n)  # steps minus places must not fall, or two steps would be one
    steps: IntArray = np.maximum.accumulate(nearest - places) + places
    return np.flip(np.minimum(steps, last - np.flip(places))).copy()


def _sigmas(schedule: PNDMScheduler) -> NDArray[np.float64]:
    """Return noise over signal at every step of the schedule."""
    alphas = schedule.alphas_cumprod.double().numpy()
    return np.sqrt((1 - alphas) / alphas)


def initial_noise(seeds: Sequence[int], shape: Sequence[int]) -> Tensor:
    """Draw one noise latent a seed, (n_seeds, *shape), each from a generator of its own.

    Drawn on the CPU, so that a seed means the same noise on every device.
    """
    draws = [
        torch.randn(*shape, generator=torch.Generator("cpu").manual_seed(seed)) for seed in seeds
    ]
    return torch.stack(draws)


def denoise(predict: Predictor, sampler: Any, latents: Tensor) -> Generator[tuple[Tensor, Tensor]]:
    """Walk from noise to clean latents.

    Parameters
    ----------
    predict : callable
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
        output = predict(latents, step)
        alpha = sampler.alphas_cumprod[step.long()]
        if sampler.config.prediction_type == VELOCITY:
            predicted = alpha.sqrt() * latents - (1 - alpha).sqrt() * output
        else:
            predicted = (latents - (1 - alpha).sqrt() * output) / alpha.sqrt()
        latents = sampler.step(output, step, latents).prev_sample
        yield latents, predicted
