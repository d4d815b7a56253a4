"""n-way top-k accuracy of samples by a classifier, and what it comes to without decoding."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.identification import DRAWS, expected_top_k, n_way_places
from mindvis_gui.analysis.looking import Looked
from mindvis_gui.analysis.pictures import Pictures


def sample_places(
    n: int, pictures: Pictures, looked: Looked, seed: int
) -> Generator[str, None, NDArray[np.int64]]:
    """Return the place of the true class in every draw, (n_trials, n_samples, draws).

    The true class is the one that the classifier finds most probable for the stimulus. Each
    sample has a generator of its own, so that its score does not depend on what is scored
    beside it.
    """
    true = looked.stimuli.argmax(axis=1)[pictures.own]
    rows = []
    for trial, true_class, samples in zip(pictures.trials, true, looked.samples, strict=True):
        yield f"{n}-way, trial {trial.request['trial']}"
        rows.append(
            [
                n_way_places(
                    probabilities,
                    int(true_class),
                    n,
                    DRAWS,
                    np.random.default_rng([seed, trial.request["trial"], sample_seed, n]),
                )
                for sample_seed, probabilities in zip(pictures.seeds, samples, strict=True)
            ]
        )
    return np.array(rows)


def unseen_accuracies(
    n: int, k: int, pictures: Pictures, looked: Looked
) -> NDArray[np.float64] | None:
    """Return the accuracy of each sample with the classes of the stimuli not seen.

    Above chance where pictures look alike to the classifier whatever they show. None without
    other stimuli.

    Returns
    -------
    (n_trials, n_samples) float64 or None
    """
    n_stimuli, n_classes = looked.stimuli.shape
    if n_stimuli < 2:
        return None
    true = looked.stimuli.argmax(axis=1)
    classes, column = np.unique(true, return_inverse=True)
    # (n_trials, n_samples, n_classes_shown): how many classes are more probable than each
    better = np.stack(
        [(looked.samples > looked.samples[..., c, None]).sum(axis=-1) for c in classes], axis=-1
    )
    expected = np.array([expected_top_k(count, n_classes, n, k) for count in range(n_classes)])
    accuracy = expected[better]
    shown = np.bincount(column, minlength=len(classes))  # stimuli of each class
    sums = accuracy @ shown - np.take_along_axis(
        accuracy, column[pictures.own][:, None, None], axis=-1
    ).squeeze(-1)
    return np.asarray(sums / (n_stimuli - 1), np.float64)
