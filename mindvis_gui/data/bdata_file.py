"""The table in a BData file: samples by columns, and keys that say what the columns are.

Layout as in `bdata`. Nothing here knows what the keys mean.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.checks import MAX_TRIALS
from mindvis_gui.data.hdf5 import damage_reported, dataset, group, has, open_hdf5, read_whole
from mindvis_gui.data.hdf5_text import LooseTexts, is_cell_array, read_cells
from mindvis_gui.data.subject import FloatArray, IntArray
from mindvis_gui.errors import DataError

BLOCK = 256  # rows read at a time
MAX_KEYS = 10_000
_MAX_CHUNK_BYTES = 1 << 26
_MAX_NAMES = 1 << 17


class BDataTable(ABC):
    """The table of samples in a BData file, and what its columns are.

    Attributes
    ----------
    path : pathlib.Path
    n_samples, n_columns : int
    keys : tuple of str
    value : (n_keys, n_columns) float
        What each key says about each column.
    """

    path: Path
    n_samples: int
    n_columns: int
    keys: tuple[str, ...]
    value: NDArray[np.floating]

    def values(self, key: str) -> NDArray[np.float64]:
        """Return what `key` says about each column (n_columns,), NaN where nothing."""
        found: NDArray[np.float64] = self.value[self.keys.index(key)].astype(np.float64)
        return found

    def marked(self, key: str) -> NDArray[np.bool_]:
        """Return which columns (n_columns,) `key` marks."""
        return np.asarray(self.values(key) == 1)

    def column(self, key: str) -> NDArray[np.float64] | None:
        """Return the single column (n_samples,) that `key` marks; None if there is no such key."""
        if key not in self.keys or not self.marked(key).any():
            return None
        return self._column(int(np.flatnonzero(self.marked(key))[0]))

    @abstractmethod
    def _column(self, at: int) -> NDArray[np.float64]: ...

    @abstractmethod
    def meanings(self, key: str) -> dict[float, str]:
        """Return the texts that stand for the numbers in the column of `key`, if there are any."""

    @abstractmethod
    def blocks(self, columns: IntArray) -> Iterator[FloatArray]:
        """Yield some columns (n,), rising, of all samples, as (some samples, n)."""

    def _check(self, table: str) -> None:
        """Refuse a table without samples, and keys that do not fit it."""
        if not 1 <= self.n_samples <= MAX_TRIALS:
            raise DataError(f"{self.path.name}: {table} claims {self.n_samples:,} samples")
        if self.value.shape != (len(self.keys), self.n_columns):
            raise DataError(
                f"{self.path.name}: the metadata's value has shape {self.value.shape} but there "
                f"are {len(self.keys):,} keys and {self.n_columns:,} columns; is this file "
                "complete?"
            )


class Hdf5BData(BDataTable):
    """A file of bdpy, or one of MATLAB 7.3: both are HDF5, the latter with all arrays transposed.

    Raises
    ------
    DataError
        If parts are missing, damaged, or contradict each other.
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
            shape = self._table.shape
            self.n_samples, self.n_columns = shape[::-1] if self._matlab else shape
            chunk_bytes = np.prod(self._table.chunks or (1,)) * self._table.dtype.itemsize
            if chunk_bytes > _MAX_CHUNK_BYTES:
                raise DataError(f"{path.name}: /{table} has chunks of {chunk_bytes:,.0f} bytes")
            self.keys = self._read_keys()
            value = read_whole(dataset(self.file, f"{self._metadata}/value", ndim=2, kinds="f"))
            self.value = value.T if self._matlab else value
            self._check(f"/{table}")

    def _column(self, at: int) -> NDArray[np.float64]:
        with damage_reported(self.path):
            found = self._table[at] if self._matlab else self._table[:, at]
            return np.asarray(found, dtype=np.float64)

    def meanings(self, key: str) -> dict[float, str]:
        """Return the texts that stand for the numbers in the column of `key`, if there are any."""
        with damage_reported(self.path):
            return self._meanings(key)

    def _meanings(self, key: str) -> dict[float, str]:
        if not has(self.file, f"vmap/{key}"):
            return {}
        numbers = list(group(self.file, f"vmap/{key}"))
        if len(numbers) > _MAX_NAMES:
            raise DataError(f"{self.path.name}: /vmap/{key} has {len(numbers):,} entries")
        return {
            float(number): self._texts.read(dataset(self.file, f"vmap/{key}/{number}", 0, "O"))[0]
            for number in numbers
        }

    def blocks(self, columns: IntArray) -> Iterator[FloatArray]:
        """Yield some columns (n,), rising, of all samples, as (some samples, n)."""
        span = slice(int(columns[0]), int(columns[-1]) + 1)
        inside = columns - columns[0]
        chunks = self._table.chunks
        # Whole chunks, so that none is unpacked more often than once.
        tall = (chunks[1] if self._matlab else chunks[0]) if chunks else 1
        step = max(1, BLOCK // tall) * tall
        step = min(step, max(1, _MAX_CHUNK_BYTES // (8 * (span.stop - span.start))))
        for start in range(0, self.n_samples, step):
            rows = slice(start, start + step)
            with damage_reported(self.path), np.errstate(over="ignore"):
                if self._matlab:
                    block = self._table[span, rows][inside].T.astype(np.float32)
                else:
                    block = self._table[rows, span][:, inside].astype(np.float32)
            yield block

    def _read_keys(self) -> tuple[str, ...]:
        name = f"{self._metadata}/key"
        ndim, kinds = (2, "O") if self._matlab else (1, "SO")
        cells = dataset(self.file, name, ndim, kinds)
        if cells.size > MAX_KEYS:
            raise DataError(f"{self.path.name}: /{name} has {cells.size:,} keys")
        if not self._matlab:
            return tuple(self._texts.read(cells))
        if not is_cell_array(cells):
            raise DataError(f"{self.path.name}: /{name} is no cell array of text")
        return tuple(read_cells(cells))
