"""Text of variable length in HDF5 files, as other programs write it.

HDF5 keeps such text in heaps without checksums, and its own reader hangs on damaged ones. The heaps
are simple: they are read here byte by byte, never past their end.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

import h5py
import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.hdf5 import MAX_TEXT, read_text, read_whole
from mindvis_gui.errors import DataError

_ELEMENT = np.dtype([("length", "<u4"), ("heap", "<u8"), ("index", "<u4")])
_HEAP_HEADER = 16  # signature, version, three spare bytes, size
_OBJECT_HEADER = 16  # index, reference count, four spare bytes, size
_MAX_CELLS = 1 << 17

_Heap = dict[int, bytes]  # its objects by index


def is_cell_array(node: h5py.Dataset) -> bool:
    """Whether MATLAB 7.3 keeps cells in a dataset, each in a place of its own."""
    return h5py.check_ref_dtype(node.dtype) is h5py.Reference


def read_cells(node: h5py.Dataset) -> list[str]:
    """Return the texts in a cell array of MATLAB 7.3.

    Raises
    ------
    DataError
        If a cell holds anything else.
    """
    where = f"{Path(node.file.filename).name}: {node.name}"
    if node.size > _MAX_CELLS:
        raise DataError(f"{where} has {node.size:,} cells")
    return [_characters(node.file[cell], where) for cell in node[()].ravel()]


def _characters(cell: h5py.Dataset | h5py.Group, where: str) -> str:
    if isinstance(cell, h5py.Dataset) and "MATLAB_empty" in cell.attrs:
        return ""  # what is stored is its shape
    if (
        not isinstance(cell, h5py.Dataset)
        or cell.dtype != np.uint16
        or cell.size > MAX_TEXT
        or cell.is_virtual
        or cell.external
    ):
        raise DataError(f"{where} holds more than text")
    characters: NDArray[np.uint16] = read_whole(cell)
    return characters.astype("<u2").tobytes().decode("utf-16-le", errors="replace")


class LooseTexts:
    """Reader of text of fixed or variable length from one file."""

    def __init__(self, file: h5py.File) -> None:
        self._path = Path(file.filename)
        self._base = file.userblock_size
        self._heaps: dict[int, _Heap] = {}
        self._left = self._path.stat().st_size  # heaps do not overlap: together they are no larger

    def read(self, node: h5py.Dataset) -> list[str]:
        """Return the texts of a dataset with one axis or none.

        Raises
        ------
        DataError
            If it holds no UTF-8 text, or a heap is damaged.
        """
        where = f"{self._path.name}: {node.name}"
        if node.dtype.kind == "S" and node.ndim == 1:
            return read_text(node)
        start = node.id.get_offset()
        if h5py.check_string_dtype(node.dtype) is None or node.ndim > 1 or node.size > _MAX_CELLS:
            raise DataError(f"{where} holds values of type {node.dtype}, not text")
        if start is None or node.id.get_storage_size() != node.size * _ELEMENT.itemsize:
            raise DataError(f"{where} keeps its text in a way that cannot be read safely")
        with self._path.open("rb") as file:
            file.seek(start)
            cells = np.frombuffer(file.read(node.size * _ELEMENT.itemsize), _ELEMENT)
            found = [self._cell(file, where, *cell) for cell in cells.tolist()]
        try:
            return [text.decode() for text in found]
        except UnicodeDecodeError as error:
            raise DataError(f"{where} is not UTF-8 text") from error

    def _cell(self, file: IO[bytes], where: str, length: int, address: int, index: int) -> bytes:
        if length == 0:
            return b""
        if address not in self._heaps:
            self._heaps[address] = self._heap(file, self._base + address)
        text = self._heaps[address].get(index, b"")
        if not length <= min(len(text), MAX_TEXT):
            raise DataError(f"{where}: the text is damaged or incomplete; copy the file again")
        return text[:length]

    def _heap(self, file: IO[bytes], start: int) -> _Heap:
        """Return the objects of the heap that starts at a byte; none if there is no heap."""
        file.seek(start)
        header = file.read(_HEAP_HEADER)
        size = int.from_bytes(header[8:], "little")
        if not header.startswith(b"GCOL") or not _HEAP_HEADER <= size <= self._left:
            return {}
        self._left -= size
        content = file.read(size - _HEAP_HEADER)
        objects: _Heap = {}
        at = 0
        while at + _OBJECT_HEADER <= len(content):
            index = int.from_bytes(content[at : at + 2], "little")
            length = int.from_bytes(content[at + 8 : at + 16], "little")
            if index == 0:  # what is left is free
                break
            at += _OBJECT_HEADER
            objects[index] = content[at : at + length]
            at += length + -length % 8
        return objects
