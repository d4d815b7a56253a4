"""Voxel positions for a subject whose file has none, from another file of the same voxels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from mindvis_gui.data.cifti_file import is_cifti
from mindvis_gui.data.file_head import read_head
from mindvis_gui.data.grayordinates import with_surfaces
from mindvis_gui.data.nifti_file import NiftiFile, is_nifti
from mindvis_gui.data.notes import NO_REGIONS, POSITIONS, without
from mindvis_gui.data.orientation import as_ras
from mindvis_gui.data.rois import nifti_files, read_rois
from mindvis_gui.data.subject import IntArray, Roi, Subject, read_only
from mindvis_gui.data.surface_file import is_gifti, surface_files
from mindvis_gui.errors import DataError

_ALIASES = {"hv4": "v4"}  # one area under two names


def with_positions(subject: Subject, path: Path) -> Subject:
    """Take the positions of the voxels from a file of the same voxels in the same order.

    Parameters
    ----------
    path : pathlib.Path
        A subject with positions, such as the BData file that a GOD archive was made of. Or a mask,
        a label image or a folder of masks in NIfTI: its voxels above 0, the last axis running
        fastest, as a boolean index of numpy gives them, or the first, as MATLAB's does. For CIFTI
        a ``.surf.gii`` with the one of the other side beside it, or the folder of both.

    Raises
    ------
    DataError
        If the number of voxels differs, or a region that both have is not the same voxels.
    """
    surfaces = surface_files(path) if path.is_dir() and subject.grayordinates else []
    head = read_head(path if path.is_file() else (surfaces or [_first_mask(path)])[0])
    if is_gifti(head):
        joined = with_surfaces(subject, surfaces or surface_files(path))
    elif is_nifti(head) and not is_cifti(head):
        joined = _of_masks(subject, path)
    else:
        joined = _of_subject(subject, path)
    added = (*POSITIONS, NO_REGIONS) if joined.rois else POSITIONS
    return replace(joined, notes=without(joined.notes, *added))


def _first_mask(folder: Path) -> Path:
    files = nifti_files(folder) if folder.is_dir() else []
    if not files:
        raise DataError(f"{folder}: no file or folder of masks here; check the path")
    return files[0]


def _of_subject(subject: Subject, path: Path) -> Subject:
    from mindvis_gui.data import open_subject

    other = open_subject(path)
    if other.ijk is None:
        raise DataError(f"{path.name}: has no voxel positions either")
    _check_count(subject, other.n_voxels, path)
    compared = _compare(subject, {roi.name: roi.voxels for roi in other.rois}, path)
    return replace(
        subject,
        ijk=other.ijk,
        affine=other.affine,
        anatomy=subject.anatomy or other.anatomy,
        rois=subject.rois or other.rois,
        notes=(*subject.notes, f"Voxel positions from {path.name}; {compared}"),
    )


def _of_masks(subject: Subject, path: Path) -> Subject:
    image = NiftiFile(path if path.is_file() else _first_mask(path))
    regions = {region.name: region.points for region in read_rois(path, image)}
    points = np.unique(np.concatenate(list(regions.values())))
    _check_count(subject, points.size, path)
    ijk = np.stack(np.unravel_index(points, image.shape, order="F"), axis=1).astype(np.int64)
    problem: DataError | None = None
    for fastest in ("last", "first"):  # axis of the grid
        order = np.lexsort(ijk.T[::-1] if fastest == "last" else ijk.T)
        place = np.full(int(points.max()) + 1, -1, dtype=np.int64)
        place[points[order]] = np.arange(points.size)
        voxels = {name: np.sort(place[inside]) for name, inside in regions.items()}
        try:
            compared = _compare(subject, voxels, path)
        except DataError as error:
            problem = problem or error
            continue
        turned, affine = as_ras(ijk[order], image.affine, image.shape)
        return replace(
            subject,
            ijk=read_only(turned),
            affine=read_only(affine),
            rois=subject.rois or tuple(Roi(n, read_only(v)) for n, v in voxels.items()),
            notes=(
                *subject.notes,
                f"Voxel positions from {path.name}, the {fastest} axis fastest; {compared}",
            ),
        )
    assert problem is not None
    raise problem


def _check_count(subject: Subject, n: int, path: Path) -> None:
    if n != subject.n_voxels:
        raise DataError(
            f"{path.name}: has {n:,} voxels but {subject.name} has {subject.n_voxels:,}; it must "
            "hold the very same voxels"
        )


def _compare(subject: Subject, others: Mapping[str, IntArray], path: Path) -> str:
    """Say what agrees; refuse regions of the same name that are not the same voxels."""
    by_name = {_same(name): (name, voxels) for name, voxels in others.items()}
    agree = []
    for roi in subject.rois:
        if _same(roi.name) not in by_name or len(roi.voxels) == subject.n_voxels:
            continue
        name, voxels = by_name[_same(roi.name)]
        if len(voxels) != len(roi.voxels):
            raise DataError(
                f"{path.name}: region {name} has {len(voxels):,} voxels but in {subject.name} it "
                f"has {len(roi.voxels):,}; are they of the same person?"
            )
        if not np.array_equal(voxels, roi.voxels):
            raise DataError(
                f"{path.name}: region {name} is other voxels than in {subject.name}; the voxels "
                "are in another order"
            )
        agree.append(roi.name)
    if not agree:
        return "no region of the same name could confirm their order"
    return f"their order is confirmed by the regions {', '.join(agree)}"


def _same(name: str) -> str:
    return _ALIASES.get(name.lower(), name.lower())
