"""Reading numpy archives that strangers made: no pickles, no size taken on trust."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from mindvis_gui.data.at_hand import check_may_wait
from mindvis_gui.data.checks import kinds_text
from mindvis_gui.data.npy import HEADER_DAMAGE, NpyHeader, read_header
from mindvis_gui.errors import DataError, reason_of, refusal_of
from mindvis_gui.wording import counted

MAX_BYTES = 1 << 32  # of one array
_BLOCK_BYTES = 1 << 22
_MAX_RATIO = 200  # responses and photographs never pack that tightly; zip bombs do
_DEFLATE_RATIO = 1032  # nothing unpacks to more times its size
_MAX_TIGHT = 1 << 29  # bytes of an array that does: masks and pictures of plain areas
_MAX_MEMBERS = 1000
_LOCAL_HEADER = 30  # bytes of a zip member before its name
_DAMAGE = (
    *HEADER_DAMAGE,
    OSError,
    EOFError,
    RuntimeError,  # an encrypted archive
    NotImplementedError,
    zipfile.BadZipFile,
    zlib.error,
)


@contextmanager
def npz_damage_reported(path: Path) -> Iterator[None]:
    """Turn whatever zipfile and numpy raise inside the block into a `DataError`.

    A thread that must not wait does not come in.
    """
    check_may_wait()
    try:
        yield
    except _DAMAGE as error:
        damage = f"the npz file is damaged ({reason_of(error)}); copy it again"
        raise DataError(f"{path.name}: {refusal_of(error) or damage}") from error


class NpzFile:
    """An ``.npz`` archive: the headers of all arrays are read and checked, values when asked for.

    What cannot be read (pickled objects, no values, too many bytes) is refused when it is asked
    for: an array that nobody uses does no harm.

    Attributes
    ----------
    headers : dict of str to NpyHeader
        By the array's name.

    Raises
    ------
    DataError
        If the archive is damaged, or claims sizes it cannot have.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._refused: dict[str, str] = {}  # by name, and why
        with npz_damage_reported(path), zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > _MAX_MEMBERS:
                raise DataError(f"{path.name}: {len(members):,} arrays are too many for a subject")
            self.headers = {
                info.filename.removesuffix(".npy"): self._header(archive, info)
                for info in members
                if info.filename.endswith(".npy")
            }

    def __contains__(self, name: str) -> bool:
        return name in self.headers

    def header(self, name: str, ndim: int, kinds: str) -> NpyHeader:
        """Return the header of an array, refused unless it has these axes and kinds of values."""
        if name not in self.headers:
            raise DataError(f"{self.path.name}: array {name} is missing; is this file complete?")
        header = self._usable(name)
        if len(header.shape) != ndim or header.dtype.kind not in kinds:
            raise DataError(
                f"{self.path.name}: {name} has shape {header.shape} and type {header.dtype}, "
                f"not {counted(ndim, 'axis')} of {kinds_text(kinds)}"
            )
        return header

    def read(
        self, name: str, dtype: DTypeLike, columns: NDArray[np.int64] | None = None
    ) -> NDArray[Any]:
        """Read an array, converting it block by block, so that memory stays near the result's.

        Parameters
        ----------
        dtype : dtype
            For uint8 values are rounded and clipped to 0–255.
        columns : (n,) int, optional
            Keep these of a two-dimensional array only.
        """
        header = self._usable(name)
        shape = header.shape[::-1] if header.fortran else header.shape
        direct = columns is not None and not header.fortran
        width = len(columns) if direct and columns is not None else math.prod(shape[1:])
        rows = shape[0] if shape else 1
        values = np.empty((rows, width), dtype=dtype)
        done = 0
        for block in self.blocks(name, rows, math.prod(shape[1:])):
            kept = block[:, columns] if direct else block
            values[done : done + len(block)] = converted(kept, values.dtype)
            done += len(block)
        if direct:
            return values
        whole = values.reshape(shape).T if header.fortran else values.reshape(shape)
        return whole if columns is None else np.ascontiguousarray(whole[:, columns])

    def stored_at(self, name: str) -> int | None:
        """Return the byte of the file where an array's values lie as they are, None if packed."""
        header = self._usable(name)
        with npz_damage_reported(self.path), zipfile.ZipFile(self.path) as archive:
            info = archive.getinfo(f"{name}.npy")
            if info.compress_type != zipfile.ZIP_STORED or header.fortran:
                return None
            with self.path.open("rb") as file:
                file.seek(info.header_offset)
                local = file.read(_LOCAL_HEADER)
            lengths = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:], "little")
            return info.header_offset + _LOCAL_HEADER + lengths + header.start

    def blocks(self, name: str, rows: int, width: int) -> Iterator[NDArray[Any]]:
        """Yield an array as blocks (n, width), `rows` in all, as it lies in the file."""
        header = self._usable(name)
        row_bytes = width * header.dtype.itemsize
        step = max(1, _BLOCK_BYTES // max(1, row_bytes))
        with (
            npz_damage_reported(self.path),
            zipfile.ZipFile(self.path) as archive,
            archive.open(f"{name}.npy") as stream,
        ):
            _exactly(stream, header.start)
            for first in range(0, rows, step):
                n = min(step, rows - first)
                block = np.frombuffer(_exactly(stream, n * row_bytes), header.dtype)
                yield block.reshape(n, width)
            stream.read(1)  # zipfile tests its checksum when it meets the end

    def _usable(self, name: str) -> NpyHeader:
        if name in self._refused:
            raise DataError(self._refused[name])
        return self.headers[name]

    def _header(self, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NpyHeader:
        name = info.filename.removesuffix(".npy")
        where = f"{self.path.name}: {name[:80]}"
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(f"{where} is packed in a way that numpy never does")
        with archive.open(info) as stream:
            header = read_header(stream)
        size, there = header.n_bytes, info.file_size - header.start
        claim = f"{where} claims shape {header.shape} of {header.dtype}, {size:,} bytes"
        if header.dtype.hasobject:
            self._refused[name] = f"{where} holds pickled Python objects, which are never loaded"
        elif size != there:
            raise DataError(f"{claim}, but the archive has {there:,}; is this file complete?")
        elif min(header.shape, default=1) < 1:
            self._refused[name] = f"{where} has shape {header.shape}: no values; is it complete?"
        elif size > MAX_BYTES:
            self._refused[name] = f"{claim}, of which {MAX_BYTES:,} are allowed"
        elif size > min(
            max(_MAX_TIGHT, _MAX_RATIO * info.compress_size),
            _DEFLATE_RATIO * info.compress_size,
        ):
            self._refused[name] = (
                f"{where} unpacks {info.compress_size:,} bytes to {size:,}, as zip bombs do; if "
                "this is data, save it with np.savez"
            )
        return header


def _exactly(stream: IO[bytes], n: int) -> bytes:
    content = stream.read(n)
    if len(content) != n:
        raise EOFError("it ends too early")
    return content


def converted(block: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return `block` as `dtype`; for uint8 rounded and clipped to 0–255."""
    if block.dtype == dtype:
        return block
    with np.errstate(all="ignore"):  # values too large become infinite, which is reported later
        if dtype == np.uint8:
            block = np.clip(np.rint(np.nan_to_num(block)), 0, 255)
        return block.astype(dtype)
