"""Regions of interest from NIfTI files: a folder of masks, or one image of labels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.orientations import (
    aff2axcodes,
    apply_orientation,
    inv_ornt_aff,
    io_orientation,
    ornt_transform,
)
from numpy.typing import NDArray

from mindvis_gui.data.checks import check_roi_name
from mindvis_gui.data.label_table import label_names
from mindvis_gui.data.nifti_file import NiftiFile
from mindvis_gui.data.subject import IntArray
from mindvis_gui.errors import DataError, refusal_reported
from mindvis_gui.files import in_order

_MAX_LABELS = 1000
_GRID_TOLERANCE = 0.1  # of a voxel, at the corners of the grid
_HEMISPHERES = {"lh", "rh", "l", "r", "left", "right", "hemi-l", "hemi-r"}
_ENTITY = re.compile(r"(sub|ses|task|run|acq|space|res|desc)-[^_.]+", re.IGNORECASE)
_NAMING = re.compile(r"(roi|label)-", re.IGNORECASE)
_DESCRIBED = re.compile(r"(?:^|_)desc-([^_.]+)", re.IGNORECASE)
# V3-lh, lh-V3; but not hemi-L, which is one word, nor a region that is called L.
_SIDE_LAST = re.compile(r"(?!(?:roi|label|hemi)-\w+$)(.+)-(lh|rh|l|r|left|right)", re.IGNORECASE)
_SIDE_FIRST = re.compile(r"(lh|rh|l|r|left|right)-(.+)", re.IGNORECASE)


@dataclass(frozen=True, eq=False, slots=True)
class Region:
    """A named region: the points (n,) of the image, x running fastest.

    `labels` is how many whole numbers above 0 one file of it holds, 0 if it holds other numbers.
    """

    name: str
    points: IntArray
    labels: int = 1


def read_rois(path: Path, grid: NiftiFile) -> list[Region]:
    """Read the regions in a folder of masks (by name) or in a label image (by number).

    In a folder, each file is one region, called by its file name without the subject, other
    BIDS entities and the word *mask* (by its ``desc-`` if nothing else is left); the files of the
    two hemispheres are joined. In a label image each number is one region, called as in the table
    ``.tsv``, ``.json`` or ``.txt`` of the same name beside it, or else *label 3*.

    Parameters
    ----------
    grid : NiftiFile
        The responses, whose grid the regions must share.

    Raises
    ------
    DataError
        If there is no region, one lies on another grid, is empty, or two have one name.
    """
    regions = _read_masks(path, grid) if path.is_dir() else _read_labels(path, grid)
    for region in regions:
        check_roi_name(region.name, str(path.name))
        if not region.points.size:
            raise DataError(f"{path.name}: region {region.name} has no voxel; remove it")
    return regions


def nifti_files(folder: Path) -> list[Path]:
    """Return the NIfTI files of a folder, sorted by name."""
    with refusal_reported(DataError, folder, "listed"):
        return in_order(
            p
            for p in folder.iterdir()
            if p.name.endswith((".nii", ".nii.gz")) and not p.name.startswith(".")
        )


def region_name(file_name: str) -> tuple[str, str]:
    """Return region and hemisphere that a mask's file name tells.

    >>> region_name("sub-03_mask_LH_V1v.nii.gz")
    ('V1v', 'lh')
    """
    stem = file_name.removesuffix(".gz").removesuffix(".nii")
    parts = [part for w in re.split(r"[_.]+", _ENTITY.sub("", stem)) for part in _sided(w)]
    words = [w for w in parts if w and w.lower() != "mask"]
    sides = [w.lower() for w in words if w.lower() in _HEMISPHERES]
    rest = [_NAMING.sub("", w) for w in words if w.lower() not in _HEMISPHERES]
    described = _DESCRIBED.search(stem)
    name = "_".join(rest) or (described[1] if described else stem)
    return name, sides[0] if sides else ""


def _sided(word: str) -> tuple[str, ...]:
    """Return a word and the hemisphere that a hyphen joins to it, or the word alone."""
    found = _SIDE_LAST.fullmatch(word) or _SIDE_FIRST.fullmatch(word)
    return found.groups() if found else (word,)


def _read_masks(folder: Path, grid: NiftiFile) -> list[Region]:
    parts: dict[str, dict[str, IntArray]] = {}
    labels: dict[str, int] = {}
    for path in nifti_files(folder):
        name, side = region_name(path.name)
        sides = parts.setdefault(name, {})
        if side in sides or (sides and not (side and all(sides))):
            raise DataError(
                f"{path.name}: another file in {folder.name} also makes region {name}; rename one"
            )
        values = _read_on_grid(path, grid)
        sides[side] = np.flatnonzero(values > 0)
        labels[name] = max(labels.get(name, 0), _count_labels(values))
    if not parts:
        raise DataError(f"{folder}: no NIfTI masks in this folder")
    return [
        Region(name, np.unique(np.concatenate(list(parts[name].values()))), labels[name])
        for name in sorted(parts)
    ]


def _count_labels(values: NDArray[Any]) -> int:
    numbers = np.unique(values[values > 0])
    return int(numbers.size) if np.array_equal(numbers, np.rint(numbers)) else 0


def merged_labels(regions: Sequence[Region]) -> list[str]:
    """Return a note for each region that is a label image among the masks of a folder."""
    return [
        f"The image of region {region.name} holds {region.labels:,} labels, which are one region; "
        "for a region each, give this image as the regions in place of its folder"
        for region in regions
        if region.labels > 1
    ]


def read_points(path: Path, grid: NiftiFile) -> IntArray:
    """Return the points (n,) above 0 of a mask on the grid of an image, x running fastest.

    Raises
    ------
    DataError
        If it is no 3-D image, or lies on another grid.
    """
    return np.flatnonzero(_read_on_grid(path, grid) > 0)


def _read_labels(path: Path, grid: NiftiFile) -> list[Region]:
    values = _read_on_grid(path, grid)
    if not np.array_equal(values, np.rint(values)):
        raise DataError(
            f"{path.name}: a label image holds whole numbers only; threshold a probability map"
        )
    numbers = [int(n) for n in np.unique(values) if n > 0]
    if not numbers:
        raise DataError(f"{path.name}: no voxel has a label above 0")
    if len(numbers) > _MAX_LABELS:
        raise DataError(f"{path.name}: {len(numbers):,} different labels; is this a label image?")
    names = label_names(path)
    if len(numbers) == 1 and not names:
        names = {numbers[0]: region_name(path.name)[0]}
    regions = [Region(names.get(n, f"label {n}"), np.flatnonzero(values == n)) for n in numbers]
    if len({region.name for region in regions}) != len(regions):
        raise DataError(f"{path.name}: two labels have the same name; give each its own")
    return regions


def _read_on_grid(path: Path, grid: NiftiFile) -> NDArray[Any]:
    """Return the values of a region's image, turned as `grid` if only its axes run otherwise."""
    image = NiftiFile(path)
    turn = ornt_transform(io_orientation(image.affine), io_orientation(grid.affine))
    shape = tuple(int(n) for n in np.array(image.shape)[np.argsort(turn[:, 0])])
    affine = image.affine @ inv_ornt_aff(turn, image.shape)
    if not _is_grid(shape, affine, grid):
        check_same_grid(image, grid)
    turned = apply_orientation(image.labels().reshape(image.shape, order="F"), turn)
    return np.asarray(np.nan_to_num(turned.ravel(order="F"), nan=0.0, posinf=0.0, neginf=0.0))


def check_same_grid(image: NiftiFile, grid: NiftiFile) -> None:
    """Refuse an image whose points do not lie where those of `grid` do."""
    if _is_grid(image.shape, image.affine, grid):
        return
    raise DataError(
        f"{image.path.name}: its grid ({describe_grid(image)}) is not the one of "
        f"{grid.path.name} ({describe_grid(grid)}); resample it first, for example with "
        "nilearn.image.resample_to_img"
    )


def _is_grid(shape: tuple[int, ...], affine: NDArray[np.float64], grid: NiftiFile) -> bool:
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in grid.shape])).reshape(3, -1)
    apart = (affine - grid.affine)[:3] @ np.vstack([corners, np.ones(corners.shape[1])])
    voxel = float(np.linalg.norm(grid.affine[:3, :3], axis=0).min())
    return bool(
        shape == grid.shape and np.linalg.norm(apart, axis=0).max() <= _GRID_TOLERANCE * voxel
    )


def describe_grid(image: NiftiFile) -> str:
    """Return size, voxel size, origin and orientation of an image's grid in words."""
    axes = "".join(code or "?" for code in aff2axcodes(image.affine))
    steps = np.linalg.norm(image.affine[:3, :3], axis=0)
    return (
        f"{_times(image.shape)} voxels of {_times([f'{s:.3g}' for s in steps])} mm "
        f"from {', '.join(f'{x:.4g}' for x in image.affine[:3, 3])} mm, axes {axes}"
    )


def _times(values: Sequence[object]) -> str:
    return " × ".join(map(str, values))
