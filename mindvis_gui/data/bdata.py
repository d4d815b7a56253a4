"""BData files of the Kamitani laboratory: ``.h5``, and ``.mat`` of version 7.3 (HDF5, too) or 5.

====================  ====================================================================
``/dataset``          (samples, columns); older files: ``dataSet``
``/metadata/key``     (keys,) text: what each row of ``value`` marks; older: ``metaData``
``/metadata/value``   (keys, columns); NaN where a key says nothing about a column
``/vmap/<key>/<n>``   text, optional: what the number n means in the column called ``key``
====================  ====================================================================

``VoxelData`` marks the columns with responses, ``ROI_<name>`` those of a region; ``voxel_x``,
``voxel_y`` and ``voxel_z`` are positions in mm. Single columns are marked by ``DataType``
(1 training, 2 test, 3 imagery), ``Session`` and ``Run``, and by what was shown (see
`bdata_stimuli`). MATLAB stores all arrays transposed, and texts as references to arrays of
characters.

Positions become voxel indices through the affine of ``Subject3_SpaceTemplate.nii`` beside
``Subject3.h5``, or, without it, on a grid inferred from the positions themselves.

The response vector is the voxels of ``ROI_VC``, as MinD-Vis uses them, or all if there is none.
Test trials of the same stimulus are averaged; imagery is left out. Pictures are looked for in a
folder ``stimuli/`` (or ``stimuli.npz``, ``stimuli.h5``) beside the file. Several files of the same
voxels make one subject (see `bdata_joined`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from mindvis_gui.data.bdata_file import BDataTable, Hdf5BData
from mindvis_gui.data.bdata_joined import (
    AXES,
    REGION,
    VOXELS,
    check_same_voxels,
    columns_of,
    sessions_of,
    splits_of,
)
from mindvis_gui.data.bdata_stimuli import stimuli_of
from mindvis_gui.data.checks import MAX_TRIALS, MAX_VOXELS, check_roi_name
from mindvis_gui.data.file_head import is_matlab_5, read_head
from mindvis_gui.data.hdf5 import damage_reported
from mindvis_gui.data.nifti_file import NiftiFile
from mindvis_gui.data.notes import NO_POSITIONS
from mindvis_gui.data.orientation import as_ras
from mindvis_gui.data.recording import Pictures, RowRecording
from mindvis_gui.data.scratch import ReadOnce, ScratchRows
from mindvis_gui.data.stimuli import open_pictures
from mindvis_gui.data.subject import FloatArray, IntArray, Roi, Subject, Trial, read_only
from mindvis_gui.data.trial_table import missing_pictures
from mindvis_gui.data.voxel_grid import infer_grid
from mindvis_gui.errors import DataError
from mindvis_gui.wording import are, counted

_STIMULI = ("stimuli", "stimuli.npz", "stimuli.h5")
_NUMBERED = re.compile(r"(?:Subject|sub-?|S)\d+", re.IGNORECASE)
_BESIDE = 0.25  # of a voxel that a position may lie beside the template's grid


def read_bdata_subject(path: Path, more: Sequence[Path] = ()) -> Subject:
    """Open a subject; its responses are read when the first of them is asked for.

    Parameters
    ----------
    more : sequence of pathlib.Path
        Further files with trials of the same voxels.

    Raises
    ------
    DataError
        If a file is damaged, or its parts are missing or contradict each other.
    """
    files = [_open(each) for each in (path, *more)]
    if not is_matlab_5(read_head(path)):
        with damage_reported(path):
            return _subject(files)
    return _subject(files)


def _open(path: Path) -> BDataTable:
    if not is_matlab_5(read_head(path)):
        return Hdf5BData(path)
    from mindvis_gui.data.bdata_matlab import MatlabBData

    return MatlabBData(path)


def _subject(files: Sequence[BDataTable]) -> Subject:
    file = files[0]
    path = file.path
    columns, rois, notes = _regions(file)
    notes += check_same_voxels(files)
    beside = [path.with_name(name) for name in _STIMULI]
    stimuli = next(filter(Path.exists, beside), None)
    pictures: Pictures = open_pictures(stimuli) if stimuli else {}
    trials, rows, more = _trials(files, pictures)
    ijk, affine, note = _positions(file, columns)
    stack = ReadOnce(lambda: ScratchRows(_blocks(files, columns), len(columns)))
    number = _NUMBERED.search(path.stem)
    return Subject(
        name=number[0] if number and len(files) > 1 else path.stem,
        source=path,
        trials=tuple(trials),
        rois=rois,
        n_voxels=len(columns),
        recording=RowRecording(stack, rows, pictures, stimuli.name if stimuli else ""),
        ijk=ijk,
        affine=affine,
        notes=(*notes, *more, note, *missing_pictures(trials, pictures)),
        origin="BData of the Kamitani laboratory",
    )


def _blocks(files: Sequence[BDataTable], columns: IntArray) -> Iterator[FloatArray]:
    """Yield the responses of all samples, piece by piece, one file after the other."""
    for file in files:
        yield from file.blocks(columns_of(file, files[0], columns))


def _regions(file: BDataTable) -> tuple[IntArray, tuple[Roi, ...], list[str]]:
    """Return the columns of the response vector, its regions, and notes."""
    if VOXELS not in file.keys:
        raise DataError(f"{file.path.name}: no key VoxelData says which columns are responses")
    inside = file.marked(VOXELS)
    notes = []
    if f"{REGION}VC" in file.keys:
        visual = inside & file.marked(f"{REGION}VC")
        if (left := int(inside.sum() - visual.sum())) and visual.any():
            notes.append(
                f"The response vector is the voxels of VC; {left:,} outside {are(left)} left out"
            )
        inside = visual if visual.any() else inside
    columns = np.flatnonzero(inside)
    if not 1 <= columns.size <= MAX_VOXELS:
        raise DataError(f"{file.path.name}: VoxelData marks {columns.size:,} columns")
    rois = []
    empty = []
    for key in dict.fromkeys(file.keys):
        if key.startswith(REGION):
            name = check_roi_name(key.removeprefix(REGION), file.path.name)
            voxels = np.flatnonzero(file.marked(key)[columns])
            if voxels.size:
                rois.append(Roi(name, read_only(voxels)))
            else:
                empty.append(name)
    if empty:
        notes.append(f"Regions without a voxel in the response vector: {', '.join(empty)}")
    return columns, tuple(rois), notes


def _trials(
    files: Sequence[BDataTable], pictures: Pictures
) -> tuple[list[Trial], list[IntArray], list[str]]:
    """Return the trials, the samples each is the mean of, and notes."""
    n_samples = sum(file.n_samples for file in files)
    if n_samples > MAX_TRIALS:
        raise DataError(f"{files[0].path.name}: {n_samples:,} samples with those that follow it")
    splits: list[str] = []
    notes: list[str] = []
    for file in files:
        mine, more = splits_of(file, alone=len(files) == 1)
        splits += mine
        notes += more
    if left := splits.count(""):
        those = f"sample{'s' if left > 1 else ''} that {are(left)}"
        notes.append(f"{left:,} {those} neither training nor test (imagery) {are(left)} left out")
    names, labels, more = stimuli_of(files, splits, pictures)
    notes += more
    sessions, runs, more = sessions_of(files)
    notes += more
    trials: list[Trial] = []
    rows: list[IntArray] = []
    repeats: dict[str, list[int]] = {}
    for row, split in enumerate(splits):
        if not split:
            continue
        if split == "test-single" and names[row]:
            repeats.setdefault(names[row], []).append(row)
        elif split == "test-single":  # of an unknown stimulus, so there is nothing to average
            split = "test"
        trials.append(
            Trial(len(trials), split, names[row], labels[row], "", sessions[row], runs[row])
        )
        rows.append(np.array([row]))
    for name, samples in repeats.items():
        first = samples[0]
        trials.append(Trial(len(trials), "test", name, labels[first], presentations=len(samples)))
        rows.append(np.array(samples))
    if repeats:
        tested = counted(len(repeats), "stimulus")
        notes.append(f"Test responses are means over the presentations of {tested}")
    if not trials:
        raise DataError(f"{files[0].path.name}: no sample is of a training or test trial")
    return trials, rows, notes


def _positions(
    file: BDataTable, columns: IntArray
) -> tuple[IntArray | None, NDArray[np.float64] | None, str]:
    """Return voxel indices, affine, and a note that says where they come from."""
    if not set(AXES) <= set(file.keys):
        return None, None, f"{NO_POSITIONS} in this file; the brain cannot be drawn"
    mm = np.stack([file.values(axis)[columns] for axis in AXES], axis=1)
    template = _template(file.path)
    more = ""
    if template is not None:
        placed = _on_template(mm, template)
        if placed is not None:
            return *placed, f"Voxel positions are on the grid of {template.name}"
        more = f"The voxel positions do not lie on the grid of {template.name}. "
    found = infer_grid(mm)
    if found is None:
        return (
            None,
            None,
            f"{more}The voxel positions lie on no grid; the brain cannot be drawn",
        )
    ijk, affine = found
    size = " × ".join(f"{step:g}" for step in np.linalg.norm(affine[:3, :3], axis=0).round(3))
    way = "" if (affine[:3, :3] == np.diag(np.diag(affine)[:3])).all() else ", oblique,"
    start = ", ".join(f"{at:g}" for at in affine[:3, 3].round(3))
    said = f"steps of {size} mm{way} from ({start}) mm"
    note = f"The grid is inferred from the voxels' positions: {said}"
    return read_only(ijk), read_only(affine), more + note


def _template(path: Path) -> Path | None:
    """Return the template of the subject whose number the file's name has, if it is there."""
    number = _NUMBERED.search(path.stem)
    names = [path.stem, *([number[0]] if number else [])]
    places = [
        path.with_name(f"{name}_SpaceTemplate{suffix}")
        for name in names
        for suffix in (".nii", ".nii.gz")
    ]
    return next(filter(Path.is_file, places), None)


def _on_template(
    mm: NDArray[np.float64], template: Path
) -> tuple[IntArray, NDArray[np.float64]] | None:
    """Round positions (n, 3) in mm to the grid of an image; None if they are not on it."""
    image = NiftiFile(template)
    if not np.isfinite(mm).all():
        return None
    exact = apply_affine(np.linalg.inv(image.affine), mm)
    ijk = np.rint(exact)
    off = np.abs(exact - ijk).max() > _BESIDE
    if off or ijk.min() < 0 or (ijk >= image.shape).any():
        return None
    positions = ijk.astype(np.int64)
    if len(np.unique(positions, axis=0)) != len(positions):
        return None
    turned, affine = as_ras(positions, image.affine, image.shape)
    return read_only(turned), read_only(affine)
