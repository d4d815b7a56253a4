"""BOLD5000 release 2.0 in volumes: 4-D GLMsingle betas, one image a session.

====================================================  =========================================
``CSI1_GLMbetas-TYPED-FITHRF-GLMDENOISE-RR_ses-01…``  4-D, one volume a trial; ``.nii`` or
                                                      ``.nii.gz``, all sessions on one grid
``CSI1_imgnames.txt``                                 stimulus of each trial, one a line; or the
                                                      lists of ``BOLD5000_Stimuli``
``CSI1_brainmask.nii.gz``                             optional: where there are betas
``sub-CSI1_mask-LHLOC.nii.gz``                        regions (OpenNeuro ds001499,
                                                      ``derivatives/spm/sub-CSI1``), optional
``BOLD5000_Stimuli``                                  see `bold5000`, optional
====================================================  =========================================

The folder opens, or any one of the images; the sessions are joined in order. Regions may lie
beside the images or in a folder ``sub-CSI1`` there. Without them all voxels of the brain mask are
one region.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import numpy as np

from mindvis_gui.data.bold5000_stimuli import (
    check_one_subject,
    find_stimuli,
    read_lines,
    read_presentations,
    trials_of,
)
from mindvis_gui.data.nifti import Rois, layout_of
from mindvis_gui.data.nifti_sessions import JoinedImages
from mindvis_gui.data.pickled_pictures import PickledPictures
from mindvis_gui.data.recording import Pictures, RowRecording
from mindvis_gui.data.rois import Region, nifti_files, read_points
from mindvis_gui.data.subject import IntArray, Subject, read_only
from mindvis_gui.data.trial_table import missing_pictures
from mindvis_gui.errors import DataError

_FILE = re.compile(r"(?P<subject>CSI\d+)_GLMbetas.*_ses-(?P<session>\d+)\.nii(?:\.gz)?")
_MASK = re.compile(r"sub-(?P<subject>CSI\d+)_mask-(?:LH|RH)(?P<region>[A-Za-z]+)\.nii(?:\.gz)?")
_REGIONS = ("EarlyVis", "LOC", "OPA", "PPA", "RSC")
_MISNAMED = {"LO": "LOC", "RRSC": "RSC"}  # of CSI2 and CSI3, as published


def find_volumes(source: Path) -> dict[str, dict[int, Path]]:
    """Return the images by subject and session in the folder `source`, or beside that file.

    Of a file only those of its subject; empty if `source` is something else.

    Raises
    ------
    DataError
        If the folder cannot be listed, or two images hold one session.
    """
    match = None if source.is_dir() else _FILE.fullmatch(source.name)
    if match is None and not source.is_dir():
        return {}
    found: dict[str, dict[int, Path]] = {}
    for path in nifti_files(source if match is None else source.parent):
        each = _FILE.fullmatch(path.name)
        if each is None or (match is not None and each["subject"] != match["subject"]):
            continue
        other = found.setdefault(each["subject"], {}).setdefault(int(each["session"]), path)
        if other != path:
            raise DataError(f"{path.name}: {other.name} holds the same session; remove one")
    return found


def read_bold5000_volumes(source: Path, rois: Path | str | None = None) -> Subject:
    """Open a subject; a packed session is read through when its first trial is asked for.

    Parameters
    ----------
    source : pathlib.Path
        Where `find_volumes` finds some.
    rois : pathlib.Path or str, optional
        Label image, folder of masks, or ``"all"``, in place of the regions that are found.

    Raises
    ------
    DataError
        If there are several subjects to choose from, or parts are missing, damaged or
        contradict each other.
    """
    found = find_volumes(source)
    name, sessions = next(iter(found.items()))
    paths = [sessions[number] for number in sorted(sessions)]
    check_one_subject(source, tuple(found), paths[0])
    joined = JoinedImages(paths)
    folder = paths[0].resolve().parent
    numbers = [n for n, image in zip(sorted(sessions), joined.images, strict=True)
               for _ in range(image.n_volumes)]  # fmt: skip
    stimuli = find_stimuli(folder)
    shown, runs = _shown(name, folder, stimuli, numbers)
    repeats = None if stimuli is None else stimuli / "Scene_Stimuli/repeated_stimuli_113_list.txt"
    listed = read_lines(repeats) if repeats is not None else None
    trials, rows, notes = trials_of(shown, numbers, runs, listed)
    images = None if stimuli is None else stimuli / "Scene_Stimuli/Presented_Stimuli/img_dict.npy"
    pictures: Pictures = {} if images is None or not images.exists() else PickledPictures(images)
    layout = layout_of(joined.images[0], joined.signal(), rois or _regions(name, folder, joined))
    notes.insert(0, f"{joined.n_volumes:,} volumes of {len(paths)} sessions, one after another")
    if layout.rois[0].name == "brain":
        notes.append(
            f"No regions (sub-{name}_mask-LHLOC.nii.gz, …): all voxels of the brain mask are one"
        )
    return Subject(
        name=name,
        source=source,
        trials=tuple(trials),
        rois=layout.rois,
        n_voxels=len(layout.points),
        recording=RowRecording(joined.rows(layout.points), rows, pictures, "img_dict.npy"),
        ijk=read_only(layout.ijk),
        affine=read_only(layout.affine),
        notes=(*notes, *layout.notes, *missing_pictures(trials, pictures)),
        origin="BOLD5000 release 2.0 (Chang et al. 2019), GLMsingle betas in volumes",
    )


def _shown(
    name: str, folder: Path, stimuli: Path | None, numbers: list[int]
) -> tuple[list[str], list[int]]:
    """Return stimulus and run of each trial of the sessions `numbers` (n_trials,)."""
    table = folder / f"{name}_imgnames.txt"
    lists = None if stimuli is None else stimuli / "Stimuli_Presentation_Lists" / name
    listed = None if lists is None or not lists.is_dir() else _listed(lists, set(numbers))
    if table.exists():
        told, shown = (
            f"{table.name} names",
            [line.removeprefix("rep_") for line in read_lines(table)],
        )
        # The table has no runs; those of the lists are of these trials if they say the same.
        runs = listed[1] if listed and listed[0] == shown else [0] * len(shown)
    elif listed is not None:
        told = "the presentation lists name"
        shown, runs = listed
    else:
        raise DataError(
            f"{folder}: neither {table.name} nor BOLD5000_Stimuli beside the betas; one of them "
            "says what each trial showed"
        )
    if len(shown) != len(numbers):
        raise DataError(
            f"{name}: {len(numbers):,} volumes of {len(set(numbers))} sessions but {told} "
            f"{len(shown):,} stimuli; is every session there?"
        )
    return shown, runs


def _listed(lists: Path, here: Collection[int]) -> tuple[list[str], list[int]]:
    """Return stimulus and run of each trial of the sessions `here` by the presentation lists."""
    names, sessions, runs = read_presentations(lists)
    kept = [row for row, session in enumerate(sessions) if session in here]
    return [names[row] for row in kept], [runs[row] for row in kept]


def _regions(name: str, folder: Path, joined: JoinedImages) -> Rois:
    """Return regions from the masks of OpenNeuro, or else the brain mask, or else nothing."""
    image = joined.images[0]
    parts: dict[str, list[IntArray]] = {}
    for place in (folder, folder / f"sub-{name}"):
        for path in nifti_files(place) if place.is_dir() else ():
            match = _MASK.fullmatch(path.name)
            if match is None or match["subject"] != name:
                continue
            region = _MISNAMED.get(match["region"], match["region"])
            parts.setdefault(region, []).append(read_points(path, image))
    ordered = [region for region in _REGIONS if region in parts]
    ordered += sorted(parts.keys() - set(ordered))
    if ordered:
        return [Region(each, np.unique(np.concatenate(parts[each]))) for each in ordered]
    for suffix in (".nii.gz", ".nii"):
        mask = folder / f"{name}_brainmask{suffix}"
        if mask.exists():
            return [Region("brain", read_points(mask, image))]
    return None
