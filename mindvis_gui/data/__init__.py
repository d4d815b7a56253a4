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
# What people try to open, told apart by its first bytes.
_OTHERS = {
    b"PK\x03\x04": "a zip or npz archive, which cannot be read yet",
    b"\x93NUMPY": "a single numpy array, which cannot be read yet",
    b"MATLAB 5.0": "a MATLAB file, which cannot be read yet",
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
        folder around one (see `nifti`), or ``"demo"`` for the simulated subject that ships
        with the application. Told apart by content, not by name.

    Raises
    ------
    DataError
        If there is no such file, or it is no subject, or it is damaged.
    """
    # Imported here: `import mindvis_gui` must stay cheap.
    from mindvis_gui.data import subject_file
    from mindvis_gui.data.nifti import read_nifti_subject
    from mindvis_gui.data.nifti_file import is_nifti

    source = demo_subject_path() if str(path) == "demo" else Path(path)
    try:
        source = source.expanduser()
        if source.is_dir():
            return read_nifti_subject(source)
        with source.open("rb") as file:
            head = file.read(4096)
    except (OSError, ValueError, RuntimeError) as error:  # the last two: impossible names, ~nobody
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{str(source)[:300]}: cannot be opened: {reason}") from error
    if not head:
        raise DataError(f"{source.name}: the file is empty; copy it again")
    # HDF5 allows a block of the user's own before its signature (MATLAB 7.3 files have one).
    if any(head[at:].startswith(_HDF5) for at in (0, 512, 1024, 2048)):
        return subject_file.read_subject(source)
    if is_nifti(head):
        return read_nifti_subject(source)
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise DataError(
                f"{source.name}: this is {what}; open a subject file (.h5) or NIfTI betas"
            )
    raise DataError(
        f"{source.name}: this is no known kind of subject; open a subject file (.h5) or NIfTI betas"
    )
