"""The trials of GLMsingle results: a table of one's own, or GLMsingle's record of the design."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mindvis_gui.data.notes import SHOWED_UNKNOWN, TAKEN_IN_ORDER
from mindvis_gui.data.pickled_arrays import PICKLE_DAMAGE, read_pickled_dictionary
from mindvis_gui.data.recording import Pictures
from mindvis_gui.data.repeats import with_means
from mindvis_gui.data.subject import IntArray, Trial
from mindvis_gui.data.table import read_table
from mindvis_gui.data.trial_table import trials_from_table
from mindvis_gui.errors import DataError

Trials = tuple[tuple[Trial, ...], list[IntArray], list[str]]


def read_trials(path: Path, n: int, pictures: Pictures) -> Trials:
    """Return the `n` trials (and means of repeated ones), the rows of each, and notes.

    Raises
    ------
    DataError
        If what lies beside the results is damaged or describes another number of trials.
    """
    table, design = path.with_name("trials.tsv"), path.with_name("DESIGNINFO.npy")
    if table.exists():
        trials = trials_from_table(read_table(table), table, pictures)
        if len(trials) != n:
            raise DataError(f"{table.name}: {len(trials):,} rows but {path.name} has {n:,} trials")
        return with_means(trials)
    if design.exists():
        return _from_design(design, path, n, pictures)
    trials = [Trial(index, "train", label=f"trial {index}") for index in range(n)]
    note = f"Neither trials.tsv nor DESIGNINFO.npy: what the {n:,} trials {SHOWED_UNKNOWN}"
    return (*with_means(trials)[:2], [note])


def _from_design(design: Path, path: Path, n: int, pictures: Pictures) -> Trials:
    try:
        order = read_pickled_dictionary(design).get("stimorder")
    except PICKLE_DAMAGE as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{design.name}: no record of a design, or damaged ({reason})") from error
    if not isinstance(order, list) or not all(type(c) is int and 0 <= c < 1 << 20 for c in order):
        raise DataError(f"{design.name}: stimorder is no list of conditions, counted from 0")
    if len(order) != n:
        raise DataError(f"{design.name}: {len(order):,} trials but {path.name} has {n:,}")
    names = list(pictures) if len(pictures) == max(order) + 1 else []
    trials = [
        Trial(index, "train", names[c] if names else f"condition-{c}", f"condition {c}")
        for index, c in enumerate(order)
    ]
    n_conditions = len(np.unique(order))
    what = f"the {TAKEN_IN_ORDER} them" if names else f"what they {SHOWED_UNKNOWN}"
    note = f"The trials show {n_conditions:,} conditions, numbered from 0; {what}"
    if pictures and not names:
        note += f" ({len(pictures):,} pictures are not one a condition)"
    return (*with_means(trials)[:2], [note])
