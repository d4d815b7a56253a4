"""What each region contributes: the change of every score when it is left out."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mindvis_gui.analysis.caption import decimal
from mindvis_gui.analysis.figures.content import FigureContent, IntactScore, LesionScene
from mindvis_gui.analysis.figures.page import MARGIN, Page, text_width, without_middle, wrapped
from mindvis_gui.analysis.figures.style import GREY, HAIRLINE, INK, FigureStyle

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW = 46  # dots a lesion, at letters of 5.5 pt
_GAP = 36  # between scores, at letters of 5.5 pt
_NAMES = 0.4  # of the width, at most
_NARROWEST = 300  # dots of one score's bars
_NOTHING = 1e-9  # a change that only rounding makes


def draw_lesion(page: Page, y: float, content: FigureContent) -> float:
    """Draw one column of bars a score, in as many lines as they need."""
    scene = content.lesion
    assert scene is not None
    style = page.style
    y = page.title(y, "What is lost without a region")
    written = [without_middle(name, _NAMES * page.inner, style) for name in scene.lesions]
    names = max(text_width(name, style) for name in written) + 20
    free = page.inner - names
    narrowest = max([_NARROWEST, *(text_width(_head(score), style) for score in scene.scores)])
    gap = _GAP * style.font_size / 5.5
    columns = max(1, min(len(scene.scores), int((free + gap) // (narrowest + gap))))
    width = (free - (columns - 1) * gap) / columns
    # A number at the end of an axis stays within its score.
    margin = max(0.05, text_width("−0.000", style) / 2 / width)
    row = _ROW * style.font_size / 5.5
    height = row * len(scene.lesions)
    heads = [wrapped(_head(score), width, style) for score in scene.scores]
    top = (1.2 + max(map(len, heads))) * style.line  # of the bars
    for start in range(0, len(scene.scores), columns):
        for i, name in enumerate(written):
            middle = y + top + (i + 0.5) * row
            page.text(MARGIN + names - 20, middle, name, ha="right", va="center")
        for column, score in enumerate(scene.scores[start : start + columns]):
            x = MARGIN + names + column * (width + gap)
            page.text(x, y, score.name, weight="bold")
            for line, words in enumerate(heads[start + column], start=1):
                page.text(x, y + line * style.line, words, color=GREY)
            plot = partial(_plot, scene, score.key, margin, width, style)
            page.plot(x, y + top, width, height, plot)
        y += top + height + 2 * style.line + 30
    return page.paragraph(y, scene.caption)


def _head(score: IntactScore) -> str:
    chance = "" if score.chance is None else f", chance {decimal(score.chance)}"
    return f"intact {decimal(score.intact)}{chance}"


def _plot(
    scene: LesionScene, key: str, margin: float, width: float, style: FigureStyle, axes: Axes
) -> None:
    shown = [scene.effects.get((lesion, key)) for lesion in scene.lesions]
    for i, (lesion, effect) in enumerate(zip(scene.lesions, shown, strict=True)):
        if effect is None:
            continue
        axes.barh(i, effect.change, height=0.62, color=scene.colours.get(lesion, HAIRLINE))
        if effect.interval is not None:
            low, high = effect.interval
            axes.plot([low, high], [i, i], color=INK, linewidth=0.6)
            for end in (low, high):
                axes.plot([end, end], [i - 0.16, i + 0.16], color=INK, linewidth=0.6)
    axes.axvline(0, color=GREY, linewidth=0.5)
    axes.use_sticky_edges = False
    axes.margins(x=margin)
    axes.set_ylim(len(scene.lesions) - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    low, high = axes.get_xlim()
    if high - low < _NOTHING:  # or rounding would be drawn as a change
        axes.set_xlim(-0.05, 0.05)
    for bins in (4, 3, 2, 1):
        axes.locator_params(axis="x", nbins=bins)
        if _numbers_fit(axes, width, style):
            break
    axes.set_xlabel("change", labelpad=1)


def _numbers_fit(axes: Axes, width: float, style: FigureStyle) -> bool:
    """Whether the numbers along an axis of `width` dots have room beside each other."""
    low, high = axes.get_xlim()
    at = [value for value in axes.get_xticks() if low <= value <= high]
    numbers = axes.xaxis.get_major_formatter().format_ticks(at)
    widest = max((text_width(number, style) for number in numbers), default=0.0)
    apart = (at[1] - at[0]) / (high - low) * width if len(at) > 1 else width
    return widest + text_width(" ", style) <= apart
