"""Scores that need no stimulus to compare with, or only its sharpness: one value a sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.found import Found
from mindvis_gui.analysis.networks import Network
from mindvis_gui.analysis.pictures import Pictures
from mindvis_gui.analysis.sample_sets import agreements, chance_agreement, diversities, sharpness


def pixel_score(source: str, pictures: Pictures) -> Found:
    """Return the sharpness, in units of the stimulus', or the diversity of samples."""
    if source == "sharpness":
        of_stimuli = sharpness(pictures.stimuli)[pictures.own]
        return Found(sharpness(pictures.samples) / of_stimuli[:, None], None)
    return Found(diversities(pictures.samples), 1.0)


def agreement_score(classes: NDArray[np.integer], network: Network) -> Found:
    """Return the agreement of classes (n_trials, n_samples) that `network` has named."""
    return Found(
        agreements(classes),
        chance_agreement(classes),
        network=network,
        chance_of=lambda rows: chance_agreement(classes[rows]) if len(rows) > 1 else None,
    )
