"""Guidance: samples that fit the response better, at the price of how much they differ.

What the U-Net predicts from the response is moved further away from what it predicts from the mean
response, which is 0 everywhere once responses are normalised (Ho & Salimans 2022, eq. 6). The mean
response takes the place of their dropped condition, so no model has to be trained for it. Only
steps of medium noise are guided: at more noise guidance costs variety, at less it changes nothing
one sees (Kynkäänniemi et al. 2024).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mindvis_gui.decoding.sampling import Predictor

GUIDED = (300, 800)  # steps of the noise schedule, from 0 to 1000


@dataclass(frozen=True, eq=False, slots=True)
class GuidedPredictor:
    """Predicts the noise (or the velocity) in latents (n, channels, h, w), guided.

    Attributes
    ----------
    plain : callable
        Predicts from the responses.
    both : callable
        Predicts for latents (2 n, channels, h, w): the first n from the responses, the others
        from the mean response.
    scale : float
        1 gives the plain prediction.
    """

    plain: Predictor
    both: Predictor
    scale: float

    def __call__(self, latents: Tensor, step: Tensor) -> Tensor:
        """Predict at a step of the schedule."""
        if not GUIDED[0] <= int(step) < GUIDED[1]:
            return self.plain(latents, step)
        from_response, from_mean = self.both(torch.cat([latents, latents]), step).chunk(2)
        return from_mean + self.scale * (from_response - from_mean)
