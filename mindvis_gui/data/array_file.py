"""Files that are nothing but arrays with names: ``.npz``, ``.npy``, HDF5, MATLAB.

What the arrays mean such a file does not say; see `import_plan`.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.at_hand import check_may_wait
from mindvis_gui.data.file_head import is_hdf5, is_matlab_5, is_npy, is_zip, read_head
from mindvis_gui.data.hdf5 import check_chunks, check_written, damage_reported, open_hdf5
from mindvis_gui.data.hdf5_text import LooseTexts, is_cell_array, read_cells
from mindvis_gui.data.matlab_file import MatlabFile, Value
from mindvis_gui.data.npy import HEADER_DAMAGE, read_header
from mindvis_gui.data.npz import NpzFile
from mindvis_gui.data.scratch import ReadOnce, ScratchRows
from mindvis_gui.data.subject import FloatArray, IntArray
from mindvis_gui.data.table import known_text
from mindvis_gui.data.voxel_major import MappedArray
from mindvis_gui.errors import DataError, reason_of

Rows = Callable[[IntArray], FloatArray]

_MAX_ARRAYS = 4096
_MAX_VALUES = 1 << 26  # of an array that is read whole
_BLOCK = 256


@dataclass(frozen=True, slots=True)
class ArrayInfo:
    """Name, shape and type of values of an array: ``b``, ``i``, ``u``, ``f``, or ``S`` for text."""

    name: str
    shape: tuple[int, ...]
    kind: str


class ArrayFile(Protocol):
    """A file of arrays by name."""

    @property
    def path(self) -> Path:
        """Where it is."""
        ...

    @property
    def arrays(self) -> dict[str, ArrayInfo]:
        """What is in it."""
        ...

    def read(self, name: str) -> NDArray[Any]:
        """Return an array that is not too large to be read whole; text as `str_`."""
        ...

    def rows(self, name: str, trials_last: bool) -> Rows:
        """Return what reads rows of an array (trials, voxels), or of one (voxels, trials)."""
        ...


def open_arrays(path: Path) -> ArrayFile:
    """Open a file by what it starts with; nothing but headers is read.

    Raises
    ------
    DataError
        If it is no file of arrays, or damaged.
    """
    head = read_head(path)
    if is_hdf5(head):
        return _Hdf5Arrays(path)
    if is_zip(head):
        return _NpzArrays(path)
    if is_npy(head):
        return _NpyArray(path)
    if is_matlab_5(head):
        return _MatlabArrays(path)
    raise DataError(f"{path.name}: no arrays; give a .npz, .npy, HDF5 or MATLAB file")


def text_or_numbers(values: NDArray[Any]) -> list[str]:
    """Return the values of a column as text, whole numbers without a point, NaN as empty."""
    found = []
    for value in values.reshape(-1).tolist():
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        found.append("" if value != value else known_text(str(value)))
    return found


class _NpyArray:
    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                header = read_header(file)
            if header.dtype.hasobject:
                raise DataError(f"{path.name}: holds pickled objects, which are never loaded")
            self._stored = MappedArray(
                path, header.dtype, header.start, header.shape, header.fortran
            )
        except (*HEADER_DAMAGE, OSError) as error:
            raise DataError(f"{path.name}: no array, or damaged ({reason_of(error)})") from error
        info = ArrayInfo(path.stem, header.shape, _kind(header.dtype))
        self.arrays = {path.stem: info}

    def read(self, name: str) -> NDArray[Any]:
        _checked(self, name)
        return np.array(self._stored.values)

    def rows(self, name: str, trials_last: bool) -> Rows:
        stored = self._stored
        values = stored.values.T if trials_last else stored.values

        def read(rows: IntArray) -> FloatArray:
            check_may_wait()
            found = _floats(values[rows])
            stored.release()
            return found

        return read


class _NpzArrays:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive = NpzFile(path)
        self.arrays = {
            name: ArrayInfo(name, header.shape, _kind(header.dtype))
            for name, header in self._archive.headers.items()
        }

    def read(self, name: str) -> NDArray[Any]:
        _checked(self, name)
        return self._archive.read(name, self._archive.headers[name].dtype)

    def rows(self, name: str, trials_last: bool) -> Rows:
        n_trials, n_voxels = self.arrays[name].shape[:: -1 if trials_last else 1]
        archive = self._archive
        if trials_last or archive.headers[name].fortran:

            def whole() -> ScratchRows:
                values = archive.read(name, np.float32)
                return ScratchRows([values.T if trials_last else values], n_voxels)

            return ReadOnce(whole)
        return ReadOnce(lambda: ScratchRows(archive.blocks(name, n_trials, n_voxels), n_voxels))


class _MatlabArrays:
    """The fields of a struct are called as MATLAB 7.3 has them in HDF5: ``results/betas``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = MatlabFile(path)
        self._fields: dict[str, Value] = {}
        self.arrays: dict[str, ArrayInfo] = {}
        for name, found in self._file.variables.items():
            self.arrays[name] = ArrayInfo(name, found.shape, "f" if found.numbers else "S")
            if found.struct:
                self._take_apart(name)

    def _take_apart(self, struct: str) -> None:
        try:
            content = self._file.read(struct)
        except DataError:  # such as a table among the fields: who asks for the struct is told
            return
        for name, value in _leaves(struct, content):
            if isinstance(value, np.ndarray):
                self.arrays[name] = ArrayInfo(name, value.shape, value.dtype.kind)
            elif isinstance(value, list):
                self.arrays[name] = ArrayInfo(name, (len(value), 1), "S")
            self._fields[name] = value

    def _value(self, name: str) -> Value:
        return self._fields[name] if name in self._fields else self._file.read(name)

    def read(self, name: str) -> NDArray[Any]:
        _checked(self, name)
        found = self._value(name)
        if isinstance(found, list) and all(isinstance(each, str) for each in found):
            return np.array(found)
        if not isinstance(found, np.ndarray):
            raise DataError(f"{self.path.name}: {name} is neither numbers nor a list of text")
        return found

    def rows(self, name: str, trials_last: bool) -> Rows:
        n_voxels = self.arrays[name].shape[0 if trials_last else 1]

        def whole() -> ScratchRows:
            values = np.asarray(self._value(name))
            turned = values.T if trials_last else values
            blocks = (_floats(turned[a : a + _BLOCK]) for a in range(0, len(turned), _BLOCK))
            return ScratchRows(blocks, n_voxels)

        return ReadOnce(whole)


def _leaves(name: str, value: Value) -> Iterator[tuple[str, Value]]:
    if not isinstance(value, dict):
        yield name, value
        return
    for field, inner in value.items():
        yield from _leaves(f"{name}/{field}", inner)


class _Hdf5Arrays:
    """MATLAB 7.3 has all axes reversed; shapes are given here as MATLAB shows them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = open_hdf5(path)
        weakref.finalize(self, self._file.close)
        self.arrays: dict[str, ArrayInfo] = {}
        with damage_reported(path):
            self._turned = self._file.userblock_size > 0
            for node in self._datasets(self._file, 0):
                shape = node.shape[::-1] if self._turned else node.shape
                name = node.name.lstrip("/")
                is_text = h5py.check_string_dtype(node.dtype) is not None or is_cell_array(node)
                self.arrays[name] = ArrayInfo(name, shape, "S" if is_text else _kind(node.dtype))
                if len(self.arrays) > _MAX_ARRAYS:
                    raise DataError(f"{path.name}: more than {_MAX_ARRAYS:,} arrays")

    def _datasets(self, group: h5py.Group, depth: int) -> Iterator[h5py.Dataset]:
        for name in list(group)[:_MAX_ARRAYS]:
            if name.startswith("#") or not isinstance(group.get(name, getlink=True), h5py.HardLink):
                continue
            node = group[name]
            if isinstance(node, h5py.Group) and depth < 4:
                yield from self._datasets(node, depth + 1)
            elif (
                isinstance(node, h5py.Dataset)
                and node.shape is not None
                and not node.is_virtual
                and not node.external
            ):
                yield node

    def read(self, name: str) -> NDArray[Any]:
        _checked(self, name)
        with damage_reported(self.path):
            node = check_chunks(self._file[name])
            if is_cell_array(node):
                return np.array(read_cells(node))
            if self.arrays[name].kind == "S":
                return np.array(LooseTexts(self._file).read(node))
            values: NDArray[Any] = node[()]
        return values.T if self._turned else values

    def rows(self, name: str, trials_last: bool) -> Rows:
        with damage_reported(self.path):
            node = check_written(check_chunks(self._file[name]))
        first_axis = trials_last == self._turned

        def read(rows: IntArray) -> FloatArray:
            with damage_reported(self.path):
                found = [
                    _floats(node[row] if first_axis else node[:, row]) for row in rows.tolist()
                ]
            return np.stack(found) if found else np.empty((0, 0), np.float32)

        if first_axis:
            return read
        # One trial of such an array costs as much as all.
        n_voxels, n_trials = node.shape

        def blocks() -> Iterator[FloatArray]:
            for start in range(0, n_trials, _BLOCK):
                with damage_reported(self.path):
                    yield _floats(node[:, start : start + _BLOCK].T)

        return ReadOnce(lambda: ScratchRows(blocks(), n_voxels))


def _kind(dtype: np.dtype[Any]) -> str:
    return "S" if dtype.kind == "U" else dtype.kind


def array_info(file: ArrayFile, name: str) -> ArrayInfo:
    """Return what is known of an array, refused if it is not there."""
    if name not in file.arrays:
        known = ", ".join(list(file.arrays)[:8])
        raise DataError(f"{file.path.name}: no array is called '{name[:60]}'; it has: {known}")
    return file.arrays[name]


def _checked(file: ArrayFile, name: str) -> None:
    """Refuse an array that is not there, is of objects, or too large to be read whole."""
    info = array_info(file, name)
    if info.kind not in "biufS":
        raise DataError(f"{file.path.name}: {name} holds neither numbers nor plain text")
    if math.prod(info.shape) > _MAX_VALUES:
        raise DataError(f"{file.path.name}: {name} has {math.prod(info.shape):,} values; too many")


def _floats(values: NDArray[Any]) -> FloatArray:
    with np.errstate(over="ignore"):  # what becomes infinite is reported by the subject
        return np.asarray(values, dtype=np.float32)
