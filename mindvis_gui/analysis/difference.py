"""Where a sample differs from the stimulus."""

from __future__ import annotations

import numpy as np

from mindvis_gui.analysis.comparison import resized
from mindvis_gui.data.subject import FloatArray, ImageArray

FULL_DIFFERENCE = 128.0  # of 0–255: the brightest colour of a difference map


def difference_map(image: ImageArray, reference: ImageArray) -> FloatArray:
    """Return the absolute difference of two pictures (h, w, 3), mean over R, G and B.

    The reference is brought to the size of the image.

    Returns
    -------
    (h, w) float32, 0–255
    """
    height, width = image.shape[:2]
    difference = image.astype(np.float32) - resized(reference, width, height).astype(np.float32)
    return np.asarray(np.abs(difference).mean(axis=-1, dtype=np.float32))
