"""Which lesions a study has: each region in turn, groups of regions, voxels at random."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from mindvis_gui.analysis.comparison import seen
from mindvis_gui.analysis.lesion import INTACT
from mindvis_gui.data.lesion import Lesion
from mindvis_gui.data.subject import Subject, Trial
from mindvis_gui.errors import NothingToScoreError, RequestError
from mindvis_gui.wording import counted

_HOLDS = ("holds", "hold")
_RANDOM = "random:"


def plan_lesions(
    subject: Subject, groups: Mapping[str, Sequence[str]] | None, method: Any, seed: int = 0
) -> tuple[Lesion, ...]:
    """Return the lesions of a study, checked.

    Parameters
    ----------
    groups : mapping of str to sequence of str, or None
        Name → regions left out together, or ``random:800`` for as many voxels drawn at random,
        others for each such name; None leaves out each region in turn that leaves voxels to decode
        from.

    Raises
    ------
    DataError
        If the subject has no regions, or none of that name.
    RequestError
        If one holds no voxel or every one, is called as the intact response is, or each region
        holds every voxel.
    """
    if groups is None:
        whole = whole_regions(subject)
        groups = {roi.name: [roi.name] for roi in subject.rois if roi.name not in whole}
        if whole and not groups:
            raise RequestError(
                f"{subject.name} has no region to leave out that leaves voxels to decode from: "
                f"{', '.join(whole)} {_HOLDS[len(whole) > 1]} all {subject.n_voxels:,}; make "
                "smaller regions, leave out masked patches in the window, or name what to leave "
                "out on the command line by --lesions control=random:"
                f"{max(1, subject.n_voxels // 10)}"
            )
    if not groups:
        raise RequestError(f"{subject.name} has no regions to leave out; give it some")
    for name, names in groups.items():
        check_group(name, names)
    draws = count()
    made = [
        replace(_lesion(subject, names, method, seed, draws), name=name)
        for name, names in groups.items()
    ]
    for lesion in made:
        lesion.check(subject.n_voxels)
    return tuple(made)


def check_seen(subject: Subject, trials: Sequence[Trial]) -> None:
    """Make sure that a study of some trials can score something.

    Raises
    ------
    NothingToScoreError
        If none of them has a stimulus.
    """
    if all(seen(subject, trial)[0] is None for trial in trials):
        raise NothingToScoreError(
            f"{subject.name}: none of {counted(len(trials), 'trial')} has a stimulus, so nothing "
            "can be scored; decode without a region to see what changes"
        )


def whole_regions(subject: Subject) -> list[str]:
    """Return the regions that hold every voxel, as that of all visual cortex often does."""
    return [roi.name for roi in subject.rois if np.unique(roi.voxels).size == subject.n_voxels]


def without_whole_regions(subject: Subject) -> tuple[str, ...]:
    """Return a note on the regions that `plan_lesions` does not leave out by itself, if any."""
    whole = whole_regions(subject)
    if not whole:
        return ()
    return (
        f"{', '.join(whole)} {_HOLDS[len(whole) > 1]} all {subject.n_voxels:,} voxels and "
        f"{'were' if len(whole) > 1 else 'was'} not left out.",
    )


def _lesion(
    subject: Subject, names: Sequence[str], method: Any, seed: int, draws: Iterator[int]
) -> Lesion:
    size = _n_at_random(names)
    if size is not None:
        return Lesion.at_random(subject.n_voxels, size, method, seed, next(draws))
    return Lesion.of_rois(subject, names, method, seed)


def check_group(name: str, names: Sequence[str]) -> None:
    """Check what is called how and left out together, as far as no subject is known for it.

    Raises
    ------
    RequestError
        If it is called as the intact response is, or the voxels at random are no number.
    """
    if name == INTACT:
        raise RequestError(f"no lesion can be called '{INTACT}'; choose another name")
    _n_at_random(names)


def _n_at_random(names: Sequence[str]) -> int | None:
    if len(names) != 1 or not names[0].startswith(_RANDOM):
        return None
    size = names[0].removeprefix(_RANDOM)
    if not size.isdecimal() or not int(size[:9]):
        raise RequestError(f"'{names[0]}' is no number of voxels; write for example random:800")
    return int(size[:9])
