"""Headers of numpy's own files, read strictly and without allocating what they claim."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

_LONGEST = 10_000  # bytes of a header
_KEYS = {"descr", "fortran_order", "shape"}

# What a damaged header makes Python's and numpy's parsers raise.
HEADER_DAMAGE = (ValueError, TypeError, SyntaxError, LookupError, MemoryError, RecursionError)


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """What an array claims to be; `start` is where in the file its values begin."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    start: int

    @property
    def n_bytes(self) -> int:
        """Bytes that the values take."""
        total = int(self.dtype.itemsize)
        for length in self.shape:
            total *= length
        return total


def read_header(stream: IO[bytes]) -> NpyHeader:
    """Read the header at the start of a stream in the npy format.

    numpy's own reader takes damaged headers for those of Python 2 and guesses; this one does not.

    Raises
    ------
    Any of `HEADER_DAMAGE`
        If it is no such header.
    """
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError(f"version {version} of the npy format")
    size = 2 if version == (1, 0) else 4
    length = int.from_bytes(stream.read(size), "little")
    text = stream.read(min(length, _LONGEST + 1))
    if len(text) != length or length > _LONGEST:
        raise ValueError(f"its header claims {length:,} bytes")
    facts = ast.literal_eval(text.decode("utf-8" if version == (3, 0) else "latin1").strip())
    if not isinstance(facts, dict) or set(facts) != _KEYS:
        raise ValueError("its header lacks shape or type")
    shape, fortran = facts["shape"], facts["fortran_order"]
    if (
        not isinstance(shape, tuple)
        or not all(type(n) is int and n >= 0 for n in shape)
        or type(fortran) is not bool
    ):
        raise ValueError(f"its header claims the shape {shape!r}"[:100])
    dtype = np.lib.format.descr_to_dtype(facts["descr"])
    return NpyHeader(shape, dtype, fortran and len(shape) > 1, 8 + size + length)
