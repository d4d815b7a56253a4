"""How far the samples of a trial agree: their mean, their spread, and each with each."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.caption import decimal
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.figures.comparison_grid import draw_framed, draw_seen
from mindvis_gui.analysis.figures.content import FigureContent
from mindvis_gui.analysis.figures.page import MARGIN, Page, shortened, text_width, wrapped
from mindvis_gui.analysis.figures.style import GREY, SEEN, FigureStyle
from mindvis_gui.analysis.metrics import standardised

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GAP = 40
_BAR = 16  # width of a colour bar
_BAR_TEXT = 90
_LARGEST = 380
_BOLD = 1.45  # of a heading, over letters as they are measured
_HALF_RANGE = 127.5  # the largest standard deviation of values in 0–255


def draw_consistency(page: Page, y: float, content: FigureContent) -> float:
    """Draw stimulus, mean, spread and similarity; one row a trial.

    The spread is the standard deviation over the samples, averaged over R, G and B, as a
    fraction of the largest possible one; similarity is Pearson's r over RGB values.
    """
    style = page.style
    side = min(_LARGEST, (page.inner - 3 * _GAP - 2 * (_BAR + _BAR_TEXT)) / 4)
    columns = [MARGIN, MARGIN + side + _GAP, MARGIN + 2 * (side + _GAP)]
    columns.append(columns[2] + side + _BAR + _BAR_TEXT + _GAP)
    mean_head = "Mean of samples"
    if text_width(mean_head, style) * _BOLD > side + _GAP:
        mean_head = "Mean"
    heads = ("Seen", mean_head, "Spread", "Similarity")
    top = y
    for x, text in zip(columns, heads, strict=True):
        top = page.heading(x, y, text, x + side, SEEN if text == "Seen" else "#1a1a1a")
    most = max(float(spread(trial).max()) for trial in content.trials)
    for trial in content.trials:
        draw_seen(page, trial, columns[0], top, side)
        mean = np.mean([sample.image for sample in trial.samples], axis=0)
        draw_framed(page, mean.round().astype(np.uint8), columns[1], top, side)
        page.plot(columns[2], top, side, side, partial(_plot_spread, trial, most))
        page.plot(columns[2] + side + 12, top, _BAR, side, partial(_plot_bar, most, "spread"))
        page.plot(columns[3], top, side, side, partial(_plot_similarity, trial, side, style))
        page.plot(columns[3] + side + 12, top, _BAR, side, partial(_plot_bar, 1.0, "r"))
        label = trial.request["label"] or trial.request["stimulus_id"] or "unknown"
        under = top + side + 13
        text = shortened(label, side * 0.92, style)
        page.text(columns[0], under, text, weight="bold")
        pairs = similarity(trial)[np.triu_indices(len(trial.samples), 1)]
        said = f"r {decimal(float(pairs.mean()))} between {len(trial.samples)} samples"
        under += style.line
        for line in wrapped(said, page.width - MARGIN - columns[3], style):
            page.text(columns[3], under, line, color=GREY)
            under += style.line
        top = under + 30
    return top


def spread(trial: DecodedTrial) -> NDArray[np.float64]:
    """Return the standard deviation over samples (h, w), as a fraction of the largest possible."""
    images = np.stack([sample.image for sample in trial.samples]).astype(np.float64)
    return np.asarray(images.std(axis=0).mean(axis=-1) / _HALF_RANGE)


def similarity(trial: DecodedTrial) -> NDArray[np.float64]:
    """Return Pearson's r of every sample with every other, (n, n)."""
    flat = np.stack([standardised(sample.image) for sample in trial.samples])
    return np.asarray(flat @ flat.T, dtype=np.float64)


def _plot_spread(trial: DecodedTrial, most: float, axes: Axes) -> None:
    axes.imshow(spread(trial), cmap="cividis", vmin=0, vmax=most or 1.0)
    axes.axis("off")


def _plot_similarity(trial: DecodedTrial, side: float, style: FigureStyle, axes: Axes) -> None:
    table = similarity(trial)
    axes.imshow(table, cmap="cividis", vmin=0, vmax=1)
    seeds = [str(sample.seed) for sample in trial.samples]
    cell = side / len(seeds)
    widest = max(text_width(seed, style) for seed in seeds)
    each = math.ceil((widest + text_width("0", style)) / cell)  # where all would run together
    axes.set_xticks(range(0, len(seeds), each), seeds[::each])
    axes.set_yticks([])
    axes.tick_params(length=0, pad=1)
    if len(seeds) <= 6 and text_width("−0.00", style) <= cell:
        for (i, j), r in np.ndenumerate(table):
            ink = "black" if r > 0.55 else "white"
            axes.text(j, i, decimal(float(r)), ha="center", va="center", color=ink)


def _plot_bar(most: float, name: str, axes: Axes) -> None:
    axes.imshow(np.linspace(1, 0, 64)[:, None], cmap="cividis", aspect="auto", extent=(0, 1, 0, 1))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.set_yticks([0, 1], ["0", f"{most:.2g}"])
    axes.yaxis.set_label_position("right")
    axes.set_ylabel(name, labelpad=-4)
