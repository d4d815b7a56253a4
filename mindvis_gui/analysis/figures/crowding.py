"""Whether the words of a figure have room, and where they would."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.figures.page import Page, Shifts
from mindvis_gui.analysis.figures.style import (
    DOTS,
    MM_AN_INCH,
    SMALLEST_LETTERS,
    WIDEST,
    FigureStyle,
)
from mindvis_gui.errors import ExportError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

_BESIDE, _UNDER = 0.1, 0.3  # of the letters' size: boxes of words are larger than their ink
_STEP = 0.5  # pt, in which smaller letters are tried


def with_room(lay_out: Callable[[FigureStyle], tuple[Page, float]], style: FigureStyle) -> Figure:
    """Draw a figure whose words have room.

    Parameters
    ----------
    lay_out : callable
        Returns the page in a style, and its height in dots.
    style : FigureStyle

    Raises
    ------
    ExportError
        If they have none; the message names the width and the size of letters at which they do.
    """
    from matplotlib import style as matplotlib_style

    page, height = lay_out(style)
    figure = page.figure(height)
    if not crowded(figure, {}, style):
        return figure

    def fits(tried: FigureStyle) -> bool:
        with matplotlib_style.context(tried.parameters()):
            page, height = lay_out(tried)
            return not crowded(*page.words(height), tried)

    ways = []
    width = figure.get_figwidth() * MM_AN_INCH
    wider = range(int(width) + 1, int(WIDEST) + 1)
    at = bisect_left(wider, True, key=lambda mm: fits(replace(style, width=float(mm))))
    if at < len(wider):
        ways.append(f"make it {wider[at]} mm wide")
    smaller = np.arange(SMALLEST_LETTERS, style.font_size, _STEP)[::-1].tolist()
    at = bisect_left(smaller, True, key=lambda size: fits(replace(style, font_size=size)))
    if at < len(smaller):
        ways.append(f"its letters at most {smaller[at]:g} pt")
    raise ExportError(
        f"a figure {width:.0f} mm wide has no room for its words at {style.font_size:g} pt; "
        + (" or ".join(ways) or "draw less in it")
    )


def crowded(figure: Figure, shifts: Shifts, style: FigureStyle) -> bool:
    """Whether words of a figure lie outside it, or on others.

    Words of axes are as often as `shifts` tells, or else once, where they are. It leaves `figure`
    at `style.DOTS` dots an inch.
    """
    from matplotlib.backends.backend_agg import RendererAgg

    figure.dpi = DOTS
    renderer: Any = RendererAgg
    measure = renderer(1, 1, DOTS)  # only measures, so it needs no room to draw
    page, *plots = figure.axes
    extents = [_extents(page.texts, measure)]
    for axes in plots:
        found = _extents(_words(axes, measure), measure)
        extents += [found + np.tile(shift, 2) for shift in shifts.get(axes, [(0.0, 0.0)])]
    letter = style.font_size / 72 * DOTS
    slack = np.array([_BESIDE, _UNDER]) * letter
    low, high = np.split(np.concatenate(extents), 2, axis=1)
    if (low < -slack).any() or (high > np.array(figure.bbox.size) + slack).any():
        return True
    for i in range(len(low) - 1):
        common = np.minimum(high[i], high[i + 1 :]) - np.maximum(low[i], low[i + 1 :])
        if (common > slack).all(axis=1).any():
            return True
    return False


def _extents(words: Iterable[Text], measure: Any) -> NDArray[np.float64]:
    """Return left, lower, right and upper end of words in dots, (n, 4)."""
    found = [word.get_window_extent(measure).extents for word in words if word.get_text()]
    return np.array(found, dtype=np.float64).reshape(-1, 4)


def _words(axes: Axes, measure: Any) -> Iterator[Text]:
    """Yield what is written in and along axes; numbers beyond their ends are not drawn."""
    axes.apply_aspect()
    for axis in (axes.xaxis, axes.yaxis):
        if not axes.axison:
            break
        axis.get_tightbbox(measure)  # puts its numbers and its label where they belong
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if low <= tick.get_loc() <= high:
                yield from (each for each in (tick.label1, tick.label2) if each.get_visible())
        yield axis.label
    yield from axes.texts
