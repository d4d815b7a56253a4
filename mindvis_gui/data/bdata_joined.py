"""Several BData files of one subject: their voxels are the same, and names may tell the trials.

A laboratory may publish the training and the test trials of a subject as two files, such as
``Subject1_ImageNetTraining.h5`` and ``Subject1_ImageNetTest.h5``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.bdata_file import BDataTable
from mindvis_gui.data.subject import IntArray
from mindvis_gui.errors import DataError

VOXELS = "VoxelData"
REGION = "ROI_"
AXES = ("voxel_x", "voxel_y", "voxel_z")
_APART = 0.01  # mm by which two files may round a position differently
_SPLITS = {1.0: "train", 2.0: "test-single"}  # by DataType
_TRAINING = re.compile(r"train", re.IGNORECASE)
_TEST = re.compile(r"Test|(?<![A-Za-z])(?:test|TEST)(?![a-z])")  # but not 'latest'


def check_same_voxels(files: Sequence[BDataTable]) -> list[str]:
    """Refuse files whose voxels are not those of the first; return notes.

    Raises
    ------
    DataError
        If the number of voxels, the position of one, or a region that both have differs.
    """
    first, *others = files
    notes = []
    for file in others:
        pair = f"{first.path.name} and {file.path.name}"
        mine, theirs = (np.flatnonzero(each.marked(VOXELS)) for each in (first, file))
        if mine.size != theirs.size:
            raise DataError(
                f"{pair} have {mine.size:,} and {theirs.size:,} voxels; only files of the same "
                "voxels of one subject are joined"
            )
        for axis in AXES:
            if axis in first.keys and axis in file.keys:
                _check_positions(first.values(axis)[mine], file.values(axis)[theirs], axis, pair)
        regions = [key for key in file.keys if key.startswith(REGION)]
        for key in regions:
            if key in first.keys and (first.marked(key)[mine] != file.marked(key)[theirs]).any():
                raise DataError(
                    f"{pair}: region {key.removeprefix(REGION)} has other voxels in each; only "
                    "files of the same voxels of one subject are joined"
                )
        if more := [key.removeprefix(REGION) for key in regions if key not in first.keys]:
            names = ", ".join(dict.fromkeys(more))
            notes.append(f"Regions of {file.path.name} alone are left out: {names}")
    return notes


def _check_positions(
    mine: NDArray[np.float64], theirs: NDArray[np.float64], axis: str, pair: str
) -> None:
    apart = ~(np.isclose(mine, theirs, rtol=0, atol=_APART, equal_nan=True))
    if apart.any():
        at = int(np.flatnonzero(apart)[0])
        raise DataError(
            f"{pair}: {axis} of voxel {at:,} is {mine[at]:g} and {theirs[at]:g} mm; only files of "
            "the same voxels of one subject are joined"
        )


def columns_of(file: BDataTable, first: BDataTable, columns: IntArray) -> IntArray:
    """Return where in `file` the voxels lie that `first` has in `columns`."""
    places = np.searchsorted(np.flatnonzero(first.marked(VOXELS)), columns)
    found: IntArray = np.flatnonzero(file.marked(VOXELS))[places]
    return found


def splits_of(file: BDataTable, *, alone: bool) -> tuple[list[str], list[str]]:
    """Return the split of each sample, empty where it is left out (imagery), and notes.

    Without a column that says it, the file's name does.
    """
    kinds = file.column("DataType")
    if kinds is not None:
        return [_SPLITS.get(kind, "") for kind in kinds.tolist()], []
    name, n = file.path.name, file.n_samples
    trained, tested = (word.search(file.path.stem) for word in (_TRAINING, _TEST))
    if trained or tested:
        what = "training" if trained else "test"
        note = f"No column DataType: by the name of {name} its samples are taken for {what}"
        return ["train" if trained else "test-single"] * n, [note]
    of = "" if alone else f"of {name} "
    return ["train"] * n, [f"No column DataType: all samples {of}are taken for training"]


def sessions_of(files: Sequence[BDataTable]) -> tuple[list[int], list[int], list[str]]:
    """Return session and run of the samples of all files, from 1, 0 where unknown, and notes.

    Files that each number theirs from 1 do not share them: sessions of the second count on.
    """
    sessions: list[int] = []
    runs: list[int] = []
    notes = []
    for file in files:
        mine = [_integers(file.column(key), file.n_samples) for key in ("Session", "Run")]
        known = set(zip(*mine, strict=True)) - {(0, 0)}
        if known & set(zip(sessions, runs, strict=True)):
            last = max(1, *sessions)
            mine[0] = [session + last for session in mine[0]]
            notes.append(
                f"The sessions of {file.path.name} have numbers that were there; they count on "
                f"from {last + min(s for s, _ in known):,}"
            )
        sessions += mine[0]
        runs += mine[1]
    return sessions, runs, notes


def _integers(values: NDArray[np.float64] | None, n: int) -> list[int]:
    """Return a column of integers from 1, 0 where it says nothing."""
    if values is None:
        return [0] * n
    return [int(value) if 1 <= value < 1e6 else 0 for value in values.tolist()]
