"""Samples over any two options: what was seen in the first column, then a column a value."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from mindvis_gui.analysis.caption import decimal, protocol_caption
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.figures.comparison_grid import draw_framed
from mindvis_gui.analysis.figures.content import FigureContent, GridCell, GridScene
from mindvis_gui.analysis.figures.grid_layout import PICTURE, SEEN_GAP
from mindvis_gui.analysis.figures.page import (
    MARGIN,
    Page,
    heading_width,
    text_width,
    without_middle,
)
from mindvis_gui.analysis.figures.style import GREY, HAIRLINE, SEEN, FigureStyle

_GAP = 16
_UNDER = 13  # dots between a picture and the text under it
_ROW_GAP = 26
_LARGEST = 512  # side of a picture


def natural_grid_width(grid: GridScene, style: FigureStyle) -> float:
    """Return the width at which one pixel of a picture is one of the file, or its words fit."""
    columns = len(grid.columns)
    under = {text for cell in grid.cells for text in _scores(cell, 0, style)}
    words = max((text_width(text, style) for text in under), default=0.0)
    side = math.ceil(max(PICTURE, words, heading_width("Seen", style)))
    return 2 * MARGIN + SEEN_GAP + (columns + 1) * side + (columns - 1) * _GAP


def grid_record(grid: GridScene) -> dict[str, Any]:
    """Return what a figure of the grid shows and how it came about, as JSON values."""
    return {
        "versions": dict(grid.versions),
        "simulated": grid.simulated,
        "grid": dict(grid.axes),
        "requests": [{**cell.request, "seeds": [cell.seed]} for cell in grid.cells],
        "scores": [[] if cell.scores is None else [asdict(cell.scores)] for cell in grid.cells],
    }


def grid_captions(grid: GridScene) -> list[str]:
    """Return what rows and columns differ in, and how the first sample was decoded."""
    rows, columns = grid.differ
    request = grid.cells[0].request
    trial = DecodedTrial.without_samples(request, grid.simulated, grid.versions)
    return [
        f"Rows differ in {rows.lower()}, columns in {columns.lower()}. r: pixel correlation "
        "(Pearson over RGB) with what was seen; n/m: its rank among m stimuli by r.",
        f"The first sample: {protocol_caption(trial)}",
    ]


def draw_grid(page: Page, y: float, content: FigureContent) -> float:
    """Draw the grid of the page Compare; a cell without a sample stays an empty frame."""
    grid, style = content.grid, page.style
    assert grid is not None
    columns = len(grid.columns)
    free = page.inner - SEEN_GAP - (columns - 1) * _GAP
    side = min(_LARGEST, math.floor(free / (columns + 1)))
    lefts = [MARGIN + side + SEEN_GAP + column * (side + _GAP) for column in range(columns)]
    page.heading(MARGIN, y, "Seen", MARGIN + side, SEEN)
    top = y
    for left, label in zip(lefts, grid.columns, strict=True):
        # Bold letters, larger than those they are measured by.
        top = page.heading(left, y, without_middle(label, side / 1.45, style), left + side)
    lines = 1 + _two_lines(side, style) * style.scores
    for row in grid.rows:
        if row.stimulus is None:
            page.frame(MARGIN, top, side, side, SEEN, 1.2)
        else:
            draw_framed(page, row.stimulus, MARGIN, top, side, SEEN, 1.2)
        under = top + side + _UNDER
        page.text(MARGIN, under, without_middle(row.label, side * 0.92, style), weight="bold")
        for left, cell in zip(lefts, row.cells, strict=True):
            if cell is None:
                page.frame(left, top, side, side, HAIRLINE, 0.4)
                continue
            draw_framed(page, cell.image, left, top, side)
            for line, text in enumerate(_scores(cell, side, style)):
                page.text(left, under + line * style.line, text, color=GREY)
        top = under + lines * style.line + _ROW_GAP
    return top


def _two_lines(side: float, style: FigureStyle) -> bool:
    """Whether r and rank are too long for one line under a picture."""
    return side < 170 * style.font_size / 5.5


def _scores(cell: GridCell, side: float, style: FigureStyle) -> list[str]:
    scores = cell.scores
    if not style.scores or scores is None or scores.pixel_correlation is None:
        return []
    parts = [f"r {decimal(scores.pixel_correlation)}"]
    if scores.rank is not None:
        parts.append(f"{scores.rank}/{cell.n_candidates}")
    return parts if _two_lines(side, style) else [" · ".join(parts)]
