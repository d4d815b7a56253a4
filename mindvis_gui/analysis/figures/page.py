"""A page that grows downwards: parts say where things are, in dots from the top left corner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.figures.style import DOTS, GREY, INK, FigureStyle
from mindvis_gui.data.subject import ImageArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARGIN = 24
PARAGRAPH = 10
_HEADING = 1.27  # of a heading, over other letters
_FULL = 0.985  # of a line: a file at few dpi rounds the letters' positions


# By axes: how far to the right and upwards, in dots, plots lie in which the same is written.
Shifts = dict["Axes", list[tuple[float, float]]]


@dataclass(frozen=True, eq=False, slots=True)
class _Plot:
    """Axes in a box (x, y, width, height), what draws into them, and which are alike."""

    box: tuple[float, float, float, float]
    draw: Callable[[Axes], object]
    alike: str


class Page:
    """Collects what is to be drawn; its height is known only at the end.

    Parameters
    ----------
    style : FigureStyle
    width : float
        In dots, `style.DOTS` an inch.
    """

    def __init__(self, style: FigureStyle, width: float) -> None:
        self.style = style
        self.width = width
        self._words: list[Callable[[Axes], object]] = []
        self._marks: list[Callable[[Axes], object]] = []  # what is no words
        self._plots: list[_Plot] = []

    @property
    def inner(self) -> float:
        """Width between the margins."""
        return self.width - 2 * MARGIN

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Write one line whose upper left corner is (`x`, `y`) unless `style` says otherwise."""
        style = {"va": "top", "color": INK, **style}
        self._words.append(lambda axes: axes.text(x, y, text, **style))

    def line(self, xs: tuple[float, float], ys: tuple[float, float], **style: Any) -> None:
        """Draw a straight line."""
        style = {"solid_capstyle": "butt", "linewidth": 0.6, "color": INK, **style}
        self._marks.append(lambda axes: axes.plot(xs, ys, **style))

    def box(self, x: float, y: float, width: float, height: float, **style: Any) -> None:
        """Draw a rectangle."""
        from matplotlib.patches import Rectangle

        patch = Rectangle((x, y), width, height, **{"linewidth": 0, **style})
        self._marks.append(lambda axes: axes.add_patch(patch))

    def picture(self, picture: ImageArray, x: float, y: float, width: float, height: float) -> None:
        """Draw a picture (h, w, 3), stretched to the box."""
        extent = (x, x + width, y + height, y)
        self._marks.append(
            lambda axes: axes.imshow(
                picture, extent=extent, aspect="auto", interpolation="none", zorder=1
            )
        )

    def frame(
        self, x: float, y: float, width: float, height: float, colour: str, points: float
    ) -> None:
        """Draw a frame around a box, not on it."""
        out = points / 2 / 72 * DOTS + 1
        self.box(
            x - out, y - out, width + 2 * out, height + 2 * out,
            fill=False, edgecolor=colour, linewidth=points,
        )  # fmt: skip

    def plot(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        draw: Callable[[Axes], object],
        alike: str = "",
    ) -> None:
        """Put axes of their own into a box; `draw` gets them.

        Plots of a page that are called `alike` are as large, and the same is written in them.
        """
        self._plots.append(_Plot((x, y, width, height), draw, alike))

    def heading(self, x: float, y: float, text: str, right: float, colour: str = INK) -> float:
        """Write a heading with a rule under it; return where what it heads begins."""
        size = self.style.font_size * _HEADING
        rule = y + 40 * self.style.font_size / 5.5
        self.text(x, rule - 12, text, va="baseline", weight="bold", size=size, color=colour)
        self.line((x, right), (rule, rule), color=colour)
        return rule + 18

    def title(self, y: float, text: str) -> float:
        """Write a heading over the whole width, in as many lines as it needs."""
        size = self.style.font_size * _HEADING
        *lines, last = wrapped(text, self.inner, self.style, size, bold=True)
        for line in lines:
            y += self.style.line * _HEADING
            self.text(MARGIN, y, line, va="baseline", weight="bold", size=size)
        return self.heading(MARGIN, y, last, self.width - MARGIN)

    def paragraph(self, y: float, text: str, colour: str = GREY) -> float:
        """Write a text over the whole width; return where the next begins."""
        for line in wrapped(text, self.inner, self.style):
            self.text(MARGIN, y, line, color=colour)
            y += self.style.line
        return y + PARAGRAPH

    def figure(self, height: float) -> Figure:
        """Return everything on a page of that height in dots, the lower margin included."""
        figure = self._sheet(height, [*self._marks, *self._words])
        for plot in self._plots:
            self._add(plot, figure, height)
        return figure

    def words(self, height: float) -> tuple[Figure, Shifts]:
        """Return what is written on a page, for measuring: far quicker than all of it.

        Of plots that are alike there is the first; how far away the others are is told beside.
        """
        figure, shifts = self._sheet(height, self._words), Shifts()
        firsts: dict[str, tuple[_Plot, Axes]] = {}
        for plot in self._plots:
            first, axes = firsts.get(plot.alike, (plot, None))
            if axes is None:
                axes = self._add(plot, figure, height)
            if plot.alike:
                firsts.setdefault(plot.alike, (plot, axes))
            right, down = plot.box[0] - first.box[0], plot.box[1] - first.box[1]
            shifts.setdefault(axes, []).append((right, -down))
        return figure, shifts

    def _sheet(self, height: float, marks: Sequence[Callable[[Axes], object]]) -> Figure:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(self.width / DOTS, height / DOTS))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.axis("off")
        for mark in marks:
            mark(axes)
        axes.set_xlim(0, self.width)
        axes.set_ylim(height, 0)
        return figure

    def _add(self, plot: _Plot, figure: Figure, height: float) -> Axes:
        x, y, w, h = plot.box
        place = (x / self.width, 1 - (y + h) / height, w / self.width, h / height)
        axes = figure.add_axes(place)
        plot.draw(axes)
        return axes


def heading_width(text: str, style: FigureStyle) -> float:
    """Return how wide a heading is, in dots."""
    return text_width(text, style, style.font_size * _HEADING, bold=True)


def text_width(
    text: str, style: FigureStyle, size: float | None = None, *, bold: bool = False
) -> float:
    """Return how wide a line of text is, in dots."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    weight = "bold" if bold else "normal"
    font = FontProperties(family=style.families, size=size or style.font_size, weight=weight)
    points, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(points) / 72 * DOTS


def wrapped(
    text: str, width: float, style: FigureStyle, size: float | None = None, *, bold: bool = False
) -> list[str]:
    """Break a text into lines no wider than `width` dots; within a word that no line has room for.

    Names of subjects and models are those of files, which may be long.
    """

    def fits(line: str) -> bool:
        return text_width(line, style, size, bold=bold) <= _FULL * width

    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".lstrip()
        if fits(longer):
            lines[-1] = longer
            continue
        lines += [word] if lines[-1] else []
        lines[-1] = word
        while not fits(rest := lines[-1]) and len(rest) > 1:
            end = next((n for n in range(len(rest) - 1, 1, -1) if fits(rest[:n])), 1)
            lines[-1:] = [rest[:end], rest[end:]]
    return lines


def shortened(text: str, width: float, style: FigureStyle) -> str:
    """Return a text cut to `width` dots, with an ellipsis where something is left out."""
    if text_width(text, style) <= width:
        return text
    for end in range(len(text) - 1, 0, -1):
        cut = text[:end].rstrip() + "…"
        if text_width(cut, style) <= width:
            return cut
    return "…"


def without_middle(text: str, width: float, style: FigureStyle) -> str:
    """Return a text, its middle left out where it is wider than `width` dots.

    Names of an atlas begin alike and differ at the end.
    """
    if text_width(text, style) <= width:
        return text
    for letters in range(len(text) - 1, 1, -1):
        end = letters // 2
        cut = f"{text[: letters - end]}…{text[len(text) - end :]}"
        if text_width(cut, style) <= width:
            return cut
    return "…"


def greys(values: NDArray[np.generic]) -> ImageArray:
    """Return grey levels (h, w) as a picture (h, w, 3)."""
    return np.repeat(np.asarray(values, dtype=np.uint8)[..., None], 3, axis=-1)
