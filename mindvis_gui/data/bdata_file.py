"""The table in a BData file: samples by columns, and keys that say what the columns are.

Layout as in `bdata`. Nothing here knows what the keys mean.
"""

from __future__ import annotations

import weakref
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.checks import MAX_TRIALS
from mindvis_gui.data.hdf5 import damage_reported, dataset, group, has, open_hdf5, read_whole
from mindvis_gui.data.hdf5_text import LooseTexts
from mindvis_gui.data.subject import FloatArray, IntArray
from mindvis_gui.errors import DataError

_BLOCK = 256  # rows read at a time
_MAX_CHUNK_BYTES = 1 << 26
_MAX_KEYS = 10_000
_MAX_NAMES = 1 << 17


class BDataFile:
    """The table of samples in a BData file, and what its columns are.

    Attributes
    ----------
    n_samples, n_columns : int
    keys : tuple of str
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = open_hdf5(path)
        weakref.finalize(self, self.file.close)
        with damage_reported(path):
            self._texts = LooseTexts(self.file)
            # MATLAB writes its name into a block before the HDF5 signature.
            self._matlab = self.file.userblock_size > 0
            names = set(self.file)
            table = "dataset" if "dataset" in names else "dataSet"
            self._table = dataset(self.file, table, ndim=2, kinds="f")
            self._metadata = "metadata" if "metadata" in names else "metaData"
            self.n_samples, self.n_columns = self._turned(self._table.shape)
            if not 1 <= self.n_samples <= MAX_TRIALS:
                raise DataError(f"{path.name}: /{table} claims {self.n_samples:,} samples")
            chunk_bytes = np.prod(self._table.chunks or (1,)) * self._table.dtype.itemsize
            if chunk_bytes > _MAX_CHUNK_BYTES:
                raise DataError(f"{path.name}: /{table} has chunks of {chunk_bytes:,.0f} bytes")
            self.keys = self._read_keys()
            value = read_whole(dataset(self.file, f"{self._metadata}/value", ndim=2, kinds="f"))
            self._value = value.T if self._matlab else value
            if self._value.shape != (len(self.keys), self.n_columns):
                raise DataError(
                    f"{path.name}: /{self._metadata}/value has shape {self._value.shape} but "
                    f"there are {len(self.keys):,} keys and {self.n_columns:,} columns; is this "
                    "file complete?"
                )

    def values(self, key: str) -> NDArray[np.float64]:
        """Return what `key` says about each column (n_columns,), NaN where nothing."""
        found: NDArray[np.float64] = self._value[self.keys.index(key)].astype(np.float64)
        return found

    def marked(self, key: str) -> NDArray[np.bool_]:
        """Return which columns (n_columns,) `key` marks."""
        return np.asarray(self.values(key) == 1)

    def column(self, key: str) -> NDArray[np.float64] | None:
        """Return the single column (n_samples,) that `key` marks; None if there is no such key."""
        if key not in self.keys or not self.marked(key).any():
            return None
        at = int(np.flatnonzero(self.marked(key))[0])
        found = self._table[at] if self._matlab else self._table[:, at]
        return np.asarray(found, dtype=np.float64)

    def meanings(self, key: str) -> dict[float, str]:
        """Return the texts that stand for the numbers in the column of `key`, if there are any."""
        if not has(self.file, f"vmap/{key}"):
            return {}
        numbers = list(group(self.file, f"vmap/{key}"))
        if len(numbers) > _MAX_NAMES:
            raise DataError(f"{self.path.name}: /vmap/{key} has {len(numbers):,} entries")
        return {
            float(number): self._texts.read(dataset(self.file, f"vmap/{key}/{number}", 0, "O"))[0]
            for number in numbers
        }

    def read_columns(self, columns: IntArray) -> FloatArray:
        """Read some columns (n,) of all samples as (n_samples, n), block by block."""
        found = np.empty((self.n_samples, len(columns)), dtype=np.float32)
        with damage_reported(self.path), np.errstate(over="ignore"):
            if self._matlab:
                for start in range(columns[0], columns[-1] + 1, _BLOCK):
                    first, last = np.searchsorted(columns, [start, start + _BLOCK])
                    block = self._table[start : start + _BLOCK]
                    found[:, first:last] = block[columns[first:last] - start].T
            else:
                for start in range(0, self.n_samples, _BLOCK):
                    block = self._table[start : start + _BLOCK, columns[0] : columns[-1] + 1]
                    found[start : start + _BLOCK] = block[:, columns - columns[0]]
        return found

    def _turned(self, shape: tuple[int, int]) -> tuple[int, int]:
        return (shape[1], shape[0]) if self._matlab else shape

    def _read_keys(self) -> tuple[str, ...]:
        name = f"{self._metadata}/key"
        ndim, kinds = (2, "O") if self._matlab else (1, "SO")
        cells = dataset(self.file, name, ndim, kinds)
        if cells.size > _MAX_KEYS:
            raise DataError(f"{self.path.name}: /{name} has {cells.size:,} keys")
        if not self._matlab:
            return tuple(self._texts.read(cells))
        if h5py.check_ref_dtype(cells.dtype) is not h5py.Reference:
            raise DataError(f"{self.path.name}: /{name} is no cell array of text")
        return tuple(self._characters(reference) for reference in cells[()].ravel())

    def _characters(self, reference: h5py.Reference) -> str:
        node = self.file[reference]
        if not isinstance(node, h5py.Dataset) or node.dtype != np.uint16 or node.is_virtual:
            raise DataError(f"{self.path.name}: /{self._metadata}/key holds more than text")
        return "".join(map(chr, read_whole(node).ravel().tolist()))
