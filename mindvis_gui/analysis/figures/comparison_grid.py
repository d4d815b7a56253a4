"""What was seen beside what was decoded, with scores: one row a trial, one column a seed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from mindvis_gui.analysis.caption import decimal
from mindvis_gui.analysis.comparison import SampleScores
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.figures.content import FigureContent
from mindvis_gui.analysis.figures.grid_layout import PICTURE, SEEN_GAP, GridLayout, Words
from mindvis_gui.analysis.figures.page import Page, heading_width, shortened, text_width
from mindvis_gui.analysis.figures.style import GREY, HAIRLINE, SEEN, FigureStyle
from mindvis_gui.data.subject import ImageArray

_UNDER = 13  # dots between a picture and the text under it


def draw_comparison(page: Page, y: float, content: FigureContent) -> float:
    """Draw every trial's stimulus and samples; many rows are laid out in blocks side by side."""
    trials, style = content.trials, page.style
    layout = comparison_layout(trials, style)
    top = y
    for block in range(math.ceil(len(trials) / layout.rows)):
        left = layout.block(block)
        page.heading(left, y, "Seen", left + layout.side, SEEN)
        samples = left + layout.side + SEEN_GAP
        top = page.heading(samples, y, "Decoded", left + layout.block_width)
    for i, trial in enumerate(trials):
        left, down = layout.trial(i)
        _draw_stimulus(page, trial, layout, left, top + down)
        for j, (sample, each) in enumerate(zip(trial.samples, _scores_of(trial), strict=True)):
            x, under = layout.sample(j)
            corner = (left + x, top + down + under)
            draw_framed(page, sample.image, *corner, layout.side)
            _write_scores(page, each, trial.n_candidates, layout, *corner)
    return top + layout.height


def comparison_layout(trials: Sequence[DecodedTrial], style: FigureStyle) -> GridLayout:
    """Return where the pictures of a comparison are, such that there is room for its words."""
    lines, pairs = set[str](), {""}  # most of thousands are alike, and measured once
    for trial in trials:
        lines.add(_number(trial))
        for scores in _scores_of(trial):
            seed, rank, r, ssim = _words(scores, trial.n_candidates, style)
            lines |= {seed, rank, r}
            pairs |= {f"{a}  {b}" for a, b in ((seed, rank), (r, ssim)) if b}
    words = Words(
        max(text_width(each, style) for each in lines),
        max(text_width(each, style) for each in pairs),
        heading_width("Seen", style),
        heading_width("Decoded", style),
    )
    return GridLayout.of(len(trials), len(trials[0].samples), style, words)


def _scores_of(trial: DecodedTrial) -> tuple[SampleScores, ...]:
    """Return scores of all samples; a folder need not be scored."""
    return trial.scores or tuple(SampleScores(sample.seed) for sample in trial.samples)


def _number(trial: DecodedTrial) -> str:
    return f"trial {trial.request['trial']}"


def _words(scores: SampleScores, n_candidates: int, style: FigureStyle) -> tuple[str, ...]:
    """Return seed, rank, r and SSIM of a sample as they are written, empty where they are not."""
    seed = f"seed {scores.seed}" if style.seeds else ""
    rank, r, ssim = "", "", ""
    if style.scores and scores.rank is not None:
        rank = f"rank {scores.rank}/{n_candidates}"
    if style.scores and scores.pixel_correlation is not None:
        r = f"r {decimal(scores.pixel_correlation)}"
    if style.scores and scores.ssim is not None:
        ssim = f"SSIM {decimal(scores.ssim)}"
    return seed, rank, r, ssim


def _draw_stimulus(
    page: Page, trial: DecodedTrial, layout: GridLayout, left: float, top: float
) -> None:
    draw_seen(page, trial, left, top, layout.side)
    label = trial.request["label"] or trial.request["stimulus_id"] or "unknown"
    fitting = shortened(label, layout.side * 0.92, page.style)  # the letters are bold
    _write_under(page, layout, left, top, 0, fitting, weight="bold")
    _write_under(page, layout, left, top, 1, _number(trial), color=GREY)


def _write_scores(
    page: Page, scores: SampleScores, n_candidates: int, layout: GridLayout, left: float, top: float
) -> None:
    seed, rank, r, ssim = _words(scores, n_candidates, page.style)
    if layout.wide:
        _write_under(page, layout, left, top, 0, seed)
        _write_under(page, layout, left, top, 0, rank, right=True)
        _write_under(page, layout, left, top, 1, r, color=GREY)
        _write_under(page, layout, left, top, 1, ssim, right=True, color=GREY)
    else:  # SSIM is left out where the letters would run into each other
        for line, text in enumerate(text for text in (seed, r, rank) if text):
            _write_under(page, layout, left, top, line, text, color=GREY)


def _write_under(
    page: Page,
    layout: GridLayout,
    left: float,
    top: float,
    line: int,
    text: str,
    *,
    right: bool = False,
    **style: Any,
) -> None:
    if text:
        x = left + layout.side if right else left
        y = top + layout.side + _UNDER + line * layout.line
        page.text(x, y, text, ha="right" if right else "left", **style)


def draw_seen(page: Page, trial: DecodedTrial, left: float, top: float, side: float) -> None:
    """Draw the stimulus of a trial, framed as what was seen."""
    if trial.stimulus is None:
        middle = (left + side / 2, top + side / 2)
        page.text(*middle, "no stimulus", ha="center", va="center", color=GREY)
        page.frame(left, top, side, side, SEEN, 1.2)
    else:
        draw_framed(page, trial.stimulus, left, top, side, SEEN, 1.2)


def draw_framed(
    page: Page,
    picture: ImageArray,
    left: float,
    top: float,
    side: float,
    colour: str = HAIRLINE,
    points: float = 0.4,
) -> None:
    """Draw a picture on a white square, its aspect kept, with a frame around it."""
    page.picture(fitted(picture), left, top, side, side)
    page.frame(left, top, side, side, colour, points)


def fitted(picture: ImageArray, side: int = PICTURE) -> ImageArray:
    """Return a picture centred on a white square of `side` pixels, its aspect kept."""
    image = Image.fromarray(picture)
    scale = side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    method = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    square = Image.new("RGB", (side, side), "white")
    corner = ((side - size[0]) // 2, (side - size[1]) // 2)
    square.paste(image.resize(size, method), corner)
    return np.array(square)
