"""Positions of grayordinates: vertices from surfaces, voxels as their file has them.

A response lies on a grid of voxels, so each vertex gets the voxel that it lies in, or, if
another vertex has that, the nearest free one. The grid is that of the file's volumes or, without
any, of 2 mm; or of a half or a quarter of that, until nearly all lie within 2 mm of their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from nibabel.affines import apply_affine
from numpy.typing import NDArray

from mindvis_gui.data.checks import check_grid_shape
from mindvis_gui.data.orientation import as_ras
from mindvis_gui.data.subject import Grayordinates, IntArray, Subject, read_only
from mindvis_gui.data.surface_file import Surface, read_surface
from mindvis_gui.errors import DataError

_STEP = 2.0  # mm
_FINER = (1, 2, 4)  # times, until every vertex finds a voxel
_NEAR = 2.0  # mm that nearly all vertices may lie from the middle of their voxel
_NEARLY_ALL = 99  # per cent
_CROWDED = 0.5  # of the vertices find their voxel taken: the grid is too coarse
_REACH = 2  # voxels that a vertex may be moved to find a free one
_BLOCK = 4096  # vertices at a time
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
    ijk, affine = on_grid(where, mm)
    apart = np.linalg.norm(mm - apply_affine(affine, ijk), axis=1)[on_surface]
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


def on_grid(where: Grayordinates, mm: NDArray[np.float64]) -> tuple[IntArray, NDArray[np.float64]]:
    """Return distinct voxel indices (n, 3), which may be negative, and their affine.

    Parameters
    ----------
    mm : (n, 3)
        Places of the vertices; rows of voxels do not matter.

    Raises
    ------
    DataError
        If the vertices lie too close together.
    """
    on_surface = where.vertex >= 0
    by_file = where.affine is not None and not on_surface.all()
    for finer in _FINER:
        affine = np.diag([_STEP, _STEP, _STEP, 1.0])
        if by_file and where.affine is not None:
            affine = where.affine.copy()
        affine[:3, :3] /= finer
        ijk = np.where(on_surface[:, None], 0, where.ijk * finer)
        exact = apply_affine(np.linalg.inv(affine), mm[on_surface])
        found = _distinct(exact, ijk[~on_surface])
        if found is None:
            continue
        ijk[on_surface] = found
        apart = np.linalg.norm((found - exact) @ affine[:3, :3].T, axis=1)
        if np.percentile(apart, _NEARLY_ALL) <= _NEAR:
            return ijk, affine
    raise DataError(
        f"the vertices of this surface lie too close together for a grid of "
        f"{np.linalg.norm(affine[:3, 0]):g} mm; take one of fewer vertices"
    )


def _distinct(exact: NDArray[np.float64], others: IntArray) -> IntArray | None:
    """Return a voxel of its own near each place (n, 3) in voxels; None if there are too few.

    Whoever is nearest to a free voxel gets it. `others` (m, 3) are not free.
    """
    nearest = np.rint(exact).astype(np.int64)
    every = np.concatenate([nearest, others])
    low = every.min(axis=0) - _REACH
    shape = every.max(axis=0) + _REACH + 1 - low
    check_grid_shape(shape.tolist(), "vertices and volumes")
    taken = np.zeros(shape, dtype=np.bool_)
    taken[tuple((others - low).T)] = True
    placed = np.full(exact.shape, 0, dtype=np.int64)
    reach = np.arange(-_REACH, _REACH + 1)
    around = np.stack(np.meshgrid(reach, reach, reach, indexing="ij"), axis=-1).reshape(-1, 3)
    left = np.arange(len(exact))
    offsets = around[np.abs(around).sum(axis=1) == 0]  # at first everybody wants their own
    while left.size:
        apart = np.empty(left.size)
        chosen = np.empty((left.size, 3), dtype=np.int64)
        for start in range(0, left.size, _BLOCK):
            some = left[start : start + _BLOCK]
            near = nearest[some, None] + offsets
            far = np.linalg.norm(near - exact[some, None], axis=2)
            far[taken[tuple(np.moveaxis(near - low, 2, 0))]] = np.inf
            best = far.argmin(axis=1)
            rows = np.arange(len(some))
            apart[start : start + _BLOCK] = far[rows, best]
            chosen[start : start + _BLOCK] = near[rows, best]
        if len(offsets) > 1 and not np.isfinite(apart).all():
            return None
        order = np.argsort(apart, kind="stable")
        order = order[np.isfinite(apart[order])]
        _, first = np.unique(
            np.ravel_multi_index(tuple((chosen[order] - low).T), shape), return_index=True
        )
        won = order[first]
        placed[left[won]] = chosen[won]
        taken[tuple((chosen[won] - low).T)] = True
        left = np.delete(left, won)
        if len(offsets) == 1 and left.size > _CROWDED * len(exact):
            return None
        offsets = around
    return placed
