"""The samples and the stimuli of some trials, brought to one size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from mindvis_gui.analysis.comparison import resized
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.data.subject import ImageArray, IntArray
from mindvis_gui.errors import DataError, NothingToScoreError


@dataclass(frozen=True, eq=False, slots=True)
class Pictures:
    """The pictures of some decoded trials.

    Attributes
    ----------
    trials : tuple of DecodedTrial
        Those with a stimulus.
    without_stimulus : tuple of int
        Numbers of the others.
    seeds : tuple of int
    samples : (n_trials, n_samples, h, w, 3) uint8
    ids : tuple of str
        What was shown in each trial.
    stimuli : (n_stimuli, h, w, 3) uint8
        The distinct ones, at the size of the samples.
    originals : tuple of (h, w, 3) uint8
        The same as the subject's file holds them.
    own : (n_trials,) int64
        Position of each trial's stimulus in `stimuli`.
    """

    trials: tuple[DecodedTrial, ...]
    without_stimulus: tuple[int, ...]
    seeds: tuple[int, ...]
    samples: ImageArray
    ids: tuple[str, ...]
    stimuli: ImageArray
    originals: tuple[ImageArray, ...]
    own: IntArray

    @classmethod
    def of(cls, trials: Sequence[DecodedTrial]) -> Pictures:
        """Bring the pictures of trials together.

        Raises
        ------
        NothingToScoreError
            If none has a stimulus.
        DataError
            If there is none, or they differ in seeds or in size of samples.
        """
        if not trials:
            raise DataError("no trial was decoded, so nothing can be scored")
        shown = [trial for trial in trials if trial.stimulus is not None]
        if not shown:
            raise NothingToScoreError(
                f"none of {len(trials)} decoded trials has a stimulus, so nothing can be scored"
            )
        seeds = [tuple(sample.seed for sample in trial.samples) for trial in shown]
        shapes = [sample.image.shape for trial in shown for sample in trial.samples]
        for what, found in (("seeds", seeds), ("size of samples", shapes)):
            if len(set(found)) > 1:
                raise DataError(
                    f"trials differ in {what} ({found[0]} and "
                    f"{next(each for each in found if each != found[0])}); evaluate them apart"
                )
        height, width = shapes[0][:2]
        distinct: dict[str, ImageArray] = {}
        ids = []
        for trial in shown:
            assert trial.stimulus is not None
            name = trial.request["stimulus_id"] or sha256(trial.stimulus.tobytes()).hexdigest()
            ids.append(name)
            distinct.setdefault(name, trial.stimulus)
        order = {name: i for i, name in enumerate(distinct)}
        return cls(
            trials=tuple(shown),
            without_stimulus=tuple(
                trial.request["trial"] for trial in trials if trial.stimulus is None
            ),
            seeds=seeds[0],
            samples=np.stack([[sample.image for sample in trial.samples] for trial in shown]),
            ids=tuple(ids),
            stimuli=np.stack([resized(picture, width, height) for picture in distinct.values()]),
            originals=tuple(distinct.values()),
            own=np.array([order[name] for name in ids], dtype=np.int64),
        )

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the samples."""
        return self.samples.shape[3], self.samples.shape[2]

    @property
    def flat_samples(self) -> ImageArray:
        """The samples one after the other, (n_trials · n_samples, h, w, 3)."""
        return self.samples.reshape(-1, *self.samples.shape[2:])
