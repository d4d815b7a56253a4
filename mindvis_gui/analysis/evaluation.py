"""The scores of a decode folder, each with its protocol, its chance level and its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.bootstrap import LEVEL, RESAMPLES
from mindvis_gui.analysis.scores import Metric

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Score:
    """One score of a decode folder.

    Attributes
    ----------
    metric : Metric
    values : (n_trials, n_samples) float64
        What the rest is computed from.
    mean : float
        Over samples, then over trials.
    interval : (float, float) or None
        95 % bootstrap interval of `mean`; None with fewer than two stimuli.
    best : float or None
        The seed whose mean over trials is best, as published; chosen on the trials it is
        reported for, so it is optimistic. None where more is not better.
    best_seed : int or None
    best_interval : (float, float) or None
        The choice of the seed is repeated in every resample.
    chance : float or None
        1 / n and k / n where there are n candidates; else `unseen`.
    unseen : float or None
        What the same samples score with stimuli that were not seen. None without other stimuli,
        and for identification, where it is chance by construction.
    protocol : mapping
        What has to be known to compare it with another number, as JSON values.
    note : str
    """

    metric: Metric
    values: Values
    mean: float
    interval: tuple[float, float] | None
    best: float | None
    best_seed: int | None
    best_interval: tuple[float, float] | None
    chance: float | None
    unseen: float | None
    protocol: Mapping[str, Any]
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the score as JSON values."""
        return {
            "key": self.metric.key,
            "name": self.metric.name,
            "higher_is_better": self.metric.higher_is_better,
            "mean": self.mean,
            "interval": self.interval and list(self.interval),
            "best": self.best,
            "best_seed": self.best_seed,
            "best_interval": self.best_interval and list(self.best_interval),
            "chance": self.chance,
            "unseen": self.unseen,
            "protocol": dict(self.protocol),
            "note": self.note,
            "values": self.values.tolist(),
        }


@dataclass(frozen=True, slots=True)
class GroupScore:
    """A score of some of the trials: `key`, and the rest as in `Score`."""

    key: str
    mean: float
    interval: tuple[float, float] | None
    chance: float | None
    unseen: float | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Some of the trials: what they share, their numbers, and their scores."""

    name: str
    trials: tuple[int, ...]
    scores: tuple[GroupScore, ...]


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A score that was not computed: its `key` and `name`, and what is missing."""

    key: str
    name: str
    reason: str


@dataclass(frozen=True, eq=False, slots=True)
class Evaluation:
    """All scores of trials that were decoded by one protocol.

    Attributes
    ----------
    subject, model, model_hash : str
    simulated : bool
    decoding : mapping
        The protocol of the samples, as in ``decode.json``.
    test_use : tuple of str
        In what ways training of the model has made use of test trials.
    trials : tuple of int
        Those scored; a row of `Score.values` each.
    seeds : tuple of int
        A column of `Score.values` each.
    n_stimuli : int
        Distinct ones among the trials.
    size : (int, int)
        Width and height at which pictures are compared.
    without_stimulus : tuple of int
        Trials left out.
    failed : tuple of int
        Trials that could not be decoded.
    seed : int
        Of the bootstrap and of the random classes.
    scores : tuple of Score
    unavailable : tuple of Unavailable
    classes : tuple of (str, float)
        What the network sees in each trial's stimulus, and how probable it finds that.
    notes : tuple of str
    groups : tuple of Group
        Parts of the trials, scored apart.
    folder : str
        Where the samples are, as tables name it; empty where that is nobody's business.
    """

    subject: str
    simulated: bool
    model: str
    model_hash: str
    decoding: Mapping[str, Any]
    test_use: tuple[str, ...]
    trials: tuple[int, ...]
    seeds: tuple[int, ...]
    n_stimuli: int
    size: tuple[int, int]
    without_stimulus: tuple[int, ...]
    failed: tuple[int, ...]
    seed: int
    scores: tuple[Score, ...]
    unavailable: tuple[Unavailable, ...]
    classes: tuple[tuple[str, float], ...]
    notes: tuple[str, ...]
    groups: tuple[Group, ...] = ()
    folder: str = ""

    @property
    def display_name(self) -> str:
        """The subject, with the word *simulated* where it belongs."""
        return f"{self.subject} (simulated)" if self.simulated else self.subject

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            "subject": self.subject,
            "simulated": self.simulated,
            "model": self.model,
            "model_hash": self.model_hash,
            "decoding": dict(self.decoding),
            "test_use": list(self.test_use),
            "trials": list(self.trials),
            "seeds": list(self.seeds),
            "stimuli": self.n_stimuli,
            "size": list(self.size),
            "without_stimulus": list(self.without_stimulus),
            "failed": list(self.failed),
            "intervals": {
                "method": "percentile bootstrap over stimuli",
                "level": LEVEL,
                "resamples": RESAMPLES,
                "seed": self.seed,
            },
            "scores": [score.to_json() for score in self.scores],
            "not_available": [asdict(each) for each in self.unavailable],
            "classes": [
                {"trial": trial, "class": name, "probability": probability}
                for trial, (name, probability) in zip(self.trials, self.classes, strict=False)
            ],
            "notes": list(self.notes),
            "groups": [asdict(each) for each in self.groups],
        }
