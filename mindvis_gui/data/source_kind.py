"""What a source is: an image on a grid, values on a surface, a file of NSD or of BData."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

from mindvis_gui.data.file_head import is_hdf5, is_matlab_5, read_head
from mindvis_gui.errors import DataError


def is_image(source: Path) -> bool:
    """Whether a file is a NIfTI image on a grid, or a folder has some as `nifti` names them."""
    if source.is_dir():
        from mindvis_gui.data.nifti import has_images

        return has_images(source)
    from mindvis_gui.data.nifti_file import is_nifti

    return is_nifti(read_head(source)) and not is_surface(source)


def is_surface(source: Path) -> bool:
    """Whether a file is CIFTI: values on the surface of the cortex."""
    from mindvis_gui.data.cifti_file import is_cifti

    return source.is_file() and is_cifti(read_head(source))


def is_nsd(source: Path) -> bool:
    """Whether a file is one of NSD's, as `nsd_files` finds them."""
    from mindvis_gui.data.nsd_files import find_nsd_files

    return source.is_file() and find_nsd_files(source) is not None


def is_bdata(source: Path) -> bool:
    """Whether a file is one of BData (see `bdata`), by the names in it."""
    if source.is_dir():
        return False
    head = read_head(source)
    if is_hdf5(head):
        from mindvis_gui.data.hdf5 import top_level

        return has_bdata_names(top_level(source).keys())
    if is_matlab_5(head):
        from mindvis_gui.data.matlab_file import matlab_shapes

        return has_bdata_names(matlab_shapes(source).keys())
    return False


def has_bdata_names(names: Set[str]) -> bool:
    """Whether a file with these names at its top is one of BData."""
    return bool(names & {"dataset", "dataSet"} and names & {"metadata", "metaData"})


def can_be_joined(paths: Sequence[Path]) -> bool:
    """Whether files are those of one subject, as far as their kind says: images, or BData."""
    if len(paths) < 2 or any(path.is_dir() for path in paths):
        return False
    try:
        return all(map(is_image, paths)) or all(map(is_bdata, paths))
    except DataError:
        return False  # which whoever reads the file says
