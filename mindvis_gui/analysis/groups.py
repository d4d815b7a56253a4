"""The same scores for parts of the trials: concepts that training shows, and others."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mindvis_gui.analysis.bootstrap import bootstrap_intervals
from mindvis_gui.analysis.evaluation import Group, GroupScore
from mindvis_gui.analysis.found import Found
from mindvis_gui.analysis.pictures import Pictures
from mindvis_gui.data.subject import IntArray

IN_TRAINING = "concepts that training trials show"
NOT_IN_TRAINING = "concepts that they do not show"


def groups_of(pictures: Pictures, found: Mapping[str, Found], seed: int) -> tuple[Group, ...]:
    """Return the means of each score over both kinds of trials; nothing unless there are both.

    Candidates of identification stay those of all trials.

    Parameters
    ----------
    pictures : Pictures
    found : mapping of str to Found
        By the key of the score.
    seed : int
        Of the bootstrap.
    """
    known = [trial.label_in_training for trial in pictures.trials]
    if not {True, False} <= set(known):
        return ()
    groups = []
    for name, wanted in ((IN_TRAINING, True), (NOT_IN_TRAINING, False)):
        rows = np.array([row for row, each in enumerate(known) if each is wanted])
        groups.append(_group(name, rows, pictures, found, seed))
    return tuple(groups)


def _group(
    name: str, rows: IntArray, pictures: Pictures, found: Mapping[str, Found], seed: int
) -> Group:
    ids = [pictures.ids[row] for row in rows]
    scores = []
    for key, each in found.items():
        if len(each.values) != len(pictures.trials):
            continue  # a distance of sets
        values = each.values[rows]
        (interval,) = bootstrap_intervals(values, ids, (_mean,), seed)
        chance = each.chance if each.chance_of is None else each.chance_of(rows)
        unseen = each.unseen if each.unseen_of is None else each.unseen_of(rows)
        scores.append(GroupScore(key, float(values.mean()), interval, chance, unseen))
    trials = tuple(int(pictures.trials[row].request["trial"]) for row in rows)
    return Group(name, trials, tuple(scores))


def _mean(means: np.ndarray) -> np.ndarray:
    return np.asarray(means.mean(axis=-1))
