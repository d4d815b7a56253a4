"""What is done to responses and pictures while training, against learning them by heart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

CROP = 0.2
CROP_PROBABILITY = 0.5
Corner = tuple[int, int]  # top and left of what is cut out


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How responses are changed. As published, and by default, they are not.

    Attributes
    ----------
    sparsify : float
        Share of the voxels that are set to 0. The paper says 0.2; in the published code the
        function that should do it has no effect.
    noise : float
        Standard deviation of what is added, in units of the normalised response.
    """

    sparsify: float = 0.0
    noise: float = 0.0

    def apply(self, responses: Tensor, generator: Generator) -> Tensor:
        """Return responses (batch, n_padded) with voxels set to 0 and noise added."""
        if self.noise:
            noise = torch.randn(responses.shape, generator=generator)
            responses = responses + self.noise * noise
        n_zero = int(responses.shape[1] * self.sparsify)
        if n_zero:
            order = torch.rand(responses.shape, generator=generator).argsort(dim=1)
            responses = responses.scatter(1, order[:, :n_zero], 0.0)
        return responses


UNCHANGED = Augmentation()


def interpolated(first: Tensor, second: Tensor, share: float | Tensor) -> Tensor:
    """Mix responses (n, n_padded) in pairs: (1 - share) first + share second."""
    return (1 - share) * first + share * second


def interpolate_pairs(responses: Tensor, generator: Generator) -> Tensor:
    """Mix each response (batch, n) with another of the batch by a share that is uniform."""
    share = torch.rand(len(responses), 1, generator=generator)
    others = responses[torch.randperm(len(responses), generator=generator)]
    return interpolated(responses, others, share)


def augmented(responses: Tensor, times: float, generator: Generator) -> Tensor:
    """Append interpolated random pairs until there are `times` as many responses.

    Parameters
    ----------
    responses : Tensor, shape (n, n_padded)
    times : float
        The published ``aug_times``. Its default of 1 adds none.
    generator : torch.Generator

    Returns
    -------
    Tensor, shape (int(n * times), n_padded)
        The responses themselves come first.
    """
    n_pairs = int((times - 1) * len(responses))
    pairs = torch.randint(len(responses), (n_pairs, 2), generator=generator)
    mixed = interpolated(responses[pairs[:, 0]], responses[pairs[:, 1]], 0.5)
    return torch.cat([responses, mixed])


def resized_pictures(pictures: Tensor, size: int, *, antialias: bool = False) -> Tensor:
    """Resize pictures (n, 3, h, w) to `size` × `size`, bilinear.

    Tensors were not antialiased by the torchvision of the published code. It only matters
    when pictures get smaller.
    """
    if pictures.shape[-2:] == (size, size):
        return pictures
    return F.interpolate(pictures, (size, size), mode="bilinear", antialias=antialias)


def random_crops(
    pictures: Tensor,
    size: int,
    generator: Generator,
    *,
    crop: float = CROP,
    probability: float = CROP_PROBABILITY,
) -> Tensor:
    """Cut a random square out of some pictures and resize all to `size` × `size`.

    Parameters
    ----------
    pictures : Tensor, shape (n, 3, side, side)
    size : int
        Of the result, in pixels.
    generator : torch.Generator
    crop : float
        Share of the side that is cut away.
    probability : float
        Of cutting a picture at all.

    Returns
    -------
    Tensor, shape (n, 3, size, size)
    """
    corners = draw_corners(
        len(pictures), pictures.shape[-1], generator, crop=crop, probability=probability
    )
    return cropped(pictures, corners, size, crop=crop)


def draw_corners(
    n: int, side: int, generator: Generator, *, crop: float, probability: float
) -> list[Corner | None]:
    """Draw where to cut each of `n` pictures of `side` pixels; None leaves it whole."""
    places = int(crop * side) + 1

    def place() -> int:
        return int(torch.randint(places, (1,), generator=generator))

    return [
        (place(), place()) if torch.rand(1, generator=generator) < probability else None
        for _ in range(n)
    ]


def cropped(
    pictures: Tensor, corners: Sequence[Corner | None], size: int, *, crop: float
) -> Tensor:
    """Cut squares out of pictures (n, 3, side, side) and resize all to (n, 3, size, size)."""
    side = pictures.shape[-1]
    kept = side - int(crop * side)
    made = []
    for picture, corner in zip(pictures, corners, strict=True):
        if corner is not None:
            top, left = corner
            picture = picture[:, top : top + kept, left : left + kept]
        made.append(resized_pictures(picture[None], size))
    return torch.cat(made)
