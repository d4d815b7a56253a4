"""Regions of an NSD subject, from the label images in its folder ``roi``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mindvis_gui.data.nifti_file import NiftiFile
from mindvis_gui.data.rois import check_same_grid
from mindvis_gui.data.subject import IntArray, Roi, read_only
from mindvis_gui.errors import DataError

# What the numbers in the images mean; the ventral and dorsal half of an area are one region.
LABELS = {
    "prf-visualrois": {1: "V1", 2: "V1", 3: "V2", 4: "V2", 5: "V3", 6: "V3", 7: "hV4"},
    "streams": {
        1: "early",
        2: "midventral",
        3: "midlateral",
        4: "midparietal",
        5: "ventral",
        6: "lateral",
        7: "parietal",
    },
    "floc-faces": {1: "OFA", 2: "FFA-1", 3: "FFA-2", 4: "mTL-faces", 5: "aTL-faces"},
    "floc-places": {1: "OPA", 2: "PPA", 3: "RSC"},
    "floc-bodies": {1: "EBA", 2: "FBA-1", 3: "FBA-2", 4: "mTL-bodies"},
    "floc-words": {1: "OWFA", 2: "VWFA-1", 3: "VWFA-2", 4: "mfs-words", 5: "mTL-words"},
}


def read_nsd_rois(mask: NiftiFile, folder: Path) -> tuple[IntArray, tuple[Roi, ...], list[str]]:
    """Return the voxels of ``nsdgeneral`` (> 0; outside the cortex it is −1), regions, and notes.

    The voxels are points of the image, x running fastest, in the order of a boolean mask.
    """
    values = mask.labels()
    ijk = np.argwhere(np.nan_to_num(values).reshape(mask.shape, order="F") > 0)
    if not len(ijk):
        raise DataError(f"{mask.path.name}: no voxel is above 0; is this the mask nsdgeneral?")
    points: IntArray = np.asarray(np.ravel_multi_index(tuple(ijk.T), mask.shape, order="F"))
    place = np.full(values.size, -1, dtype=np.int64)
    place[points] = np.arange(len(points))
    rois = {"nsdgeneral": np.arange(len(points))}
    missing = []
    for image, labels in LABELS.items():
        path = folder / f"{image}.nii.gz"
        if not path.exists():
            missing.append(image)
            continue
        labelled = NiftiFile(path)
        check_same_grid(labelled, mask)
        numbers = labelled.labels()
        for number, name in labels.items():
            inside = place[numbers == number]
            voxels = np.sort(inside[inside >= 0])
            if voxels.size:
                rois[name] = np.union1d(rois.get(name, voxels), voxels)
    notes = [f"Regions that are not there: {', '.join(missing)}"] if missing else []
    return points, tuple(Roi(name, read_only(v)) for name, v in rois.items()), notes
