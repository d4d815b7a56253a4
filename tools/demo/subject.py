"""Present the stimuli to the simulated cortex and write the demo subject."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mindvis_gui.data.schematic_rois import SchematicCortex
from mindvis_gui.data.simulate import SimulatedCortex, Stimuli
from mindvis_gui.data.simulated_subject import simulate_subject
from mindvis_gui.data.subject import Subject, Trial, Volume
from mindvis_gui.data.subject_file import write_subject
from tools.demo.stimuli import Stimulus

_LICENCE = (
    "Responses: MIT. Stimuli: Fluent Emoji, Microsoft (MIT); Noto Emoji, Google (Apache-2.0); "
    "FxEmojis, Mozilla (CC BY 4.0); all changed, see resources/CREDITS.md. Anatomy: MNI152 "
    "template, copyright (C) 1993-2009 Louis Collins, McConnell Brain Imaging Centre, "
    "Montreal Neurological Institute, McGill University."
)


def write_demo(
    path: Path,
    cortex: SchematicCortex,
    train: Sequence[Stimulus],
    test: Sequence[Stimulus],
    anatomy: Volume,
    seed: int,
) -> None:
    """Simulate the demo subject and write it, int8 responses, deflated."""
    subject = simulate_subject(
        cortex,
        _stimuli_of(train),
        _stimuli_of(test),
        {stimulus.stimulus_id: stimulus.encoded for stimulus in (*train, *test)},
        seed=seed,
    )
    subject = replace(
        subject, name="Demo", anatomy=anatomy, origin="tools/build_demo.py", licence=_LICENCE
    )
    write_subject(path, subject, dtype="int8", deflate=9)


def read_simulation(subject: Subject, cortex: SchematicCortex, seed: int) -> SimulatedCortex:
    """Rebuild the cortex behind a demo subject from its file, for more responses of it."""
    train = [trial for trial in subject.trials if trial.split == "train"]
    return SimulatedCortex(cortex, as_stimuli(subject, train), seed)


def as_stimuli(subject: Subject, trials: Sequence[Trial]) -> Stimuli:
    """Return what was shown in those trials whose picture the file holds."""
    shown = [
        (trial, picture) for trial in trials if (picture := subject.stimulus(trial)) is not None
    ]
    return Stimuli(
        [trial.stimulus_id for trial, _ in shown],
        np.stack([picture for _, picture in shown]),
        [trial.label for trial, _ in shown],
        [trial.category for trial, _ in shown],
    )


def _stimuli_of(stimuli: Sequence[Stimulus]) -> Stimuli:
    return Stimuli(
        [stimulus.stimulus_id for stimulus in stimuli],
        np.stack([stimulus.picture for stimulus in stimuli]),
        [stimulus.concept.label for stimulus in stimuli],
        [stimulus.concept.category for stimulus in stimuli],
    )
