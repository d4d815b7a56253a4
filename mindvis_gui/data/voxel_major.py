"""Responses stored voxel after voxel: in the file, the trials run fastest."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.hdf5 import check_chunks, damage_reported
from mindvis_gui.data.subject import FloatArray, IntArray
from mindvis_gui.errors import DataError

_BLOCK = 1 << 20  # values gathered at a time


class VoxelMajorRows:
    """Reads trials of an array whose last axis are the trials; callable as `RowRecording` needs.

    Values that lie in one stretch of the file are mapped into memory, so that one trial costs
    one value a voxel; HDF5 itself would read a block around each of them.

    Parameters
    ----------
    values : (n_units, n_trials) array, or an HDF5 dataset (…, n_trials)
    units : (n_voxels,) int
        The units that make up the response vector, counted over all axes but the last.
    """

    def __init__(
        self, path: Path, values: NDArray[np.generic] | h5py.Dataset, units: IntArray
    ) -> None:
        self._path = path
        self._values = values
        self._units = units

    def __call__(self, trials: IntArray) -> FloatArray:
        """Return the responses (n, n_voxels) float32 of `trials` (n,)."""
        found = np.empty((len(trials), len(self._units)), dtype=np.float32)
        with damage_reported(self._path), np.errstate(over="ignore"):
            if isinstance(self._values, h5py.Dataset):
                for row, trial in zip(found, trials.tolist(), strict=True):
                    row[:] = self._values[..., trial].reshape(-1)[self._units]
                return found
            step = max(1, _BLOCK // max(1, len(trials)))
            for start in range(0, len(self._units), step):
                units = self._units[start : start + step]
                found[:, start : start + step] = self._values[units[:, None], trials].T
        return found


def map_array(
    path: Path, dtype: np.dtype[Any], start: int, shape: tuple[int, ...], fortran: bool = False
) -> NDArray[np.generic]:
    """Map values that lie in one stretch of a file into memory; nothing is read yet."""
    size = path.stat().st_size
    needed = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if start < 0 or start + needed > size:
        raise DataError(
            f"{path.name}: shape {shape} needs {needed:,} bytes from byte {start:,} on but the "
            f"file has {size:,}; is it complete?"
        )
    order: Literal["F", "C"] = "F" if fortran else "C"
    return np.memmap(path, dtype, "r", start, shape, order)


def mapped(path: Path, node: h5py.Dataset) -> NDArray[np.generic] | h5py.Dataset:
    """Return a dataset (…, n_trials) as a mapped (n_units, n_trials) array if it is one stretch."""
    start = node.id.get_offset()
    if start is None or node.chunks is not None:
        return check_chunks(node)
    units = int(np.prod(node.shape[:-1], dtype=object))
    return map_array(path, node.dtype, start, (units, node.shape[-1]))
