"""All test stimuli with their samples on one sheet, to be looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from mindvis_gui.analysis.comparison import resized
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.files import atomic_path

_COLUMNS = 3  # stimuli a row
_GAP, _WHITE = 8, 255
_QUALITY = 82


def write_sheet(path: Path, stimuli: ImageArray, samples: ImageArray) -> None:
    """Draw each stimulus (n, h, w, 3) with its samples (n, n_samples, s, s, 3) to its right.

    Rows run from left to right; the last is filled up with white.
    """
    side = samples.shape[-2]
    cells = [
        np.concatenate(
            [resized(stimulus, side, side), np.full((side, 2, 3), _WHITE, np.uint8), *row], axis=1
        )
        for stimulus, row in zip(stimuli, samples, strict=True)
    ]
    blank = np.full_like(cells[0], _WHITE)
    cells += [blank] * (-len(cells) % _COLUMNS)
    gap = np.full((side, _GAP, 3), _WHITE, np.uint8)
    rule = np.full((2, _COLUMNS * (blank.shape[1] + _GAP) - _GAP, 3), _WHITE, np.uint8)
    lines = []
    for start in range(0, len(cells), _COLUMNS):
        parts = [part for cell in cells[start : start + _COLUMNS] for part in (gap, cell)]
        lines += [np.concatenate(parts[1:], axis=1), rule]
    sheet = Image.fromarray(np.concatenate(lines[:-1]))
    with atomic_path(path) as temporary:
        sheet.save(temporary, format=path.suffix.lstrip(".").upper(), quality=_QUALITY)
