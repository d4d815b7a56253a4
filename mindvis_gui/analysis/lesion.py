"""Lesion studies: what the decoded pictures lose when a region is left out, trial by trial.

Each trial is decoded from the intact response and once a lesion, all from the same seeds: the
noise that the samples start from is the same, and what differs is what the lesion took away.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.bootstrap import FEW_STIMULI, bootstrap_intervals
from mindvis_gui.analysis.caption import learned_text
from mindvis_gui.analysis.lesion_scores import LesionScore, LesionScorer
from mindvis_gui.data.lesion import Lesion
from mindvis_gui.data.prepare import Normalisation
from mindvis_gui.data.subject import Subject, Trial
from mindvis_gui.decoding.lesion import lesioned
from mindvis_gui.decoding.plan import for_trial
from mindvis_gui.decoding.request import (
    DecodeFailure,
    Decoder,
    DecodeRequest,
    DecodeResult,
    Step,
    decode_many,
    vector_sha256,
)
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.errors import MindVisError

INTACT = "intact"
Scores = Mapping[str, Sequence[float]]  # score → one number a seed


@dataclass(frozen=True, eq=False, slots=True)
class TrialScores:
    """The scores of one trial: lesion (or ``"intact"``) → score → one number a seed.

    `vector_sha256` tells which response was decoded, intact, and `split` what the trial is for;
    both are empty in studies from before them.
    """

    trial: int
    stimulus_id: str
    label: str
    scores: Mapping[str, Scores]
    vector_sha256: str = ""
    split: str = ""

    @property
    def bootstrap_unit(self) -> str:
        """What the bootstrap draws as one: the stimulus, or the trial where that is not known."""
        return self.stimulus_id or str(self.trial)


@dataclass(frozen=True, slots=True)
class Effect:
    """What one lesion does to one score.

    Attributes
    ----------
    mean : float
        Of the lesioned samples, over seeds and then trials.
    change : float
        Lesioned minus intact, of the same seeds; below 0 the lesion hurts.
    interval : (float, float) or None
        95 % bootstrap interval of `change` over stimuli; None with fewer than two.
    n_trials : int
        Trials that have the score.
    """

    mean: float
    change: float
    interval: tuple[float, float] | None
    n_trials: int


Effects = Mapping[tuple[str, str], Effect]  # by lesion and score


@dataclass(frozen=True, eq=False, slots=True)
class LesionStudy:
    """The trials of a study so far.

    Attributes
    ----------
    lesions : tuple of Lesion
    scores : tuple of LesionScore
    seeds : tuple of int
    sampling : Sampling
    trials : tuple of TrialScores
        In the order of their numbers.
    failed : mapping of int to str
        Trials that could not be decoded, and why.
    notes : tuple of str
    """

    lesions: tuple[Lesion, ...]
    scores: tuple[LesionScore, ...]
    seeds: tuple[int, ...]
    sampling: Sampling
    trials: tuple[TrialScores, ...] = ()
    failed: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def continues(self, other: LesionStudy) -> bool:
        """Whether trials of `other` can be added: all but the trials is the same."""
        ours, theirs = (
            ([lesion.to_json() for lesion in each.lesions], each.scores, each.seeds, each.sampling)
            for each in (self, other)
        )
        return ours == theirs

    def with_trial(self, trial: TrialScores) -> LesionStudy:
        """Return the study with one trial more, in place of an older one of its number."""
        others = [each for each in self.trials if each.trial != trial.trial]
        failed = {key: why for key, why in self.failed.items() if key != trial.trial}
        trials = sorted([*others, trial], key=lambda each: each.trial)
        return replace(self, trials=tuple(trials), failed=failed)

    def with_failure(self, trial: int, error: Exception) -> LesionStudy:
        """Return the study with the reason why a trial is missing."""
        return replace(self, failed={**self.failed, trial: str(error)})

    def values(self, lesion: str, score: str) -> NDArray[np.float64]:
        """Return one score of every trial (n_trials, n_seeds); NaN where a trial has none."""
        missing = [float("nan")] * len(self.seeds)
        rows = [each.scores[lesion].get(score, missing) for each in self.trials]
        return np.array(rows, dtype=np.float64).reshape(len(self.trials), len(self.seeds))

    def intact(self, score: str) -> float:
        """Return the mean of a score with nothing left out; NaN without any."""
        return _mean(self.values(INTACT, score))

    def effect(self, lesion: str, score: str) -> Effect | None:
        """Return what a lesion does to a score; None while no trial has it."""
        after = self.values(lesion, score)
        change = after - self.values(INTACT, score)
        known = np.asarray(~np.isnan(change).any(axis=1))
        if not known.any():
            return None
        stimuli = [each.bootstrap_unit for each, has in zip(self.trials, known, strict=True) if has]
        (interval,) = bootstrap_intervals(
            change[known], stimuli, [lambda means: means.mean(axis=-1)]
        )
        return Effect(
            mean=_mean(after[known]),
            change=_mean(change[known]),
            interval=interval,
            n_trials=int(known.sum()),
        )

    def effects(self) -> Effects:
        """Return every effect that can be told, by lesion and score."""
        found = {
            (lesion.name, score.key): self.effect(lesion.name, score.key)
            for lesion in self.lesions
            for score in self.scores
        }
        return {key: effect for key, effect in found.items() if effect is not None}

    def cautions(self) -> list[str]:
        """Return what the numbers have to be read with, one sentence each."""
        scored = [each for each in self.trials if each.scores.get(INTACT)]
        learned = learned_text(sum(each.split == "train" for each in scored), len(scored))
        n = len({each.bootstrap_unit for each in scored})
        few = (
            f"Only {n} stimuli: a bootstrap of so few makes intervals narrower than they should be."
        )
        return [
            *self.notes,
            *([learned] if learned else []),
            *([few] if 1 < n < FEW_STIMULI else []),
        ]


@dataclass(frozen=True, eq=False, slots=True)
class Progress:
    """How far a study is.

    Attributes
    ----------
    done, total : float
        In decodes; those of earlier runs do not count.
    what : str
        Which trial is decoded, and without what.
    study : LesionStudy or None
        With the trial that has just been finished; None in between.
    results : mapping of str to DecodeResult or None
        That trial's samples, by lesion.
    """

    done: float
    total: float
    what: str
    study: LesionStudy | None = None
    results: Mapping[str, DecodeResult] | None = None


def run_study(
    decoder: Decoder,
    subject: Subject,
    normalisation: Normalisation,
    plan: DecodeRequest,
    trials: Sequence[Trial],
    study: LesionStudy,
    scorer: LesionScorer,
) -> Generator[Progress, None, LesionStudy]:
    """Decode and score every trial that `study` does not have yet, intact and with each lesion.

    Parameters
    ----------
    plan : DecodeRequest
        Seeds, sampling, mask and regions; trial and vector are filled in.
    study : LesionStudy
        What was done before; it is continued.

    Yields
    ------
    Progress
        After every step. Closing the generator stops it; what was finished is in the last study
        that was yielded.

    A trial that cannot be decoded is noted and the others go on.
    """
    have = {each.trial for each in study.trials}
    waiting = [trial for trial in trials if trial.index not in have]
    conditions: list[Lesion | None] = [None, *study.lesions]
    total = float(len(waiting) * len(conditions))
    for place, trial in enumerate(waiting):
        done = float(place * len(conditions))
        results: dict[str, DecodeResult] = {}
        try:
            request = for_trial(plan, subject, trial, normalisation)
            requests = [
                request if lesion is None else lesioned(request, lesion, decoder)
                for lesion in conditions
            ]
            for step in _steps(decoder, requests, results):
                share = step.n_requests * step.index / step.total
                at = conditions[min(len(results), len(conditions) - 1)]
                where = f"trial {trial.index}" + (f" without {at.name}" if at else ", intact")
                yield Progress(done + len(results) + share, total, where)
            scores = {name: scorer.score(result) for name, result in results.items()}
            study = study.with_trial(
                TrialScores(
                    trial.index,
                    trial.stimulus_id,
                    trial.label,
                    scores,
                    vector_sha256(request.vector),
                    trial.split,
                )
            )
        except MindVisError as error:
            study = study.with_failure(trial.index, error)
        yield Progress(
            done + len(conditions), total, f"trial {trial.index} is done", study, results
        )
    return study


def _steps(
    decoder: Decoder, requests: Sequence[DecodeRequest], results: dict[str, DecodeResult]
) -> Generator[Step, None, None]:
    """Pass on the steps of some decodes and keep their results, by lesion.

    Raises
    ------
    MindVisError
        If one fails: a trial counts with all its conditions or not at all.
    """
    for item in decode_many(decoder, requests):
        if isinstance(item, DecodeFailure):
            raise item.error
        if isinstance(item, DecodeResult):
            lesion = item.request.lesion
            results[INTACT if lesion is None else lesion.name] = item
        else:
            yield item


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
