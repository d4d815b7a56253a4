"""Training pictures: cut-out drawings put on soft backgrounds, a new composition every time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Variation:
    """How far compositions differ from each other.

    Attributes
    ----------
    scale : (float, float)
        Range of the cut-out's size, as a fraction of the picture.
    hue, tone : float
        Largest rotation of the hue in radians; largest relative change of contrast.
    mirror : bool
        Whether half of the pictures are mirrored.
    """

    scale: tuple[float, float] = (0.68, 0.98)
    hue: float = 0.12
    tone: float = 0.1
    mirror: bool = True


@dataclass(frozen=True, eq=False, slots=True)
class CutOuts:
    """Drawings with transparency, (n, 4, h, w) uint8, from which pictures are composed."""

    rgba: Tensor
    size: int = 64
    variation: Variation = Variation()

    def compose(self, indices: Tensor, generator: Generator) -> Tensor:
        """Compose one picture from each of the drawings at `indices` (batch,).

        Returns
        -------
        Tensor, shape (batch, 3, size, size), from -1 to 1
        """
        drawing = self.rgba[indices].float() / 255  # (batch, 4, h, w)
        alpha = drawing[:, 3:]
        colour = shift_colours(drawing[:, :3], self.variation, generator) * alpha
        placed = self._place(torch.cat([colour, alpha], dim=1), generator)
        background = soft_backgrounds(len(indices), self.size, generator)
        picture = placed[:, :3] + background * (1 - placed[:, 3:])
        return picture.clamp(0, 1) * 2 - 1

    def _place(self, premultiplied: Tensor, generator: Generator) -> Tensor:
        """Scale, shift and mirror (batch, 4, h, w) to (batch, 4, size, size)."""
        batch = len(premultiplied)
        low, high = self.variation.scale
        scale = low + (high - low) * torch.rand(batch, generator=generator)
        shift = (torch.rand(batch, 2, generator=generator) * 2 - 1) * (1 - scale)[:, None]
        flip = torch.where(torch.rand(batch, generator=generator) < 0.5, -1.0, 1.0)
        theta = torch.zeros(batch, 2, 3)
        theta[:, 0, 0] = (flip if self.variation.mirror else 1.0) / scale
        theta[:, 1, 1] = 1 / scale
        theta[:, :, 2] = -shift / scale[:, None]
        theta[:, 0, 2] *= flip if self.variation.mirror else 1.0
        # Twice the size, then averaged: bilinear look-up alone would alias.
        grid = F.affine_grid(theta, [batch, 4, 2 * self.size, 2 * self.size], align_corners=False)
        return F.avg_pool2d(F.grid_sample(premultiplied, grid, align_corners=False), 2)


def soft_backgrounds(batch: int, size: int, generator: Generator) -> Tensor:
    """Draw backgrounds (batch, 3, size, size), 0–1: linear gradients, near grey or pastel."""
    light = 0.6 + 0.4 * torch.rand(batch, 1, 1, 1, generator=generator)
    tint = torch.randn(batch, 3, 1, 1, generator=generator) * 0.05
    change = torch.randn(batch, 3, 1, 1, generator=generator) * 0.03
    change = change + torch.randn(batch, 1, 1, 1, generator=generator) * 0.08
    angle = torch.rand(batch, 1, 1, generator=generator) * (2 * math.pi)
    axis = torch.linspace(-1, 1, size)
    ramp = angle.cos() * axis[None, None, :] + angle.sin() * axis[None, :, None]
    return (light + tint + change * ramp[:, None]).clamp(0, 1)


def shift_colours(colour: Tensor, variation: Variation, generator: Generator) -> Tensor:
    """Rotate the hue and change the contrast of pictures (batch, 3, h, w), 0–1."""
    batch = len(colour)
    angle = (torch.rand(batch, generator=generator) * 2 - 1) * variation.hue
    tone = 1 + (torch.rand(batch, 1, 1, 1, generator=generator) * 2 - 1) * variation.tone
    # Rodrigues' formula: a rotation of RGB space about its grey axis.
    axis = torch.full((3,), 1 / math.sqrt(3))
    cross = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    turn = (
        angle.cos()[:, None, None] * torch.eye(3)
        + angle.sin()[:, None, None] * cross
        + (1 - angle.cos())[:, None, None] * torch.outer(axis, axis)
    )
    rotated = torch.einsum("bij,bjhw->bihw", turn, colour)
    return ((rotated - 0.5) * tone + 0.5).clamp(0, 1)
