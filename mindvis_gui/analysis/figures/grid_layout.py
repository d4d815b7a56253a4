"""Where the pictures of a comparison are: trials in rows, samples in columns."""

from __future__ import annotations

import math
from dataclasses import dataclass

from mindvis_gui.analysis.figures.page import MARGIN
from mindvis_gui.analysis.figures.style import FigureStyle

PICTURE = 256  # dots, where no width is asked for: one pixel of the file a pixel
SEEN_GAP = 40  # between the stimulus and the samples
_GAP = 16
_BLOCK_GAP = 110
_ROW_GAP = 36
_SAMPLES_A_LINE = 6  # with the stimulus 170 mm wide: two columns of a journal
_PAGE_HEIGHT = 2750  # 240 mm less the heading
_SMALLEST, _LARGEST = 100, 512  # side of a picture
_TWO_A_LINE = 220  # from this side on two scores fit side by side, at letters of 5.5 pt


@dataclass(frozen=True, slots=True)
class Words:
    """How wide the words of a comparison are, in dots.

    Attributes
    ----------
    line : float
        The widest line under a picture.
    pair : float
        The widest two lines beside each other, with what is left free between them.
    seen, decoded : float
        The headings.
    """

    line: float = 0.0
    pair: float = 0.0
    seen: float = 0.0
    decoded: float = 0.0

    def least(self, columns: int) -> float:
        """Return the side of pictures at which no words run into others."""
        heads = max(self.seen - SEEN_GAP / 2, self.decoded / columns - _GAP)
        return math.ceil(max(heads, self.line - _GAP / 2))


@dataclass(frozen=True, slots=True)
class GridLayout:
    """Lengths in dots, from the left margin and from the top of the first row.

    Attributes
    ----------
    side : float
        Of a picture.
    columns, lines : int
        Samples beside each other, and under each other, a trial.
    blocks, rows : int
        Trials are laid out in blocks side by side, `rows` trials each.
    text_lines : int
        Lines under a picture.
    """

    side: float
    columns: int
    lines: int
    blocks: int
    rows: int
    text_lines: int
    line: int
    wide: bool

    @classmethod
    def of(
        cls, n_trials: int, n_samples: int, style: FigureStyle, words: Words | None = None
    ) -> GridLayout:
        """Use as few blocks as fit on a page, or else make a poster no taller than wide.

        Parameters
        ----------
        words : Words, optional
            What stands above and under pictures; none of it runs into what is beside it.
        """
        words = words or Words()
        if style.dots is None:
            lines = math.ceil(n_samples / _SAMPLES_A_LINE)
            return cls._blocks(n_trials, math.ceil(n_samples / lines), lines, style, words)
        for lines in range(1, n_samples + 1):
            layout = cls._blocks(n_trials, math.ceil(n_samples / lines), lines, style, words)
            if layout.side >= max(_SMALLEST, words.least(layout.columns)):
                break
        return layout

    @classmethod
    def _blocks(
        cls, n_trials: int, columns: int, lines: int, style: FigureStyle, words: Words
    ) -> GridLayout:
        fits = None
        least = words.least(columns)
        for blocks in range(1, n_trials + 1):
            side = max(PICTURE, least)
            if style.dots is not None:
                free = style.dots - 2 * MARGIN - (blocks - 1) * _BLOCK_GAP
                free -= blocks * (SEEN_GAP + (columns - 1) * _GAP)
                side = min(_LARGEST, math.floor(free / (blocks * (columns + 1))))
                if fits is not None and side < max(_SMALLEST, least):
                    break  # a longer page rather than pictures that nobody can see
            wide = side >= max(_TWO_A_LINE * style.font_size / 5.5, words.pair)
            text_lines = 2 if wide else style.seeds + 2 * style.scores
            rows = math.ceil(n_trials / blocks)
            fits = cls(side, columns, lines, blocks, rows, max(2, text_lines), style.line, wide)
            if fits.height <= max(_PAGE_HEIGHT, fits.width):
                break
        assert fits is not None
        return fits

    @property
    def block_width(self) -> float:
        """Width of a block of trials."""
        return self.side + SEEN_GAP + self.columns * (self.side + _GAP) - _GAP

    @property
    def line_height(self) -> float:
        """From one line of samples to the next."""
        return self.side + self.text_lines * self.line + _ROW_GAP

    @property
    def width(self) -> float:
        """Width of all blocks."""
        return self.blocks * (self.block_width + _BLOCK_GAP) - _BLOCK_GAP

    @property
    def height(self) -> float:
        """Height of all rows."""
        return self.rows * self.lines * self.line_height

    def block(self, index: int) -> float:
        """Return the left edge of a block."""
        return MARGIN + index * (self.block_width + _BLOCK_GAP)

    def trial(self, index: int) -> tuple[float, float]:
        """Return left and top of a trial's stimulus."""
        block, row = divmod(index, self.rows)
        return self.block(block), row * self.lines * self.line_height

    def sample(self, index: int) -> tuple[float, float]:
        """Return left and top of a sample, from the corner of its trial."""
        line, column = divmod(index, self.columns)
        return self.side + SEEN_GAP + column * (self.side + _GAP), line * self.line_height
