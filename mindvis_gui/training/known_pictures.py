"""Small copies of the pictures that an image model was trained with, kept in its folder.

An image model that learned a test picture can draw it again, whatever the responses say. The
copies tell stage B which of a subject's test pictures its base knows. They are 8 × 8 pixels: enough
to know a picture again after another size or compression, too little to show it. One that is not
square has two, of its middle and of the whole: a subject may have been shown either.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F

from mindvis_gui.data.subject import ImageArray, Subject, Trial
from mindvis_gui.errors import ModelError
from mindvis_gui.training.fitting import fitted, is_oblong
from mindvis_gui.training.settings import Fit

FILE = "known_pictures.safetensors"
_SIDE = 8
_CELLS = _SIDE * _SIDE * 3
# 0–255. Copies of one picture differ by 11 in a cell and 1.5 in all after JPEG of quality 60 at
# 96 pixels; those of the two most alike of the demo's 1,250 drawings by 13 in a cell.
_LARGEST, _MEAN = 12, 2.0
_BLOCK = 1024  # pictures made small at a time


def small_copies(pictures: Tensor) -> Tensor:
    """Return small copies (n, 192) uint8 of square pictures (n, 3, size, size) uint8."""
    parts = [
        F.adaptive_avg_pool2d(part.float(), _SIDE).round().to(torch.uint8).flatten(1)
        for part in torch.split(pictures, _BLOCK)
    ]
    return torch.cat(parts) if parts else torch.empty(0, _CELLS, dtype=torch.uint8)


def copies_of(picture: ImageArray, size: int) -> Tensor:
    """Return the small copies (1 or 2, 192) of a picture (h, w, 3) that is learned at this size."""
    return torch.cat(
        [small_copies(fitted(picture, size, "cut")[None]), other_copies(picture, size, "cut")]
    )


def other_copies(picture: ImageArray, size: int, fit: Fit) -> Tensor:
    """Return the copy (1, 192) of a picture that was not fitted so; none (0, 192) of a square."""
    other: Fit = "squeeze" if fit == "cut" else "cut"
    if not is_oblong(picture.shape):
        return small_copies(torch.empty(0, 3, 1, 1))
    return small_copies(fitted(picture, size, other)[None])


def save_known(folder: Path, *copies: Tensor) -> None:
    """Write small copies (n, 192) into the folder of a model, each once."""
    once = np.unique(torch.cat(copies).numpy(), axis=0)
    save_file({"small": torch.from_numpy(once)}, folder / FILE)


def read_known(folder: Path) -> Tensor:
    """Return the small copies (n, 192) in the folder of a model; none where it tells nothing.

    Raises
    ------
    ModelError
        If they are damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return small_copies(torch.empty(0, 3, 1, 1))
    try:
        copies = load_file(path)["small"]
    except (OSError, SafetensorError, KeyError) as error:
        raise ModelError(f"{path}: cannot be read ({error}); copy it again") from error
    if copies.dtype != torch.uint8 or copies.ndim != 2 or copies.shape[1] != _CELLS:
        raise ModelError(f"{path}: holds no small copies of pictures; copy it again")
    return copies


def known_test_pictures(subject: Subject, known: Tensor, size: int) -> str:
    """Return a sentence on the test pictures that are among `known`; empty if there are none.

    Parameters
    ----------
    subject : Subject
    known : Tensor, shape (n, 192)
        As `read_known` returns them.
    size : int
        Height and width of the pictures of the model, in pixels.
    """
    if not len(known):
        return ""
    shown = {trial.stimulus_id or trial.index: trial for trial in _tested(subject)}
    level = known.float().mean(dim=1)
    found = total = 0
    for trial in shown.values():
        picture = subject.stimulus(trial)
        if picture is None:
            continue
        total += 1
        found += any(_is_known(copy, known, level) for copy in copies_of(picture, size).float())
    if not found:
        return ""
    return f"the image model was trained with {found:,} of the {total:,} test pictures"


def _is_known(copy: Tensor, known: Tensor, level: Tensor) -> bool:
    """Whether a copy (192,) is alike one of `known` (n, 192), whose means are `level` (n,)."""
    alike = known[(level - copy.mean()).abs() <= _MEAN].float()  # what the mean allows
    apart = (alike - copy).abs()
    return bool(((apart.amax(dim=1) <= _LARGEST) & (apart.mean(dim=1) <= _MEAN)).any())


def _tested(subject: Subject) -> list[Trial]:
    return [trial for trial in subject.trials if trial.split != "train"]
