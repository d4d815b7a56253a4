"""Folders of pictures to train the first stage and the label-conditional model on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor

from mindvis_gui.data.picture import SUFFIXES, decode_picture
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.errors import DataError
from mindvis_gui.files import in_order
from mindvis_gui.training.augmentation import random_crops
from mindvis_gui.training.fitting import fitted, oblong
from mindvis_gui.training.known_pictures import other_copies, small_copies
from mindvis_gui.training.settings import Fit

_MOST_BYTES = 16 * 2**30  # of all pictures in memory


@dataclass(frozen=True, eq=False, slots=True)
class LabelledPictures:
    """Pictures (n, 3, size, size) uint8 in memory; `labels` (n,) are positions in `names`.

    `known` are their small copies, and `oblong` says in words how many were no squares; it is
    empty if all were.
    """

    pixels: Tensor
    labels: Tensor
    names: tuple[str, ...]
    known: Tensor
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
    sources: Sequence[str], size: int, fit: Fit = "cut", *, labelled: bool = False
) -> LabelledPictures:
    """Read all pictures in folders and the folders in them, as squares of `size` pixels.

    Parameters
    ----------
    sources : sequence of str
        Folders.
    size : int
        Height and width that they are resized to, antialiased.
    fit : Fit
        What becomes of those that are not square.
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
    shapes, others = [], []
    for row, path in enumerate(paths):
        picture = _read(path)
        shapes.append(picture.shape)
        pixels[row] = fitted(picture, size, fit)
        others.append(other_copies(picture, size, fit))
    labels = torch.tensor([names.index(path.parent.name) for path in paths])
    known = torch.cat([small_copies(pixels), *others])
    return LabelledPictures(pixels, labels, tuple(names), known, oblong(shapes))


def _pictures_in(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"{folder}: is no folder of pictures")
    found = in_order(
        path
        for path in folder.rglob("*")
        # macOS leaves ._a.png beside a.png on other file systems; it is no picture.
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )
    if not found:
        raise DataError(f"{folder}: no pictures in this folder ({', '.join(SUFFIXES)})")
    return found


def _read(path: Path) -> ImageArray:
    try:
        return decode_picture(path.read_bytes(), str(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
