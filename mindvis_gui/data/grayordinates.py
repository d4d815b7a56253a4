"""Positions of grayordinates: vertices from surfaces, voxels as their file has them.

A response lies on a grid of voxels, so each vertex gets the voxel that it lies in, or, if
another vertex has that, the nearest free one. The grid is that of the file's volumes or, without
any, the coarsest of 2, 1 and 0.5 mm on which nearly all lie within 2 mm of their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.checks import check_grid_shape
from mindvis_gui.data.orientation import as_ras
from mindvis_gui.data.subject import Grayordinates, IntArray, Subject, read_only
from mindvis_gui.data.surface_file import Surface, read_surface
from mindvis_gui.errors import DataError

_STEPS = (2.0, 1.0, 0.5)  # mm
_NEAR = 2.0  # mm that nearly all vertices may lie from the middle of their voxel
_NEARLY_ALL = 99  # per cent
_REACH = 3  # voxels that a vertex may be moved to find a free one
_SIDES = {"L": "left", "R": "right"}


def with_surfaces(subject: Subject, paths: Sequence[Path]) -> Subject:
    """Take the positions of a subject's vertices from surfaces, one for each hemisphere.

    Raises
    ------
    DataError
        If the subject has no vertices, a hemisphere is missing or there twice, or a surface has
        another number of vertices.
    """
    where = subject.grayordinates
    if where is None or not where.n_vertices:
        raise DataError(
            f"{paths[0].name}: a surface says where vertices lie, but {subject.name} has none that "
            "are numbered; open the CIFTI file itself, or give a mask"
        )
    needed = [side for side in _SIDES if (where.side == side).any()]
    surfaces = _by_side([read_surface(path) for path in paths], where, needed, subject.name)
    on_surface = where.vertex >= 0
    mm = np.zeros((len(where.vertex), 3))
    for side in needed:
        here = where.side == side
        mm[here] = surfaces[side].vertices[where.vertex[here]]
    ijk, affine = _on_grid(where, mm)
    apart = np.linalg.norm(mm - (ijk @ affine[:3, :3].T + affine[:3, 3]), axis=1)[on_surface]
    low = ijk.min(axis=0)
    ijk, affine = ijk - low, affine.copy()
    affine[:3, 3] += affine[:3, :3] @ low
    shape = [int(n) for n in ijk.max(axis=0) + 1]
    check_grid_shape(shape, paths[0].name)
    ijk, affine = as_ras(ijk, affine, (shape[0], shape[1], shape[2]))
    step = np.linalg.norm(affine[:3, :3], axis=0).max()
    names = " and ".join(surfaces[side].path.name for side in needed)
    note = (
        f"Voxel positions from {names}: {int(on_surface.sum()):,} vertices on a grid of "
        f"{step:g} mm, half of them within {np.median(apart):.1f} mm of their place, all within "
        f"{apart.max():.1f} mm"
    )
    return replace(
        subject, ijk=read_only(ijk), affine=read_only(affine), notes=(*subject.notes, note)
    )


def _by_side(
    surfaces: Sequence[Surface], where: Grayordinates, needed: Sequence[str], name: str
) -> dict[str, Surface]:
    found: dict[str, Surface] = {}
    for surface in surfaces:
        other = found.setdefault(surface.side, surface)
        if other is not surface:
            raise DataError(
                f"{other.path.name} and {surface.path.name} are both of the "
                f"{_SIDES[surface.side]} hemisphere; give one, the other side is found beside it"
            )
    for side in needed:
        if side not in found:
            raise DataError(
                f"{surfaces[0].path.name}: the surface of the {_SIDES[side]} hemisphere is not "
                "beside it; lay both in one folder, called alike but for L and R"
            )
        n, expected = len(found[side].vertices), where.n_vertices[side]
        if n != expected:
            raise DataError(
                f"{found[side].path.name}: has {n:,} vertices but the surfaces of {name} have "
                f"{expected:,}; take the surface of the same mesh"
            )
    return found


def _on_grid(where: Grayordinates, mm: NDArray[np.float64]) -> tuple[IntArray, NDArray[np.float64]]:
    """Return distinct voxel indices (n, 3), which may be negative, and their affine."""
    on_surface = where.vertex >= 0
    if where.affine is not None and not on_surface.all():
        return _placed(where, mm, where.affine), where.affine
    for step in _STEPS:
        affine = np.diag([step, step, step, 1.0])
        ijk = _placed(where, mm, affine)
        apart = np.linalg.norm(mm - ijk * step, axis=1)
        if np.percentile(apart, _NEARLY_ALL) <= _NEAR or step == _STEPS[-1]:
            break
    return ijk, affine


def _placed(where: Grayordinates, mm: NDArray[np.float64], affine: NDArray[np.float64]) -> IntArray:
    """Give each vertex the nearest voxel that is free, those nearest to a voxel's middle first."""
    on_surface = where.vertex >= 0
    to_voxel = np.linalg.inv(affine)
    exact = mm @ to_voxel[:3, :3].T + to_voxel[:3, 3]
    ijk = where.ijk.copy()
    wanted = np.rint(exact).astype(np.int64)
    taken = {tuple(at) for at in where.ijk[~on_surface].tolist()}
    reach = np.arange(-_REACH, _REACH + 1)
    around = np.stack(np.meshgrid(reach, reach, reach, indexing="ij"), axis=-1).reshape(-1, 3)
    apart = np.abs(exact - wanted).max(axis=1)
    for voxel in np.flatnonzero(on_surface)[np.argsort(apart[on_surface], kind="stable")].tolist():
        place = tuple(wanted[voxel].tolist())
        if place in taken:
            near = wanted[voxel] + around
            order = np.argsort(np.linalg.norm(near - exact[voxel], axis=1), kind="stable")
            free = [at for at in map(tuple, near[order].tolist()) if at not in taken]
            if not free:
                raise DataError(
                    "the vertices of this surface lie too close together for a grid of "
                    f"{np.linalg.norm(affine[:3, 0]):g} mm; take one of fewer vertices"
                )
            place = free[0]
        taken.add(place)
        ijk[voxel] = place
    return ijk
