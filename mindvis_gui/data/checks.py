"""What every reader checks before it hands out a subject."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.subject import IntArray
from mindvis_gui.errors import DataError

SPLITS = ("train", "test", "test-single")
MAX_GRID = 1 << 27  # points of a grid (512³): larger ones are absurd headers, not brains
MAX_VOXELS = 1 << 23
MAX_TRIALS = 1 << 20
_MAX_ROI_NAME = 64
_KINDS = {
    "b": "bool",
    "iu": "integers",
    "f": "floating-point numbers",
    "S": "text of fixed length (numpy.bytes_)",
    "O": "text",
}


def kinds_text(kinds: str) -> str:
    """Return in words what values of these numpy kinds (``"fi"``, ``"S"``, …) are."""
    return " or ".join(words for letters, words in _KINDS.items() if set(letters) & set(kinds))


def check_affine(affine: NDArray[np.generic], where: str) -> NDArray[np.float64]:
    """Return `affine` (4, 4) as float64, refused unless it maps a grid to mm one to one."""
    if affine.shape != (4, 4) or affine.dtype.kind not in "iuf":
        raise DataError(
            f"{where} has shape {affine.shape} and type {affine.dtype}, not (4, 4) numbers"
        )
    matrix = affine.astype(np.float64)
    if not np.isfinite(matrix).all() or np.abs(matrix).max() > 1e6:
        raise DataError(f"{where} holds values that are not finite or not millimetres")
    if not np.array_equal(matrix[3], [0, 0, 0, 1]):
        raise DataError(f"{where} has the last row {matrix[3].tolist()}, not [0, 0, 0, 1]")
    steps = np.linalg.norm(matrix[:3, :3], axis=0)
    if steps.min() < 1e-3 or abs(np.linalg.det(matrix[:3, :3] / steps)) < 1e-3:
        raise DataError(f"{where} is singular: two axes of the grid coincide or one has no length")
    return matrix


def check_ijk(ijk: NDArray[np.generic], n_voxels: int, where: str) -> IntArray:
    """Return voxel positions (n_voxels, 3) as int64, refused unless distinct and on a sane grid."""
    if ijk.shape != (n_voxels, 3) or ijk.dtype.kind not in "iu":
        raise DataError(
            f"{where} has shape {ijk.shape} and type {ijk.dtype}, not ({n_voxels}, 3) integers"
        )
    positions = ijk.astype(np.int64)
    if positions.min() < 0:
        raise DataError(f"{where} holds the negative index {positions.min()}")
    extent = [int(n) for n in positions.max(axis=0) + 1]
    check_grid_shape(extent, where)
    flat = np.ravel_multi_index(tuple(positions.T), extent)
    values, counts = np.unique(flat, return_counts=True)
    if len(values) != n_voxels:
        twice = positions[flat == values[counts > 1][0]][0].tolist()
        raise DataError(f"{where}: two voxels share the position {twice}")
    return positions


def check_grid_shape(shape: list[int], where: str) -> None:
    """Refuse a grid with an empty axis or with more points than any scan has."""
    points = 1
    for length in shape:
        points *= length
    if min(shape) < 1 or points > MAX_GRID:
        size = " × ".join(f"{n:,}" for n in shape)
        raise DataError(
            f"{where} asks for a grid of {size} points, at most {MAX_GRID:,} are allowed"
        )


def check_roi_name(name: str, where: str) -> str:
    """Return `name`, refused if it could not be typed in ``--rois A,B`` or used in a file name."""
    if not name or name != name.strip() or not name.isprintable() or set(name) & set(",/\\"):
        raise DataError(
            f"{where}: the region name {name!r} is not allowed; "
            "use printable characters, no comma, slash or outer blank"
        )
    if len(name) > _MAX_ROI_NAME:
        raise DataError(
            f"{where}: the region name {name[:20]}… is longer than {_MAX_ROI_NAME} characters"
        )
    return name


def check_split(split: str, where: str) -> str:
    """Return `split`, refused unless it is one of `SPLITS`."""
    if split not in SPLITS:
        raise DataError(f"{where}: '{split[:40]}' is not a split; use one of {', '.join(SPLITS)}")
    return split
