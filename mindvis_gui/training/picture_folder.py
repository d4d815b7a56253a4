"""Folders of pictures to train the first stage and the label-conditional model on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from mindvis_gui.data.picture import SUFFIXES, decode_picture
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.errors import DataError
from mindvis_gui.files import in_order
from mindvis_gui.training.augmentation import random_crops, resized_pictures
from mindvis_gui.training.trials import as_tensor
from mindvis_gui.wording import are, counted

_MOST_BYTES = 16 * 2**30  # of all pictures in memory


@dataclass(frozen=True, eq=False, slots=True)
class LabelledPictures:
    """Pictures (n, 3, size, size) uint8 in memory; `labels` (n,) are positions in `names`.

    `oblong` says in words how many were no squares; empty if all were.
    """

    pixels: Tensor
    labels: Tensor
    names: tuple[str, ...]
    oblong: str = ""

    def __len__(self) -> int:
        return len(self.pixels)

    def pictures(self, rows: Tensor) -> Tensor:
        """Return the pictures at `rows` (m,), from -1 to 1."""
        return self.pixels[rows].float() / 127.5 - 1

    def crops(
        self, rows: Tensor, generator: Generator, *, crop: float, probability: float
    ) -> Tensor:
        """Return the pictures at `rows` (m,), some of them cropped, from -1 to 1."""
        size = self.pixels.shape[-1]
        return random_crops(
            self.pictures(rows), size, generator, crop=crop, probability=probability
        )


def read_picture_folders(
    sources: Sequence[str], size: int, *, labelled: bool = False
) -> LabelledPictures:
    """Read all pictures in folders and the folders in them, cut to squares of `size` pixels.

    Parameters
    ----------
    sources : sequence of str
        Folders.
    size : int
        The middle square of each picture is resized to this, antialiased.
    labelled : bool
        Whether the folder that a picture lies in is its label; there must be two or more.

    Raises
    ------
    DataError
        If there are no pictures, too many for the memory, a damaged one, or no labels.
    """
    paths = [path for source in sources for path in _pictures_in(Path(source))]
    if len(paths) * size**2 * 3 > _MOST_BYTES:
        raise DataError(
            f"{len(paths):,} pictures of {size} × {size} pixels do not fit into "
            f"{_MOST_BYTES >> 30} GiB; train on fewer, or on smaller ones"
        )
    names = sorted({path.parent.name for path in paths})
    if labelled and len(names) < 2:
        raise DataError(f"{sources[0]}: holds no folders of pictures, one for each label")
    pixels = torch.empty(len(paths), 3, size, size, dtype=torch.uint8)
    shapes = []
    for row, path in enumerate(paths):
        picture = _read(path)
        shapes.append(picture.shape)
        pixels[row] = square(picture, size)
    labels = torch.tensor([names.index(path.parent.name) for path in paths])
    return LabelledPictures(pixels, labels, tuple(names), oblong(shapes))


def oblong(shapes: Sequence[tuple[int, ...]]) -> str:
    """Return how many pictures of these shapes (h, w, …) are no squares; empty if all are."""
    found = [shape[:2] for shape in shapes if shape[0] != shape[1]]
    if not found:
        return ""
    height, width = found[0]
    of = counted(len(shapes), "picture")
    return f"{len(found):,} of {of} {are(len(found))} not square, such as {width} × {height} pixels"


def _pictures_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder of pictures")
    found = in_order(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise DataError(f"{folder}: no pictures in this folder ({', '.join(SUFFIXES)})")
    return found


def _read(path: Path) -> ImageArray:
    try:
        return decode_picture(path.read_bytes(), str(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def square(picture: ImageArray, size: int) -> Tensor:
    """Return the middle square (3, size, size) uint8 of a picture (h, w, 3)."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    middle = as_tensor(np.ascontiguousarray(picture[top : top + side, left : left + side]))
    made = resized_pictures(middle[None], size, antialias=True)[0]
    return ((made + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
