"""What a source is: an image on a grid, values on a surface, a file of NSD."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mindvis_gui.errors import DataError


def is_image(source: Path) -> bool:
    """Whether a file is a NIfTI image on a grid, or a folder has some as `nifti` names them."""
    if source.is_dir():
        from mindvis_gui.data.nifti import has_images

        return has_images(source)
    from mindvis_gui.data.nifti_file import is_nifti

    return is_nifti(_head(source)) and not is_surface(source)


def is_surface(source: Path) -> bool:
    """Whether a file is CIFTI: values on the surface of the cortex."""
    from mindvis_gui.data.cifti_file import is_cifti

    return source.is_file() and is_cifti(_head(source))


def is_nsd(source: Path) -> bool:
    """Whether a file is one of NSD's, as `nsd_files` finds them."""
    from mindvis_gui.data.nsd_files import find_nsd_files

    return source.is_file() and find_nsd_files(source) is not None


def can_be_joined(paths: Sequence[Path]) -> bool:
    """Whether files are those of one subject, as far as their kind says: images, or BData."""
    from mindvis_gui.data import is_bdata

    if len(paths) < 2 or any(path.is_dir() for path in paths):
        return False
    try:
        return all(map(is_image, paths)) or all(map(is_bdata, paths))
    except DataError:
        return False  # which whoever reads the file says


def _head(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            return file.read(4096)
    except OSError as error:
        raise DataError(f"{source}: cannot be opened: {error.strerror or error}") from error
