"""What several samples of one trial have in common, and how sharp pictures are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.subject import ImageArray


def sharpness(pictures: ImageArray) -> NDArray[np.float64]:
    """Return the mean absolute difference of neighbouring pixels (...) of pictures (..., h, w, 3).

    In grey levels a pixel, over both directions. It only compares pictures of one size.
    """
    values = pictures.astype(np.float32)
    steps = [
        np.abs(np.diff(values, axis=axis)).mean(axis=(-3, -2, -1), dtype=np.float64)
        for axis in (-3, -2)
    ]
    return np.asarray(sum(steps) / 2)


def agreements(classes: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return how many of the other samples of its trial have a sample's class.

    Parameters
    ----------
    classes : (n_trials, n_samples) int
        At least two samples a trial.

    Returns
    -------
    (n_trials, n_samples) float64
    """
    same = classes[:, :, None] == classes[:, None, :]  # (n_trials, n_samples, n_samples)
    return np.asarray((same.sum(axis=2) - 1) / (classes.shape[1] - 1), dtype=np.float64)


def agreement(classes: NDArray[np.integer]) -> float:
    """Return the share of pairs of samples of one trial with the same class, over all trials."""
    return float(agreements(classes).mean())


def chance_agreement(classes: NDArray[np.integer]) -> float:
    """Return how many pairs of samples of *different* trials have the same class.

    `classes` is (n_trials, n_samples), at least two trials.
    """
    same = classes.reshape(-1, 1) == classes.reshape(1, -1)
    trial = np.repeat(np.arange(len(classes)), classes.shape[1])
    return float(same[trial[:, None] != trial].mean())


def diversities(samples: ImageArray) -> NDArray[np.float64]:
    """Return how far samples of one trial differ, in units of samples of different trials.

    Parameters
    ----------
    samples : (n_trials, n_samples, h, w, 3)
        At least two trials and two samples a trial.

    Returns
    -------
    (n_trials, n_samples) float64
        Mean squared difference of pixels of a sample from the others of its trial, over that
        between trials: 0 if the seed changes nothing, 1 if the response changes nothing.
    """
    n_trials, n_samples = samples.shape[:2]
    flat = samples.reshape(n_trials * n_samples, -1).astype(np.float64)
    squares = (flat**2).sum(axis=1)
    distance = squares[:, None] + squares - 2 * flat @ flat.T
    trial = np.repeat(np.arange(n_trials), n_samples)
    same = trial[:, None] == trial
    within = (distance * same).sum(axis=1) / (n_samples - 1)  # from itself it is 0
    return np.asarray((within / distance[~same].mean()).reshape(n_trials, n_samples))


def diversity(samples: ImageArray) -> float:
    """Return the mean of `diversities`."""
    return float(diversities(samples).mean())
