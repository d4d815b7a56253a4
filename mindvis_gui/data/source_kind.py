"""Whether a source is of images on a grid or of values on a surface, by its first bytes."""

from __future__ import annotations

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


def _head(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            return file.read(4096)
    except OSError as error:
        raise DataError(f"{source}: cannot be opened: {error.strerror or error}") from error
