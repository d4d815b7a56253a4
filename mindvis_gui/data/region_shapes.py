"""Making regions: spheres, thresholds, and sets of voxels combined."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.checks import check_roi_name
from mindvis_gui.data.subject import FloatArray, IntArray, Roi, Subject, read_only
from mindvis_gui.errors import DataError

COMBINATIONS: dict[str, Callable[[IntArray, IntArray], IntArray]] = {
    "union": np.union1d,
    "intersection": np.intersect1d,
    "difference": np.setdiff1d,
}


def voxel_positions(subject: Subject) -> NDArray[np.float64]:
    """Return the centre of every voxel of the response, (n_voxels, 3) in mm.

    Raises
    ------
    DataError
        If the subject has no voxel positions.
    """
    if subject.ijk is None or subject.affine is None:
        raise DataError(
            f"{subject.name}: no voxel positions in this file; regions cannot be drawn in space"
        )
    return np.asarray(subject.ijk @ subject.affine[:3, :3].T + subject.affine[:3, 3])


def sphere(subject: Subject, centre: Sequence[float], radius: float) -> IntArray:
    """Return the voxels (n,) whose centres lie within `radius` mm of `centre` (3,) in mm."""
    distances = np.linalg.norm(voxel_positions(subject) - np.asarray(centre), axis=1)
    return np.flatnonzero(distances <= radius)


def between(values: FloatArray, low: float, high: float = np.inf) -> IntArray:
    """Return the voxels (n,) whose value lies from `low` to `high`; NaN does not."""
    return np.flatnonzero((values >= low) & (values <= high))


def make_region(name: str, voxels: IntArray, made: str, rois: Sequence[Roi]) -> Roi:
    """Return a region that can stand beside `rois`.

    Raises
    ------
    DataError
        If it has no voxel, or its name is taken or not allowed.
    """
    check_roi_name(name, "new region")
    if any(roi.name == name for roi in rois):
        raise DataError(f"a region called '{name}' exists already; choose another name")
    if not voxels.size:
        raise DataError(
            f"region '{name}' would have no voxel of the response in it; "
            "move the crosshair, or choose a larger radius or a lower threshold"
        )
    return Roi(name, read_only(np.unique(voxels).astype(np.int64)), made)


def same_voxels(one: Subject, other: Subject) -> bool:
    """Whether the responses of two subjects have the same voxels, so that a region fits both."""
    if one.n_voxels != other.n_voxels or one.ijk is None or other.ijk is None:
        return one.n_voxels == other.n_voxels and one.ijk is other.ijk
    return np.array_equal(one.ijk, other.ijk)


def made_hashes(rois: Sequence[Roi], used: Collection[str] | None) -> tuple[tuple[str, str], ...]:
    """Return name and hash of the regions in use that did not come with the subject."""
    return tuple(
        (roi.name, voxels_hash(roi.voxels)) for roi in rois if roi.made and roi.name in (used or ())
    )


def voxels_hash(voxels: IntArray) -> str:
    """Return the SHA-256 of a region's sorted voxels: equal for equal regions."""
    return hashlib.sha256(np.unique(voxels).astype("<i8").tobytes()).hexdigest()
