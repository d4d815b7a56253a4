"""Rows that can only be read all at once, kept where single ones are quick to get."""

from __future__ import annotations

import mmap
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mindvis_gui.data.at_hand import check_may_wait
from mindvis_gui.data.subject import FloatArray, IntArray, read_only
from mindvis_gui.errors import DataError

MOST_BYTES = 1 << 27  # held in memory; what is more goes to a temporary file
_BLOCK_BYTES = 1 << 26  # of such a file, at least a vector: each costs an open file


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
            raise _no_room(error) from error


class ScratchVectors:
    """Vectors that wait: in memory while they are few, and else in files that nobody sees.

    What is kept is an array like any other; the system holds of the files what it has room for.

    Parameters
    ----------
    most_bytes : int
        From how many bytes on they are kept in files.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._room = most_bytes
        self._free: list[FloatArray] = []  # rows of the newest file

    def keep(self, vector: FloatArray) -> FloatArray:
        """Return an array (n,) of the same values, read-only; all vectors have one length.

        Raises
        ------
        DataError
            If the folder for temporary files is full.
        """
        if vector.nbytes <= self._room:
            self._room -= vector.nbytes
            return read_only(vector)
        self._room = 0
        if not self._free:
            self._free = list(_mapped(max(1, _BLOCK_BYTES // vector.nbytes), vector.size))
        row = self._free.pop()
        row[:] = vector
        return read_only(row)


def _mapped(n_rows: int, n_columns: int) -> FloatArray:
    """Return an array (n_rows, n_columns) of float32 that lies in a file, as long as it is used."""
    row = bytes(n_columns * np.dtype(np.float32).itemsize)
    try:
        with tempfile.TemporaryFile(prefix="mindvis-") as file:
            # Writing finds out that a disk is full; a map of what has no place ends the process.
            for _ in range(n_rows):
                file.write(row)
            file.flush()
            content = mmap.mmap(file.fileno(), n_rows * len(row))
    except OSError as error:
        raise _no_room(error) from error
    return np.frombuffer(content, dtype=np.float32).reshape(n_rows, n_columns)


def _no_room(error: OSError) -> DataError:
    return DataError(
        f"{tempfile.gettempdir()}: no room for responses that do not fit in memory "
        f"({error.strerror or error}); set TMPDIR to a larger folder"
    )


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
