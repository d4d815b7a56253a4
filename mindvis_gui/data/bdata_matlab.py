"""BData in a MATLAB file of version 5: ``dataset`` and the struct ``metadata``, or as of old.

Older files have ``dataSet`` and ``metaData``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.bdata_file import BLOCK, MAX_KEYS, BDataTable
from mindvis_gui.data.matlab_file import MatlabFile, Value
from mindvis_gui.data.subject import FloatArray, IntArray
from mindvis_gui.errors import DataError


class MatlabBData(BDataTable):
    """The table of a file that can only be read whole.

    Raises
    ------
    DataError
        If parts are missing, damaged, or contradict each other.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        file = MatlabFile(path)
        table = "dataset" if "dataset" in file.variables else "dataSet"
        about = "metadata" if "metadata" in file.variables else "metaData"
        self._table = _numbers(file.read(table), f"{path.name}: {table} (samples, columns)")
        self.n_samples, self.n_columns = self._table.shape
        metadata = file.read(about)
        if not isinstance(metadata, dict) or not metadata.keys() >= {"key", "value"}:
            raise DataError(f"{path.name}: {about} has no fields key and value; is this BData?")
        keys = metadata["key"]
        if not isinstance(keys, list) or len(keys) > MAX_KEYS or not _are_texts(keys):
            raise DataError(f"{path.name}: {about}.key is no list of text")
        self.keys = tuple(keys)
        where = f"{path.name}: {about}.value (keys, columns)"
        self.value = _numbers(metadata["value"], where).astype(np.float64)
        self._check(table)

    def _column(self, at: int) -> NDArray[np.float64]:
        return np.asarray(self._table[:, at], dtype=np.float64)

    def meanings(self, key: str) -> dict[float, str]:
        """Return nothing: such files have numbers only."""
        return {}

    def blocks(self, columns: IntArray) -> Iterator[FloatArray]:
        """Yield some columns (n,) of all samples, as (some samples, n)."""
        for start in range(0, self.n_samples, BLOCK):
            with np.errstate(over="ignore"):
                yield self._table[start : start + BLOCK, columns].astype(np.float32)


def _numbers(value: Value, where: str) -> NDArray[np.generic]:
    if not isinstance(value, np.ndarray) or value.ndim != 2:
        raise DataError(f"{where} is no table of numbers; is this BData?")
    return value


def _are_texts(values: list[Value]) -> bool:
    return all(isinstance(value, str) for value in values)
