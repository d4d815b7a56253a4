"""Which format a file or folder is of, and the reader that opens it as a subject."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mindvis_gui.data.file_head import is_hdf5, is_matlab_5, is_npy, is_zip, read_head
from mindvis_gui.data.source_kind import has_bdata_names
from mindvis_gui.errors import DataError
from mindvis_gui.paths import demo_subject_path

if TYPE_CHECKING:
    from mindvis_gui.data.subject import Subject

# What people try to open, told apart by its first bytes.
_OTHERS = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"RIFF": "a WebP picture",
}
_NAME_THE_RESPONSES = (
    "say which one holds the responses: Import subject… in the window, or mindvis import-subject "
    "--responses NAME"
)
# What stands for a whole folder. GLMsingle's best model is the one with all four steps.
_FILES = (
    "sub-*_ResponseData.h5",
    "betas_csv/sub-*_ResponseData.h5",
    "betas_all_subj*.hdf5",
    "TYPED_FITHRF_GLMDENOISE_RR.npy",
    "TYPED_FITHRF_GLMDENOISE_RR.hdf5",
    "TYPED_FITHRF_GLMDENOISE_RR.mat",
)


def open_subject(path: str | Path) -> Subject:
    """Open a subject, whatever its format; responses are read when they are asked for.

    Parameters
    ----------
    path : str or pathlib.Path
        The application's own subject file (see `subject_file`), a NIfTI file of betas or a
        folder around one (see `nifti`), a MinD-Vis archive (see `god`, `hcp`), an HCP time series
        on the surface (see `hcp_cifti`), BOLD5000 responses (see `bold5000`, `bold5000_volumes`),
        BData (see `bdata`), NSD folders (see `nsd`), GLMsingle results (see `glmsingle`),
        MindEye2 betas (see `mindeye2`), THINGS tables (see `things`), or
        ``"demo"`` for the simulated subject that ships with the application. Told apart by
        content; only where single arrays make up a data set, names say what they are.

    Raises
    ------
    DataError
        If there is no such file, or it is no subject, or it is damaged.
    """
    if path == "":  # as a path it would be the current folder
        raise DataError("the name of the subject is empty; give a file, a folder or 'demo'")
    source = demo_subject_path() if str(path) == "demo" else Path(path)
    try:
        source = source.expanduser()
        is_folder = source.is_dir()
        head = b"" if is_folder else read_head(source)
    except (OSError, ValueError, RuntimeError) as error:  # the last two: impossible names, ~nobody
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"{str(source)[:300]}: cannot be opened: {reason}") from error
    try:
        return _read_folder(source) if is_folder else _read_file(source, head)
    except MemoryError as error:
        raise DataError(f"{source.name}: a part of it does not fit in memory") from error


# Readers are imported where they are used: `import mindvis_gui` must stay cheap.
def _read_folder(folder: Path) -> Subject:
    from mindvis_gui.data.bold5000 import find_response_files, read_bold5000_subject

    if find_response_files(folder):
        return read_bold5000_subject(folder)
    from mindvis_gui.data.bold5000_volumes import find_volumes, read_bold5000_volumes

    if find_volumes(folder):
        return read_bold5000_volumes(folder)
    from mindvis_gui.data.nsd_files import find_nsd_files

    if files := find_nsd_files(folder):
        from mindvis_gui.data.nsd import read_nsd_subject

        return read_nsd_subject(folder, files)
    if path := _the_one_file(folder):
        return open_subject(path)
    from mindvis_gui.data.nifti import read_nifti_subject

    return read_nifti_subject(folder)


def _the_one_file(folder: Path) -> Path | None:
    """Return the file that makes a folder a THINGS, MindEye2 or GLMsingle one, if there is one."""
    for pattern in _FILES:
        found = sorted(folder.glob(pattern))
        if len(found) > 1:
            raise DataError(
                f"{folder.name}: {found[0].name} and {found[1].name} could both be meant; open one"
            )
        if found:
            return found[0]
    return None


def _read_file(path: Path, head: bytes) -> Subject:
    if not head:
        raise DataError(f"{path.name}: the file is empty; copy it again")
    if is_hdf5(head):
        return _read_hdf5(path)
    if is_zip(head):
        return _read_npz(path)
    if is_npy(head):
        return _read_npy(path)
    if is_matlab_5(head):
        return _read_matlab(path)
    for magic, what in _OTHERS.items():
        if head.startswith(magic):
            raise DataError(f"{path.name}: this is {what}; see docs/formats.md for what opens")
    return _read_image(path, head)


def _read_hdf5(path: Path) -> Subject:
    from mindvis_gui.data.hdf5 import top_level

    found = top_level(path)
    axes = len(found.get("betas", ()))
    if has_bdata_names(found.keys()):
        from mindvis_gui.data.bdata import read_bdata_subject

        return read_bdata_subject(path)
    if found.keys() & {"betasmd", "modelmd"}:
        from mindvis_gui.data.glmsingle import read_glmsingle_subject

        return read_glmsingle_subject(path)
    if axes == 4:
        return _read_nsd(path)
    if axes == 2:
        from mindvis_gui.data.mindeye2 import read_mindeye2_subject

        return read_mindeye2_subject(path)
    from mindvis_gui.data.pandas_file import is_pandas_frame

    if is_pandas_frame(path):
        from mindvis_gui.data.things import read_things_subject

        return read_things_subject(path)
    from mindvis_gui.data.subject_file import read_subject

    return read_subject(path)


def _read_matlab(path: Path) -> Subject:
    from mindvis_gui.data.matlab_file import matlab_shapes

    found = matlab_shapes(path)
    if has_bdata_names(found.keys()):
        from mindvis_gui.data.bdata import read_bdata_subject

        return read_bdata_subject(path)
    names = ", ".join(list(found)[:8]) or "none"
    raise DataError(
        f"{path.name}: the arrays of this MATLAB file ({names[:200]}) are no BData; "
        f"{_NAME_THE_RESPONSES}"
    )


def _read_nsd(path: Path) -> Subject:
    from mindvis_gui.data.nsd import read_nsd_subject
    from mindvis_gui.data.nsd_files import find_nsd_files

    if files := find_nsd_files(path):
        return read_nsd_subject(path, files)
    raise DataError(
        f"{path.name}: these are betas (trials, z, y, x), as NSD has them; "
        "call the file betas_sessionNN.hdf5"
    )


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
        f"(arr_0, arr_2, …) nor an HCP one (V1 to V4); {_NAME_THE_RESPONSES}"
    )


def _read_npy(path: Path) -> Subject:
    from mindvis_gui.data.bold5000 import find_response_files, read_bold5000_subject

    if find_response_files(path):
        return read_bold5000_subject(path)
    from mindvis_gui.data.glmsingle import is_glmsingle, read_glmsingle_subject

    if is_glmsingle(path):
        return read_glmsingle_subject(path)
    raise DataError(
        f"{path.name}: this is a single numpy array, and not one of BOLD5000's by its name; if it "
        "is (trials, voxels), make a subject of it: Import subject… in the window, or mindvis "
        f"import-subject --responses {path.stem[:60]}"
    )


def _read_image(path: Path, head: bytes) -> Subject:
    from mindvis_gui.data.cifti_file import is_cifti
    from mindvis_gui.data.nifti import read_nifti_subject
    from mindvis_gui.data.nifti_file import is_nifti

    if is_cifti(head):
        from mindvis_gui.data.hcp_cifti import read_hcp_cifti_subject

        return read_hcp_cifti_subject(path)
    if is_nifti(head):
        from mindvis_gui.data.nsd_files import find_nsd_files

        if find_nsd_files(path):
            return _read_nsd(path)
        from mindvis_gui.data.bold5000_volumes import find_volumes, read_bold5000_volumes

        if find_volumes(path):
            return read_bold5000_volumes(path)
        return read_nifti_subject(path)
    raise DataError(
        f"{path.name}: this is no known kind of subject; see docs/formats.md for what opens"
    )
