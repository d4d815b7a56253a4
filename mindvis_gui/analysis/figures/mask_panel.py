"""The response in the order of the vector: what was masked, and what SC-MBM made of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.caption import decimal
from mindvis_gui.analysis.figures.content import FigureContent, MaskScene, Regions
from mindvis_gui.analysis.figures.page import MARGIN, Page, text_width, wrapped
from mindvis_gui.analysis.figures.style import GREY, INK, MASKED, SEEN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEIGHT = 300  # dots, at least
_RESPONSE = "response (z)"
_BAND = 22
_AXIS = 100  # room for numbers and label at the left, at least
_TICK = 30  # dots between a number, its tick and the label


def draw_mask(page: Page, y: float, content: FigureContent) -> float:
    """Draw the true and the recovered response over each other, and the regions below."""
    scene = content.mask
    assert scene is not None
    line = page.style.line
    y = page.title(y, "Masked response and its recovery")
    masked = float((~scene.kept).mean())
    said = (
        f"{masked:.0%} of {scene.vector.size:,} voxels masked · recovered by SC-MBM: "
        f"r {decimal(scene.correlation)} over the masked voxels "
        f"(interpolation: {decimal(scene.baseline)})"
    )
    y = page.paragraph(y, said)
    axis = max(_AXIS, 1.3 * line + text_width("−0.0", page.style) + _TICK)
    left, width = MARGIN + axis, page.inner - axis
    height = max(_HEIGHT, 1.1 * text_width(_RESPONSE, page.style))
    page.plot(left, y, width, height, partial(_plot, scene))
    band = y + height + 8
    _draw_band(page, scene.regions, left, band, width)
    y = band + _BAND + line + 16
    x = float(left)
    for text, colour in (("response", INK), ("recovered where masked", SEEN), ("masked", MASKED)):
        wide = 50 + text_width(text, page.style)
        if x + wide > page.width - MARGIN and x > left:
            x, y = float(left), y + line
        page.line((x, x + 40), (y + line / 2, y + line / 2), color=colour, linewidth=2)
        first, *others = wrapped(text, page.width - MARGIN - x - 50, page.style)
        page.text(x + 50, y, first)
        for words in others:
            y += line
            page.text(x + 50, y, words)
        x += wide + 50
    return y + line + 24


def _plot(scene: MaskScene, axes: Axes) -> None:
    n = scene.vector.size
    positions = np.arange(n)
    limit = float(np.percentile(np.abs(scene.vector), 99.8)) or 1.0
    for start, stop in runs(~scene.kept):
        axes.axvspan(start - 0.5, stop - 0.5, color=MASKED, linewidth=0)
    axes.plot(positions, scene.vector, color=INK, linewidth=0.25)
    recovered = np.where(scene.kept, np.nan, scene.recovered)
    axes.plot(positions, recovered, color=SEEN, linewidth=0.5)
    axes.set_xlim(-0.5, n - 0.5)
    axes.set_ylim(-limit, limit)
    axes.set_ylabel(_RESPONSE)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)


def _draw_band(page: Page, regions: Regions, left: float, y: float, width: float) -> None:
    n = regions.number_at.size
    for number, (name, colour) in enumerate(
        zip(regions.names, regions.colours, strict=True), start=1
    ):
        parts = runs(regions.number_at == number)
        for start, stop in parts:
            x = left + start / n * width
            page.box(x, y, (stop - start) / n * width, _BAND, facecolor=colour)
        if not parts:
            continue
        start, stop = max(parts, key=lambda run: run[1] - run[0])
        if text_width(f"{name} ", page.style) < (stop - start) / n * width:
            middle = left + (start + stop) / 2 / n * width
            page.text(middle, y + _BAND + 4, name, ha="center", color=GREY)


def runs(wanted: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return start and stop of every run of True."""
    edges = np.flatnonzero(np.diff(np.r_[False, wanted, False].astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
