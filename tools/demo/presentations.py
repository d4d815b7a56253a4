"""More presentations to the simulated cortex behind the demo subject."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mindvis_gui.data.schematic_rois import read_cortex
from mindvis_gui.data.simulate import Stimuli
from mindvis_gui.data.subject import FloatArray, Subject, Trial
from tools.demo.subject import read_simulation
from tools.demo.training_data import split_trials

_SIMULATION_SEED = 0  # that the demo subject was made with
_STREAM = 30  # of random numbers; the subject's own responses come from others


def one_of_each_concept(subject: Subject, seed: int) -> list[Trial]:
    """Choose a training trial of each concept, none of them held back from training."""
    train = [trial for trial in subject.trials if trial.split == "train"]
    fitted = [train[i] for i in split_trials(len(train))[1].tolist()]
    order = np.random.default_rng([seed, _STREAM]).permutation(len(fitted))
    chosen: dict[str, Trial] = {}
    for i in order.tolist():
        chosen.setdefault(fitted[i].label, fitted[i])
    return [chosen[label] for label in sorted(chosen)]


def new_presentations(
    subject: Subject, trials: Sequence[Trial], presentations: int, seed: int
) -> FloatArray:
    """Show what was seen in `trials` again: responses (n, presentations, n_voxels)."""
    simulated = read_simulation(subject, read_cortex(), _SIMULATION_SEED)
    pictures = [picture for trial in trials if (picture := subject.stimulus(trial)) is not None]
    drive = simulated.drive(
        Stimuli(
            [trial.stimulus_id for trial in trials],
            np.stack(pictures),
            [trial.label for trial in trials],
            [trial.category for trial in trials],
        )
    )
    rng = np.random.default_rng([seed, _STREAM + 1])
    return np.stack([simulated.present(drive, rng) for _ in range(presentations)], axis=1)
