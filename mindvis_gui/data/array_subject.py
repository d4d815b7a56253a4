"""Subjects out of arrays of which somebody said what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.array_file import ArrayFile, array_info, text_or_numbers
from mindvis_gui.data.checks import MAX_TRIALS, MAX_VOXELS, check_affine, check_ijk, check_roi_name
from mindvis_gui.data.notes import NO_REGIONS
from mindvis_gui.data.orientation import as_ras
from mindvis_gui.data.recording import RowRecording
from mindvis_gui.data.subject import Roi, Subject, Trial, read_only
from mindvis_gui.data.trial_table import trials_from_table
from mindvis_gui.errors import DataError

# What a number in a column of splits means, besides the words themselves.
_SPLITS = {"0": "train", "1": "train", "2": "test", "False": "train", "True": "test"}
_TRUE_MEANS_TEST = {"0": "train", "1": "test"}
TRIAL_COLUMNS = ("stimulus", "label", "category", "split", "session", "run", "presentations")


def read_array_subject(
    file: ArrayFile,
    responses: str,
    *,
    trials_last: bool,
    columns: Mapping[str, str],
    rois: Sequence[str] | None,
    ijk: str,
    affine: str,
) -> Subject:
    """Return a subject; responses are read when they are asked for.

    Parameters
    ----------
    responses : str
        Array (trials, voxels), or (voxels, trials) if `trials_last`.
    columns : mapping of str to str
        For some of `TRIAL_COLUMNS` the array with one value a trial.
    rois : sequence of str or None
        Arrays (voxels,) that are not 0 in a region; None for all of 0 and 1.
    ijk, affine : str
        Arrays (voxels, 3) of voxel indices, and (4, 4) from them to mm; empty for none.

    Raises
    ------
    DataError
        If an array is missing or does not fit the others.
    """
    where = f"{file.path.name}: {responses}"
    info = array_info(file, responses)
    if len(info.shape) != 2 or info.kind not in "iuf":
        raise DataError(f"{where} has shape {info.shape}, not (trials, voxels) of numbers")
    n_trials, n_voxels = info.shape[::-1] if trials_last else info.shape
    if not (1 <= n_trials <= MAX_TRIALS and 1 <= n_voxels <= MAX_VOXELS):
        raise DataError(f"{where} claims {n_trials:,} trials × {n_voxels:,} voxels")
    found = _regions(file, n_voxels, rois)
    return Subject(
        name=file.path.stem,
        source=file.path,
        trials=_trials(file, n_trials, columns),
        rois=found,
        n_voxels=n_voxels,
        recording=RowRecording(
            file.rows(responses, trials_last), [np.array([row]) for row in range(n_trials)]
        ),
        notes=() if found else (NO_REGIONS,),
        **_positions(file, n_voxels, ijk, affine),
    )


def region_arrays(file: ArrayFile, n_voxels: int) -> list[str]:
    """Return the arrays that can only be regions: one value a voxel, 0 or 1."""
    return [
        name
        for name, info in file.arrays.items()
        if _flat(info.shape) == (n_voxels,)
        and (info.kind == "b" or (info.kind in "iuf" and np.isin(file.read(name), (0, 1)).all()))
    ]


def _regions(file: ArrayFile, n_voxels: int, names: Sequence[str] | None) -> tuple[Roi, ...]:
    rois: dict[str, Roi] = {}
    for name in region_arrays(file, n_voxels) if names is None else names:
        values = _of(file, name, n_voxels, "voxels")
        voxels = np.flatnonzero(np.nan_to_num(values.astype(np.float64)))
        short = check_roi_name(name.rpartition("/")[2], file.path.name)
        if short in rois:
            raise DataError(f"{file.path.name}: two arrays make a region {short}; name one of them")
        if voxels.size:
            rois[short] = Roi(short, read_only(voxels))
        elif names is not None:
            raise DataError(f"{file.path.name}: region {name} has no voxel; leave it out")
    return tuple(rois.values())


def _trials(file: ArrayFile, n: int, columns: Mapping[str, str]) -> tuple[Trial, ...]:
    table: dict[str, list[str]] = {"label": [""] * n}  # so many rows, whatever is told
    for column, name in columns.items():
        if column not in TRIAL_COLUMNS:
            raise DataError(f"trials have no column '{column}'; use {', '.join(TRIAL_COLUMNS)}")
        table[column] = text_or_numbers(_of(file, name, n, "trials"))
    if "split" in table:
        table["split"] = split_words(table["split"])
    return tuple(trials_from_table(table, file.path, {}))


def split_words(cells: list[str]) -> list[str]:
    """Return splits in words for a column of them, of 0 and 1 (test), or of 1 and 2 (test)."""
    known = _TRUE_MEANS_TEST if set(cells) <= {*_TRUE_MEANS_TEST, ""} else _SPLITS
    return [known.get(cell, cell) for cell in cells]


def _positions(file: ArrayFile, n_voxels: int, ijk: str, affine: str) -> dict[str, Any]:
    if not ijk:
        return {}
    where = f"{file.path.name}: {ijk}"
    stored = file.read(ijk)
    if not affine:
        raise DataError(f"{where} needs an array (4, 4) from voxel indices to mm, the affine")
    if stored.dtype.kind == "f" and np.array_equal(stored, np.rint(stored)):
        stored = stored.astype(np.int64)
    positions = check_ijk(stored, n_voxels, where)
    matrix = check_affine(file.read(affine), f"{file.path.name}: {affine}")
    shape = tuple(int(n) for n in positions.max(axis=0) + 1)
    turned, matrix = as_ras(positions, matrix, shape)
    return {"ijk": read_only(turned), "affine": read_only(matrix)}


def _of(file: ArrayFile, name: str, n: int, what: str) -> NDArray[Any]:
    values = file.read(name)
    if _flat(values.shape) != (n,):
        raise DataError(
            f"{file.path.name}: {name} has shape {values.shape} but there are {n:,} {what}"
        )
    return values.reshape(-1)


def _flat(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape without axes of length 1: MATLAB has no arrays of one axis."""
    return tuple(n for n in shape if n != 1) or (1,) * min(1, len(shape))


def read_columns(path: Path, n: int) -> dict[str, list[str]]:
    """Return the columns in a file of arrays that have one value for each of `n` trials."""
    from mindvis_gui.data.array_file import open_arrays

    file = open_arrays(path)
    found = {
        name.rpartition("/")[2]: text_or_numbers(file.read(name))
        for name, info in file.arrays.items()
        if _flat(info.shape) == (n,) and info.kind in "biufS"
    }
    if not found:
        raise DataError(f"{path.name}: no array has one value for each of the {n:,} trials")
    if len(found) == 1 and not found.keys() & set(TRIAL_COLUMNS):
        found = {"stimulus": next(iter(found.values()))}
    if "split" in found:
        found["split"] = split_words(found["split"])
    return found
