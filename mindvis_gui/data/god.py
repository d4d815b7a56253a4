"""Generic Object Decoding subjects as MinD-Vis publishes them: ``sbj_1.npz`` … ``sbj_5.npz``.

=====================  ===================================================================
``arr_0``              (n_train, V) training responses
``arr_1``              (n_single, V) single test trials, optional
``arr_2``              (n_test, V) test responses, each the mean of 35 presentations
``arr_3``              (n_train,) the row of ``train_images`` shown in each row of ``arr_0``
``arr_4``              (n_single,) the row of ``test_images`` in each of ``arr_1``, optional;
                       ``arr_2`` is in the order of ``test_images``
``arr_5``, ``arr_6``   (V,) noise ceiling and signal-to-noise ratio, optional
``V1`` … ``VC``        (V,) bool, regions
=====================  ===================================================================

Beside it, all optional: ``images_256.npz`` (``train_images`` and ``test_images``),
``imagenet_training_label.csv`` and ``imagenet_testing_label.csv`` (which ImageNet picture each
of them is), ``imagenet_class_index.json`` (what the classes are called).

The response vector is the voxels of ``VC``, as in the published code.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.checks import MAX_TRIALS, MAX_VOXELS
from mindvis_gui.data.imagenet import label_of, read_class_names, read_picture_names
from mindvis_gui.data.notes import SHOWED_UNKNOWN
from mindvis_gui.data.npz import NpzFile
from mindvis_gui.data.npz_pictures import NpzPictures
from mindvis_gui.data.recording import Pictures, RowRecording, StackedRows
from mindvis_gui.data.subject import FloatArray, IntArray, Roi, Subject, Trial, read_only
from mindvis_gui.data.trial_table import missing_pictures
from mindvis_gui.errors import DataError

REGIONS = ("V1", "V2", "V3", "V4", "FFA", "PPA", "LOC", "LVC", "HVC", "VC")
PRESENTATIONS = 35  # of each test picture
_RESPONSES = {"train": "arr_0", "test": "arr_2", "test-single": "arr_1"}
_SHOWN = {"train": "arr_3", "test-single": "arr_4"}
_MAPS = {"arr_5": "noise ceiling", "arr_6": "SNR"}


def is_god(archive: NpzFile) -> bool:
    """Whether an archive is laid out as this module describes."""
    return "arr_0" in archive and "arr_2" in archive


def read_god_subject(archive: NpzFile) -> Subject:
    """Open a subject; the responses of a split are read when one of them is asked for.

    Raises
    ------
    DataError
        If an array is missing or contradicts the others.
    """
    path = archive.path
    n_voxels = _check_responses(archive)
    columns, rois, notes = _regions(archive, n_voxels)
    images_path = path.with_name("images_256.npz")
    images = NpzFile(images_path) if images_path.exists() else None
    trials, places = _trials(archive, images)
    pictures: Pictures = NpzPictures(images, places) if images else {}
    if "arr_1" in archive and "arr_4" not in archive:
        notes.append(f"arr_4 is missing: what the single test trials {SHOWED_UNKNOWN}")
    stack = StackedRows(
        [
            (archive.headers[name].shape[0], partial(archive.read, name, np.float32, columns))
            for name in _RESPONSES.values()
            if name in archive
        ]
    )
    rows = [np.array([row]) for row in range(len(trials))]
    return Subject(
        name=path.stem,
        source=path,
        trials=tuple(trials),
        rois=rois,
        n_voxels=len(columns),
        recording=RowRecording(stack, rows, pictures, images_path.name),
        maps=_maps(archive, n_voxels, columns),
        notes=(*notes, *missing_pictures(trials, pictures)),
        origin="Generic Object Decoding (Horikawa and Kamitani 2017), as prepared for MinD-Vis",
    )


def _trials(
    archive: NpzFile, images: NpzFile | None
) -> tuple[list[Trial], dict[str, tuple[str, int]]]:
    """Return the trials, and for each stimulus the array and the row of its picture."""
    index = archive.path.with_name("imagenet_class_index.json")
    classes = read_class_names(index) if index.exists() else {}
    trials: list[Trial] = []
    places: dict[str, tuple[str, int]] = {}
    for split, responses in _RESPONSES.items():
        if responses not in archive:
            continue
        kind = "train" if split == "train" else "test"
        names = _picture_names(archive.path, kind, images)
        for row in _rows_shown(archive, split, len(names)):
            name = "" if row < 0 else names[row] if names else f"{kind}-{row}"
            if name:
                places[name] = (f"{kind}_images", row)
            is_imagenet = name.startswith("n")
            trials.append(
                Trial(
                    index=len(trials),
                    split=split,
                    stimulus_id=name,
                    label=label_of(name, classes) if is_imagenet else "",
                    category=name.partition("_")[0] if is_imagenet else "",
                    presentations=PRESENTATIONS if split == "test" else 1,
                )
            )
    return trials, places


def _check_responses(archive: NpzFile) -> int:
    shapes = {
        name: archive.header(name, ndim=2, kinds="f").shape
        for name in _RESPONSES.values()
        if name in archive or name != "arr_1"
    }
    n_voxels = shapes["arr_0"][1]
    for name, shape in shapes.items():
        if shape[1] != n_voxels:
            raise DataError(
                f"{archive.path.name}: arr_0 has {n_voxels:,} columns but {name} has "
                f"{shape[1]:,}; is this file complete?"
            )
    n_trials = sum(shape[0] for shape in shapes.values())
    if n_trials > MAX_TRIALS or n_voxels > MAX_VOXELS:
        raise DataError(
            f"{archive.path.name}: {n_trials:,} trials × {n_voxels:,} voxels; at most "
            f"{MAX_TRIALS:,} × {MAX_VOXELS:,} are allowed"
        )
    return n_voxels


def _of_voxels(archive: NpzFile, name: str, n_voxels: int, kinds: str) -> FloatArray:
    header = archive.header(name, ndim=1, kinds=kinds)
    if header.shape[0] != n_voxels:
        what = f"mask {name}" if name in REGIONS else name
        raise DataError(
            f"{archive.path.name}: arr_0 has {n_voxels:,} columns but {what} has "
            f"{header.shape[0]:,}; is this file complete?"
        )
    values: FloatArray = archive.read(name, np.float32)
    return values


def _mask(archive: NpzFile, name: str, n_voxels: int) -> NDArray[np.bool_]:
    values = _of_voxels(archive, name, n_voxels, "biuf")
    if archive.headers[name].dtype.kind == "f":  # as bdpy hands out metadata
        (other,) = np.nonzero(~np.isin(values, (0, 1)))
        if other.size:
            raise DataError(
                f"{archive.path.name}: mask {name} holds {values[other[0]]:g}, not 0 and 1 only"
            )
    return np.asarray(values != 0)


def _regions(archive: NpzFile, n_voxels: int) -> tuple[IntArray, tuple[Roi, ...], list[str]]:
    """Return the columns of the response vector, its regions, and notes."""
    masks = {name: _mask(archive, name, n_voxels) for name in REGIONS if name in archive}
    notes = []
    inside = masks.get("VC", np.ones(n_voxels, dtype=np.bool_))
    columns = np.flatnonzero(inside)
    if not columns.size:
        raise DataError(f"{archive.path.name}: mask VC marks no voxel; is this file complete?")
    if columns.size < n_voxels:
        notes.append(
            f"The response vector is the {columns.size:,} voxels of VC; the "
            f"{n_voxels - columns.size:,} outside it are left out"
        )
    rois = []
    for name, mask in masks.items():
        voxels = np.flatnonzero(mask[columns])
        if voxels.size:
            rois.append(Roi(name, read_only(voxels)))
        else:
            notes.append(f"Region {name} has no voxel in the response vector")
    return columns, tuple(rois), notes


def _maps(archive: NpzFile, n_voxels: int, columns: IntArray) -> dict[str, FloatArray]:
    maps = {}
    for array, name in _MAPS.items():
        if array in archive:
            values = _of_voxels(archive, array, n_voxels, "f")[columns]
            values[~np.isfinite(values)] = np.nan
            maps[name] = read_only(values)
    return maps


def _picture_names(path: Path, kind: str, images: NpzFile | None) -> list[str]:
    """Return the names of the pictures of a kind in the order of their array."""
    table = path.with_name(f"imagenet_{kind}ing_label.csv")
    names = read_picture_names(table) if table.exists() else []
    if images is None:
        return names
    n = images.header(f"{kind}_images", ndim=4, kinds="iuf").shape[0]
    if names and len(names) != n:
        raise DataError(
            f"{table.name} lists {len(names):,} pictures but {images.path.name} has {n:,}; "
            "do they belong together?"
        )
    return names or [f"{kind}-{row}" for row in range(n)]


def _rows_shown(archive: NpzFile, split: str, n_pictures: int) -> list[int]:
    """Return for each trial the row of the picture shown, -1 where it is not known."""
    where = archive.path.name
    n = archive.headers[_RESPONSES[split]].shape[0]
    name = _SHOWN.get(split, "")
    if split == "test-single" and name not in archive:
        return [-1] * n
    rows = np.arange(n, dtype=np.float64)
    if name:
        length = archive.header(name, ndim=1, kinds="iuf").shape[0]
        if length != n:
            raise DataError(
                f"{where}: {name} names {length:,} pictures for {n:,} responses; is this file "
                "complete?"
            )
        rows = archive.read(name, np.float64)
    if not (rows >= 0).all() or (rows != np.floor(rows)).any() or rows.max() >= MAX_TRIALS:
        raise DataError(f"{where}: {name} must hold rows of pictures, from 0")
    if n_pictures and rows.max() >= n_pictures:
        raise DataError(
            f"{where}: a {split} trial shows picture {rows.max():,.0f}, counted from 0, but there "
            f"are only {n_pictures:,} beside it"
        )
    found: list[int] = rows.astype(np.int64).tolist()
    return found
