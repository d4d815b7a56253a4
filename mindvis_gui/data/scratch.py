"""Rows that can only be read all at once, kept where single ones are quick to get."""

from __future__ import annotations

import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mindvis_gui.data.at_hand import check_may_wait
from mindvis_gui.data.subject import IntArray
from mindvis_gui.errors import DataError

MOST_BYTES = 1 << 27  # held in memory; what is more goes to a temporary file


class ScratchRows:
    """Rows (n, n_columns) in memory while they are few, and else in a file that nobody sees.

    Parameters
    ----------
    blocks : iterable of (n_i, n_columns) arrays
        The rows, in order; drawn once.
    most_bytes : int
        From how many bytes on they are kept in a file.

    Raises
    ------
    DataError
        If the folder for temporary files is full.
    """

    def __init__(
        self,
        blocks: Iterable[NDArray[Any]],
        n_columns: int,
        dtype: DTypeLike = np.float32,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._dtype = np.dtype(dtype)
        self._n_columns = n_columns
        self._row_bytes = n_columns * self._dtype.itemsize
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        kept: list[NDArray[Any]] = []
        n_rows = 0
        for block in blocks:
            n_rows += len(block)
            kept.append(np.ascontiguousarray(block, dtype=self._dtype))
            if self._file is not None or n_rows * self._row_bytes > most_bytes:
                self._write(kept)
                kept = []
        self._values = np.concatenate(kept) if kept else np.empty((0, n_columns), self._dtype)

    def __call__(self, rows: IntArray) -> NDArray[Any]:
        """Return the values (n, n_columns) of `rows` (n,)."""
        if self._file is None:
            return self._values[rows]
        found = np.empty((len(rows), self._n_columns), dtype=self._dtype)
        with self._lock:
            for values, row in zip(found, rows.tolist(), strict=True):
                self._file.seek(row * self._row_bytes)
                values[:] = np.frombuffer(self._file.read(self._row_bytes), self._dtype)
        return found

    def _write(self, blocks: list[NDArray[Any]]) -> None:
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="mindvis-")  # noqa: SIM115
                weakref.finalize(self, self._file.close)
            for block in blocks:
                self._file.write(block.data)
        except OSError as error:
            raise DataError(
                f"{tempfile.gettempdir()}: no room for responses that do not fit in memory "
                f"({error.strerror or error}); set TMPDIR to a larger folder"
            ) from error


class ReadOnce:
    """Makes rows when the first of them is asked for; callable as `RowRecording` needs."""

    def __init__(self, make: Callable[[], ScratchRows]) -> None:
        self._make = make
        self._rows: ScratchRows | None = None
        self._lock = threading.Lock()

    def __call__(self, rows: IntArray) -> NDArray[Any]:
        """Return the values (n, n_columns) of `rows` (n,)."""
        made = self._rows
        if made is None:
            check_may_wait()
            with self._lock:
                if self._rows is None:
                    self._rows = self._make()
                made = self._rows
        return made(rows)
