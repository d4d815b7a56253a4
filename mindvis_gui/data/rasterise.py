"""Drawing a triangle mesh once: which vertex is seen at every pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.subject import IntArray

_LARGEST = 256  # pixels; a triangle that is wider was torn apart when the surface was flattened


def rasterise(
    points: NDArray[np.float64], depth: NDArray[np.float64], faces: IntArray, shape: tuple[int, int]
) -> NDArray[np.int32]:
    """Return the vertex (height, width) nearest to every pixel of the mesh, -1 beside it.

    Parameters
    ----------
    points : (n_vertices, 2)
        Column and row of every vertex, in pixels.
    depth : (n_vertices,)
        Larger ones are nearer to the eye and hide what is behind.
    faces : (n_faces, 3) int
    shape : (height, width)
    """
    faces = _towards_the_eye(points, depth, faces)
    corners = points[faces]  # (n_faces, 3, 2)
    low = np.floor(corners.min(axis=1)).astype(int)
    size = (np.ceil(corners.max(axis=1)).astype(int) - low).max(axis=1) + 1
    found = []
    limit = 4
    while limit <= _LARGEST:  # triangles of alike size together, so that none asks for many pixels
        alike = (size <= limit) & (size > limit // 2) if limit > 4 else size <= limit
        step = max(1, 4_000_000 // limit**2)
        chosen = np.flatnonzero(alike)
        for start in range(0, len(chosen), step):
            part = chosen[start : start + step]
            found.append(_cover(corners[part], depth, faces[part], low[part], limit))
        limit *= 2
    columns, rows, heights, vertices = (np.concatenate(each) for each in zip(*found, strict=True))
    inside = (columns >= 0) & (rows >= 0) & (columns < shape[1]) & (rows < shape[0])
    order = np.flatnonzero(inside)[np.argsort(heights[inside], kind="stable")]
    picture = np.full(shape, -1, dtype=np.int32)
    picture[rows[order], columns[order]] = vertices[order]  # the nearest to the eye is last
    return picture


def _towards_the_eye(
    points: NDArray[np.float64], depth: NDArray[np.float64], faces: IntArray
) -> IntArray:
    """Leave out the faces that are seen from behind: in a closed mesh, others hide them."""
    a, b, c = (points[faces[:, i]] for i in range(3))
    turn = _cross(b - a, c - a) > 0
    heights = depth[faces].mean(axis=1)
    if turn.all() or not turn.any() or np.ptp(heights) == 0:
        return faces
    front = turn if heights[turn].mean() > heights[~turn].mean() else ~turn
    return faces[front]


def _cover(
    corners: NDArray[np.float64],
    depth: NDArray[np.float64],
    faces: IntArray,
    low: IntArray,
    limit: int,
) -> tuple[IntArray, IntArray, NDArray[np.float64], IntArray]:
    """Return column, row, depth and nearest vertex of the pixels that triangles cover."""
    grid = np.stack(np.meshgrid(np.arange(limit), np.arange(limit)), axis=-1).reshape(-1, 2)
    pixels = low[:, None] + grid  # (n, limit², 2)
    a, b, c = (corners[:, None, i] for i in range(3))
    area = _cross(b - a, c - a)
    with np.errstate(divide="ignore", invalid="ignore"):  # a triangle seen from its edge
        weights = (
            np.stack(
                [_cross(c - b, pixels - b), _cross(a - c, pixels - c), _cross(b - a, pixels - a)],
                -1,
            )
            / area[..., None]
        )
    face, pixel = np.nonzero((weights >= -1e-9).all(axis=-1))
    inner = weights[face, pixel]
    places = pixels[face, pixel]
    height = (inner * depth[faces[face]]).sum(axis=-1)
    nearest = faces[face, inner.argmax(axis=-1)]
    return places[:, 0], places[:, 1], height, nearest


def _cross(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0])
