"""Pictures of how well a training does: recovered responses, and grids of samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.decoding.preview import to_uint8
from mindvis_gui.files import atomic_path

_GAP = 4  # pixels between the pictures of a grid
_PAPER = 255
_WINDOW = 800  # voxels of each response that a recovery plot shows


def write_plot(picture: ImageArray, path: Path) -> None:
    """Write a picture (h, w, 3) as PNG.

    Raises
    ------
    ExportError
        If it cannot be written.
    """
    with atomic_path(path) as temporary:
        Image.fromarray(picture).save(temporary, "PNG")


def picture_grid(rows: Sequence[Tensor]) -> ImageArray:
    """Lay out pictures: each of `rows` is (n, 3, h, w) from -1 to 1, n the same in all."""
    pictures = torch.stack([to_uint8(row.float().cpu()) for row in rows]).movedim(2, -1).numpy()
    n_rows, n_columns, height, width, _ = pictures.shape
    grid = np.full(
        (n_rows * (height + _GAP) + _GAP, n_columns * (width + _GAP) + _GAP, 3), _PAPER, np.uint8
    )
    for row in range(n_rows):
        for column in range(n_columns):
            top, left = _GAP + row * (height + _GAP), _GAP + column * (width + _GAP)
            grid[top : top + height, left : left + width] = pictures[row, column]
    return grid


def recovery_plot(
    responses: Tensor, predicted: Tensor, kept: Tensor, correlations: Tensor
) -> ImageArray:
    """Draw the start of each response, and what is recovered where it is masked.

    Parameters
    ----------
    responses, predicted : Tensor, shape (n, n_padded)
    kept : bool Tensor, shape (n, n_patches)
    correlations : Tensor, shape (n,)
        Over the masked voxels.

    Returns
    -------
    ImageArray, shape (h, w, 3)
    """
    patch = responses.shape[1] // kept.shape[1]
    shown = min(responses.shape[1], _WINDOW)
    figure = Figure(figsize=(11, 1.9 * len(responses)), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(len(responses), 1, squeeze=False, sharex=True)[:, 0]
    for axes, true, guess, visible, r in zip(
        panels, responses, predicted, kept, correlations, strict=True
    ):
        hidden = (~visible).repeat_interleave(patch)
        recovered = torch.where(hidden, guess, torch.nan)
        voxels = np.arange(shown)
        axes.fill_between(
            voxels, 0, 1, where=hidden[:shown].numpy(), transform=axes.get_xaxis_transform(),
            color="0.92", linewidth=0,
        )  # fmt: skip
        axes.plot(voxels, true[:shown], color="0.55", linewidth=0.7, label="measured")
        axes.plot(voxels, recovered[:shown], color="#c2410c", linewidth=0.9, label="recovered")
        axes.set_title(f"r = {float(r):.3f} over all masked voxels", fontsize=8, loc="left")
        axes.set_ylabel("response (z)", fontsize=8)
        axes.tick_params(labelsize=7)
        axes.margins(x=0)
    panels[0].legend(fontsize=7, loc="upper right", ncols=2, frameon=False)
    panels[-1].set_xlabel(
        f"voxel, the first {shown:,} of {responses.shape[1]:,}; masked patches are shaded",
        fontsize=8,
    )
    canvas.draw()  # type: ignore[no-untyped-call]
    drawn: ImageArray = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return np.ascontiguousarray(drawn[..., :3])
