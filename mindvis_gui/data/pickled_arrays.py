"""Arrays in a dictionary that `numpy.save` pickled, found without executing the pickle.

A pickle is a program. This one is never run: its instructions are looked at one by one, those
that build dictionaries, lists, texts, numbers and numpy arrays are followed by hand, and
anything else is refused by name. The values of arrays are skipped: only where they lie is kept.
"""

from __future__ import annotations

import math
import pickletools
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from mindvis_gui.data.npy import HEADER_DAMAGE, read_header
from mindvis_gui.errors import DataError

_SKIPPED = 128  # bytes from which on a stretch is only located
_MAX_STEPS = 1 << 24  # instructions of one pickle
_ARRAY_PARTS = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
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
    {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"}
    | {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"}
    | {"SHORT_BINBYTES", "BINBYTES", "BINBYTES8"}
)  # fmt: skip
PICKLE_DAMAGE = (*HEADER_DAMAGE, OSError, AttributeError, OverflowError)


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


@dataclass(frozen=True, slots=True)
class PickledArray:
    """What an array in a pickle is; `start` is where in the file its values begin."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fortran: bool
    start: int


def read_pickled_dictionary(path: Path) -> dict[Any, Any]:
    """Return the dictionary in an ``.npy`` file, each array in it as a `PickledArray`.

    Lists, tuples, texts and numbers are themselves; what is none of these (arrays of objects or
    very small ones) is an inert stand-in.

    Raises
    ------
    DataError
        If the pickle asks for anything that a dictionary of arrays does not need.
    Any of `PICKLE_DAMAGE`
        If it is no pickle, is damaged, or holds no dictionary.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        header = read_header(file)
        if not header.dtype.hasobject:
            raise ValueError("it holds plain numbers")
        content = _follow(_Skimmed(file, size), path)
    return {name: _array(value) for name, value in _dictionary(content).items()}


def _array(value: Any) -> Any:
    """Return what was built as an array, or as it is if it is none whose values were skipped."""
    if not isinstance(value, _Built) or not isinstance(value.state, tuple):
        return value
    _, shape, dtype, fortran, stretch = value.state
    if not isinstance(stretch, _Stretch) or not isinstance(dtype, _Built):
        return value
    kind = np.dtype(dtype.arguments[0])
    if kind.kind in "iuf" and isinstance(dtype.state, tuple) and dtype.state[1] == ">":
        kind = kind.newbyteorder(">")
    if (
        kind.kind not in "biuf"
        or not isinstance(shape, tuple)
        or not all(type(n) is int and n > 0 for n in shape)
        or math.prod(shape) * kind.itemsize != stretch.size
    ):
        raise ValueError(f"an array claims the shape {shape!r:.60} in {stretch.size:,} bytes")
    return PickledArray(shape, kind, fortran is True and len(shape) > 1, stretch.start)


def _follow(file: Any, path: Path) -> Any:
    """Follow the instructions of a pickle with nothing but inert stand-ins."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}
    argument: Any
    for step, (opcode, argument, _) in enumerate(pickletools.genops(file)):
        if step > _MAX_STEPS:
            raise ValueError(f"it has more than {_MAX_STEPS:,} instructions")
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
                stack.append(_allowed(path, *argument.split(" ", 1)))
            case "STACK_GLOBAL":
                stack.append(_allowed(path, *_popped(stack, len(stack) - 2)))
            case "REDUCE":
                called, arguments = _popped(stack, len(stack) - 2)
                is_number = called.name[1] == "scalar"
                stack.append(_number(*arguments) if is_number else _Built(called.name, arguments))
            case "BUILD":
                state = stack.pop()
                stack[-1].state = state
            case name:
                raise DataError(
                    f"{path.name}: the pickle asks for {name}, which a dictionary of "
                    "arrays does not need; it is not loaded"
                )
    raise ValueError("it has no end")


def _number(dtype: _Built, content: bytes) -> Any:
    """Return the single number that numpy stored as its bytes."""
    kind = np.dtype(dtype.arguments[0])
    if kind.kind not in "biuf" or len(content) != kind.itemsize:
        raise ValueError(f"a number is of type {kind}")
    return np.frombuffer(content, kind)[0].item()


def _allowed(path: Path, module: Any, name: Any) -> _Global:
    if (module, name) not in _ARRAY_PARTS:
        raise DataError(
            f"{path.name}: the pickle asks for {str(module)[:60]}.{str(name)[:60]}, "
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
        raise ValueError(f"it holds a {type(content).__name__}, not a dictionary of arrays")
    return content
