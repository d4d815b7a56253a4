"""The first bytes of a file, by which formats are told apart whatever its name."""

from __future__ import annotations

from pathlib import Path

from mindvis_gui.errors import DataError

_LENGTH = 4096
_HDF5 = b"\x89HDF\r\n\x1a\n"
# HDF5 allows a block of the user's own before its signature (MATLAB 7.3 files have one).
_HDF5_PLACES = (0, 512, 1024, 2048)


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file, fewer if it is shorter.

    Raises
    ------
    DataError
        If it cannot be opened.
    """
    try:
        with path.open("rb") as file:
            return file.read(_LENGTH)
    except OSError as error:
        raise DataError(
            f"{str(path)[:300]}: cannot be opened: {error.strerror or error}"
        ) from error


def is_hdf5(head: bytes) -> bool:
    """Whether a file that begins so is one of HDF5."""
    return any(head[at:].startswith(_HDF5) for at in _HDF5_PLACES)


def is_zip(head: bytes) -> bool:
    """Whether a file that begins so is a zip archive, as ``.npz`` is."""
    return head.startswith(b"PK\x03\x04")


def is_npy(head: bytes) -> bool:
    """Whether a file that begins so is a single array of numpy."""
    return head.startswith(b"\x93NUMPY")


def is_matlab_5(head: bytes) -> bool:
    """Whether a file that begins so is one of MATLAB 5; those of version 7.3 are HDF5."""
    return head.startswith(b"MATLAB 5.0")
