"""Where a sample differs from the stimulus."""

from __future__ import annotations

import numpy as np

from mindvis_gui.data.subject import FloatArray, ImageArray


def difference_map(image: ImageArray, reference: ImageArray) -> FloatArray:
    """Return the absolute difference of two pictures (h, w, 3), mean over R, G and B.

    Returns
    -------
    (h, w) float32, 0–255
    """
    difference = image.astype(np.float32) - reference.astype(np.float32)
    return np.asarray(np.abs(difference).mean(axis=-1, dtype=np.float32))
