"""The responses of one NSD session, stored as HDF5 or NIfTI."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.at_hand import check_may_wait
from mindvis_gui.data.hdf5 import damage_reported, dataset, open_hdf5
from mindvis_gui.data.hdf5_volumes import Hdf5Volumes
from mindvis_gui.data.nifti_file import NiftiFile
from mindvis_gui.data.nsd_design import TRIALS
from mindvis_gui.data.scratch import ScratchRows
from mindvis_gui.data.subject import FloatArray, IntArray
from mindvis_gui.errors import DataError

STEPS_A_PERCENT = 300  # the integers in the files are 300 times the percent signal change
_KEPT = 1 << 20  # bytes of a session kept in memory; there are up to forty

_Values = NDArray[Any]


class Hdf5Session:
    """``/betas`` (750, Z, Y, X): MATLAB's order of the axes, reversed by HDF5."""

    def __init__(self, path: Path) -> None:
        file = open_hdf5(path)
        weakref.finalize(self, file.close)
        with damage_reported(path):
            betas = dataset(file, "betas", ndim=4, kinds="if")
            _check_trials(betas.shape[0], path)
            self._volumes = Hdf5Volumes(path, betas)
        self.shape = self._volumes.shape

    @property
    def by_voxel(self) -> bool:
        """Whether a chunk holds many trials, so that a single one costs as much as all."""
        return self._volumes.chunk > 1

    def read(self, trials: IntArray, points: IntArray) -> _Values:
        """Return the values (n, n_points) of `trials` (n,) as they are stored."""
        return self._volumes.read(trials, points)


class NiftiSession:
    """One volume a trial; a packed file can only be read through."""

    def __init__(self, path: Path) -> None:
        self._image = NiftiFile(path)
        _check_trials(self._image.n_volumes, path)
        self.shape = self._image.shape
        self.packed = self._image.packed

    def read(self, trials: IntArray, points: IntArray) -> _Values:
        """Return the values (n, n_points) of `trials` (n,)."""
        if not self.packed:
            return np.stack([self._image.volume(trial)[points] for trial in trials.tolist()])
        rows = {trial: row for row, trial in enumerate(trials.tolist())}
        found: _Values | None = None
        for index, volume in enumerate(self._image.volumes()):
            if index in rows:
                values = volume[points]
                found = np.empty((len(rows), len(points)), values.dtype) if found is None else found
                found[rows[index]] = values
        return found if found is not None else np.empty((0, len(points)), np.float32)


def open_session(path: Path) -> Hdf5Session | NiftiSession:
    """Open the betas of one session."""
    return Hdf5Session(path) if path.suffix == ".hdf5" else NiftiSession(path)


class SessionRows:
    """Reads rows of sessions that lie one below the other; callable as `RowRecording` needs.

    Sessions of which a single trial costs as much as all are read once and kept, their voxels
    of the response vector only.
    """

    def __init__(self, sessions: Sequence[Hdf5Session | NiftiSession], points: IntArray) -> None:
        self._sessions = sessions
        self._points = points
        self._kept: dict[int, ScratchRows] = {}
        self._lock = threading.Lock()

    def __call__(self, rows: IntArray) -> FloatArray:
        """Return the responses (n, n_voxels) of `rows` (n,), in percent signal change."""
        found = np.empty((len(rows), len(self._points)), dtype=np.float32)
        for number in np.unique(rows // TRIALS).tolist():
            here = rows // TRIALS == number
            values = self._read(number, rows[here] % TRIALS)
            scale = STEPS_A_PERCENT if values.dtype.kind == "i" else 1
            found[here] = values.astype(np.float32) / np.float32(scale)
        return found

    def _read(self, number: int, trials: IntArray) -> _Values:
        session = self._sessions[number]
        whole = session.packed if isinstance(session, NiftiSession) else session.by_voxel
        if not whole:
            return session.read(trials, self._points)
        if number not in self._kept:
            check_may_wait()
            with self._lock:
                if number not in self._kept:
                    values = session.read(np.arange(TRIALS), self._points)
                    kept = ScratchRows([values], len(self._points), values.dtype, _KEPT)
                    self._kept[number] = kept
        return self._kept[number](trials)


def _check_trials(n: int, path: Path) -> None:
    if n != TRIALS:
        raise DataError(
            f"{path.name}: {n:,} trials, but a session of NSD has {TRIALS}; is this file complete?"
        )
