"""Which trials, seeds and regions the words of a command line mean."""

from __future__ import annotations

import argparse
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from mindvis_gui.data.lesion import Lesion, Method
from mindvis_gui.data.prepare import used_voxels
from mindvis_gui.errors import DataError, RequestError

if TYPE_CHECKING:
    from mindvis_gui.data.subject import Subject, Trial

Trials: TypeAlias = str | tuple[int, ...]  # "test", "all", or numbers
_MOST = 100_000  # numbers in one list; more is a slip of the finger


def add_subject_options(parser: argparse.ArgumentParser) -> None:
    """Add what is decoded, and by which model."""
    add = parser.add_argument
    add("subject", metavar="SUBJECT", help="subject file, or 'demo'")
    add("--model", default="demo", metavar="NAME|DIR", help="model folder (default: demo)")


def add_trials_option(parser: argparse.ArgumentParser) -> None:
    """Add which trials; the test trials, if none are named."""
    parser.add_argument(
        "--trials",
        type=trial_choice,
        default="test",
        metavar="TRIALS",
        help="'test' (default), 'all', or numbers: 0,3,5-9",
    )


def at_least_one(text: str) -> int:
    """Read a whole number from 1; argparse reports what is wrong with it."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1")
    return int(text)


def numbers(text: str) -> tuple[int, ...]:
    """Read ``0,3,5-9`` as (0, 3, 5, 6, 7, 8, 9); argparse reports what is wrong with it."""
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,18})\s*(?:-\s*(\d{1,18})\s*)?", part)
        if match is None:
            raise argparse.ArgumentTypeError(
                f"'{part}' in '{text}' is no number and no range; write for example 0,3,5-9"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise argparse.ArgumentTypeError(f"range '{part}' runs backwards; write {last}-{first}")
        if last - first >= _MOST:
            raise argparse.ArgumentTypeError(f"range '{part}' holds more than {_MOST:,} numbers")
        found.extend(range(first, last + 1))
    for number, count in Counter(found).items():
        if count > 1:
            raise argparse.ArgumentTypeError(f"'{text}' names {number} twice")
    return tuple(found)


def trial_choice(text: str) -> Trials:
    """Read ``test``, ``all`` or a list of numbers."""
    return text if text in ("test", "all") else numbers(text)


def mask_ratio(text: str) -> float:
    """Read a fraction from 0 up to, not including, 1."""
    try:
        ratio = float(text)
    except ValueError:
        ratio = math.nan
    if not 0 <= ratio < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no fraction from 0 up to, not including, 1")
    return ratio


def mask_seed(text: str) -> int:
    """Read a seed, 0 or above."""
    if not re.fullmatch(r"\d{1,18}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 0")
    return int(text)


def names(text: str) -> tuple[str, ...]:
    """Read ``V1,V2`` as ("V1", "V2")."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found:
        raise argparse.ArgumentTypeError("no name given; write for example V1,V2")
    return found


def select_trials(subject: Subject, chosen: Trials) -> list[Trial]:
    """Return the chosen trials of a subject.

    Raises
    ------
    DataError
        If one does not exist, or none is marked as test.
    """
    if chosen == "all":
        return list(subject.trials)
    if chosen == "test":
        tests = [trial for trial in subject.trials if trial.split == "test"]
        if not tests:
            raise DataError(
                f"{subject.name}: no trial is marked as test; choose with --trials all or by "
                "number, or mark a test set before training (mindvis import-subject --split)"
            )
        return tests
    assert not isinstance(chosen, str)  # `trial_choice` lets no other word through
    count = len(subject.trials)
    for number in chosen:
        if number >= count:
            raise DataError(
                f"{subject.name}: trial {number} does not exist; choose among 0 to {count - 1}"
            )
    return [subject.trials[number] for number in chosen]


def select_rois(subject: Subject, used: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return the regions to decode from, in the subject's order; None is the whole vector.

    All regions are the whole vector only where no voxel lies outside of them.

    Raises
    ------
    DataError
        If a region does not exist.
    """
    if used is None:
        return None
    every = used_voxels(subject, used).size == subject.n_voxels
    known = tuple(roi.name for roi in subject.rois)
    chosen = tuple(name for name in known if name in used)
    return None if chosen == known and every else chosen


def select_lesion(
    subject: Subject, unused: Sequence[str] | None, method: Method | None
) -> Lesion | None:
    """Return what to leave out: every voxel of the regions `unused`, if there are any.

    Raises
    ------
    DataError
        If a region does not exist.
    RequestError
        If no region is left to decode from.
    """
    if unused is None:
        return None
    lesion = Lesion.of_rois(subject, unused, method or "zero")
    if all(np.isin(roi.voxels, lesion.voxels).all() for roi in subject.rois):
        raise RequestError(f"{subject.name}: no region is left to decode from; leave out fewer")
    return lesion
