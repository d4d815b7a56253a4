"""The schematic visual cortex of the simulated subject, and an analytic retinotopy on it.

Each area is a band of voxels along a poly-line of landmarks that runs from the foveal to
the peripheral representation. It is a drawing, not an atlas: see
``resources/visual_cortex/README.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from mindvis_gui.data.subject import IntArray, Roi
from mindvis_gui.errors import DataError
from mindvis_gui.paths import resources_dir

FloatVector = NDArray[np.float64]
Polylines = Mapping[str, FloatVector]

AREAS = ("V1", "V2", "V3", "hV4", "LOC", "FFA", "PPA")
RETINOTOPIC = ("V1", "V2", "V3", "hV4", "LOC")
MAX_ECCENTRICITY = 7.5  # degrees; a picture of 12° × 12° has its corners at 8.5°

# Half-saturation E2 (degrees) of the cortical magnification 1 / (E + E2): Dougherty et al. 2003
# for V1 to V3; the two other areas take V3's.
_E2 = {"V1": 3.67, "V2": 2.54, "V3": 2.69, "hV4": 2.69, "LOC": 2.69}
# Receptive field size σ = a + b · eccentricity, in degrees: the growth with area and eccentricity
# that population receptive fields show (Dumoulin & Wandell 2008), at its smaller end.
_SIZE = {
    "V1": (0.30, 0.07),
    "V2": (0.40, 0.10),
    "V3": (0.55, 0.15),
    "hV4": (0.80, 0.22),
    "LOC": (1.50, 0.35),
}
# Which poly-line lies at the horizontal meridian of a quarter field, and which at the vertical.
_MERIDIANS = {
    "V1v": ("V1d", "V2v"),
    "V2v": ("V3v", "V1v"),
    "V3v": ("V2v", "hV4"),
    "V1d": ("V1v", "V2d"),
    "V2d": ("V3d", "V1d"),
    "V3d": ("V2d", ""),
}
_BAND = 16  # voxels of equal eccentricity: one patch of the encoder


@dataclass(frozen=True, eq=False)
class SchematicCortex:
    """Voxels in the order of the response vector, with their receptive fields.

    Ordered by area, left before right hemisphere, ventral before dorsal, then from the fovea
    outwards, so that neighbours in the vector are neighbours in the cortex.

    Attributes
    ----------
    area : (n_voxels,) int
        Position in `AREAS`.
    hemisphere : (n_voxels,) int
        -1 left, +1 right.
    ijk : (n_voxels, 3) int
    affine : (4, 4) float
        Voxel indices → mm, MNI152.
    centre : (n_voxels, 2) float
        Centre of the receptive field in degrees: right, up. 0 where the area has no retinotopy.
    size : (n_voxels,) float
        σ of the receptive field in degrees; NaN where the area has no retinotopy.
    """

    area: IntArray
    hemisphere: IntArray
    ijk: IntArray
    affine: FloatVector
    centre: FloatVector
    size: FloatVector

    @property
    def n_voxels(self) -> int:
        """Length of a response vector."""
        return len(self.area)

    @property
    def rois(self) -> tuple[Roi, ...]:
        """One region an area, both hemispheres together."""
        return tuple(Roi(name, self.voxels(name)) for name in AREAS)

    @property
    def eccentricity(self) -> FloatVector:
        """Distance of the receptive fields from fixation (n_voxels,) in degrees, or NaN."""
        return np.where(np.isnan(self.size), np.nan, np.hypot(*self.centre.T))

    @property
    def polar_angle(self) -> FloatVector:
        """Direction of the receptive fields (n_voxels,), anticlockwise from right, in degrees."""
        angle = np.degrees(np.arctan2(self.centre[:, 1], self.centre[:, 0]))
        return np.where(np.isnan(self.size), np.nan, angle)

    def voxels(self, *names: str) -> IntArray:
        """Return the voxels (n,) of the areas called `names`, in order."""
        chosen = [AREAS.index(name) for name in names]
        return np.flatnonzero(np.isin(self.area, chosen)).astype(np.int64)


def read_cortex(folder: Path | None = None) -> SchematicCortex:
    """Read the label image and the landmarks of `folder`, by default the shipped ones.

    Raises
    ------
    DataError
        If one of the two files is missing or cannot be read.
    """
    folder = folder or resources_dir() / "visual_cortex"
    image_path, landmark_path = folder / "schematic_rois.nii.gz", folder / "landmarks.json"
    try:
        image = nib.load(image_path)
        labels = np.asarray(image.dataobj)
        landmarks = read_landmarks(landmark_path)
    except (OSError, ValueError, ImageFileError) as error:
        raise DataError(f"{folder}: the schematic visual cortex cannot be read: {error}") from error
    return lay_out(labels, np.asarray(image.affine, dtype=np.float64), landmarks)


def read_landmarks(path: Path) -> dict[str, FloatVector]:
    """Read the poly-lines, each (n_points, 3) in mm in the right hemisphere, fovea first."""
    table = json.loads(path.read_text("utf-8"))
    return {name: np.asarray(points, dtype=np.float64) for name, points in table.items()}


def lay_out(
    labels: NDArray[np.integer], affine: FloatVector, landmarks: Polylines
) -> SchematicCortex:
    """Order the voxels of a label image and map the visual field.

    The value of a label is its position in `AREAS`, plus 1.
    """
    ijk = np.argwhere(labels > 0)
    area = np.asarray(labels[tuple(ijk.T)], dtype=np.int64) - 1
    mm = apply_affine(affine, ijk)
    hemisphere = np.where(mm[:, 0] < 0, -1, 1)
    right = mm * [1, 1, 1]
    right[:, 0] = np.abs(right[:, 0])
    centre = np.zeros((len(ijk), 2))
    size = np.full(len(ijk), np.nan)
    order: list[IntArray] = []
    for index, name in enumerate(AREAS):
        for side in (-1, 1):
            voxels = np.flatnonzero((area == index) & (hemisphere == side))
            for part, members in _parts(name, right, voxels, landmarks):
                bands = _bands(right, members, landmarks[part])
                across = _across(part, right, landmarks)
                bands = [band[np.argsort(across[band], kind="stable")] for band in bands]
                order.extend(bands)
                if name in RETINOTOPIC:
                    for position, band in enumerate(bands):
                        field = _visual_field(name, part, (position + 0.5) / len(bands), len(band))
                        centre[band] = field * [-side, 1]
                        a, b = _SIZE[name]
                        size[band] = a + b * np.hypot(*field.T)
    rows = np.concatenate(order)
    return SchematicCortex(
        area[rows], hemisphere[rows], ijk[rows], affine, centre[rows], size[rows]
    )


def along_polyline(points: FloatVector, polyline: FloatVector) -> tuple[FloatVector, FloatVector]:
    """Return the distance (n,) of `points` (n, 3) from a poly-line and where on it, from 0 to 1."""
    start, step = polyline[:-1], np.diff(polyline, axis=0)
    length = np.linalg.norm(step, axis=1)
    offset = points[:, None] - start
    fraction = np.clip((offset * step).sum(axis=2) / length**2, 0, 1)
    distance = np.linalg.norm(offset - fraction[..., None] * step, axis=2)
    nearest = distance.argmin(axis=1)
    rows = np.arange(len(points))
    travelled = np.concatenate([[0], np.cumsum(length)[:-1]])[nearest]
    position = (travelled + fraction[rows, nearest] * length[nearest]) / length.sum()
    return distance[rows, nearest], position


def _parts(
    name: str, points: FloatVector, voxels: IntArray, landmarks: Polylines
) -> list[tuple[str, IntArray]]:
    """Split an area into its ventral and its dorsal half, where it has two poly-lines."""
    if name in landmarks:
        return [(name, voxels)]
    ventral = along_polyline(points[voxels], landmarks[f"{name}v"])[0]
    dorsal = along_polyline(points[voxels], landmarks[f"{name}d"])[0]
    return [(f"{name}v", voxels[ventral <= dorsal]), (f"{name}d", voxels[ventral > dorsal])]


def _bands(points: FloatVector, voxels: IntArray, polyline: FloatVector) -> list[IntArray]:
    """Cut the voxels into bands of about `_BAND` across the poly-line, fovea first."""
    position = along_polyline(points[voxels], polyline)[1]
    # Voxels before the first and behind the last landmark are told apart by how far they lie out.
    axis = polyline[-1] - polyline[0]
    position = position + 1e-4 * (points[voxels] @ axis) / np.linalg.norm(axis)
    ordered = voxels[np.argsort(position, kind="stable")]
    return [
        np.asarray(band) for band in np.array_split(ordered, max(1, round(len(voxels) / _BAND)))
    ]


def _across(part: str, points: FloatVector, landmarks: Polylines) -> FloatVector:
    """Return a coordinate (n,) across the band that grows with the polar angle."""
    if part in _MERIDIANS:
        horizontal, vertical = _MERIDIANS[part]
        score = along_polyline(points, landmarks[horizontal])[0]
        return score - along_polyline(points, landmarks[vertical])[0] if vertical else score
    if part == "hV4":
        return -along_polyline(points, landmarks["V3v"])[0]  # the upper field borders on V3v
    return -points[:, 2]


def _visual_field(name: str, part: str, along: float, n: int) -> FloatVector:
    """Return receptive field centres (n, 2) in degrees (towards the contralateral side, up).

    With the magnification M = k / (E + E2), the distance along the cortex from the fovea is
    k log(1 + E / E2), so E = E2 ((1 + Emax / E2)^t - 1) at the fraction t of the way.
    """
    e2 = _E2[name]
    eccentricity = e2 * ((1 + MAX_ECCENTRICITY / e2) ** along - 1)
    fraction = (np.arange(n) + 0.5) / n
    if part.endswith("v"):
        angle = fraction * np.pi / 2
    elif part.endswith("d"):
        angle = -fraction * np.pi / 2
    else:
        angle = (fraction - 0.5) * np.pi
    return np.asarray(eccentricity * np.stack([np.cos(angle), np.sin(angle)], axis=1))
