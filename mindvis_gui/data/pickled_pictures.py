"""Pictures in a pickled dictionary, read without executing it.

A pickle is a program. This one is never run: its instructions are looked at one by one, those
that build dictionaries, lists, texts, numbers and numpy arrays of uint8 are followed by hand,
and anything else is refused by name. Pixels are skipped and read when a picture is asked for.
"""

from __future__ import annotations

import math
import pickletools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from mindvis_gui.data.npy import HEADER_DAMAGE, read_header
from mindvis_gui.data.picture import MAX_PIXELS
from mindvis_gui.data.subject import ImageArray, read_only
from mindvis_gui.errors import DataError

_SKIPPED = 128  # bytes from which on a stretch is only located
_MAX_NAME = 1024
_ARRAY_PARTS = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
_CONSTANTS: dict[str, Any] = {
    "NONE": None,
    "NEWTRUE": True,
    "NEWFALSE": False,
    "EMPTY_TUPLE": (),
}
_VALUES = (
    {"BININT", "BININT1", "BININT2", "LONG1", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"}
    | {"SHORT_BINBYTES", "BINBYTES", "BINBYTES8"}
)  # fmt: skip
_DAMAGE = (*HEADER_DAMAGE, OSError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Bytes of a file that were not read."""

    start: int
    size: int

    def __len__(self) -> int:
        return self.size


@dataclass(eq=False, slots=True)
class _Global:
    name: tuple[str, str]


@dataclass(eq=False, slots=True)
class _Built:
    """What a call of a global, followed by its state, would have made."""

    maker: tuple[str, str]
    arguments: tuple[Any, ...]
    state: Any = None


class _Skimmed:
    """A file in which long stretches are located instead of read."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._size = size
        self.readline = file.readline
        self.tell = file.tell

    def read(self, n: int) -> bytes | _Stretch:
        if n < _SKIPPED:
            return self._file.read(n)
        start = self._file.tell()
        if n > self._size - start:
            raise ValueError(f"it claims {n:,} bytes where {self._size - start:,} are left")
        self._file.seek(n, 1)
        return _Stretch(start, n)


class PickledPictures(Mapping[str, ImageArray]):
    """The pictures (h, w, 3) uint8 of a dictionary that `numpy.save` pickled, by name.

    Raises
    ------
    DataError
        If the pickle holds anything but such a dictionary.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(0)
                read_header(file)
                content = self._follow(_Skimmed(file, size))
            self._places = {
                name: self._place(name, built) for name, built in _dictionary(content).items()
            }
        except _DAMAGE as error:
            reason = " ".join(str(error).split())[:200]
            raise DataError(
                f"{path.name}: no dictionary of pictures, or damaged ({reason}); copy it again"
            ) from error

    def __getitem__(self, name: str) -> ImageArray:
        shape, start = self._places[name]
        try:
            with self._path.open("rb") as file:
                file.seek(start)
                pixels = np.frombuffer(file.read(math.prod(shape)), np.uint8)
            return read_only(pixels.reshape(shape))
        except (OSError, ValueError) as error:
            raise DataError(f"{self._path.name}: '{name}' cannot be read ({error})") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def _place(self, name: Any, built: Any) -> tuple[tuple[int, ...], int]:
        """Return shape and first byte of one picture."""
        if not isinstance(name, str) or len(name) > _MAX_NAME:
            raise ValueError(f"a key is {str(name)[:40]}, not the name of a picture")
        _, shape, dtype, fortran, pixels = built.state
        if (
            not isinstance(pixels, _Stretch)
            or dtype.arguments[0] not in ("u1", "|u1")
            or fortran is not False
            or not all(type(n) is int and n > 0 for n in shape)
            or len(shape) != 3
            or shape[2] != 3
            or shape[0] * shape[1] > MAX_PIXELS
            or math.prod(shape) != pixels.size
        ):
            raise ValueError(f"'{name[:80]}' is not an array (h, w, 3) of uint8")
        return shape, pixels.start

    def _follow(self, file: Any) -> Any:
        """Follow the instructions of a pickle with nothing but inert stand-ins."""
        stack: list[Any] = []
        marks: list[int] = []
        memo: dict[int, Any] = {}
        argument: Any
        for opcode, argument, _ in pickletools.genops(file):
            match opcode.name:
                case "PROTO" | "FRAME":
                    pass
                case "STOP":
                    return stack.pop()
                case name if name in _VALUES:
                    stack.append(argument)
                case name if name in _CONSTANTS:
                    stack.append(_CONSTANTS[name])
                case "EMPTY_DICT":
                    stack.append({})
                case "EMPTY_LIST":
                    stack.append([])
                case "MARK":
                    marks.append(len(stack))
                case "TUPLE":
                    stack.append(tuple(_popped(stack, marks.pop())))
                case "TUPLE1" | "TUPLE2" | "TUPLE3" as name:
                    stack.append(tuple(_popped(stack, len(stack) - int(name[-1]))))
                case "MEMOIZE":
                    memo[len(memo)] = stack[-1]
                case "BINPUT" | "LONG_BINPUT":
                    memo[argument] = stack[-1]
                case "BINGET" | "LONG_BINGET":
                    stack.append(memo[argument])
                case "APPEND":
                    value = stack.pop()
                    _list(stack[-1]).append(value)
                case "APPENDS":
                    values = _popped(stack, marks.pop())
                    _list(stack[-1]).extend(values)
                case "SETITEM":
                    key, value = _popped(stack, len(stack) - 2)
                    stack[-1][key] = value
                case "SETITEMS":
                    items = _popped(stack, marks.pop())
                    stack[-1].update(zip(items[::2], items[1::2], strict=True))
                case "GLOBAL":
                    stack.append(self._allowed(*argument.split(" ", 1)))
                case "STACK_GLOBAL":
                    stack.append(self._allowed(*_popped(stack, len(stack) - 2)))
                case "REDUCE":
                    called, arguments = _popped(stack, len(stack) - 2)
                    stack.append(_Built(called.name, arguments))
                case "BUILD":
                    state = stack.pop()
                    stack[-1].state = state
                case name:
                    raise DataError(
                        f"{self._path.name}: the pickle asks for {name}, which a dictionary of "
                        "pictures does not need; it is not loaded"
                    )
        raise ValueError("it has no end")

    def _allowed(self, module: Any, name: Any) -> _Global:
        if (module, name) not in _ARRAY_PARTS:
            raise DataError(
                f"{self._path.name}: the pickle asks for {str(module)[:60]}.{str(name)[:60]}, "
                "which may run code; it is not loaded"
            )
        return _Global((module, name))


def _popped(stack: list[Any], start: int) -> list[Any]:
    if start < 0:
        raise ValueError("it takes more than there is")
    values = stack[start:]
    del stack[start:]
    return values


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("it appends to what is no list")
    return value


def _dictionary(content: Any) -> dict[Any, Any]:
    """Return the dictionary, which `numpy.save` wraps in an array without axes."""
    if isinstance(content, _Built):
        content = content.state[4][0]
    if not isinstance(content, dict) or not content:
        raise ValueError(f"it holds a {type(content).__name__}, not a dictionary of pictures")
    return content
