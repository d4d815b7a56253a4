"""Responses of many people as one set: what stage A1 learns from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from mindvis_gui.data.prepare import (
    Normalisation,
    Padding,
    measure_normalisation,
    pad_to_length,
    padded_length,
)
from mindvis_gui.data.subject import Subject
from mindvis_gui.training.trials import read_responses, training_trials


def read_pretraining(
    subjects: Sequence[Subject],
    patch_size: int,
    *,
    padding: Padding = "wrap",
    normalise: Callable[[Subject], Normalisation] = measure_normalisation,
) -> tuple[Tensor, str]:
    """Return the training responses of all subjects, padded to the longest by wrapping.

    Parameters
    ----------
    subjects : sequence of Subject
    patch_size : int
        Voxels a patch.
    padding : {"wrap", "constant", "cut"}
        How each subject's vectors are brought to whole patches, before the longest is known.
    normalise : callable
        Each subject is normalised by its own statistics.

    Returns
    -------
    responses : Tensor, shape (n, n_padded)
        In the order of `subjects`.
    note : str
        One line on which subjects were padded to what.
    """
    parts = [
        read_responses(each, training_trials(each), normalise(each), patch_size, padding).numpy()
        for each in subjects
    ]
    length = max(part.shape[1] for part in parts)
    joined = np.concatenate([pad_to_length(part, length) for part in parts])
    return torch.from_numpy(joined), _note(subjects, patch_size, padding, length)


def _note(subjects: Sequence[Subject], patch_size: int, padding: Padding, length: int) -> str:
    lengths = [padded_length(each.n_voxels, patch_size, padding) for each in subjects]
    shorter = [
        f"{each.name} ({own:,})"
        for each, own in zip(subjects, lengths, strict=True)
        if own < length
    ]
    if not shorter:
        return f"{len(subjects)} of one length, {length:,} values"
    return f"wrapped to the longest, {length:,} values: {', '.join(shorter)}"
