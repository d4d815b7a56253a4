"""Responses stored voxel after voxel: in the file, the trials run fastest."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np

from mindvis_gui.data.hdf5 import check_chunks, damage_reported
from mindvis_gui.data.subject import FloatArray, IntArray
from mindvis_gui.errors import DataError

_BLOCK = 1 << 20  # values gathered at a time
_FEW = 4  # trials; of more, the file's neighbouring pages are needed too


class MappedArray:
    """An array that lies in one stretch of a file, mapped into memory; nothing is read yet.

    Attributes
    ----------
    values : array, read-only
    """

    def __init__(
        self,
        path: Path,
        dtype: np.dtype[Any],
        start: int,
        shape: tuple[int, ...],
        fortran: bool = False,
    ) -> None:
        count = int(np.prod(shape, dtype=object))
        with path.open("rb") as file:
            size = file.seek(0, 2)
            if start < 0 or start + count * dtype.itemsize > size:
                raise DataError(
                    f"{path.name}: shape {shape} needs {count * dtype.itemsize:,} bytes from byte "
                    f"{start:,} on but the file has {size:,}; is it complete?"
                )
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        order: Literal["F", "C"] = "F" if fortran else "C"
        self.values = np.frombuffer(self._map, dtype, count, start).reshape(shape, order=order)

    def expect(self, n_trials: int) -> None:
        """Keep the system from reading ahead around each value when only few are needed."""
        if hasattr(mmap, "MADV_RANDOM"):  # not on Windows
            self._map.madvise(mmap.MADV_RANDOM if n_trials <= _FEW else mmap.MADV_NORMAL)

    def release(self) -> None:
        """Give back the memory of what was looked at; the system keeps the file's pages at will."""
        if hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
            self._map.madvise(mmap.MADV_DONTNEED)


class VoxelMajorRows:
    """Reads trials of an array whose last axis are the trials; callable as `RowRecording` needs.

    Values that lie in one stretch of the file are mapped into memory, so that one trial costs
    one page a voxel; HDF5 itself would read a block around each of them.

    Parameters
    ----------
    stored : MappedArray (n_units, n_trials), or an HDF5 dataset (…, n_trials)
    units : (n_voxels,) int
        The units that make up the response vector, counted over all axes but the last.
    """

    def __init__(self, path: Path, stored: MappedArray | h5py.Dataset, units: IntArray) -> None:
        self._path = path
        self._stored = stored
        self._units = units

    def __call__(self, trials: IntArray) -> FloatArray:
        """Return the responses (n, n_voxels) float32 of `trials` (n,)."""
        found = np.empty((len(trials), len(self._units)), dtype=np.float32)
        with damage_reported(self._path), np.errstate(over="ignore"):
            if isinstance(self._stored, MappedArray):
                self._gather(self._stored, trials, found)
            else:
                for row, trial in zip(found, trials.tolist(), strict=True):
                    row[:] = self._stored[..., trial].reshape(-1)[self._units]
        return found

    def _gather(self, stored: MappedArray, trials: IntArray, found: FloatArray) -> None:
        stored.expect(len(trials))
        step = max(1, _BLOCK // max(1, len(trials)))
        for start in range(0, len(self._units), step):
            units = self._units[start : start + step]
            found[:, start : start + step] = stored.values[units[:, None], trials].T
        stored.release()


def mapped(path: Path, node: h5py.Dataset) -> MappedArray | h5py.Dataset:
    """Return a dataset (…, n_trials) as a mapped (n_units, n_trials) array if it is one stretch."""
    start = node.id.get_offset()
    if start is None or node.chunks is not None:
        return check_chunks(node)
    units = int(np.prod(node.shape[:-1], dtype=object))
    return MappedArray(path, node.dtype, start, (units, node.shape[-1]))
