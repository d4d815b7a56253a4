"""Draw the schematic visual cortex: grey-matter voxels nearest to poly-lines of landmarks."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
from nilearn.datasets import load_mni152_gm_template, load_mni152_template
from numpy.typing import NDArray

from mindvis_gui.data.schematic_rois import AREAS, along_polyline, read_landmarks
from mindvis_gui.data.subject import Volume

_GREY_MATTER = 0.35  # probability from which on a 3 mm voxel counts as cortex
# Voxels of both hemispheres, about as many as subject 3 of the GOD data set has.
_TARGET = {"V1": 880, "V2": 880, "V3": 680, "hV4": 360, "LOC": 600, "FFA": 400, "PPA": 400}


def draw_rois(folder: Path) -> None:
    """Write ``schematic_rois.nii.gz`` beside the ``landmarks.json`` of `folder`."""
    template = load_mni152_gm_template(resolution=3)
    affine = np.asarray(template.affine, dtype=np.float64)
    ijk = np.argwhere(np.asarray(template.dataobj) > _GREY_MATTER)
    mm = ijk @ affine[:3, :3].T + affine[:3, 3]
    right = np.abs(mm[:, :1]) * [1, 0, 0] + mm * [0, 1, 1]
    landmarks = read_landmarks(folder / "landmarks.json")
    names = list(landmarks)
    distance = np.stack([along_polyline(right, landmarks[name])[0] for name in names])
    nearest = distance.argmin(axis=0)
    labels = np.zeros(template.shape, dtype=np.uint8)
    for index, area in enumerate(AREAS):
        parts = [name for name in names if name.rstrip("vd") == area.rstrip("vd")]
        for part in parts:
            for left in (False, True):
                members = np.flatnonzero((nearest == names.index(part)) & ((mm[:, 0] < 0) == left))
                wanted = _TARGET[area] // (2 * len(parts))
                order = np.argsort(distance[names.index(part), members], kind="stable")
                chosen = members[order[:wanted]]
                if len(chosen) < wanted:
                    raise SystemExit(
                        f"{part}: only {len(chosen)} of {wanted} voxels of cortex near by"
                    )
                labels[tuple(ijk[chosen].T)] = index + 1
    image = nib.Nifti1Image(labels, affine)
    image.header["descrip"] = b"Schematic visual areas, not an atlas"
    nib.save(image, folder / "schematic_rois.nii.gz")


def read_anatomy() -> Volume:
    """Return the MNI152 T1 template at 2 mm, cropped to the brain, as grey levels 0–255."""
    template = load_mni152_template(resolution=2)
    values = np.asarray(template.dataobj, dtype=np.float32)
    inside = np.argwhere(values > 0.1 * values.max())
    low, high = inside.min(axis=0), inside.max(axis=0) + 1
    cropped: NDArray[np.float32] = values[tuple(map(slice, low, high))]
    affine = np.asarray(template.affine, dtype=np.float64).copy()
    affine[:3, 3] += affine[:3, :3] @ low
    grey = np.clip(cropped / np.percentile(values[values > 0], 99.8) * 255, 0, 255)
    return Volume(grey.astype(np.uint8), affine)
