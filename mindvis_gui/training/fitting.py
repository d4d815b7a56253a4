"""How pictures that are not square become squares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.training.augmentation import resized_pictures
from mindvis_gui.training.settings import Fit
from mindvis_gui.training.trials import as_tensor
from mindvis_gui.wording import are, counted


def fitted(picture: ImageArray, size: int, fit: Fit) -> Tensor:
    """Return a picture (h, w, 3) as (3, size, size) uint8, antialiased.

    Parameters
    ----------
    picture : (h, w, 3) uint8
    size : int
        Pixels.
    fit : Fit
        ``cut``: its middle square; ``squeeze``: all of it.
    """
    if fit == "cut":
        height, width = picture.shape[:2]
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        picture = np.ascontiguousarray(picture[top : top + side, left : left + side])
    made = resized_pictures(as_tensor(picture)[None], size, antialias=True)[0]
    return ((made + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def is_oblong(shape: tuple[int, ...]) -> bool:
    """Whether a picture of this shape (h, w, …) is no square."""
    return shape[0] != shape[1]


def oblong(shapes: Sequence[tuple[int, ...]]) -> str:
    """Return how many pictures of these shapes (h, w, …) are no squares; empty if all are."""
    found = [shape[:2] for shape in shapes if is_oblong(shape)]
    if not found:
        return ""
    height, width = found[0]
    of = counted(len(shapes), "picture")
    return f"{len(found):,} of {of} {are(len(found))} not square, such as {width} × {height} pixels"
