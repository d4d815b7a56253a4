"""A file for HDF5 to write into that may run out of room.

HDF5 never gets over a write that fails: it crashes while it closes the file, or when the
process ends. Here it is told that all is well, and whoever writes asks for the error. So it is
with Ctrl+C: what is raised while HDF5 writes may be lost, and what it wrote then as well.
"""

from __future__ import annotations

import io
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any


@contextmanager
def hdf5_output(path: Path) -> Iterator[Hdf5Output]:
    """Yield a new file for `h5py.File`; requests to end wait while HDF5 writes into it."""
    output = Hdf5Output(path)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: FrameType | None) -> None:
        if _within_output(frame):
            output.requests.append(number)
        elif callable(handler := before[signal.Signals(number)]):
            handler(number, frame)

    # Python calls handlers, and lets them be set, in its first thread alone.
    if threading.current_thread() is threading.main_thread():
        replaced = [number for number, handler in before.items() if callable(handler)]
    else:
        replaced = []
    for number in replaced:
        signal.signal(number, handle)
    try:
        yield output
    finally:
        for number in replaced:
            signal.signal(number, before[number])
        output.close()
        output.let_end()


def _within_output(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == __file__:
            return True
        frame = frame.f_back
    return False


class Hdf5Output(io.RawIOBase):
    """A new file as `h5py.File` takes one, which keeps the first error for `check`.

    What follows the error stays in memory, so that HDF5 reads what it wrote: the writer must
    `check` after every few megabytes.

    Attributes
    ----------
    requests : list of int
        Signals that came while HDF5 was writing.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("w+b", buffering=0)  # each error shows where it happens
        self._position = 0
        self._size = 0
        self._error: OSError | None = None
        self._kept: list[tuple[int, bytes]] = []
        self.requests: list[int] = []

    def check(self) -> None:
        """Raise the error of a write that has failed, or what was asked for meanwhile."""
        if self._error is not None:
            raise self._error
        self.let_end()

    def let_end(self) -> None:
        """End as Ctrl+C does, if that was asked for while HDF5 was writing."""
        if self.requests:
            self.requests.clear()
            raise KeyboardInterrupt

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
