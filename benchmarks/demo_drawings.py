"""What the studies of the demo are scored on: its unseen drawings of seen concepts.

40 averaged responses to drawings that no stage of training has seen, of concepts that it has.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from mindvis_gui.data.subject import Subject, Trial
from mindvis_gui.decoding.pipeline import Condition, MindVisPipeline
from mindvis_gui.decoding.sampling import build_sampler, denoise, initial_noise
from mindvis_gui.decoding.sampling_settings import Sampling
from tools.demo.concepts import read_concepts
from tools.demo.stages import LATENT_CHANNELS, SIZE

_PICTURES = 20  # that the first stage decodes at once


def unseen_drawings(subject: Subject) -> list[Trial]:
    """Return the averaged test trials of concepts that training has seen."""
    seen = {concept.label for concept in read_concepts() if concept.seen}
    return [trial for trial in subject.trials if trial.split == "test" and trial.label in seen]


@torch.inference_mode()
def drawn(
    pipeline: MindVisPipeline,
    condition: Condition,
    seed: int,
    sampling: Sampling,
    *,
    bf16: bool = False,
) -> Tensor:
    """Draw a picture (h, w, 3) of 0 to 255 for each row of the condition, without guidance.

    `bf16` computes the U-Net in autocast.
    """
    shape = (LATENT_CHANNELS, *[SIZE // 4] * 2)
    latents = initial_noise([seed] * len(condition[0]), shape)

    def predict(latents: Tensor, step: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            return pipeline.predict(latents, step, condition).float()

    for state in denoise(predict, build_sampler(pipeline.scheduler, sampling), latents):
        latents = state[0]
    return torch.cat([pipeline.pictures(part) for part in latents.split(_PICTURES)])


def correlations(made: ArrayLike, stimuli: ArrayLike) -> NDArray[np.float64]:
    """Return Pearson's r (n, n) of each picture that was made with each stimulus (both n, …)."""
    n = np.shape(made)[0]
    return np.corrcoef(*(np.asarray(each).reshape(n, -1) for each in (made, stimuli)))[:n, n:]


def identification(table: NDArray[np.floating]) -> dict[str, float]:
    """Return the mean scores of a table of r (…, n, n): picture i with stimulus j.

    `two_way` is the share of other stimuli that a picture correlates less with than with its own,
    `top_1` how often that is all of them.
    """
    own = np.diagonal(table, axis1=-2, axis2=-1)
    below = (table < own[..., None]).sum(axis=-1)
    others = table.shape[-1] - 1
    return {
        "pixel_correlation": float(own.mean()),
        "two_way": float((below / others).mean()),
        "top_1": float((below == others).mean()),
    }
