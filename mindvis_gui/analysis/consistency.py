"""How far samples of one response agree: their mean, their spread, and each with each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mindvis_gui.analysis.comparison import resized
from mindvis_gui.analysis.metrics import standardised
from mindvis_gui.data.subject import FloatArray, ImageArray, read_only


@dataclass(frozen=True, eq=False, slots=True)
class Consistency:
    """What several samples have in common.

    Attributes
    ----------
    mean : (h, w, 3) uint8
        Of every pixel over samples.
    spread : (h, w) float32, 0–127.5
        Standard deviation over samples, mean over R, G and B.
    similarity : (n, n) float32
        Pearson's r over all RGB values of each sample with each; symmetric.
    """

    mean: ImageArray
    spread: FloatArray
    similarity: FloatArray

    @property
    def agreement(self) -> float:
        """Mean similarity over all pairs of different samples."""
        above = np.triu_indices(len(self.similarity), k=1)
        return float(self.similarity[above].mean())


def consistency(pictures: Sequence[ImageArray]) -> Consistency | None:
    """Compare pictures (h, w, 3) of the same response; None with fewer than two.

    Pictures of another size than the first are brought to it.
    """
    if len(pictures) < 2:
        return None
    height, width = pictures[0].shape[:2]
    stack = np.stack([resized(picture, width, height) for picture in pictures])
    values = stack.astype(np.float32)
    flat = np.stack([standardised(picture) for picture in stack])
    similarity = np.clip(flat @ flat.T, -1, 1).astype(np.float32)
    return Consistency(
        mean=read_only(np.round(values.mean(axis=0)).astype(np.uint8)),
        spread=read_only(values.std(axis=0).mean(axis=-1).astype(np.float32)),
        similarity=read_only(similarity),
    )
