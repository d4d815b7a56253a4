"""Which voxels a decoded picture rests on: the map, its sums by region, and its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from mindvis_gui.data.subject import FloatArray, Subject
from mindvis_gui.errors import DataError

Method = Literal["gradients", "grad-rollout", "rollout"]
METHODS: tuple[Method, ...] = get_args(Method)
NAMES = {
    "gradients": "Integrated gradients",
    "grad-rollout": "Gradient-weighted roll-out",
    "rollout": "Attention roll-out",
}
MEANING = {
    "gradients": "how much each voxel's deviation from the mean response makes the model expect "
    "this very sample, in per cent of the sum over voxels without their signs; below 0 it speaks "
    "for another picture",
    "grad-rollout": "how much of what makes the model expect this very sample attention brings "
    "from each patch of 16 voxels, in per cent",
    "rollout": "how much attention reaches each patch of 16 voxels on the way to the condition, in "
    "per cent; the same for every sample of a response",
}
UNIT = "% of all"


@dataclass(frozen=True, eq=False, slots=True)
class Attribution:
    """What one sample rests on.

    Attributes
    ----------
    trial, seed : int
        Of the sample.
    method : {"gradients", "grad-rollout", "rollout"}
        See `MEANING`.
    values : (n_voxels,) float32
        In per cent; without their signs they sum to 100.
    effect : float
        By how much the response, against the mean one, lowers the squared error of the noise
        that the model predicts in the sample. NaN for the plain roll-out, which knows no sample.
    explained : float
        Integrated gradients: what the values sum to, in the unit of `effect`; it should be near
        it (completeness).
    """

    trial: int
    seed: int
    method: Method
    values: FloatArray
    effect: float = float("nan")
    explained: float = float("nan")


@dataclass(frozen=True, slots=True)
class RegionShare:
    """What a region has of a map.

    Attributes
    ----------
    name : str
    n_voxels : int
    share : float
        Per cent of the whole, without signs.
    net : float
        The same with signs.
    density : float
        `share` over the region's share of the voxels; 1 is as much as any voxel has on average.
    """

    name: str
    n_voxels: int
    share: float
    net: float
    density: float


def by_region(values: FloatArray, subject: Subject) -> list[RegionShare]:
    """Sum a map (n_voxels,) over each region, and over the voxels in none (``"(none)"``).

    Regions that overlap count their common voxels each.
    """
    parts = [(roi.name, roi.voxels) for roi in subject.rois]
    inside = np.zeros(subject.n_voxels, dtype=np.bool_)
    for _, voxels in parts:
        inside[voxels] = True
    if not inside.all():
        parts.append(("(none)", np.flatnonzero(~inside)))
    whole = float(np.abs(values).sum(dtype=np.float64)) or 1.0
    return [
        RegionShare(
            name=name,
            n_voxels=int(voxels.size),
            share=100 * float(np.abs(values[voxels]).sum(dtype=np.float64)) / whole,
            net=100 * float(values[voxels].sum(dtype=np.float64)) / whole,
            density=float(np.abs(values[voxels]).mean(dtype=np.float64)) / whole * values.size,
        )
        for name, voxels in parts
    ]


def to_json(attribution: Attribution, subject: Subject) -> dict[str, Any]:
    """Return everything but the map itself as JSON values."""
    numbers = {"effect": attribution.effect, "explained": attribution.explained}
    return {
        "trial": attribution.trial,
        "seed": attribution.seed,
        "method": attribution.method,
        "meaning": MEANING[attribution.method],
        "unit": UNIT,
        **{key: None if np.isnan(value) else value for key, value in numbers.items()},
        "regions": [
            {
                "name": each.name,
                "voxels": each.n_voxels,
                "share": each.share,
                "net": each.net,
                "density": each.density,
            }
            for each in by_region(attribution.values, subject)
        ],
    }


def write_maps(maps: list[FloatArray], subject: Subject, path: Path, description: str) -> None:
    """Write maps (n_voxels,) as a NIfTI image on the response's grid, 0 where no voxel is.

    One map makes a 3-D image, several a 4-D one.

    Raises
    ------
    DataError
        If the subject has no voxel positions, or the name is not that of a NIfTI file.
    ExportError
        If the file cannot be written; an existing one stays as it was.
    """
    if not path.name.endswith((".nii", ".nii.gz")):
        raise DataError(f"{path.name}: a map is written as NIfTI; end its name in .nii.gz")
    if subject.affine is None:
        raise DataError(
            f"{subject.name}: no voxel positions in this file; a map cannot be written as NIfTI"
        )
    import nibabel  # only when a file is wanted

    from mindvis_gui.data.nifti_file import write_image

    volumes = [np.nan_to_num(subject.volume(values)) for values in maps]
    data = volumes[0] if len(volumes) == 1 else np.stack(volumes, axis=-1)
    image = nibabel.Nifti1Image(data.astype(np.float32), subject.affine)
    image.header.set_xyzt_units("mm")
    image.header["descrip"] = description.encode("ascii", "replace")[:79]
    write_image(image, path)
