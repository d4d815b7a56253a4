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

# Blue below zero, orange above, dark in the middle: told apart by any eye, and zero stays calm.
_STOPS = np.array([-1.0, -0.55, 0.0, 0.55, 1.0])
_COLOURS = np.array(
    [(178, 224, 255), (45, 125, 210), (28, 31, 36), (214, 92, 24), (255, 222, 150)], dtype=float
)
_STEPS = np.linspace(0, 1, 5)
_SHADES = np.array(
    [(12, 16, 40), (46, 52, 112), (112, 96, 128), (196, 156, 96), (252, 238, 160)], dtype=float
)


def no_overlay(n_voxels: int) -> ImageArray:
    """Return a table (n_voxels + 1, 4) in which every voxel is transparent."""
    return np.zeros((n_voxels + 1, 4), dtype=np.uint8)


def region_labels(subject: Subject, names: frozenset[str]) -> NDArray[np.int16]:
    """Return a region's number, from 1, at every voxel (n_voxels + 1,); 0 where none is.

    Where regions overlap the first of the subject's counts.
    """
    labels = np.zeros(subject.n_voxels + 1, dtype=np.int16)
    for number, roi in reversed(list(enumerate(subject.rois, start=1))):
        if roi.name in names:
            labels[roi.voxels] = number
    return labels


def region_table(
    subject: Subject, labels: NDArray[np.int16], colours: Mapping[str, QColor]
) -> ImageArray:
    """Return the table (n_voxels + 1, 4) of region colours."""
    rows = [(0, 0, 0, 0), *(_rgba(colours[roi.name]) for roi in subject.rois)]
    return np.array(rows, dtype=np.uint8)[labels]


def diverging_table(values: FloatArray, limit: float, threshold: float) -> ImageArray:
    """Return the table (n + 1, 4) of `values` (n,) on the range from -`limit` to `limit`.

    Values nearer to zero than `threshold`, and NaN, are transparent.
    """
    table = no_overlay(values.size)
    shown = np.abs(values) >= threshold  # False for NaN
    table[:-1][shown, :3] = diverging_colours(values[shown] / limit)
    table[:-1][shown, 3] = 255
    return table


def diverging_colours(values: FloatArray) -> ImageArray:
    """Return the colours (n, 3) of `values` (n,) on the range from -1 to 1, clipped to it."""
    channels = [np.interp(values, _STOPS, channel) for channel in _COLOURS.T]
    return np.stack(channels, axis=-1).astype(np.uint8)


def _rgba(colour: QColor) -> tuple[int, int, int, int]:
    return colour.red(), colour.green(), colour.blue(), 255


def sequential_colours(values: FloatArray) -> ImageArray:
    """Return colours (…, 3), from dark blue to light yellow, of `values` (…) from 0 to 1."""
    channels = [np.interp(values, _STEPS, channel) for channel in _SHADES.T]
    return np.stack(channels, axis=-1).astype(np.uint8)
