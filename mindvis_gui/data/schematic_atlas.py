"""The shipped drawing of the visual cortex, for images in MNI space that come without regions.

No atlas may be shipped with this application; see ``resources/visual_cortex/README.md`` for what
the drawing is worth, and `label_image` for how to build regions out of a real one.
"""

from __future__ import annotations

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.label_image import sampled
from mindvis_gui.data.nifti_file import NiftiFile
from mindvis_gui.data.rois import Region
from mindvis_gui.data.schematic_rois import AREAS
from mindvis_gui.paths import resources_dir

SCHEMATIC_NOTE = (
    "No regions given and the image is in MNI space: the schematic regions are used, a drawing "
    "on the template and no atlas, good to a centimetre; others: Load label image… in the window, "
    "--rois on the command line, see 'mindvis import-rois'"
)


def schematic_regions(image: NiftiFile, signal: NDArray[np.bool_]) -> list[Region]:
    """Return the regions of which a voxel with a signal lies in the grid, in the order of `AREAS`.

    Each voxel takes the area of the nearest point of the drawing.
    """
    atlas = nib.load(resources_dir() / "visual_cortex" / "schematic_rois.nii.gz")
    points = np.flatnonzero(signal)
    labels = sampled(
        np.asarray(atlas.dataobj), np.asarray(atlas.affine), points, image.shape, image.affine
    )
    found = [Region(name, points[labels == number]) for number, name in enumerate(AREAS, start=1)]
    return [region for region in found if region.points.size]
