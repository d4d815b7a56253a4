"""Pictures in a folder or in one array, as a mapping from stimulus id to picture."""

from __future__ import annotations

import unicodedata
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.at_hand import check_may_wait
from mindvis_gui.data.file_head import is_hdf5, is_zip, read_head
from mindvis_gui.data.hdf5 import damage_reported, open_hdf5
from mindvis_gui.data.npz import NpzFile, npz_damage_reported
from mindvis_gui.data.picture import SUFFIXES, is_picture_array
from mindvis_gui.data.recording import Pictures
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.errors import DataError
from mindvis_gui.wording import counted, writable

_NAMED = 5  # arrays of a file without pictures


def open_pictures(path: Path) -> Pictures:
    """Open a folder of image files, or an ``.npz`` or HDF5 file with one array (n, h, w, 3) uint8.

    Pictures in a folder of the folder are called by both, as BIDS has it: ``"cat/cat-01.jpg"``.
    The pictures of an array are called ``"0"``, ``"1"``, …

    Raises
    ------
    DataError
        If there is no picture, or more than one array that could be meant.
    """
    if path.is_dir():
        return PictureFolder(path, nested=True)
    head = read_head(path)
    if is_hdf5(head):
        return _hdf5_pictures(path)
    if is_zip(head):
        return _npz_pictures(path)
    raise DataError(
        f"{path.name}: give a folder of pictures, or an npz or HDF5 file with one array"
    )


def composed(name: str) -> str:
    """Return a name with each accented letter as one character, as it is typed."""
    return unicodedata.normalize("NFC", name)


class PictureFiles(Mapping[str, bytes]):
    """Image files by name, read when asked for."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def __getitem__(self, name: str) -> bytes:
        path = self._files[name]
        check_may_wait()
        try:
            return path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


class PictureFolder(PictureFiles):
    """The image files of a folder by file name, in sorted order; read when asked for.

    Names are `composed` and `writable`, whatever file system they come from.

    Parameters
    ----------
    folder : pathlib.Path
    nested : bool
        Whether the folders in it are looked into, too.
    """

    def __init__(self, folder: Path, *, nested: bool = False) -> None:
        try:
            files = {
                writable(path.relative_to(folder).as_posix()): path
                for path in _files(folder, nested)
            }
        except OSError as error:
            raise DataError(f"{folder}: cannot be listed: {error.strerror or error}") from error
        if not files:
            raise DataError(f"{folder}: no pictures in this folder ({', '.join(SUFFIXES)})")
        super().__init__(
            {
                name if composed(name) in files else composed(name): path
                for name, path in sorted(files.items(), key=lambda each: each[1].parts)
            }
        )


def _files(folder: Path, nested: bool) -> Iterator[Path]:
    for path in folder.iterdir():
        # macOS leaves ._a.png beside a.png on other file systems; it is no picture.
        if path.name.startswith("."):
            continue
        if path.suffix.lower() in SUFFIXES and path.is_file():
            yield path
        elif nested and path.is_dir() and not path.is_symlink():  # a link may lead around
            yield from _files(path, nested)


class PictureArray(Mapping[str, ImageArray]):
    """The pictures of one array (n, h, w, 3) uint8, in memory or in an HDF5 file."""

    def __init__(self, array: NDArray[np.uint8] | h5py.Dataset, path: Path) -> None:
        self._array = array
        self._path = path

    def __getitem__(self, name: str) -> ImageArray:
        # Only "7" is picture 7: "07", "+7" or "٧" would be a second name of it.
        if not name.isdecimal() or name != str(int(name)) or int(name) >= len(self):
            raise KeyError(name)
        with damage_reported(self._path):
            picture: ImageArray = self._array[int(name)]
        return picture

    def __iter__(self) -> Iterator[str]:
        return map(str, range(len(self)))

    def __len__(self) -> int:
        return int(self._array.shape[0])


def _hdf5_pictures(path: Path) -> PictureArray:
    file = open_hdf5(path)
    with damage_reported(path):
        arrays = {
            name: node
            for name in file
            if isinstance(file.get(name, getlink=True), h5py.HardLink)
            and isinstance(node := file[name], h5py.Dataset)
            and not node.is_virtual
            and not node.external
            and node.shape is not None
        }
        found = [node for node in arrays.values() if is_picture_array(node.shape, node.dtype)]
        return PictureArray(_the_one(found, path, arrays), path)


def _npz_pictures(path: Path) -> PictureArray:
    with npz_damage_reported(path), zipfile.ZipFile(path) as packed:
        names = packed.namelist()
    if not any(name.endswith(".npy") for name in names):
        raise DataError(
            f"{path.name}: a zip archive of {counted(len(names), 'file')} that are no arrays; "
            "unpack it and give the folder"
        )
    archive = NpzFile(path)
    headers = archive.headers.items()
    found = [name for name, header in headers if is_picture_array(header.shape, header.dtype)]
    if not found:  # pictures of several sizes are saved as objects: reading them says so
        found = [name for name, header in headers if header.dtype.hasobject][:1]
    return PictureArray(archive.read(_the_one(found, path, archive.headers), np.uint8), path)


def _the_one(found: list[Any], path: Path, arrays: Mapping[str, Any]) -> Any:
    if len(found) != 1:
        there = [f"{name[:40]} {each.shape} {each.dtype}" for name, each in arrays.items()]
        more = f" and {len(there) - _NAMED:,} more" if len(there) > _NAMED else ""
        raise DataError(
            f"{path.name}: {len(found)} arrays in this file look like pictures, "
            "(n, h, w, 3) uint8; exactly one must, and it has "
            f"{', '.join(there[:_NAMED]) or 'none'}{more}"
        )
    return found[0]
