"""How far the samples of a trial agree: their mean, their spread, and each with each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.caption import decimal
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.figures.comparison_grid import draw_framed, draw_seen
from mindvis_gui.analysis.figures.content import FigureContent
from mindvis_gui.analysis.figures.page import (
    MARGIN,
    Page,
    heading_width,
    shortened,
    text_width,
    wrapped,
)
from mindvis_gui.analysis.figures.style import DOTS, GREY, INK, SEEN, FigureStyle
from mindvis_gui.analysis.metrics import standardised

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_GAP = 40
_BAR = 16  # width of a colour bar
_BESIDE_BAR = 12  # dots between a map and its colour bar
_BAR_TEXT = 90
_LARGEST = 380
_TICK = 23  # dots between a colour bar and its numbers
_LABEL = 17  # dots by which the label of a bar lies between its numbers
_UNDER = 13  # dots between a picture and the text under it
_ROW_GAP = 30
_MAPS = ("Spread", "Similarity")
_HALF_RANGE = 127.5  # the largest standard deviation of values in 0–255


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the four pictures of a trial are: in one row, or two above two.

    Attributes
    ----------
    side : float
        Of a picture, in dots.
    pictures, maps : (float, float)
        Left edges of stimulus and mean, and of spread and similarity.
    below : bool
        Whether the maps are below the pictures.
    label : float
        Dots from the numbers of a colour bar to its label; below 0 where it is between them.
    """

    side: float
    pictures: tuple[float, float]
    maps: tuple[float, float]
    below: bool
    label: float

    @classmethod
    def of(cls, page: Page, most: float) -> _Places:
        """Put all in one row where the words beside them have room.

        Parameters
        ----------
        page : Page
        most : float
            The number at the upper end of the bar of the spread.
        """
        style, inner = page.style, page.inner
        numbers = _BESIDE_BAR + _TICK + text_width(_number(most), style)
        label, letters = float(-_LABEL), style.line / 1.3
        bar = _BAR + max(_BAR_TEXT, numbers + label + letters)
        side = min(_LARGEST, (inner - 3 * _GAP - 2 * bar) / 4)
        free = {"Seen": _GAP, "Mean": _GAP, "Spread": bar, "Similarity": bar}
        least = max(heading_width(head, style) - room for head, room in free.items())
        high = text_width("spread", style) + 2 * style.line
        if side >= max(least, high):
            second = MARGIN + side + _GAP
            third = second + side + _GAP
            maps = (third, third + side + bar + _GAP)
            return cls(side, (MARGIN, second), maps, below=False, label=label)
        side = min(_LARGEST, (inner - _GAP - 2 * bar) / 2)
        if side < high:  # the label stands beside the numbers, not between them
            label = letters / 4
            bar = max(bar, _BAR + numbers + label + letters)
            side = max(1.0, min(_LARGEST, (inner - _GAP - 2 * bar) / 2))  # or axes cannot be made
        right = MARGIN + side + bar + _GAP
        return cls(side, (MARGIN, right), (MARGIN, right), below=True, label=label)


def draw_consistency(page: Page, y: float, content: FigureContent) -> float:
    """Draw stimulus, mean, spread and similarity; one row a trial, or two on a narrow page.

    The spread is the standard deviation over the samples, averaged over R, G and B, as a
    fraction of the largest possible one; similarity is Pearson's r over RGB values.
    """
    most = max(float(spread(trial).max()) for trial in content.trials)
    places, line = _Places.of(page, most), page.style.line
    side = places.side
    whole = heading_width("Mean of samples", page.style) <= side + _GAP
    heads = ("Seen", "Mean of samples" if whole else "Mean")
    for i, trial in enumerate(content.trials):
        top = y
        if i == 0 or places.below:
            top = _write_heads(page, heads, places.pictures, y, side)
        _draw_pictures(page, trial, places, top)
        under = top + side + _UNDER
        if places.below:
            top = _write_heads(page, _MAPS, places.maps, under + line, side)
        elif i == 0:
            _write_heads(page, _MAPS, places.maps, y, side)
        _draw_maps(page, trial, places, top, most)
        pairs = similarity(trial)[np.triu_indices(len(trial.samples), 1)]
        said = f"r {decimal(float(pairs.mean()))} between {len(trial.samples)} samples"
        y = top + side + _UNDER + line
        for words in wrapped(said, page.width - MARGIN - places.maps[1], page.style):
            page.text(places.maps[1], y, words, color=GREY)
            y += line
        y += _ROW_GAP
    return y


def _write_heads(
    page: Page, heads: tuple[str, str], lefts: tuple[float, float], y: float, side: float
) -> float:
    for left, text in zip(lefts, heads, strict=True):
        top = page.heading(left, y, text, left + side, SEEN if text == "Seen" else INK)
    # Numbers of a colour bar are as high above its end as below it.
    return top + max(0.0, 0.4 * page.style.line - _UNDER)


def _draw_pictures(page: Page, trial: DecodedTrial, places: _Places, top: float) -> None:
    side = places.side
    draw_seen(page, trial, places.pictures[0], top, side)
    mean = np.mean([sample.image for sample in trial.samples], axis=0)
    draw_framed(page, mean.round().astype(np.uint8), places.pictures[1], top, side)
    label = trial.request["label"] or trial.request["stimulus_id"] or "unknown"
    text = shortened(label, side * 0.92, page.style)
    page.text(places.pictures[0], top + side + _UNDER, text, weight="bold")


def _draw_maps(page: Page, trial: DecodedTrial, places: _Places, top: float, most: float) -> None:
    side, (left, right) = places.side, places.maps
    page.plot(left, top, side, side, partial(_plot_spread, trial, most), "spread")
    bar, pad = left + side + _BESIDE_BAR, places.label / DOTS * 72
    page.plot(bar, top, _BAR, side, partial(_plot_bar, most, "spread", pad), "bar of spread")
    page.plot(right, top, side, side, partial(_plot_similarity, trial, side, page.style))
    bar = right + side + _BESIDE_BAR
    page.plot(bar, top, _BAR, side, partial(_plot_bar, 1.0, "r", pad), "bar of r")


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


def _number(most: float) -> str:
    return f"{most:.2g}"


def _plot_bar(most: float, name: str, pad: float, axes: Axes) -> None:
    axes.imshow(np.linspace(1, 0, 64)[:, None], cmap="cividis", aspect="auto", extent=(0, 1, 0, 1))
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.set_yticks([0, 1], ["0", _number(most)])
    axes.yaxis.set_label_position("right")
    axes.set_ylabel(name, labelpad=pad)
