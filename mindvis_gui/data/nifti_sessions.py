"""Betas in several 4-D images of one grid, such as one a session, as if they were one image.

In a folder these are files ``*_betas.nii.gz`` whose names differ in ``ses-`` and ``run-`` alone;
elsewhere whoever imports them names them, in order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.bids_sessions import session_notes, session_numbers
from mindvis_gui.data.checks import MAX_TRIALS
from mindvis_gui.data.nifti_file import NiftiFile
from mindvis_gui.data.recording import Pictures
from mindvis_gui.data.rois import check_same_grid, nifti_files
from mindvis_gui.data.scratch import MOST_BYTES, ReadOnce, ScratchRows
from mindvis_gui.data.subject import FloatArray, IntArray, Trial
from mindvis_gui.data.table import read_table
from mindvis_gui.data.time_series import points_of_volumes
from mindvis_gui.data.trial_table import trials_from_table, unnamed_trials
from mindvis_gui.errors import DataError
from mindvis_gui.files import image_stem
from mindvis_gui.wording import counted

_BETAS = ("betas.nii", "betas.nii.gz")
_ENTITY = re.compile(r"(?:^|_)(?:ses-[^_.]+|run-\d+)")
_RUN = re.compile(r"(?:^|_)run-(\d+)")
_TABLES = ("_trials.tsv", "_events.tsv")
_LOOKS = 8  # volumes of an image looked at to tell which voxels have a signal


class JoinedImages:
    """4-D images whose volumes are one after the other the trials.

    Attributes
    ----------
    images : tuple of NiftiFile
    n_volumes : int
        In all of them.

    Raises
    ------
    DataError
        If one is 3-D or on another grid than the first, or there are too many volumes.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.images = tuple(NiftiFile(path) for path in paths)
        for image in self.images:
            if image.is_3d:
                raise DataError(
                    f"{image.path.name}: the image is 3-D; give a 4-D image with one volume a trial"
                )
            check_same_grid(image, self.images[0])
        self._edges = np.cumsum([0, *(image.n_volumes for image in self.images)])
        self.n_volumes = int(self._edges[-1])
        if self.n_volumes > MAX_TRIALS:
            raise DataError(
                f"{paths[0].name} and {len(paths) - 1} more claim {self.n_volumes:,} volumes; at "
                f"most {MAX_TRIALS:,} are allowed"
            )

    def signal(self) -> NDArray[np.bool_]:
        """Return which points (n,) have a signal in every image, see `signal_in_all`."""
        return signal_in_all(self.images)

    def rows(self, points: IntArray) -> JoinedRows:
        """Return what reads the values of `points` (n,), x running fastest."""
        return JoinedRows(self.images, self._edges, points)

    def trials(self, table: Path | None, pictures: Pictures) -> tuple[list[Trial], list[str]]:
        """Return one trial a volume, and notes.

        Parameters
        ----------
        table : pathlib.Path, optional
            One row a volume of all images. Without it, if every image ``X_betas.nii`` has a table
            ``X_trials.tsv`` or ``X_events.tsv`` beside it, those.

        Raises
        ------
        DataError
            If a table has another number of rows.
        """
        notes = session_notes(self._names) if len(self.images) > 1 else []
        if table is not None:
            return self._numbered(_rows_of(table, self.n_volumes, self._said, pictures)), notes
        beside = [_table_of(image.path) for image in self.images]
        if not all(beside):
            trials, note = unnamed_trials(self.n_volumes, pictures)
            return self._numbered(trials), [note, *notes]
        found = [
            trial
            for image, path in zip(self.images, beside, strict=True)
            if path is not None
            for trial in _rows_of(path, image.n_volumes, image.path.name, pictures)
        ]
        return self._numbered(found), notes

    @property
    def _names(self) -> list[str]:
        return [image.path.name for image in self.images]

    @property
    def _said(self) -> str:
        more = f" with {len(self.images) - 1} more" if len(self.images) > 1 else ""
        return f"{self.images[0].path.name}{more}"

    def _numbered(self, trials: list[Trial]) -> list[Trial]:
        """Fill in session and run by the images' names, or the session by their order."""
        if len(self.images) == 1:
            return trials
        numbered: list[Trial] = []
        sessions = session_numbers(self._names)
        for order, image in enumerate(self.images, 1):
            run, session = _run(image.path.name), sessions[order - 1]
            if session is None:
                session = order if run is None else 0
            for trial in trials[self._edges[order - 1] : self._edges[order]]:
                numbered.append(
                    replace(
                        trial,
                        index=len(numbered),
                        session=trial.session or session,
                        run=trial.run or run or 0,
                    )
                )
        return numbered


class JoinedRows:
    """Reads volumes at some points; callable as `RowRecording` needs.

    Volumes of a plain image are read when they are asked for. A packed image can only be read
    through, which happens once, when the first of its volumes is asked for; what is kept of all
    of them together fits in `MOST_BYTES` of memory, the rest lies in temporary files.
    """

    def __init__(self, images: Sequence[NiftiFile], edges: IntArray, points: IntArray) -> None:
        self._images, self._edges, self._points = images, edges, points
        each = MOST_BYTES // len(images)
        self._packed = [
            ReadOnce(lambda image=image: self._read_through(image, each))  # type: ignore[misc]
            if image.packed
            else None
            for image in images
        ]

    def _read_through(self, image: NiftiFile, most_bytes: int) -> ScratchRows:
        blocks = points_of_volumes(image, self._points)
        return ScratchRows(blocks, len(self._points), most_bytes=most_bytes)

    def __call__(self, rows: IntArray) -> FloatArray:
        """Return the values (n, n_points) of the volumes `rows` (n,)."""
        found = np.empty((len(rows), len(self._points)), dtype=np.float32)
        places = np.searchsorted(self._edges, rows, side="right") - 1
        for number in np.unique(places).tolist():
            here = np.flatnonzero(places == number)
            volumes, packed = rows[here] - self._edges[number], self._packed[number]
            if packed is not None:
                found[here] = packed(volumes)
                continue
            for row, volume in zip(here.tolist(), volumes.tolist(), strict=True):
                with np.errstate(over="ignore"):  # what is infinite is reported by the subject
                    found[row] = self._images[number].volume(volume)[self._points]
        return found


def signal_in_all(images: Sequence[NiftiFile]) -> NDArray[np.bool_]:
    """Return which points (n,) are in every image neither 0 nor NaN in all first volumes."""
    signal = _signal(images[0])
    for image in images[1:]:
        signal &= _signal(image)
    return signal


def _signal(image: NiftiFile) -> NDArray[np.bool_]:
    """Return which points (n,) of the image are neither 0 nor NaN throughout the first volumes."""
    signal = np.zeros(int(np.prod(image.shape)), dtype=np.bool_)
    for _, volume in zip(range(_LOOKS), image.volumes(), strict=False):
        signal |= (volume != 0) & ~np.isnan(volume)
    if not signal.any():
        raise DataError(f"{image.path.name}: every voxel of the first volumes is 0 or NaN")
    return signal


def is_betas(path: Path) -> bool:
    """Whether the file name says that these are betas."""
    return path.name in _BETAS or path.name.endswith(("_betas.nii", "_betas.nii.gz"))


def find_betas(folder: Path) -> list[Path]:
    """Return the betas of a folder, by session and run; none if it has time series in their place.

    Raises
    ------
    DataError
        If there are several that are not the sessions or runs of one recording.
    """
    found = [path for path in nifti_files(folder) if is_betas(path)]
    sessions: dict[tuple[int, int], Path] = {}
    numbers = session_numbers([path.name for path in found])
    for path, number in zip(found, numbers, strict=True):
        place = number or 0, _run(path.name) or 0
        other = sessions.setdefault(place, path)
        same = _ENTITY.sub("", path.name) == _ENTITY.sub("", found[0].name)
        if other != path or not same:
            other = other if other != path else found[0]
            raise DataError(
                f"{folder.name}: {other.name} and {path.name} could both be meant; open one"
            )
    return [sessions[place] for place in sorted(sessions)]


def _run(file_name: str) -> int | None:
    told = _RUN.search(file_name)
    return int(told[1]) if told else None


def _rows_of(table: Path, n_volumes: int, images: str, pictures: Pictures) -> list[Trial]:
    trials = trials_from_table(read_table(table), table, pictures)
    if len(trials) != n_volumes:
        raise DataError(
            f"{table.name}: {counted(len(trials), 'row')} but {images} has "
            f"{counted(n_volumes, 'volume')}; one row a volume is needed"
        )
    return trials


def _table_of(image: Path) -> Path | None:
    stem = image_stem(image).removesuffix("_betas")
    tables = (image.with_name(stem + ending) for ending in _TABLES)
    return next(filter(Path.is_file, tables), None)
