"""Single-trial betas as GLMsingle writes them: ``TYPED_FITHRF_GLMDENOISE_RR.npy``.

=====================  ===================================================================
``betasmd``            (X, Y, Z, trials) or (units, trials), percent signal change; the
                       MATLAB version calls it ``modelmd``
``R2``, ``HRFindex``   (X, Y, Z) or (units,), optional; so are ``FRACvalue``, ``meanvol``, …
=====================  ===================================================================

The file may be ``.hdf5`` or ``.mat``, too (see `glmsingle_results`). The ``.npy`` is a pickled
dictionary, which is not executed (see `pickled_arrays`). Beside it, all optional: ``trials.tsv``
(see `trial_table`) or GLMsingle's own ``DESIGNINFO.npy`` or ``.mat`` (``stimorder``, the condition
of each trial, and ``numtrialrun``, the trials of each run), ``rois/`` or ``rois.nii.gz`` on the
grid of the betas, ``stimuli/`` and ``anatomy.nii.gz``. What a condition showed GLMsingle does not
know: if there are as many pictures as conditions, they are taken in sorted order.

The response vector is the voxels of the regions, or else all voxels of which R2 is a number.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mindvis_gui.data.checks import MAX_VOXELS
from mindvis_gui.data.glmsingle_results import Results, open_results
from mindvis_gui.data.glmsingle_trials import read_trials
from mindvis_gui.data.hdf5 import damage_reported
from mindvis_gui.data.nifti_file import NiftiFile, read_volume
from mindvis_gui.data.notes import PLACES_UNKNOWN
from mindvis_gui.data.npy import HEADER_DAMAGE, read_header
from mindvis_gui.data.orientation import as_ras
from mindvis_gui.data.recording import Pictures, RowRecording
from mindvis_gui.data.rois import merged_labels, nifti_files, read_rois
from mindvis_gui.data.stimuli import open_pictures
from mindvis_gui.data.subject import FloatArray, IntArray, Roi, Subject, read_only
from mindvis_gui.data.trial_table import missing_pictures
from mindvis_gui.errors import DataError

_MAPS = {"R2": "R2 (%)", "HRFindex": "HRF index", "FRACvalue": "ridge fraction"}


def is_glmsingle(path: Path) -> bool:
    """Whether a file of numpy is a pickled dictionary; nothing but its header is read."""
    try:
        with path.open("rb") as file:
            header = read_header(file)
    except (*HEADER_DAMAGE, OSError):
        return False
    return header.dtype.hasobject and header.shape == ()


def read_glmsingle_subject(path: Path) -> Subject:
    """Open a subject; the betas of a trial are read when they are asked for.

    Raises
    ------
    DataError
        If the results are damaged, or what lies beside them contradicts them.
    """
    with damage_reported(path):
        return _subject(open_results(path))


def _subject(results: Results) -> Subject:
    path = results.path
    maps = {name: results.map(key) for key, name in _MAPS.items()}
    units, rois, notes, positions = _voxels(path, results.grid, maps[_MAPS["R2"]])
    stimuli = _beside(path, "stimuli", "stimuli.npz", "stimuli.h5")
    pictures: Pictures = open_pictures(stimuli) if stimuli else {}
    trials, rows, more = read_trials(path, results.n_trials, pictures)
    anatomy = _beside(path, "anatomy.nii", "anatomy.nii.gz")
    return Subject(
        name=path.resolve().parent.name or path.stem,
        source=path,
        trials=trials,
        rois=rois,
        n_voxels=len(units),
        recording=RowRecording(
            results.rows(units), rows, pictures, stimuli.name if stimuli else ""
        ),
        unit="% signal change",
        anatomy=read_volume(anatomy) if anatomy else None,
        maps={name: _of_voxels(m, units) for name, m in maps.items() if m is not None},
        notes=(*notes, *more, *missing_pictures(trials, pictures)),
        origin=f"GLMsingle (Prince et al. 2022), {path.stem}",
        **positions,
    )


def _voxels(
    path: Path, grid: tuple[int, ...], r2: FloatArray | None
) -> tuple[IntArray, tuple[Roi, ...], list[str], dict[str, Any]]:
    """Return the units of the response vector, regions, notes, and positions if known."""
    folder = _beside(path, "rois", "rois.nii", "rois.nii.gz")
    good = np.isfinite(r2).reshape(-1) if r2 is not None else np.ones(int(np.prod(grid)), bool)
    if folder is None or len(grid) != 3:
        units = np.flatnonzero(good)
        if not 1 <= units.size <= MAX_VOXELS:
            raise DataError(f"{path.name}: {units.size:,} voxels have a value of R2")
        notes = [
            "No rois beside the results: all voxels are one region",
            f"No grid beside the results: {PLACES_UNKNOWN}",
        ]
        return units, (Roi("all", read_only(np.arange(units.size))),), notes, {}
    image = NiftiFile(folder if folder.is_file() else _first(folder))
    if image.shape != grid:
        raise DataError(
            f"{image.path.name}: its grid {image.shape} is not the one of {path.name}, {grid}"
        )
    inside = {}
    regions = read_rois(folder, image)
    for region in regions:  # their points count the first axis first
        found = np.ravel_multi_index(np.unravel_index(region.points, grid, order="F"), grid)
        inside[region.name] = found[good[found]]
    units = np.unique(np.concatenate(list(inside.values())))
    if not units.size:
        raise DataError(f"{path.name}: R2 is a number in no voxel of {folder.name}")
    rois = tuple(
        Roi(name, read_only(np.sort(np.searchsorted(units, found))))
        for name, found in inside.items()
        if found.size
    )
    ijk, affine = as_ras(
        np.stack(np.unravel_index(units, grid), axis=1).astype(np.int64), image.affine, image.shape
    )
    notes = merged_labels(regions)
    return units, rois, notes, {"ijk": read_only(ijk), "affine": read_only(affine)}


def _first(folder: Path) -> Path:
    files = nifti_files(folder)
    if not files:
        raise DataError(f"{folder}: no NIfTI masks in this folder")
    return files[0]


def _of_voxels(values: FloatArray, units: IntArray) -> FloatArray:
    kept = values.reshape(-1)[units]
    kept[~np.isfinite(kept)] = np.nan
    return read_only(kept)


def _beside(path: Path, *names: str) -> Path | None:
    return next((path.with_name(n) for n in names if path.with_name(n).exists()), None)
