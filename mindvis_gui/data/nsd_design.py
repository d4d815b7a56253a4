"""What was shown when in NSD: ``nsd_expdesign.mat``, a MATLAB file of version 5."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mindvis_gui.data.matlab_file import matlab_shapes, read_matlab
from mindvis_gui.data.subject import IntArray
from mindvis_gui.errors import DataError

TRIALS = 750  # of a session
PICTURES = 73_000
SHARED = 1000  # the first so many of each subject's pictures are everybody's
_SUBJECTS = 8
_MAX_VALUES = 1 << 24
_WANTED = ("masterordering", "subjectim", "stimpattern")


@dataclass(frozen=True, eq=False, slots=True)
class NsdDesign:
    """Which picture each trial showed.

    Attributes
    ----------
    order : (30000,) int
        For each trial the place of its picture in the subject's list, from 1.
    pictures : (8, 10000) int
        For each subject, its list of pictures, numbered from 1 to 73,000.
    runs : (n_sessions, 750) int or None
        Run of each trial, from 1.
    """

    order: IntArray
    pictures: IntArray
    runs: IntArray | None

    def picture(self, subject: int, session: int, trial: int) -> tuple[int, bool]:
        """Return the number of the picture shown, and whether it is one that all subjects saw."""
        place = int(self.order[(session - 1) * TRIALS + trial])
        return int(self.pictures[subject - 1, place - 1]), place <= SHARED


def read_design(path: Path) -> NsdDesign:
    """Read the design; nothing in the file is executed.

    Raises
    ------
    DataError
        If the file is no such design, or damaged.
    """
    wanted = [name for name in matlab_shapes(path) if name in _WANTED]
    content = read_matlab(path, wanted, _MAX_VALUES)
    order = _numbers(content, "masterordering", path).reshape(-1)
    pictures = _numbers(content, "subjectim", path)
    if pictures.ndim != 2 or len(pictures) != _SUBJECTS or pictures.max() > PICTURES:
        raise DataError(f"{path.name}: subjectim has shape {pictures.shape}, not (8, 10000)")
    if order.max() > pictures.shape[1] or len(order) % TRIALS:
        raise DataError(
            f"{path.name}: masterordering names place {order.max():,} of {pictures.shape[1]:,} in "
            f"{len(order):,} trials"
        )
    return NsdDesign(order, pictures, _runs(content.get("stimpattern")))


def _numbers(content: dict[str, Any], name: str, path: Path) -> IntArray:
    values = content.get(name)
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "iuf" or not values.size:
        raise DataError(f"{path.name}: {name} is missing; is this nsd_expdesign.mat?")
    with np.errstate(invalid="ignore"):
        numbers = values.astype(np.int64)
    if (numbers != values).any() or numbers.min() < 1:
        raise DataError(f"{path.name}: {name} must hold whole numbers from 1")
    return numbers


def _runs(pattern: object) -> IntArray | None:
    """Return the run of each trial from which events (sessions, runs, 75) are no blanks."""
    if not isinstance(pattern, np.ndarray) or pattern.ndim != 3 or pattern.dtype.kind not in "biuf":
        return None
    shown = pattern != 0
    if (shown.sum(axis=(1, 2)) != TRIALS).any():
        return None
    return np.stack([np.nonzero(session)[0] + 1 for session in shown])
