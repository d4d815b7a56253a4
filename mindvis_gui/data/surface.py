"""The cortical surface fsaverage5, as nilearn carries it: pictures of it, and voxels on it.

nilearn takes a second or more to import, so it is imported inside the functions, which run in
the background. Surface and volume meet in MNI space, as nilearn's own plots take it.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.rasterise import rasterise
from mindvis_gui.data.region_shapes import voxel_positions
from mindvis_gui.data.sampling import GridSampler
from mindvis_gui.data.subject import FloatArray, IntArray, Subject, read_only
from mindvis_gui.errors import DataError, ExportError
from mindvis_gui.files import atomic_path

FLAT = "flat map"
# View → direction on the screen (right, up, towards the eye) of the left and of the right half.
_INFLATED: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]] = {
    "lateral": (np.array([(0, -1, 0), (0, 0, 1), (-1, 0, 0)]),
                np.array([(0, 1, 0), (0, 0, 1), (1, 0, 0)])),
    "medial": (np.array([(0, 1, 0), (0, 0, 1), (1, 0, 0)]),
               np.array([(0, -1, 0), (0, 0, 1), (-1, 0, 0)])),
    "ventral": (np.array([(-1, 0, 0), (0, 1, 0), (0, 0, -1)]),) * 2,
    "dorsal": (np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1)]),) * 2,
    "posterior": (np.array([(1, 0, 0), (0, 0, 1), (0, -1, 0)]),) * 2,
}  # fmt: skip
VIEWS = (FLAT, *_INFLATED)
SWAPPED = ("ventral",)  # seen from below, the left half is on the right
_FLAT_AXES = np.eye(3)
_PIXELS = 2.0  # a mm
_GAP = 12  # pixels between the halves and around
_DEPTHS = (0.5, 0.25, 0.75)  # of the cortex, from white matter; the first that has a voxel counts
_VERSION = 1  # of the cached pictures
_CORTEX = ((-85, 85), (-120, 85), (-65, 95))  # mm, with air; outside, nilearn finds no values
ALIKE = 0.6  # least correlation with the template of an anatomy that is in MNI space


@dataclass(frozen=True, eq=False, slots=True)
class Surfaces:
    """Both halves of fsaverage5, the vertices of the left one first.

    Attributes
    ----------
    positions : (n_vertices, 3) float32
        Middle of the cortex in mm.
    grey : (n_vertices,) uint8
        Light on gyri, dark in sulci.
    pictures : mapping of str to (height, width) int32
        For each of `VIEWS`, the vertex seen at every pixel, -1 for none; row 0 is at the top.
    """

    positions: NDArray[np.float32]
    grey: NDArray[np.uint8]
    pictures: Mapping[str, NDArray[np.int32]]


def load_surfaces(cache: Path) -> Generator[None, None, Surfaces]:
    """Read the surfaces' pictures from the folder `cache`, or draw them and keep them there.

    Raises
    ------
    DataError
        If nilearn does not carry the surfaces.
    """
    path = cache / f"fsaverage5-{_VERSION}.npz"
    kept = _read(path)
    if kept is not None:
        return kept
    yield
    made = yield from _draw_surfaces()
    arrays: dict[str, Any] = {f"picture {n}": picture for n, picture in made.pictures.items()}
    try:
        with atomic_path(path) as temporary:
            np.savez_compressed(temporary, positions=made.positions, grey=made.grey, **arrays)
    except ExportError:
        return made  # the cache only saves time
    return made


def _read(path: Path) -> Surfaces | None:
    try:
        with path.open("rb") as stream, np.load(stream) as file:
            pictures = {name: read_only(file[f"picture {name}"]) for name in VIEWS}
            return Surfaces(read_only(file["positions"]), read_only(file["grey"]), pictures)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None  # missing or damaged: drawn anew


def _draw_surfaces() -> Generator[None, None, Surfaces]:
    from nilearn.surface import load_surf_data, load_surf_mesh

    files = _files()
    yield
    halves: list[dict[str, Any]] = []
    for side in ("left", "right"):
        meshes = {
            part: load_surf_mesh(files[f"{part}_{side}"])
            for part in ("pial", "white", "infl", "flat")
        }
        halves.append({**meshes, "sulc": load_surf_data(files[f"sulc_{side}"])})
        yield
    middle = [(h["pial"].coordinates + h["white"].coordinates) / 2 for h in halves]
    depth = np.concatenate([h["sulc"] for h in halves])  # positive in sulci
    grey = np.where(depth > 0, 74, 112) - np.clip(8 * depth, -12, 12)
    pictures = {}
    for name in VIEWS:
        pictures[name] = read_only(_draw_view(name, halves))
        yield
    positions = np.concatenate(middle).astype(np.float32)
    return Surfaces(read_only(positions), read_only(grey.astype(np.uint8)), pictures)


def _draw_view(name: str, halves: list[dict[str, Any]]) -> NDArray[np.int32]:
    drawn = []
    first = 0
    for side, half in enumerate(halves):
        mesh = half["flat" if name == FLAT else "infl"]
        axes = _FLAT_AXES if name == FLAT else _INFLATED[name][side]
        picture = _draw(np.asarray(mesh.coordinates), np.asarray(mesh.faces), axes)
        drawn.append(np.where(picture >= 0, picture + first, -1))
        first += len(mesh.coordinates)
    if name in SWAPPED:
        drawn.reverse()
    height = max(picture.shape[0] for picture in drawn)
    padded = []
    for picture in drawn:
        above = (height - picture.shape[0]) // 2
        rows = (above, height - picture.shape[0] - above)
        padded.append(np.pad(picture, (rows, (0, 0)), constant_values=-1))
    return np.ascontiguousarray(np.hstack(padded), dtype=np.int32)


def _draw(
    coordinates: NDArray[np.float64], faces: IntArray, axes: NDArray[np.float64]
) -> NDArray[np.int32]:
    used = np.unique(faces)  # a flat map has no medial wall
    right, up, depth = axes @ coordinates.T
    columns = _PIXELS * (right - right[used].min()) + _GAP
    rows = _PIXELS * (up[used].max() - up) + _GAP
    shape = (int(rows[used].max()) + _GAP + 1, int(columns[used].max()) + _GAP + 1)
    nearness = np.zeros_like(depth) if axes is _FLAT_AXES else depth
    return rasterise(np.stack([columns, rows], axis=1), nearness, faces.astype(np.int64), shape)


def _files() -> Mapping[str, str]:
    from nilearn.datasets import fetch_surf_fsaverage

    files: Mapping[str, str] = fetch_surf_fsaverage("fsaverage5")  # part of nilearn: no download
    missing = [name for name in ("flat_left", "infl_left") if not Path(files[name]).is_file()]
    if missing:
        raise DataError("nilearn's fsaverage5 surfaces are missing; install nilearn again")
    return files


def project(subject: Subject, cache: Path) -> Generator[None, None, NDArray[np.int32]]:
    """Return the voxel of the response at every vertex (n_vertices,), -1 where none is.

    nilearn reads the grid of voxel numbers at the middle of the cortex, and where no voxel
    lies there, nearer to the white matter or to the pial surface.

    Raises
    ------
    DataError
        If the subject has no voxel positions.
    """
    voxel_positions(subject)
    assert subject.ijk is not None
    assert subject.affine is not None
    key = hashlib.sha256(np.ascontiguousarray(subject.ijk).tobytes() + subject.affine.tobytes())
    path = cache / f"projection-{_VERSION}-{key.hexdigest()[:32]}.npy"
    try:
        return read_only(np.asarray(np.load(path), dtype=np.int32))
    except (OSError, ValueError):
        yield  # not projected yet
    voxels = yield from _project(subject)
    try:
        with atomic_path(path) as temporary:
            np.save(temporary, voxels)
    except ExportError:
        return voxels  # the cache only saves time
    return voxels


def _project(subject: Subject) -> Generator[None, None, NDArray[np.int32]]:
    from nibabel import Nifti1Image
    from nilearn.surface import vol_to_surf

    files = _files()
    image = Nifti1Image(*_numbered(subject))
    halves = []
    for side in ("left", "right"):
        found = np.zeros(1)
        for depth in _DEPTHS:
            here = vol_to_surf(
                image,
                files[f"pial_{side}"],
                inner_mesh=files[f"white_{side}"],
                interpolation="nearest_most_frequent",
                kind="depth",
                depth=[depth],
            )
            found = np.where(found > 0, found, np.nan_to_num(here))
            yield
        halves.append(found)
    return read_only((np.rint(np.concatenate(halves)) - 1).astype(np.int32))


def _numbered(subject: Subject) -> tuple[FloatArray, NDArray[np.float64]]:
    """Return voxel numbers from 1, 0 elsewhere, on a grid that holds the whole cortex."""
    assert subject.ijk is not None
    assert subject.affine is not None
    corners = np.array(np.meshgrid(*_CORTEX)).reshape(3, -1)
    matrix, origin = subject.affine[:3, :3], subject.affine[:3, 3:]
    reach = np.linalg.solve(matrix, corners - origin)
    low = np.minimum(np.floor(reach.min(axis=1)).astype(int), subject.ijk.min(axis=0))
    high = np.maximum(np.ceil(reach.max(axis=1)).astype(int), subject.ijk.max(axis=0))
    numbers = np.zeros(high - low + 1, dtype=np.float32)
    numbers[tuple((subject.ijk - low).T)] = np.arange(1, subject.n_voxels + 1)
    affine = subject.affine.copy()
    affine[:3, 3] += matrix @ low
    return numbers, affine


def template_likeness(subject: Subject) -> float | None:
    """Return Pearson's r of the subject's anatomy with the MNI152 template, inside the brain.

    About 1 for the template itself, above `ALIKE` for T1-weighted images in MNI space; None
    where the subject has no anatomy.
    """
    from nilearn.datasets import load_mni152_template

    if subject.anatomy is None:
        return None
    image = load_mni152_template(resolution=4)
    template: FloatArray = np.asarray(image.dataobj, dtype=np.float32)
    inside = np.argwhere(template > 0)
    x, y, z = template.shape
    own = np.nan_to_num(GridSampler(subject.anatomy, image.affine, (x, y, z)).values(inside))
    wanted = template[tuple(inside.T)]
    return 0.0 if own.std() == 0 else float(np.corrcoef(own, wanted)[0, 1])
