"""Which single responses the averaged ones are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mindvis_gui.data.subject import Trial
from mindvis_gui.errors import DataError
from mindvis_gui.wording import counted


def presentations_of_means(
    subject: str, trials: Sequence[Trial]
) -> tuple[list[Trial], list[list[int]]]:
    """Return the trials, and for each the single responses of a known run that it is made of.

    A test response that the file has averaged over runs becomes the mean over the single
    trials of its stimulus.

    Raises
    ------
    DataError
        If the run of a single trial is not known, or a mean has no single trials.
    """
    singles: dict[str, list[int]] = {}
    for trial in trials:
        if trial.split == "test-single":
            singles.setdefault(trial.stimulus_id, []).append(trial.index)
    found, sources = [], []
    unknown = 0
    for trial in trials:
        if trial.split == "test" and trial.presentations > 1:
            rows = singles.get(trial.stimulus_id, [])
            if not rows:
                raise DataError(
                    f"{subject}: trial {trial.index} is a mean over runs and its single trials are "
                    "not there; z-score by voxel"
                )
            found.append(replace(trial, presentations=len(rows)))
            sources.append(rows)
        else:
            unknown += trial.run == 0
            found.append(trial)
            sources.append([trial.index])
    if unknown:
        raise DataError(
            f"{subject}: the runs of {counted(unknown, 'trial')} are not known; z-score by voxel"
        )
    return found, sources


def average_presentations(
    trials: Sequence[Trial], sources: Sequence[list[int]], train_too: bool
) -> tuple[list[Trial], list[list[int]]]:
    """Average presentations of the same stimulus; trials of an unknown one stay as they are.

    Each stimulus tested gets one ``test`` trial if it has none; its presentations are
    ``test-single``. Training presentations are replaced by their mean, where the first was.

    Returns
    -------
    trials : list of Trial
    sources : list of list of int
        The rows that each is the mean of.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for place, trial in enumerate(trials):
        if trial.stimulus_id:
            groups.setdefault((trial.split, trial.stimulus_id), []).append(place)
    found: list[tuple[Trial, list[int]]] = []
    means: list[tuple[Trial, list[int]]] = []
    for place, trial in enumerate(trials):
        group = groups.get((trial.split, trial.stimulus_id), [place])
        if trial.split == "train" and train_too and len(group) > 1:
            if place == group[0]:
                found.append(_mean([trials[at] for at in group], [sources[at] for at in group]))
            continue
        repeated = trial.split == "test" and len(group) > 1
        single = replace(trial, split="test-single") if repeated else trial
        found.append((single, sources[place]))
        alone = trial.split == "test-single" and ("test", trial.stimulus_id) not in groups
        if place == group[0] and trial.stimulus_id and (repeated or alone):
            mean, made_of = _mean([trials[at] for at in group], [sources[at] for at in group])
            means.append((replace(mean, split="test"), made_of))
    found += means
    return [trial for trial, _ in found], [rows for _, rows in found]


def _mean(trials: list[Trial], sources: list[list[int]]) -> tuple[Trial, list[int]]:
    same_run = len({(trial.session, trial.run) for trial in trials}) == 1
    where = trials[0] if same_run else replace(trials[0], session=0, run=0)
    return (
        replace(where, presentations=sum(trial.presentations for trial in trials)),
        sorted(row for rows in sources for row in rows),
    )
