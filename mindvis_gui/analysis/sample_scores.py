"""Scores that need no stimulus to compare with, or only its sharpness: one value a sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.found import Found
from mindvis_gui.analysis.networks import Network
from mindvis_gui.analysis.pictures import Pictures
from mindvis_gui.analysis.sample_sets import chance_agreement, sharpness


def pixel_score(source: str, pictures: Pictures) -> Found:
    """Return the sharpness or the diversity of samples, see `mindvis_gui.analysis.sample_sets`.

    Sharpness is in units of the stimulus'. The diversity of a sample is its mean squared difference
    from the other samples of its trial, in units of that between samples of different trials.
    """
    if source == "sharpness":
        of_stimuli = sharpness(pictures.stimuli)[pictures.own]
        return Found(sharpness(pictures.samples) / of_stimuli[:, None], None)
    n_trials, n_samples = pictures.samples.shape[:2]
    flat = pictures.samples.reshape(n_trials * n_samples, -1).astype(np.float64)
    squares = (flat**2).sum(axis=1)
    distance = squares[:, None] + squares - 2 * flat @ flat.T
    trial = np.repeat(np.arange(n_trials), n_samples)
    same = trial[:, None] == trial
    within = (distance * same).sum(axis=1) / (n_samples - 1)
    return Found((within / distance[~same].mean()).reshape(n_trials, n_samples), 1.0)


def agreement_score(classes: NDArray[np.integer], network: Network) -> Found:
    """Return how many of the other samples of its trial have a sample's class.

    Parameters
    ----------
    classes : (n_trials, n_samples) int
        At least two of each.
    network : Network
        What named them.
    """
    same = classes[:, :, None] == classes[:, None, :]  # (n_trials, n_samples, n_samples)
    others = (same.sum(axis=2) - 1) / (classes.shape[1] - 1)
    return Found(
        others,
        chance_agreement(classes),
        network=network,
        chance_of=lambda rows: chance_agreement(classes[rows]) if len(rows) > 1 else None,
    )
