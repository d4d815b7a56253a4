"""Subjects, stimuli and everything that is done to a response before it is decoded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mindvis_gui.errors import DataError
from mindvis_gui.paths import demo_subject_path

if TYPE_CHECKING:
    from mindvis_gui.data.subject import Subject

__all__ = ["open_subject"]

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_NPY = b"\x93NUMPY"
# What people try to open, told apart by its first bytes.
_OTHERS = {
    b"MATLAB 5.0": "a MATLAB file of version 5; save it with -v7.3",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"RIFF": "a WebP picture",
}


def open_subject(path: str | Path) -> Subject:
    """Open a subject, whatever its format; responses are read when they are asked for.

    Parameters
    ----------
    path : str or pathlib.Path
        The application's own subject file (see `subject_file`), a NIfTI file of betas or a
        folder around one (see `nifti`), a MinD-Vis archive (see `god`, `hcp`), BOLD5000
        responses (see `bold5000`), BData (see `bdata`), or ``"demo"`` for the simulated subject
        that ships with the application. Told apart by content; only BOLD5000 needs its names.

    Raises
    ------
    DataError
        If there is no such file, or it is no subject, or it is damaged.
    """
    source = demo_subject_path() if str(path) == "demo" else Path(path)
    try:
        source = source.expanduser()
        if source.is_dir():
            return _read_folder(source)
        with source.open("rb") as file:
            head = file.read(4096)
    except (OSError, ValueError, RuntimeError) as error:  # the last two: impossible names, ~nobody
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{str(source)[:300]}: cannot be opened: {reason}") from error
    if not head:
        raise DataError(f"{source.name}: the file is empty; copy it again")
    # HDF5 allows a block of the user's own before its signature (MATLAB 7.3 files have one).
    if any(head[at:].startswith(_HDF5) for at in (0, 512, 1024, 2048)):
        return _read_hdf5(source)
    if head.startswith(_ZIP):
        return _read_npz(source)
    if head.startswith(_NPY):
        return _read_npy(source)
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise DataError(f"{source.name}: this is {what}; see docs/formats.md for what opens")
    return _read_image(source, head)


# Readers are imported where they are used: `import mindvis_gui` must stay cheap.
def _read_folder(folder: Path) -> Subject:
    from mindvis_gui.data.bold5000 import find_response_files, read_bold5000_subject

    if find_response_files(folder):
        return read_bold5000_subject(folder)
    from mindvis_gui.data.nifti import read_nifti_subject

    return read_nifti_subject(folder)


def _read_hdf5(path: Path) -> Subject:
    from mindvis_gui.data.bdata_file import is_bdata

    if is_bdata(path):
        from mindvis_gui.data.bdata import read_bdata_subject

        return read_bdata_subject(path)
    from mindvis_gui.data.subject_file import read_subject

    return read_subject(path)


def _read_npz(path: Path) -> Subject:
    from mindvis_gui.data.god import is_god, read_god_subject
    from mindvis_gui.data.hcp import is_hcp, read_hcp_subject
    from mindvis_gui.data.npz import NpzFile

    archive = NpzFile(path)
    if is_god(archive):
        return read_god_subject(archive)
    if is_hcp(archive):
        return read_hcp_subject(archive)
    found = ", ".join(list(archive.headers)[:8]) or "none"
    raise DataError(
        f"{path.name}: the arrays of this archive ({found[:200]}) are neither a GOD subject "
        "(arr_0, arr_2, …) nor an HCP one (V1 to V4)"
    )


def _read_npy(path: Path) -> Subject:
    from mindvis_gui.data.bold5000 import find_response_files, read_bold5000_subject

    if find_response_files(path):
        return read_bold5000_subject(path)
    raise DataError(
        f"{path.name}: this is a single numpy array, and not one of BOLD5000's by its name; "
        "see docs/formats.md for what opens"
    )


def _read_image(path: Path, head: bytes) -> Subject:
    from mindvis_gui.data.nifti import read_nifti_subject
    from mindvis_gui.data.nifti_file import is_nifti

    if is_nifti(head):
        return read_nifti_subject(path)
    raise DataError(
        f"{path.name}: this is no known kind of subject; see docs/formats.md for what opens"
    )
