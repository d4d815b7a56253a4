"""What is done to all responses of a subject before any of them is decoded, step by step.

1. Trials are filtered. Where this leaves no training trials, the responses are z-scored and
   normalised by those that were there before.
2. Responses are z-scored: ``global`` leaves them as they are, since a single mean and deviation
   over all voxels is taken off later, as in the paper (`prepare`); ``voxel`` takes off each
   voxel's own over the training trials; ``run`` each voxel's own over all trials of a run.
3. Presentations of the same stimulus are averaged.

Each step gives a `Subject` again; whoever uses it need not know that there were steps.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from mindvis_gui.data.prepared_recording import PreparedRecording, Scaling
from mindvis_gui.data.presentations import average_presentations, presentations_of_means
from mindvis_gui.data.statistics import RunningStatistics
from mindvis_gui.data.subject import Subject, Trial
from mindvis_gui.data.trial_filter import TrialFilter
from mindvis_gui.errors import DataError, RequestError
from mindvis_gui.steps import finish
from mindvis_gui.wording import counted

ZScore = Literal["global", "voxel", "run"]
Averaging = Literal["none", "test", "all"]
Z_SCORES: tuple[str, ...] = get_args(ZScore)
AVERAGINGS: tuple[str, ...] = get_args(Averaging)
_BLOCK = 256  # trials read at a time


@dataclass(frozen=True, slots=True)
class Preparation:
    """The steps, in the order in which they are done.

    Attributes
    ----------
    filters : tuple of TrialFilter
        A trial must pass all of them.
    z_score : {"global", "voxel", "run"}
    average : {"none", "test", "all"}
        Presentations of which trials: of none beyond what the file has averaged, of test trials,
        or of training trials, too.
    """

    filters: tuple[TrialFilter, ...] = ()
    z_score: str = "global"
    average: str = "none"

    def __post_init__(self) -> None:
        for what, value, known in (
            ("z-scoring", self.z_score, Z_SCORES),
            ("averaging", self.average, AVERAGINGS),
        ):
            if value not in known:
                raise RequestError(f"unknown {what} '{value}'; choose one of {', '.join(known)}")

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return self != Preparation()

    def to_json(self) -> dict[str, Any]:
        """Return the steps as JSON values."""
        return {
            "filters": [str(each) for each in self.filters],
            "z_score": self.z_score,
            "average": self.average,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Preparation:
        """Return the steps that `to_json` gave these values for.

        Raises
        ------
        RequestError
            If they are none.
        """
        try:
            filters = tuple(TrialFilter.parse(text) for text in values["filters"])
            return cls(filters, values["z_score"], values["average"])
        except (KeyError, TypeError) as error:
            raise RequestError(f"these are no steps of preparation ({error})") from error


def prepare_subject(subject: Subject, steps: Preparation) -> Subject:
    """Return the subject with the steps done to it; `subject` itself stays as it is.

    Trials are numbered anew where some are left out or averaged.

    Raises
    ------
    DataError
        If no trial is left, a run that is z-scored is not known or has a single trial, or
        responses cannot be read.
    """
    return finish(preparing(subject, steps))


def preparing(subject: Subject, steps: Preparation) -> Generator[float, None, Subject]:
    """Do what `prepare_subject` does, yielding the fraction done; can be stopped."""
    if not steps:
        return subject
    trials = list(subject.trials)
    notes = list(subject.notes)
    for each in steps.filters:
        trials = each.kept(trials)
        if not trials:
            raise DataError(f"{subject.name}: no trial is left by the filter {each}; widen it")
    if steps.filters:
        words = ", ".join(map(str, steps.filters))
        notes.append(f"{len(trials):,} of {len(subject.trials):,} trials are kept ({words})")
    sources = [[trial.index] for trial in trials]
    scaling = None
    if steps.z_score == "voxel":
        scaling, basis = yield from _by_voxel(subject, trials)
        notes.append(f"Responses are z-scored in each voxel over {basis}")
    elif steps.z_score == "run":
        trials, sources = presentations_of_means(subject.name, trials)
        scaling = yield from _by_run(subject, sources)
        notes.append("Responses are z-scored in each voxel over all trials of a run")
    if steps.average != "none":
        before = len(trials)
        trials, sources = average_presentations(trials, sources, steps.average == "all")
        what = "test" if steps.average == "test" else "all"
        notes.append(
            f"Presentations of {what} stimuli are averaged: {counted(before, 'trial')}, "
            f"now {len(trials):,}"
        )
    reference = None
    if not _training(trials) and _training(subject.trials):
        reference = yield from preparing(subject, replace(steps, filters=()))
    return replace(
        subject,
        reference=reference,
        trials=tuple(replace(trial, index=index) for index, trial in enumerate(trials)),
        recording=PreparedRecording(subject, sources, scaling),
        unit=subject.unit if scaling is None else "z",
        notes=tuple(notes),
    )


def _training(trials: Sequence[Trial]) -> list[int]:
    return [trial.index for trial in trials if trial.split == "train"]


def _by_voxel(
    subject: Subject, trials: Sequence[Trial]
) -> Generator[float, None, tuple[Scaling, str]]:
    """Return the scaling, and in words over which trials it was measured."""
    rows, basis = _training(trials) or _training(subject.trials), "the training trials"
    if not rows:
        rows, basis = [trial.index for trial in trials], "all trials, none being for training"
    statistics = yield from _measuring(subject, rows, 0, len(rows))
    return Scaling.of({0: statistics}, {}), basis


def _by_run(subject: Subject, sources: list[list[int]]) -> Generator[float, None, Scaling]:
    runs: dict[tuple[int, int], list[int]] = {}
    for row in sorted({row for rows in sources for row in rows}):
        trial = subject.trials[row]
        runs.setdefault((trial.session, trial.run), []).append(row)
    total = sum(map(len, runs.values()))
    done = 0
    measured: dict[int, RunningStatistics] = {}
    run_of: dict[int, int] = {}
    for number, ((session, run), rows) in enumerate(runs.items()):
        if len(rows) < 2:
            raise DataError(
                f"{subject.name}: run {run} of session {session} has one trial only, which cannot "
                "be z-scored; z-score by voxel, or filter it out"
            )
        measured[number] = yield from _measuring(subject, rows, done, total)
        run_of |= dict.fromkeys(rows, number)
        done += len(rows)
    return Scaling.of(measured, run_of)


def _measuring(
    subject: Subject, rows: list[int], done: int, total: int
) -> Generator[float, None, RunningStatistics]:
    statistics = RunningStatistics(subject.n_voxels)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        statistics.add(subject.responses(block))
        yield (done + start + len(block)) / total
    return statistics
