"""MATLAB files of version 5 (to 7) that strangers made; those of version 7.3 are HDF5.

scipy's reader crashes the process on damaged files, hence this one. It knows numbers, text, cell
arrays and structs, looks at every size before it believes it, and executes nothing.
"""

from __future__ import annotations

import math
import mmap
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.errors import DataError, reason_of

MAX_VALUES = 1 << 28  # of one array: version 5 cannot hold more than 2 GB

_HEADER = 128
_LITTLE_ENDIAN = b"\x00\x01IM"
_MATRIX, _COMPRESSED = 14, 15
_TYPES = {  # of the elements of a file
    **{1: "<i1", 2: "<u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8"},
    **{12: "<i8", 13: "<u8", 16: "<u1", 17: "<u2", 18: "<u4"},
}
_CELL, _STRUCT, _TEXT = 1, 2, 4  # classes of arrays
_NUMBERS = {  # the others that are read
    **{6: "<f8", 7: "<f4", 8: "<i1", 9: "<u1", 10: "<i2", 11: "<u2", 12: "<i4", 13: "<u4"},
    **{14: "<i8", 15: "<u8"},
}
_COMPLEX = 0x800
_MAX_DEPTH = 8
_MAX_CELLS = 1 << 20
_MAX_NESTED = 1 << 27  # bytes of a variable with text, cells or structs
_HEAD = 4096  # bytes unpacked to learn what a variable is
_DAMAGE = (OSError, zlib.error, struct.error, ValueError, LookupError, OverflowError, MemoryError)

Value: TypeAlias = "NDArray[Any] | str | list[Any] | dict[str, Any]"


@contextmanager
def _damage_reported(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        reason = reason_of(error)
        raise DataError(
            f"{path.name}: the MATLAB file is damaged or not of version 5 ({reason}); copy it again"
        ) from error


@dataclass(frozen=True, slots=True)
class MatlabVariable:
    """What a variable is, `numbers`, a `struct` or else, and where it lies in the file."""

    shape: tuple[int, ...]
    numbers: bool
    struct: bool
    start: int
    size: int
    packed: bool


class MatlabFile:
    """One file; its variables are listed, and read when asked for.

    Attributes
    ----------
    variables : dict of str to MatlabVariable

    Raises
    ------
    DataError
        If it is no such file, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.variables: dict[str, MatlabVariable] = {}
        with _damage_reported(path), path.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if self._bytes[124:_HEADER] != _LITTLE_ENDIAN:
                raise ValueError("its header says neither version 5 nor little-endian")
            at = _HEADER
            while at + 8 <= len(self._bytes):
                kind, size = struct.unpack_from("<II", self._bytes, at)
                if kind not in (_MATRIX, _COMPRESSED) or size > len(self._bytes) - at - 8:
                    raise ValueError(f"at byte {at:,} is no whole variable")
                self._list(kind == _COMPRESSED, at + 8, size)
                at += 8 + size

    def read(self, name: str, max_values: int = MAX_VALUES) -> Value:
        """Return a variable: an array, a text, or lists and dictionaries of these.

        Numbers keep their axes; a cell array becomes a list, its first axis running fastest.

        Raises
        ------
        DataError
            If there is none of that name, it is too large, damaged, or holds something else.
        """
        if name not in self.variables:
            raise DataError(f"{self.path.name}: {name} is missing; is this file complete?")
        variable = self.variables[name]
        size = math.prod(variable.shape)
        if size > max_values:
            raise DataError(f"{self.path.name}: {name} has {size:,} values, which is too many")
        with _damage_reported(self.path):
            content: Any = memoryview(self._bytes)[variable.start : variable.start + variable.size]
            if variable.packed:
                unpacker = zlib.decompressobj()
                most = 8 * size + _HEAD if variable.numbers else _MAX_NESTED
                content = memoryview(unpacker.decompress(content, most))
                if not unpacker.eof:
                    raise ValueError(f"{name} is cut off or unpacks to more than {most:,} bytes")
                kind, content, _ = _element(content)
                if kind != _MATRIX:
                    raise ValueError(f"{name} is no array")
            return _Parser(max_values).matrix(content)

    def _list(self, packed: bool, start: int, size: int) -> None:
        content: Any = memoryview(self._bytes)[start : start + size]
        if packed:
            content = zlib.decompressobj().decompress(content, _HEAD)[8:]
        flags, shape, name, _ = _matrix_head(memoryview(content[:_HEAD]))
        if name and not name.startswith("__"):
            numbers = flags & 0xFF in _NUMBERS and not flags & _COMPLEX
            struct_ = flags & 0xFF == _STRUCT
            self.variables[name] = MatlabVariable(shape, numbers, struct_, start, size, packed)


def matlab_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the variables of a file."""
    return {name: found.shape for name, found in MatlabFile(path).variables.items()}


def read_matlab(path: Path, names: Sequence[str], max_values: int = MAX_VALUES) -> dict[str, Value]:
    """Return some variables of a file, see `MatlabFile.read`."""
    file = MatlabFile(path)
    return {name: file.read(name, max_values) for name in names}


class _Parser:
    """Makes values out of the bytes of arrays, never more of them than allowed."""

    def __init__(self, max_values: int) -> None:
        self._max_values = max_values
        self._cells = 0

    def matrix(self, content: memoryview, depth: int = 0) -> Value:
        if depth > _MAX_DEPTH:
            raise ValueError(f"arrays lie in more than {_MAX_DEPTH} arrays")
        if not content:  # an empty cell
            return np.empty((0, 0))
        flags, shape, _, rest = _matrix_head(content)
        kind, n = flags & 0xFF, math.prod(shape)
        if kind in (_CELL, _STRUCT):
            return self._nested(kind, n, rest, depth)
        if kind not in _NUMBERS and kind != _TEXT:
            raise ValueError(f"arrays of class {kind} are not read")
        if flags & _COMPLEX:
            raise ValueError("complex numbers are no responses")
        if n > self._max_values:
            raise ValueError(f"it claims {n:,} values")
        of, values, _ = _element(rest)
        if kind == _TEXT:
            width = {1: "utf-8", 2: "utf-8", 4: "utf-16-le", 16: "utf-8", 17: "utf-16-le"}
            return bytes(values).decode(width[of])
        stored = np.frombuffer(values, _TYPES[of])
        if stored.size != n:
            raise ValueError(f"{stored.size:,} values are there, not {n:,}")
        return stored.reshape(shape, order="F")

    def _nested(self, kind: int, n: int, rest: memoryview, depth: int) -> Value:
        names = [""]
        if kind == _STRUCT:
            _, width, rest = _element(rest)
            _, text, rest = _element(rest)
            (length,) = struct.unpack("<i", width)
            if not 1 <= length <= 256:
                raise ValueError(f"names of {length:,} letters")
            cut = (bytes(text[at : at + length]) for at in range(0, len(text), length))
            names = [name.split(b"\0")[0].decode() for name in cut]
        self._cells += n * len(names)
        if self._cells > _MAX_CELLS:
            raise ValueError(f"it claims more than {_MAX_CELLS:,} cells")
        found: list[dict[str, Any]] = []
        for _ in range(n):
            fields = {}
            for name in names:
                of, content, rest = _element(rest)
                if of != _MATRIX:
                    raise ValueError("a cell holds no array")
                fields[name] = self.matrix(content, depth + 1)
            found.append(fields)
        if kind == _CELL:
            return [cell[""] for cell in found]
        return found[0] if n == 1 else found


def _element(content: memoryview) -> tuple[int, memoryview, memoryview]:
    """Return type and bytes of the first element, and what follows it."""
    kind, size = struct.unpack_from("<II", content)
    if kind >> 16:  # a short one: type, size and up to four bytes together
        kind, size, start, after = kind & 0xFFFF, kind >> 16, 4, 8
    else:
        start, after = 8, 8 + size + -size % 8
    if size > len(content) - start or (start == 4 and size > 4):
        raise ValueError(f"an element claims {size:,} bytes where {len(content):,} are left")
    return kind, content[start : start + size], content[after:]


def _matrix_head(content: memoryview) -> tuple[int, tuple[int, ...], str, memoryview]:
    """Return flags, shape and name of an array, and the elements with its values."""
    _, flags, rest = _element(content)
    _, dims, rest = _element(rest)
    _, name, rest = _element(rest)
    shape = struct.unpack(f"<{len(dims) // 4}i", dims[: len(dims) // 4 * 4])
    if not 2 <= len(shape) <= 32 or min(shape) < 0:
        raise ValueError(f"an array claims the shape {shape}"[:100])
    return struct.unpack_from("<I", flags)[0], shape, bytes(name).decode(), rest
