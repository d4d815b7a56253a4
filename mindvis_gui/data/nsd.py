"""Natural Scenes Dataset subjects, in the folders in which NSD is published.

====================================================================  ==========================
``nsddata_betas/ppdata/subj01/func1pt8mm/betas_fithrf_…/``            opened: this folder, a file
``betas_sessionNN.hdf5`` (or ``.nii``, ``.nii.gz``)                   in it or a folder above it
``nsddata/ppdata/subj01/func1pt8mm/roi/nsdgeneral.nii.gz``            the voxels that are read
``…/roi/prf-visualrois.nii.gz``, ``streams``, ``floc-*``              regions, optional
``nsddata/ppdata/subj01/func1pt8mm/T1_to_func1pt8mm.nii.gz``          anatomy, optional
``nsddata/experiments/nsd/nsd_expdesign.mat``                         which trial showed what
``nsddata_stimuli/stimuli/nsd/nsd_stimuli.hdf5``                      pictures, optional
====================================================================  ==========================

The parts are looked for beside the betas and in the folders above them, so a copy without
NSD's own folders works too. The response vector is the voxels of ``nsdgeneral`` in the order
that a boolean mask gives, z running fastest. The pictures that all subjects saw are the test
set, averaged over their presentations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mindvis_gui.data.checks import MAX_TRIALS
from mindvis_gui.data.hdf5 import check_chunks, damage_reported, dataset, has, open_hdf5
from mindvis_gui.data.nifti_file import NiftiFile, read_volume
from mindvis_gui.data.notes import NOT_DISPLAYED, SHOWED_UNKNOWN
from mindvis_gui.data.nsd_betas import Hdf5Session, NiftiSession, SessionRows, open_session
from mindvis_gui.data.nsd_design import TRIALS, NsdDesign, read_design
from mindvis_gui.data.nsd_files import NsdFiles
from mindvis_gui.data.nsd_rois import read_nsd_rois
from mindvis_gui.data.orientation import as_ras
from mindvis_gui.data.picture import is_picture_array
from mindvis_gui.data.recording import Pictures, RowRecording
from mindvis_gui.data.repeats import with_means
from mindvis_gui.data.subject import FloatArray, ImageArray, IntArray, Subject, Trial, read_only
from mindvis_gui.data.trial_table import missing_pictures
from mindvis_gui.errors import DataError
from mindvis_gui.wording import are, counted

_NAME = re.compile(r"nsd\d{5}")


def read_nsd_subject(source: Path, files: NsdFiles) -> Subject:
    """Open a subject; the betas of a trial are read when they are asked for.

    Parameters
    ----------
    source : pathlib.Path
        What was opened.
    files : NsdFiles
        What `find_nsd_files` found there.

    Raises
    ------
    DataError
        If the voxels are not known, or parts are damaged or contradict each other.
    """
    numbers = sorted(files.sessions)
    sessions = [open_session(files.sessions[number]) for number in numbers]
    mask, points, rois, more = _voxels(files, sessions)
    notes = [f"Sessions {_ranges(numbers)} of {files.folder.name}", *more]
    singles, more = _singles(files, numbers)
    trials, rows, means = with_means(singles)
    pictures, place, missing = _pictures(files, trials)
    return Subject(
        name=f"subj{files.number:02d}" if files.number else source.resolve().name,
        source=source,
        trials=trials,
        rois=rois,
        n_voxels=len(points),
        recording=RowRecording(SessionRows(sessions, points), rows, pictures, place),
        unit="% signal change",
        anatomy=_anatomy(files),
        maps=_maps(files, mask, points),
        notes=(*notes, *more, *means, *missing),
        origin="Natural Scenes Dataset (Allen et al. 2022)",
        **_positions(mask, points),
    )


class Brick(Mapping[str, ImageArray]):
    """The pictures of ``nsd_stimuli.hdf5`` that were shown, by name; read one by one."""

    def __init__(self, path: Path, shown: set[str]) -> None:
        self._path = path
        self._file = open_hdf5(path)
        with damage_reported(path):
            self._brick: h5py.Dataset = check_chunks(dataset(self._file, "imgBrick", 4, "u"))
            if not is_picture_array(self._brick.shape, self._brick.dtype):
                raise DataError(
                    f"{path.name}: /imgBrick is {self._brick.shape} {self._brick.dtype}, not "
                    "(n, h, w, 3) uint8"
                )
            rows = {name: int(name.removeprefix("nsd")) - 1 for name in sorted(shown)}
            self._rows = {name: row for name, row in rows.items() if row < len(self._brick)}

    def __getitem__(self, name: str) -> ImageArray:
        row = self._rows[name]
        with damage_reported(self._path):
            picture: ImageArray = self._brick[row]
        return read_only(picture)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def nsd_pictures(path: Path, shown: set[str]) -> Brick | None:
    """Return NSD's pictures if `path` is their file and all that was `shown` is called as there."""
    if not shown or not all(map(_NAME.fullmatch, shown)):
        return None
    if not path.is_file() or not h5py.is_hdf5(path):
        return None
    with open_hdf5(path) as file:
        found = has(file, "imgBrick")
    return Brick(path, shown) if found else None


def _voxels(
    files: NsdFiles, sessions: list[Hdf5Session | NiftiSession]
) -> tuple[NiftiFile, IntArray, tuple[Any, ...], list[str]]:
    """Return the mask, the points of the response vector in it, regions and notes."""
    path = files.beside("nsdgeneral.nii.gz", "roi/nsdgeneral.nii.gz", *_roi("nsdgeneral"))
    if path is None:
        raise DataError(
            f"{files.folder.name}: nsdgeneral.nii.gz, which says which voxels to read, is neither "
            f"beside the betas nor in {_roi('nsdgeneral')[0].format(subject='subj…', space='…')}"
        )
    mask = NiftiFile(path)
    for number, session in zip(sorted(files.sessions), sessions, strict=True):
        if session.shape != mask.shape:
            raise DataError(
                f"{files.sessions[number].name}: its grid {session.shape} is not the one of "
                f"{path.name}, {mask.shape}; do they belong together?"
            )
    points, rois, notes = read_nsd_rois(mask, path.parent)
    whole = [s for s in sessions if isinstance(s, NiftiSession) and s.packed]
    if whole:
        notes.append(
            f"{counted(len(whole), 'session')} {are(len(whole))} .nii.gz, read through when a "
            "trial of it is first asked for; the .hdf5 files are faster"
        )
    return mask, points, rois, notes


def _roi(name: str) -> tuple[str]:
    return (f"nsddata/ppdata/{{subject}}/{{space}}/roi/{name}.nii.gz",)


def _singles(files: NsdFiles, numbers: list[int]) -> tuple[list[Trial], list[str]]:
    path = files.beside("nsd_expdesign.mat", "nsddata/experiments/nsd/nsd_expdesign.mat")
    missing = []
    if path is None:
        missing.append(f"No nsd_expdesign.mat: what the trials {SHOWED_UNKNOWN}")
    if not 1 <= files.number <= 8:
        missing.append("No folder subj01 to subj08 says whose betas these are")
    design = read_design(path) if path and not missing else None
    if len(numbers) * TRIALS > MAX_TRIALS:
        raise DataError(f"{files.folder.name}: {len(numbers):,} sessions are too many")
    trials = [
        _trial(row, design, files.number, session, row % TRIALS)
        for row, session in enumerate(np.repeat(numbers, TRIALS).tolist())
    ]
    return trials, missing


def _trial(row: int, design: NsdDesign | None, subject: int, session: int, at: int) -> Trial:
    if design is None:
        return Trial(row, "train", session=session)
    if not 1 <= session * TRIALS <= len(design.order):
        raise DataError(
            f"betas_session{session:02d}: the design has only {len(design.order) // TRIALS} "
            "sessions; do they belong together?"
        )
    number, shared = design.picture(subject, session, at)
    known = design.runs is not None and session <= len(design.runs)
    run = int(design.runs[session - 1, at]) if design.runs is not None and known else 0
    split = "test-single" if shared else "train"
    return Trial(row, split, f"nsd{number:05d}", session=session, run=run)


def _pictures(files: NsdFiles, trials: tuple[Trial, ...]) -> tuple[Pictures, str, list[str]]:
    path = files.beside("nsd_stimuli.hdf5", "nsddata_stimuli/stimuli/nsd/nsd_stimuli.hdf5")
    if path is None:
        return {}, "", [f"No nsd_stimuli.hdf5: the {NOT_DISPLAYED}"]
    pictures = Brick(path, {trial.stimulus_id for trial in trials if trial.stimulus_id})
    return pictures, path.name, missing_pictures(trials, pictures)


def _positions(mask: NiftiFile, points: IntArray) -> dict[str, Any]:
    ijk = np.stack(np.unravel_index(points, mask.shape, order="F"), axis=1).astype(np.int64)
    turned, affine = as_ras(ijk, mask.affine, mask.shape)
    return {"ijk": read_only(turned), "affine": read_only(affine)}


def _anatomy(files: NsdFiles) -> Any:
    name = "T1_to_{space}.nii.gz"
    path = files.beside(name, f"nsddata/ppdata/{{subject}}/{{space}}/{name}")
    return read_volume(path) if path else None


def _maps(files: NsdFiles, mask: NiftiFile, points: IntArray) -> dict[str, FloatArray]:
    path = files.folder / "ncsnr.nii.gz"
    if not path.exists():
        return {}
    image = NiftiFile(path)
    if image.is_4d or image.shape != mask.shape:
        raise DataError(f"{path.name}: its grid {image.shape} is not the one of the betas")
    (volume,) = image.volumes()
    values = volume[points].astype(np.float32)
    values[~np.isfinite(values)] = np.nan
    return {"noise ceiling SNR": read_only(values)}


def _ranges(numbers: list[int]) -> str:
    """Return sorted numbers in words, neighbours joined: 1–3, 5."""
    groups: list[list[int]] = []
    for number in numbers:
        if groups and groups[-1][-1] == number - 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(f"{g[0]}–{g[-1]}" if len(g) > 1 else f"{g[0]}" for g in groups)
