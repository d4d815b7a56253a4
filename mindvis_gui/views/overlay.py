"""Look-up tables: one RGBA colour a voxel of the response, so that a slice is one indexing.

Every table has one row more than there are voxels. It is transparent, and -1 (no voxel
here) finds it from the end.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from mindvis_gui.data.subject import FloatArray, ImageArray, Subject

_STEPS = np.linspace(0, 1, 5)
_SHADES = np.array(
    [(12, 16, 40), (46, 52, 112), (112, 96, 128), (196, 156, 96), (252, 238, 160)], dtype=float
)


def region_labels(subject: Subject, names: frozenset[str]) -> NDArray[np.int16]:
    """Return a region's number, from 1, at every voxel (n_voxels + 1,); 0 where none is.

    Where regions overlap the newest that was made counts, or else the first of the subject's.
    """
    labels = np.zeros(subject.n_voxels + 1, dtype=np.int16)
    numbered = list(enumerate(subject.rois, start=1))
    own = [each for each in numbered if not each[1].made]
    made = [each for each in numbered if each[1].made]
    for number, roi in [*reversed(own), *made]:
        if roi.name in names:
            labels[roi.voxels] = number
    return labels


def region_table(
    subject: Subject, labels: NDArray[np.int16], colours: Mapping[str, QColor], opacity: float = 1.0
) -> ImageArray:
    """Return the table (n_voxels + 1, 4) of region colours."""
    alpha = round(255 * opacity)
    rows = [(0, 0, 0, 0), *((*_rgb(colours[roi.name]), alpha) for roi in subject.rois)]
    return np.array(rows, dtype=np.uint8)[labels]


def _rgb(colour: QColor) -> tuple[int, int, int]:
    return colour.red(), colour.green(), colour.blue()


def sequential_colours(values: FloatArray) -> ImageArray:
    """Return colours (…, 3), from dark blue to light yellow, of `values` (…) from 0 to 1."""
    channels = [np.interp(values, _STEPS, channel) for channel in _SHADES.T]
    return np.stack(channels, axis=-1).astype(np.uint8)
