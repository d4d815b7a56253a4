"""THINGS-fMRI subjects in the published tables, such as ``betas_csv/sub-01_ResponseData.h5``.

===============================  ==========================================================
``sub-01_ResponseData.h5``       written by pandas: voxels by trials, see `pandas_file`
``sub-01_VoxelMetadata.csv``     ``voxel_x``, ``voxel_y``, ``voxel_z`` (indices), noise
                                 ceilings, and a column of 0 and 1 for each region
``sub-01_StimulusMetadata.csv``  ``trial_type`` (train, test), ``session``, ``run``, ``stimulus``
``images/``, ``stimuli/``, …     pictures, optional, in folders by concept or all in one
===============================  ==========================================================

The response vector is the voxels of all regions. Test responses are means over presentations.
The tables do not say where the grid lies: ``sub-01_space-T1w_brainmask.nii.gz`` beside them does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mindvis_gui.data.checks import MAX_TRIALS, MAX_VOXELS, check_ijk
from mindvis_gui.data.hdf5 import damage_reported
from mindvis_gui.data.nifti_file import NiftiFile
from mindvis_gui.data.orientation import as_ras
from mindvis_gui.data.pandas_file import PandasFrame
from mindvis_gui.data.recording import Pictures, RowRecording
from mindvis_gui.data.repeats import with_means
from mindvis_gui.data.stimuli import PictureFiles
from mindvis_gui.data.subject import FloatArray, IntArray, Subject, Trial, read_only
from mindvis_gui.data.table import read_integers, read_table
from mindvis_gui.data.things_voxels import VoxelTable
from mindvis_gui.data.trial_table import missing_pictures
from mindvis_gui.data.voxel_major import VoxelMajorRows, mapped
from mindvis_gui.errors import DataError

_RESPONSES = "_ResponseData.h5"
_FOLDERS = ("images", "stimuli", "object_images", "_images", "../images", "../stimuli")
_SPLITS = {"train": "train", "test": "test-single"}
_STEP_MM = 2.0
_MAPS = {"nc_singletrial": "noise ceiling (%)", "nc_testset": "noise ceiling of the test set (%)"}


def read_things_subject(path: Path) -> Subject:
    """Open a subject; the responses of a trial are read when they are asked for.

    Raises
    ------
    DataError
        If a table is missing, damaged, or contradicts the others.
    """
    with damage_reported(path):
        return _subject(path)


def _subject(path: Path) -> Subject:
    frame = PandasFrame(path)
    name = path.name.removesuffix(_RESPONSES)
    voxels = VoxelTable(path.with_name(f"{name}_VoxelMetadata.csv"))
    n_voxels, n_trials = frame.values.shape
    if n_voxels != len(voxels) or not 1 <= n_trials <= MAX_TRIALS or n_voxels > MAX_VOXELS:
        raise DataError(
            f"{path.name}: {n_voxels:,} voxels × {n_trials:,} trials but {voxels.path.name} has "
            f"{len(voxels):,} voxels; do they belong together?"
        )
    _check_order(frame, voxels, path)
    units, rois = voxels.regions()
    singles = _singles(path.with_name(f"{name}_StimulusMetadata.csv"), path, n_trials)
    trials, rows, notes = with_means(singles)
    pictures = _pictures(path.parent, trials)
    positions, note = _positions(voxels, units, name)
    return Subject(
        name=name,
        source=path,
        trials=trials,
        rois=rois,
        n_voxels=len(units),
        recording=RowRecording(
            VoxelMajorRows(path, mapped(path, frame.values), units), rows, pictures, "images"
        ),
        maps=_maps(voxels, units),
        notes=(
            f"The response vector is the {len(units):,} voxels of all regions; the "
            f"{n_voxels - len(units):,} outside them are left out",
            *notes,
            note,
            *missing_pictures(trials, pictures),
        ),
        origin="THINGS-fMRI (Hebart et al. 2023)",
        licence="CC0-1.0",
        **positions,
    )


def _check_order(frame: PandasFrame, voxels: VoxelTable, path: Path) -> None:
    """Refuse responses whose voxels are those of the table, but sorted otherwise."""
    if frame.numbers is None or "voxel_id" not in voxels.columns:
        return
    ids = voxels.column("voxel_id")
    (other,) = np.nonzero(frame.numbers != ids)
    if other.size and np.array_equal(np.sort(frame.numbers), np.sort(ids)):
        row = int(other[0])
        raise DataError(
            f"{path.name}: row {row:,} is voxel {frame.numbers[row]:,} but {voxels.path.name} has "
            f"voxel {ids[row]:,.0f} there; sort both by voxel_id"
        )


class ConceptPictures(PictureFiles):
    """Image files by name, in one folder or in folders named by concept; read when asked for."""

    def __init__(self, folder: Path, names: set[str]) -> None:
        files: dict[str, Path] = {}
        for name in sorted(names):
            if name.startswith(".") or set(name) & set("/\\\0") or len(name) > 200:
                continue
            places = (folder / name, folder / name.rpartition("_")[0] / name)
            if path := next(filter(Path.is_file, places), None):
                files[name] = path
        super().__init__(files)


def _singles(table_path: Path, path: Path, n_trials: int) -> list[Trial]:
    table = read_table(table_path, delimiter=",")
    n = len(next(iter(table.values())))
    if n != n_trials:
        raise DataError(f"{table_path.name}: {n:,} rows but {path.name} has {n_trials:,} trials")
    for column in ("trial_type", "stimulus"):
        if column not in table:
            raise DataError(f"{table_path.name}: no column is called '{column}'")
    other = set(table["trial_type"]) - set(_SPLITS)
    if other:
        raise DataError(f"{table_path.name}: trial_type '{min(other)[:40]}' is not train or test")
    sessions, runs = (read_integers(table, key, 0, table_path) for key in ("session", "run"))
    shown = zip(table["trial_type"], table["stimulus"], sessions, runs, strict=True)
    return [
        Trial(row, _SPLITS[kind], stimulus, _concept(stimulus), "", session, run)
        for row, (kind, stimulus, session, run) in enumerate(shown)
    ]


def _concept(stimulus: str) -> str:
    return stimulus.rpartition("_")[0].rstrip("0123456789").replace("_", " ")


def _pictures(folder: Path, trials: tuple[Trial, ...]) -> Pictures:
    found = next(filter(Path.is_dir, (folder / name for name in _FOLDERS)), None)
    names = {trial.stimulus_id for trial in trials if trial.stimulus_id}
    return ConceptPictures(found, names) if found else {}


def _positions(voxels: VoxelTable, units: IntArray, name: str) -> tuple[dict[str, Any], str]:
    ijk = check_ijk(voxels.ijk()[units], len(units), f"{voxels.path.name}: voxel_x, _y, _z")
    mask = f"{name}_space-T1w_brainmask.nii.gz"
    folders = (voxels.path.parent, *(voxels.path.resolve().parents[1:2]))
    places = [f / below / mask for f in folders for below in ("", "brainmasks")]
    found = next(filter(Path.is_file, places), None)
    if found is None:
        affine = np.diag([_STEP_MM, _STEP_MM, _STEP_MM, 1.0])
        shape = tuple(int(n) + 1 for n in ijk.max(axis=0))
        note = (
            f"No {mask}: the voxels are drawn on a grid of {_STEP_MM:g} mm; left and "
            "right may be swapped"
        )
    else:
        image = NiftiFile(found)
        affine, shape, note = image.affine, image.shape, f"Positions as in {mask}"
        if (ijk.max(axis=0) >= shape).any():
            raise DataError(f"{mask}: its grid {shape} does not hold the voxels of {name}")
    turned, matrix = as_ras(ijk, affine, shape)
    return {"ijk": read_only(turned), "affine": read_only(matrix)}, note


def _maps(voxels: VoxelTable, units: IntArray) -> dict[str, FloatArray]:
    maps = {}
    for column, name in _MAPS.items():
        if column in voxels.columns:
            values = voxels.column(column)[units].astype(np.float32)
            values[~np.isfinite(values)] = np.nan
            maps[name] = read_only(values)
    return maps
