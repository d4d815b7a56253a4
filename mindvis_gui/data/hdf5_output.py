"""A file for HDF5 to write into that may run out of room.

HDF5 never gets over a write that fails: it crashes while it closes the file, or when the
process ends. Here it is told that all is well, and whoever writes asks for the error.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any


class Hdf5Output(io.RawIOBase):
    """A new file as `h5py.File` takes one, which keeps the first error for `check`.

    What follows the error stays in memory, so that HDF5 reads what it wrote: the writer must
    `check` after every few megabytes.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)  # each error shows where it happens
        self._position = 0
        self._size = 0
        self._error: OSError | None = None
        self._kept: list[tuple[int, bytes]] = []

    def check(self) -> None:
        """Raise the error of a write that has failed."""
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Close the file, after `h5py.File` is closed."""
        self._file.close()
        super().close()

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a byte of the file, counted from the start, from here, or from the end."""
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position

    def tell(self) -> int:
        """Return the byte at which the next read or write starts."""
        return self._position

    def write(self, values: Any) -> int:
        """Write all of the bytes in a buffer, or keep them."""
        start, content = self._position, bytes(values)
        if self._error is None:
            try:
                self._file.seek(start)
                done = 0
                while done < len(content):
                    done += self._file.write(content[done:])
            except OSError as error:
                self._error = error
        if self._error is not None:
            self._kept.append((start, content))
        self._position += len(content)
        self._size = max(self._size, self._position)
        return len(content)

    def readinto(self, target: Any) -> int:
        """Fill a buffer with what was written; with 0 where nothing was."""
        view = memoryview(target).cast("B")
        start, n = self._position, len(view)
        found = bytearray(n)
        self._file.seek(start)
        there = self._file.read(n)
        found[: len(there)] = there
        for at, content in self._kept:
            first, last = max(at, start), min(at + len(content), start + n)
            if first < last:
                found[first - start : last - start] = content[first - at : last - at]
        view[:] = found
        self._position += n
        return n

    def truncate(self, size: int | None = None) -> int:
        """Make the file as long as HDF5 says."""
        self._size = size = self._position if size is None else size
        if self._error is None:
            try:
                self._file.truncate(size)
            except OSError as error:
                self._error = error
        return size

    def flush(self) -> None:
        """Do nothing: nothing is held back."""
