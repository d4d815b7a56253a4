"""What a sample rests on, voxel by voxel: integrated gradients, or what attention carries.

**Integrated gradients** (Sundararajan, Taly & Yan 2017) of how well the condition explains the
chosen sample. Let z be the sample's latent, ε the noise that its seed starts from, and z_t their
mixture at step t of the schedule. The model's expectation of the sample under a condition c is

    L(c) = - mean over t of |ε - ε_θ(z_t, t, c)|²

(the bound of the sample's log-likelihood that the model was trained on, and what a diffusion
model classifies by: Li et al. 2023). Its gradient is averaged over the straight line from c0, the
condition of the mean response, to c1, that of the trial; with this average g the sums of both
stages are complete: g · (c1 - c0) = L(c1) - L(c0), and the integrated gradients of g · c(v) over
the line from the mean response to the trial's share that difference out among the voxels.

The roll-outs are in `rollout`; the gradient-weighted one follows the same g.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mindvis_gui.data.attribution import METHODS, Attribution, Method
from mindvis_gui.data.subject import read_only
from mindvis_gui.decoding.pipeline import Condition, MindVisPipeline
from mindvis_gui.decoding.request import DecodeRequest, Sample, Step
from mindvis_gui.decoding.rollout import projection, roll_out, weighted_roll_out
from mindvis_gui.decoding.sampling import initial_noise
from mindvis_gui.errors import ModelError, RequestError

_TIMES = (100, 300, 500, 700, 900)  # of 1000 steps
_ALONG_CONDITION, _ALONG_RESPONSE = 16, 64  # points on the two lines
_SHARED = (_ALONG_CONDITION + 2) * len(
    _TIMES
)  # steps that two methods have in common, one a pass through the U-Net


def attribute(
    pipeline: MindVisPipeline,
    padded: Tensor,
    request: DecodeRequest,
    sample: Sample,
    method: Method,
) -> Generator[Step, None, Attribution]:
    """Attribute a sample to the voxels of its response.

    Parameters
    ----------
    pipeline : MindVisPipeline
    padded : Tensor, shape (1, n_padded)
        The encoder's input, on the device of the networks.
    request : DecodeRequest
        What the sample was asked for by.
    sample : Sample
        It may be any picture of the model's size: also the stimulus, or another trial's sample.
    method : {"gradients", "grad-rollout", "rollout"}

    Yields
    ------
    Step
        After every pass through a network. Closing the generator stops it.

    Raises
    ------
    RequestError
        If the method is unknown.
    ModelError
        If the sample has not the size of the model's pictures, or the response tells the
        model nothing.
    """
    if method not in METHODS:
        raise RequestError(f"unknown attribution '{method}'; choose one of {', '.join(METHODS)}")
    effect = float("nan")
    if method == "rollout":
        weights = roll_out(pipeline, padded)
        yield Step(1, 1)
    else:
        latent = _latent(pipeline, sample)
        ahead = _ALONG_RESPONSE if method == "gradients" else 1
        direction, effect = yield from _direction(pipeline, padded, latent, sample.seed, ahead)
        if method == "gradients":
            weights = yield from _gradients(pipeline, padded, direction)
        else:
            weights = weighted_roll_out(pipeline, padded, direction)
            yield Step(_SHARED + 1, _SHARED + 1)
    wraps = pipeline.encoder.config.padding == "wrap"
    values = folded(weights.cpu().numpy(), request.vector.size, wraps=wraps)
    size = float(np.abs(values).sum())
    if not size > 0:
        raise ModelError(
            f"trial {request.trial}: the response does not change what the model expects, so "
            "nothing can be attributed; is it masked or left out altogether?"
        )
    explained = float(values.sum()) if method == "gradients" else float("nan")
    percent = read_only((100 / size * values).astype(np.float32))
    return Attribution(request.trial, sample.seed, method, percent, effect, explained)


def folded(values: NDArray[np.floating], n_voxels: int, *, wraps: bool) -> NDArray[np.float64]:
    """Bring values (n_padded,) back to the voxels (n_voxels,): copies made by wrapping are added.

    Voxels that were cut off have 0.
    """
    if wraps:
        voxels = np.arange(values.size) % n_voxels
        return np.asarray(np.bincount(voxels, values, n_voxels), dtype=np.float64)
    result = np.zeros(n_voxels)
    result[: min(n_voxels, values.size)] = values[:n_voxels]
    return result


def _latent(pipeline: MindVisPipeline, sample: Sample) -> Tensor:
    """Return the latent (1, channels, h, w) of a picture (h, w, 3) uint8."""
    side = pipeline.config.image_size
    if sample.image.shape[:2] != (side, side):
        height, width = sample.image.shape[:2]
        raise ModelError(
            f"the sample has {height} × {width} pixels but the model makes {side} × {side}; "
            "attribute one that this model has drawn"
        )
    values = torch.from_numpy(np.array(sample.image)).to(pipeline.device)
    picture = values.movedim(-1, 0)[None].float() / 127.5 - 1  # (1, 3, h, w)
    with torch.no_grad():
        return pipeline.vqvae.encode(picture).latents


def _direction(
    pipeline: MindVisPipeline, padded: Tensor, latent: Tensor, seed: int, ahead: int
) -> Generator[Step, None, tuple[Condition, float]]:
    """Return g, the average gradient of L by the condition, and L(c1) - L(c0).

    `ahead` is how many steps will follow, for the totals that are yielded.
    """
    noise = initial_noise((seed,), latent.shape[1:]).to(latent)
    schedule = pipeline.scheduler.alphas_cumprod.to(latent)
    total, done = _SHARED + ahead, 0
    with torch.no_grad():
        first = pipeline.condition(torch.zeros_like(padded))
        last = pipeline.condition(padded)

    def error(time: int, condition: Condition) -> Tensor:
        alpha = schedule[time]
        mixed = alpha.sqrt() * latent + (1 - alpha).sqrt() * noise
        step = torch.tensor(time, device=latent.device)
        return (pipeline.predict_noise(mixed, step, condition) - noise).square().mean()

    ends = []
    for condition in (first, last):
        errors = []
        for time in _TIMES:
            with torch.no_grad():
                errors.append(float(error(time, condition)))
            done += 1
            yield Step(done, total)
        ends.append(float(np.mean(errors)))
    direction = [torch.zeros_like(part) for part in first]
    for at in _middles(_ALONG_CONDITION):
        for time in _TIMES:
            point = [(a + at * (b - a)).requires_grad_() for a, b in zip(first, last, strict=True)]
            with torch.enable_grad():
                value = error(time, (point[0], point[1]))
                slopes = torch.autograd.grad(value, point, allow_unused=True)
            for part, slope in zip(direction, slopes, strict=True):
                if slope is not None:
                    part -= slope / (_ALONG_CONDITION * len(_TIMES))
            done += 1
            yield Step(done, total)
    return (direction[0], direction[1]), ends[0] - ends[1]


def _gradients(
    pipeline: MindVisPipeline, padded: Tensor, direction: Condition
) -> Generator[Step, None, Tensor]:
    """Return integrated gradients (n_padded,) of the condition's projection on `direction`."""
    slope = torch.zeros_like(padded)
    for done, at in enumerate(_middles(_ALONG_RESPONSE), start=1):
        vector = (at * padded).requires_grad_()
        with torch.enable_grad():
            projected = projection(pipeline.condition(vector), direction)
            slope += torch.autograd.grad(projected, vector)[0] / _ALONG_RESPONSE
        yield Step(_SHARED + done, _SHARED + _ALONG_RESPONSE)
    return (slope * padded)[0]


def _middles(n: int) -> list[float]:
    """Return the middles of n equal parts of the way from 0 to 1."""
    return [(i + 0.5) / n for i in range(n)]
