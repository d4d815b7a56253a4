"""The trials of GLMsingle results: a table of one's own, or GLMsingle's record of the design."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard

import h5py

from mindvis_gui.data.hdf5 import damage_reported, dataset, has, open_hdf5, read_whole
from mindvis_gui.data.notes import SHOWED_UNKNOWN, TAKEN_IN_ORDER
from mindvis_gui.data.pickled_arrays import PICKLE_DAMAGE, read_pickled_dictionary
from mindvis_gui.data.recording import Pictures
from mindvis_gui.data.repeats import with_means
from mindvis_gui.data.subject import IntArray, Trial
from mindvis_gui.data.table import read_table
from mindvis_gui.data.trial_table import trials_from_table
from mindvis_gui.errors import DataError, reason_of
from mindvis_gui.wording import are, counted

_CONDITION = "condition-"  # and its number: a stimulus of which no picture is known
_OF_CONDITION = re.compile(rf"{_CONDITION}(\d{{1,7}})")
Trials = tuple[tuple[Trial, ...], list[IntArray], list[str]]


def read_trials(path: Path, n: int, pictures: Pictures) -> Trials:
    """Return the `n` trials (and means of repeated ones), the rows of each, and notes.

    Raises
    ------
    DataError
        If what lies beside the results is damaged or describes another number of trials.
    """
    table = path.with_name("trials.tsv")
    if table.exists():
        trials = trials_from_table(read_table(table), table, pictures)
        if len(trials) != n:
            raise DataError(
                f"{table.name}: {counted(len(trials), 'row')} but {path.name} has "
                f"{counted(n, 'trial')}"
            )
        return with_means(trials)
    design = _design_beside(path)
    if design is not None:
        return _from_design(design, path, n, pictures)
    trials = [Trial(index, "train", label=f"trial {index}") for index in range(n)]
    name = f"DESIGNINFO{_own_kind(path)}"
    note = f"Neither trials.tsv nor {name}: what the {counted(n, 'trial')} {SHOWED_UNKNOWN}"
    return (*with_means(trials)[:2], [note])


def _own_kind(path: Path) -> str:
    return ".mat" if path.suffix == ".mat" else ".npy"


def _design_beside(path: Path) -> Path | None:
    """Return the record of the design, the one of the same version of GLMsingle first."""
    found = [path.with_name(f"DESIGNINFO{kind}") for kind in (".npy", ".mat")]
    found.sort(key=lambda each: each.suffix != _own_kind(path))
    return next(filter(Path.exists, found), None)


def _from_design(design: Path, path: Path, n: int, pictures: Pictures) -> Trials:
    first = 1 if design.suffix == ".mat" else 0  # MATLAB counts from 1
    order, counts = _matlab_design(design) if first else _pickled_design(design)
    if not _whole(order) or not all(first <= c < 1 << 20 for c in order):
        raise DataError(f"{design.name}: stimorder is no list of conditions, counted from {first}")
    if len(order) != n:
        raise DataError(f"{design.name}: {counted(len(order), 'trial')} but {path.name} has {n:,}")
    names = list(pictures) if len(pictures) == max(order) + 1 - first else []
    runs, unclear = _runs(counts, n, design)
    shown = [names[c - first] if names else f"{_CONDITION}{c}" for c in order]
    trials = [
        Trial(row, "train", shown[row], f"condition {c}", run=runs[row])
        for row, c in enumerate(order)
    ]
    what = f"the {TAKEN_IN_ORDER} them" if names else f"what they {SHOWED_UNKNOWN}"
    note = f"{_numbered(order, first)}; {what}"
    if pictures and not names:
        note += f" ({counted(len(pictures), 'picture')} {are(len(pictures))} not one a condition)"
    return (*with_means(trials)[:2], [note, *unclear])


def pictured_conditions(
    trials: Sequence[Trial], pictures: Pictures
) -> tuple[list[str], str] | None:
    """Return the picture of each trial, and a note, if all show conditions that have one each.

    That is for pictures which are added to trials that were read without.
    """
    found = [_OF_CONDITION.fullmatch(trial.stimulus_id) for trial in trials]
    order = [int(match[1]) for match in found if match]
    if not order or len(order) < len(found):
        return None
    first = min(1, *order)  # MATLAB counts from 1
    if len(pictures) != max(order) + 1 - first:
        return None
    names = list(pictures)
    note = f"{_numbered(order, first)}; the {TAKEN_IN_ORDER} them"
    return [names[c - first] for c in order], note


def _numbered(order: Sequence[int], first: int) -> str:
    return f"The trials show {counted(len(set(order)), 'condition')}, numbered from {first}"


def _runs(counts: Any, n: int, design: Path) -> tuple[list[int], list[str]]:
    """Return the run of each trial from the trials of each run, and a note if they are unclear.

    Trials are numbered run by run, so counts that add up to them say which run each is of.
    """
    if counts is None:
        return [0] * n, []
    if not _whole(counts) or min(counts, default=0) < 0 or sum(counts) != n:
        what = f"numtrialrun is no list of trials a run that adds up to {n:,}"
        return [0] * n, [f"{design.name}: {what}; the runs are not known"]
    return [run for run, count in enumerate(counts, 1) for _ in range(count)], []


def _whole(values: Any) -> TypeGuard[list[int]]:
    return isinstance(values, list) and all(type(value) is int for value in values)


def _pickled_design(design: Path) -> tuple[Any, Any]:
    try:
        content = read_pickled_dictionary(design)
    except PICKLE_DAMAGE as error:
        reason = reason_of(error)
        raise DataError(f"{design.name}: no record of a design, or damaged ({reason})") from error
    return content.get("stimorder"), content.get("numtrialrun")


def _matlab_design(design: Path) -> tuple[Any, Any]:
    """Return ``stimorder`` (1, trials) and ``numtrialrun`` (1, runs), which are doubles there."""
    with damage_reported(design), open_hdf5(design) as file:
        order = _numbers(file, "stimorder")
        return order, _numbers(file, "numtrialrun") if has(file, "numtrialrun") else None


def _numbers(file: h5py.File, name: str) -> list[float]:
    values = read_whole(dataset(file, name, 2, "iuf")).ravel().tolist()
    return [int(value) if value == value // 1 else value for value in values]
