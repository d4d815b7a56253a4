"""Regions as a NIfTI label image with a table of names, on any grid in the subject's space."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import nibabel as nib
import numpy as np

from mindvis_gui.data.label_image import labels_at
from mindvis_gui.data.label_table import label_names, write_label_names
from mindvis_gui.data.nifti_file import read_volume, write_image
from mindvis_gui.data.region_shapes import make_region, voxel_positions
from mindvis_gui.data.rois import region_name
from mindvis_gui.data.subject import Roi, Subject
from mindvis_gui.errors import DataError


def write_label_image(subject: Subject, rois: Sequence[Roi], path: Path) -> None:
    """Write regions as numbers 1, 2, … on the functional grid, and their names into a ``.tsv``.

    Raises
    ------
    DataError
        If there is no region, or two share voxels: a label image has one number a voxel.
    ExportError
        If a file cannot be written.
    """
    if not rois:
        raise DataError("no region is visible; show the ones to save")
    for first, second in combinations(rois, 2):
        shared = np.intersect1d(first.voxels, second.voxels).size
        if shared:
            raise DataError(
                f"{first.name} and {second.name} share {shared:,} voxels, but a label image has "
                "one region a voxel; hide one of them and save again"
            )
    labels = np.zeros(subject.n_voxels, dtype=np.float32)
    for number, roi in enumerate(rois, start=1):
        labels[roi.voxels] = number
    image = nib.Nifti1Image(np.nan_to_num(subject.volume(labels)).astype(np.int16), subject.affine)
    image.header.set_xyzt_units("mm")
    write_label_names({number: roi.name for number, roi in enumerate(rois, start=1)}, path)
    write_image(image, path)


def read_label_image(path: Path, subject: Subject) -> tuple[list[Roi], list[str]]:
    """Read the regions of a label image: each voxel of the response has the label at its mm.

    Returns
    -------
    rois : list of Roi
    missed : list of str
        Names of the labels that lie on no voxel of the response.

    Raises
    ------
    DataError
        If it is no label image, or no label lies on a voxel of the response.
    """
    volume = read_volume(path, labels=True)
    numbers = np.nan_to_num(np.asarray(volume.data, dtype=np.float64))
    if not np.array_equal(numbers, np.rint(numbers)):
        raise DataError(
            f"{path.name}: a label image holds whole numbers only; open a map as an overlay "
            "and make a region from a threshold"
        )
    labels = labels_at(numbers, volume.affine, voxel_positions(subject))
    names = label_names(path)
    present = [int(n) for n in np.unique(numbers) if n > 0]
    if len(present) == 1 and not names:
        names = {present[0]: region_name(path.name)[0]}
    rois: list[Roi] = []
    missed = []
    for number in present:
        name = names.get(number, f"label {number}")
        voxels = np.flatnonzero(labels == number)
        if voxels.size:
            rois.append(make_region(name, voxels, f"label {number} of {path.name}", rois))
        else:
            missed.append(name)
    if not rois:
        raise DataError(
            f"{path.name}: none of its {len(present)} labels lies on a voxel of the response; "
            "is it in the subject's space?"
        )
    return rois, missed
