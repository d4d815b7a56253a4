"""Stimuli shown more than once: means over presentations, and which of them both splits show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mindvis_gui.data.subject import IntArray, Trial
from mindvis_gui.wording import counted


def with_means(singles: Sequence[Trial]) -> tuple[tuple[Trial, ...], list[IntArray], list[str]]:
    """Add one averaged test trial for each stimulus of the trials that are `test-single`.

    Returns
    -------
    trials : tuple of Trial
        `singles`, then the averaged ones.
    rows : list of (n,) int
        For each trial the single responses that it is the mean of.
    notes : list of str
    """
    trials = list(singles)
    rows = [np.array([trial.index]) for trial in singles]
    repeats: dict[str, list[Trial]] = {}
    for trial in singles:
        if trial.split == "test-single":
            repeats.setdefault(trial.stimulus_id, []).append(trial)
    for found in repeats.values():
        mean = replace(found[0], index=len(trials), split="test", session=0, run=0)
        trials.append(replace(mean, presentations=len(found)))
        rows.append(np.array([trial.index for trial in found]))
    note = f"Test responses are means over the presentations of {counted(len(repeats), 'stimulus')}"
    return tuple(trials), rows, [note] if repeats else []


def shown_in_test(trials: Sequence[Trial]) -> list[Trial]:
    """Return the training trials of a stimulus that test trials show, too."""
    tested = {trial.stimulus_id for trial in trials if trial.split != "train"} - {""}
    return [t for t in trials if t.split == "train" and t.stimulus_id in tested]
