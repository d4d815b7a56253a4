"""BOLD5000 subjects in the folders that MinD-Vis uses.

=====================================================================  =========================
``BOLD5000_GLMsingle_ROI_betas/py/CSI1_GLMbetas-…_allses_LHLOC.npy``   (trials, voxels), one file
                                                                       a region and hemisphere
``BOLD5000_Stimuli/Stimuli_Presentation_Lists/CSI1/<session>/*.txt``   stimulus of each trial, one
                                                                       a line; ``rep_`` = again
``BOLD5000_Stimuli/Scene_Stimuli/repeated_stimuli_113_list.txt``       the test stimuli
``…/Scene_Stimuli/Presented_Stimuli/img_dict.npy``                     pictures, optional
=====================================================================  =========================

A subject is opened by any one of its response files, or, where there is only one, by the
folder around them; volumes are read by `bold5000_volumes`. As in the published code the response
vector holds the regions EarlyVis, LOC, OPA, PPA and RSC, in each the left hemisphere before the
right, and a test response is the mean over the repetitions of a stimulus.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.bold5000_stimuli import (
    check_one_subject,
    read_lines,
    read_presentations,
    stimuli_folder,
    trials_of,
)
from mindvis_gui.data.checks import MAX_TRIALS, MAX_VOXELS
from mindvis_gui.data.npy import HEADER_DAMAGE, read_header
from mindvis_gui.data.pickled_pictures import PickledPictures
from mindvis_gui.data.recording import Pictures, RowRecording, StackedRows
from mindvis_gui.data.subject import FloatArray, Roi, Subject, read_only
from mindvis_gui.data.trial_table import missing_pictures
from mindvis_gui.errors import DataError, reason_of, refusal_reported

REGIONS = ("EarlyVis", "LOC", "OPA", "PPA", "RSC")
HEMISPHERES = ("LH", "RH")
_FILE = re.compile(r"(?P<subject>CSI\d+)_GLMbetas.*_(?P<side>LH|RH)(?P<region>[A-Za-z]+)\.npy")
_BETAS = "BOLD5000_GLMsingle_ROI_betas"


def find_response_files(source: Path) -> dict[str, dict[str, Path]]:
    """Return the response files by subject and region (``LHLOC``) beside or below `source`.

    Empty if `source` is something else: another file, or a folder without such files.
    """
    if source.is_file():
        match = _FILE.fullmatch(source.name)
        if not match:
            return {}
        return {match["subject"]: _files_in(source.parent)[match["subject"]]}
    for folder in (source, source / "py", source / _BETAS / "py"):
        if folder.is_dir() and (found := _files_in(folder)):
            return found
    return {}


def read_bold5000_subject(source: Path) -> Subject:
    """Open a subject; its responses are read when the first of them is asked for.

    Parameters
    ----------
    source : pathlib.Path
        Where `find_response_files` finds some.

    Raises
    ------
    DataError
        If there are several subjects to choose from, or parts are missing, damaged or
        contradict each other.
    """
    found = find_response_files(source)
    name, files = next(iter(found.items()))
    a_file = next(iter(files.values()))
    check_one_subject(source, tuple(found), a_file)
    arrays, rois = _responses(files, name)
    n_rows, n_voxels = len(arrays[0]), sum(array.shape[1] for array in arrays)
    stimuli = stimuli_folder(a_file.resolve().parent)
    shown, sessions, runs = read_presentations(stimuli / "Stimuli_Presentation_Lists" / name)
    if len(shown) != n_rows:
        raise DataError(
            f"{name}: {n_rows:,} responses but the presentation lists name {len(shown):,} "
            "stimuli; is the download complete?"
        )
    repeated = read_lines(stimuli / "Scene_Stimuli" / "repeated_stimuli_113_list.txt")
    img_dict = stimuli / "Scene_Stimuli" / "Presented_Stimuli" / "img_dict.npy"
    pictures: Pictures = PickledPictures(img_dict) if img_dict.exists() else {}
    trials, rows, notes = trials_of(shown, sessions, runs, repeated)
    return Subject(
        name=name,
        source=source,
        trials=tuple(trials),
        rois=rois,
        n_voxels=n_voxels,
        recording=RowRecording(
            StackedRows([(n_rows, partial(_joined, arrays))]), rows, pictures, img_dict.name
        ),
        notes=(*notes, *missing_pictures(trials, pictures)),
        origin="BOLD5000 (Chang et al. 2019), GLMsingle betas in regions",
    )


def _files_in(folder: Path) -> dict[str, dict[str, Path]]:
    with refusal_reported(DataError, folder, "listed"):
        names = sorted(path.name for path in folder.iterdir())
    found: dict[str, dict[str, Path]] = {}
    for match in filter(None, map(_FILE.fullmatch, names)):
        part = match["side"] + match["region"]
        if (
            found.setdefault(match["subject"], {}).setdefault(part, folder / match[0]).name
            != match[0]
        ):
            raise DataError(f"{folder.name}: two files hold {part} of {match['subject']}")
    return found


def _responses(
    files: dict[str, Path], name: str
) -> tuple[list[NDArray[np.generic]], tuple[Roi, ...]]:
    arrays: list[NDArray[np.generic]] = []
    rois = []
    start = 0
    for region in REGIONS:
        first = start
        for side in HEMISPHERES:
            if side + region not in files:
                raise DataError(
                    f"{name}: the file of {side}{region} is missing; is the download complete?"
                )
            arrays.append(_mapped(files[side + region]))
            start += arrays[-1].shape[1]
            if len(arrays[-1]) != len(arrays[0]):
                raise DataError(
                    f"{files[side + region].name}: {len(arrays[-1]):,} trials but LHEarlyVis has "
                    f"{len(arrays[0]):,}; is the download complete?"
                )
        rois.append(Roi(region, read_only(np.arange(first, start))))
    if start > MAX_VOXELS or len(arrays[0]) > MAX_TRIALS:
        raise DataError(f"{name}: {len(arrays[0]):,} trials × {start:,} voxels are too many")
    return arrays, tuple(rois)


def _mapped(path: Path) -> NDArray[np.generic]:
    """Map a two-dimensional array of numbers into memory; nothing is read yet."""
    try:
        with path.open("rb") as file:
            header = read_header(file)
            size = file.seek(0, 2) - header.start
    except (*HEADER_DAMAGE, OSError) as error:
        reason = reason_of(error)
        raise DataError(f"{path.name}: no array of responses, or damaged ({reason})") from error
    if len(header.shape) != 2 or header.dtype.kind != "f" or header.n_bytes == 0:
        raise DataError(
            f"{path.name}: shape {header.shape} of {header.dtype} is not (trials, voxels) of floats"
        )
    if header.n_bytes != size:
        raise DataError(
            f"{path.name}: shape {header.shape} needs {header.n_bytes:,} bytes but there are "
            f"{size:,}; is the file complete?"
        )
    order: Literal["F", "C"] = "F" if header.fortran else "C"
    return np.memmap(path, header.dtype, "r", header.start, header.shape, order)


def _joined(arrays: list[NDArray[np.generic]]) -> FloatArray:
    values = np.empty((len(arrays[0]), sum(a.shape[1] for a in arrays)), dtype=np.float32)
    with np.errstate(over="ignore"):  # values too large become infinite, which is reported later
        np.concatenate(arrays, axis=1, out=values, casting="same_kind")
    return values
