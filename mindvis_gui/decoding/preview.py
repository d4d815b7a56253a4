"""Small pictures of latents: a linear map from latent channels to colours.

It costs nothing beside a network call, so every step of a decode can show where
its samples are going.
"""

from __future__ import annotations

import torch
from diffusers import VQModel
from torch import Tensor
from torch.nn import functional as F

_CODES = 64  # enough for the (channels + 1) x 3 numbers that are fitted
_PATCH = 8  # latent positions a side of each uniform patch that is decoded


def to_uint8(colours: Tensor) -> Tensor:
    """Turn colours in -1…1 into 0–255, clipped and truncated as the published code does."""
    return (255 * ((colours + 1) / 2).clamp(0, 1)).to(torch.uint8)


def fit_latent_rgb(latents: Tensor, pictures: Tensor) -> list[list[float]]:
    """Fit colours to latents by least squares.

    Parameters
    ----------
    latents : Tensor, shape (n, channels, h, w)
    pictures : Tensor, shape (n, 3, k * h, k * w), -1…1
        What the latents stand for.

    Returns
    -------
    list of channels + 1 rows of 3
        One row a channel and a last one of offsets; the colours are in -1…1.
    """
    height, width = latents.shape[-2:]
    small = F.adaptive_avg_pool2d(pictures, (height, width))
    points = latents.movedim(1, -1).flatten(0, 2)  # (n * h * w, channels)
    points = torch.cat([points, points.new_ones(len(points), 1)], dim=1)
    colours = small.movedim(1, -1).flatten(0, 2)  # (n * h * w, 3)
    matrix = torch.linalg.lstsq(points.double(), colours.double()).solution
    return [[round(float(value), 6) for value in row] for row in matrix]


@torch.inference_mode()
def fit_latent_rgb_to_codes(vqvae: VQModel) -> list[list[float]]:
    """Fit the map to uniform patches of the codebook, where no pictures are at hand."""
    codebook = vqvae.quantize.embedding.weight
    chosen = codebook[:: max(1, len(codebook) // _CODES)][:_CODES]
    latents = chosen[:, :, None, None].expand(-1, -1, _PATCH, _PATCH)
    pictures = torch.cat([vqvae.decode(latent[None]).sample for latent in latents])
    return fit_latent_rgb(latents, pictures)


def preview(latents: Tensor, latent_rgb: list[list[float]]) -> Tensor:
    """Show latents (n, channels, h, w) as pictures (n, h, w, 3) uint8."""
    matrix = torch.tensor(latent_rgb, dtype=latents.dtype, device=latents.device)
    return to_uint8(latents.movedim(1, -1) @ matrix[:-1] + matrix[-1])
