"""Reading HDF5 files that strangers made: nothing outside the file, no size taken on trust."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.at_hand import check_may_wait
from mindvis_gui.data.checks import kinds_text
from mindvis_gui.errors import DataError, reason_of, refusal_of
from mindvis_gui.wording import counted

MAX_TEXT = 1024  # bytes in one cell of a text column
MAX_CHUNK_BYTES = 1 << 26
MAX_BYTES = 1 << 30  # that one dataset may take in memory when it is read whole
_MAX_NAMES = 1 << 16

# What h5py raises on damaged files, depending on which byte is wrong.
_DAMAGE = (
    OSError,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    MemoryError,
    SystemError,
    NotImplementedError,
)


@contextmanager
def damage_reported(path: Path) -> Iterator[None]:
    """Turn whatever HDF5 raises inside the block into a `DataError` that names the file.

    A thread that must not wait does not come in: drives are slow, and one thread reads at a time.
    """
    check_may_wait()
    try:
        yield
    except _DAMAGE as error:
        reason = reason_of(error)
        told = refusal_of(error) or (
            f"the HDF5 file is damaged or incomplete ({reason}); copy it again"
        )
        raise DataError(f"{path.name}: {told}") from error


def open_hdf5(path: Path) -> h5py.File:
    """Open an HDF5 file for reading, without a lock (network drives often have none).

    In this very process, such as a notebook, it may be open as h5py opens files: then like that.
    """
    with damage_reported(path):
        try:
            return h5py.File(path, "r", locking=False)
        except OSError as error:
            if "locking flag" not in str(error):
                raise
            return h5py.File(path, "r")


def top_level(path: Path) -> dict[str, tuple[int, ...]]:
    """Return what lies at the top of a file: the shapes of its datasets, () for all else.

    Links out of the file are named, not followed.
    """
    with damage_reported(path), open_hdf5(path) as file:
        if len(file) > _MAX_NAMES:
            raise DataError(f"{path.name}: {len(file):,} entries are too many for a subject")
        return {name: _shape(file, name) for name in file}


def _shape(file: h5py.File, name: str) -> tuple[int, ...]:
    inside = isinstance(file.get(name, getlink=True), h5py.HardLink)
    node = file[name] if inside else None
    return (node.shape or ()) if isinstance(node, h5py.Dataset) else ()


def check_chunks(node: h5py.Dataset) -> h5py.Dataset:
    """Return a dataset, refused if reading one value of it would take a huge chunk."""
    size = math.prod(node.chunks or (1,)) * node.dtype.itemsize
    if size > MAX_CHUNK_BYTES:
        raise DataError(f"{_file_name(node.file)}: {node.name} has chunks of {size:,} bytes")
    _check_filters(node)
    return node


def check_written(node: h5py.Dataset) -> h5py.Dataset:
    """Return a dataset, refused if some of its chunks were never written: they would read as 0."""
    if node.chunks is not None:
        whole = math.prod(-(-n // at) for n, at in zip(node.shape, node.chunks, strict=True))
        there = node.id.get_num_chunks()
        if there < whole:
            raise DataError(
                f"{_file_name(node.file)}: of the {whole:,} chunks of {node.name} only {there:,} "
                "were ever written; make the file again"
            )
    return node


def has(file: h5py.File, name: str) -> bool:
    """Whether the file has an object called `name`, without following links out of the file."""
    return _find(file, name) is not None


def group(file: h5py.File, name: str) -> h5py.Group:
    """Return the group called `name`."""
    node = _walk(file, name)
    if not isinstance(node, h5py.Group):
        raise DataError(f"{_file_name(file)}: /{name} is not a group")
    return node


def dataset(file: h5py.File, name: str, ndim: int, kinds: str) -> h5py.Dataset:
    """Return the dataset called `name`, refused unless its values are in this very file.

    Parameters
    ----------
    ndim : int
        Number of axes it must have.
    kinds : str
        Letters of the numpy kinds allowed (``"iu"`` integers, ``"f"`` floats, ``"S"`` text, …).
    """
    node = _walk(file, name)
    where = f"{_file_name(file)}: /{name}"
    if not isinstance(node, h5py.Dataset):
        raise DataError(f"{where} is not a dataset")
    if node.is_virtual or node.external:
        raise DataError(f"{where} keeps its values in another file; copy them into this one")
    if node.shape is None or node.ndim != ndim:
        raise DataError(f"{where} has shape {node.shape}, not {counted(ndim, 'axis')}")
    if node.dtype.kind not in kinds:
        raise DataError(f"{where} holds values of type {node.dtype}, not {kinds_text(kinds)}")
    _check_filters(node)
    return node


def _check_filters(node: h5py.Dataset) -> None:
    """Refuse what is packed in a way that needs a plug-in; h5py would call it damaged."""
    properties = node.id.get_create_plist()
    for n in range(properties.get_nfilters()):
        code, _, _, name = properties.get_filter(n)
        if not h5py.h5z.filter_avail(code):
            packing = name.decode(errors="replace") or code
            raise DataError(
                f"{_file_name(node.file)}: {node.name} is packed by '{packing}', which this "
                "program cannot unpack; save it anew with gzip, or unpacked"
            )


def read_whole(node: h5py.Dataset) -> NDArray[Any]:
    """Read all values of a dataset, after a look at how many bytes that takes."""
    size = node.size * node.dtype.itemsize
    if size > MAX_BYTES:
        raise DataError(
            f"{_file_name(node.file)}: {node.name} claims {size:,} bytes, "
            f"more than the {MAX_BYTES:,} allowed"
        )
    values: NDArray[Any] = node[()]
    return values


def read_text(node: h5py.Dataset) -> list[str]:
    """Read a column of fixed-length UTF-8 text."""
    if node.dtype.itemsize > MAX_TEXT:
        raise DataError(
            f"{_file_name(node.file)}: {node.name} has cells of {node.dtype.itemsize:,} bytes, "
            f"more than the {MAX_TEXT:,} allowed"
        )
    try:
        return [cell.decode() for cell in read_whole(node).tolist()]
    except UnicodeDecodeError as error:
        raise DataError(f"{_file_name(node.file)}: {node.name} is not UTF-8 text") from error


def read_attribute(node: h5py.Group | h5py.Dataset, name: str) -> str:
    """Read an attribute of fixed-length UTF-8 text, empty if it is not there."""
    value = _attribute(node, name, "")
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if not isinstance(value, str):
        raise DataError(f"{_file_name(node.file)}: attribute '{name}' is {value!r}, not text")
    return value


def read_number(node: h5py.Group | h5py.Dataset, name: str, default: float) -> float:
    """Read a finite numeric attribute."""
    value = _attribute(node, name, default)
    if not isinstance(value, (int, float, np.integer, np.floating, np.bool_)) or not np.isfinite(
        value
    ):
        raise DataError(f"{_file_name(node.file)}: attribute '{name}' is {value!r}, not a number")
    return float(value)


def read_array(node: h5py.Group | h5py.Dataset, name: str) -> NDArray[Any]:
    """Read a numeric attribute of any shape; an empty array if there is none."""
    return np.asarray(_attribute(node, name, np.zeros(0)))


def _attribute(node: h5py.Group | h5py.Dataset, name: str, default: Any) -> Any:
    if name not in node.attrs:
        return default
    if node.attrs.get_id(name).dtype.kind not in "biufS":
        raise DataError(
            f"{_file_name(node.file)}: attribute '{name}' is not of a plain type; store numbers, "
            "or text of fixed length (numpy.bytes_)"
        )
    return node.attrs[name]


def _walk(file: h5py.File, name: str) -> Any:
    node = _find(file, name)
    if node is None:
        raise DataError(f"{_file_name(file)}: /{name} is missing; is this file complete?")
    return node


def _find(file: h5py.File, name: str) -> Any:
    """Return the object called `name`, None if there is none; refuse links out of the file."""
    node: Any = file
    for part in name.split("/"):
        if not isinstance(node, h5py.Group) or node.get(part, getlink=True) is None:
            return None
        node = _hard_linked(node, part)
    return node


def _hard_linked(parent: h5py.Group, name: str) -> Any:
    if not isinstance(parent.get(name, getlink=True), h5py.HardLink):
        raise DataError(
            f"{_file_name(parent.file)}: {parent.name.rstrip('/')}/{name} is a link to somewhere "
            "else; copy the values into this file"
        )
    return parent[name]


def _file_name(file: h5py.File) -> str:
    return Path(file.filename).name
