"""Pictures in a folder or in one array, as a mapping from stimulus id to picture."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.hdf5 import damage_reported, open_hdf5
from mindvis_gui.data.picture import SUFFIXES, is_picture_array
from mindvis_gui.data.recording import Pictures
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.errors import DataError

_NPZ_DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    LookupError,
    RuntimeError,  # an encrypted archive
    zipfile.BadZipFile,
    zlib.error,
)


def open_pictures(path: Path) -> Pictures:
    """Open a folder of image files, or an ``.npz`` or HDF5 file with one array (n, h, w, 3) uint8.

    The pictures of an array are called ``"0"``, ``"1"``, …

    Raises
    ------
    DataError
        If there is no picture, or more than one array that could be meant.
    """
    if path.is_dir():
        return PictureFolder(path)
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise DataError(f"{path}: cannot be opened: {error.strerror or error}") from error
    if head == b"\x89HDF\r\n\x1a\n":
        return _hdf5_pictures(path)
    if head.startswith(b"PK\x03\x04"):
        return _npz_pictures(path)
    raise DataError(
        f"{path.name}: give a folder of pictures, or an npz or HDF5 file with one array"
    )


class PictureFolder(Mapping[str, bytes]):
    """The image files of a folder by file name, in sorted order; read when asked for."""

    def __init__(self, folder: Path) -> None:
        try:
            files = [p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file()]
        except OSError as error:
            raise DataError(f"{folder}: cannot be listed: {error.strerror or error}") from error
        if not files:
            raise DataError(f"{folder}: no pictures in this folder ({', '.join(SUFFIXES)})")
        self._files = {p.name: p for p in sorted(files) if not p.name.startswith(".")}

    def __getitem__(self, name: str) -> bytes:
        path = self._files[name]
        try:
            return path.read_bytes()
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


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
        found = [
            node
            for name in file
            if isinstance(file.get(name, getlink=True), h5py.HardLink)
            and isinstance(node := file[name], h5py.Dataset)
            and not node.is_virtual
            and not node.external
            and node.shape is not None
            and is_picture_array(node.shape, node.dtype)
        ]
    return PictureArray(_the_one(found, path), path)


def _npz_pictures(path: Path) -> PictureArray:
    try:
        with zipfile.ZipFile(path) as archive:
            found = [info.filename for info in archive.infolist() if _holds_pictures(archive, info)]
        name = _the_one(found, path)
        with np.load(path, allow_pickle=False) as arrays:
            return PictureArray(arrays[name.removesuffix(".npy")], path)
    except _NPZ_DAMAGE as error:
        raise DataError(f"{path.name}: the npz file is damaged ({error}); copy it again") from error


def _holds_pictures(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    """Look at the header of an array only; what it claims must be there before it is allocated."""
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(member)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(member)
        packed = 1032 * info.compress_size  # no zip member unpacks to more
    return is_picture_array(shape, dtype) and math.prod(shape) <= min(info.file_size, packed)


def _the_one(found: list[Any], path: Path) -> Any:
    if len(found) != 1:
        raise DataError(
            f"{path.name}: {len(found)} arrays in this file look like pictures, "
            "(n, h, w, 3) uint8; exactly one must"
        )
    return found[0]
