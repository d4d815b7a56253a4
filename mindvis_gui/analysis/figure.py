"""The comparison figure: what was seen beside what was decoded, with scores and protocol.

Drawn with matplotlib's `Figure` alone (no pyplot: it works in any thread). The same
trials give the same bytes: fonts, colours and identifiers are fixed, dates left out.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from mindvis_gui.analysis.caption import decimal, protocol_caption, scores_caption
from mindvis_gui.analysis.comparison import SampleScores
from mindvis_gui.analysis.decoded_trial import SAMPLE_NOTICE, DecodedTrial
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.errors import ExportError
from mindvis_gui.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_PICTURES = 600

# All lengths are pixels at 300 dpi: one pixel of a fitted picture is one of the file.
_DPI = 300
_PICTURE = 256
_GAP = 16
_SEEN_GAP = 40  # between the stimulus and the samples
_BLOCK_GAP = 110
_LINE = 30  # of text
_ROW_GAP = 36
_HEAD = 58
_MARGIN = 24
_SAMPLES_A_LINE = 6  # with the stimulus 170 mm wide: two columns of a journal
_MIN_WIDTH = 1004  # 85 mm, one column: room for the caption
_PAGE_HEIGHT = 2830  # 240 mm
_PARAGRAPH = 10

_INK, _GREY, _HAIRLINE = "#1a1a1a", "#5f6670", "#b9bec6"
_SEEN = "#0072B2"  # blue of Okabe and Ito
_STYLE: dict[str, Any] = {
    "font.family": "sans-serif",  # DejaVu Sans, which comes with matplotlib: the same everywhere
    "font.size": 5.5,
    "text.color": _INK,
    "text.parse_math": False,  # a label may hold a dollar sign
    "image.composite_image": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "mindvis",
}


def write_figure(trials: Sequence[DecodedTrial], path: Path) -> None:
    """Draw the comparison figure of some trials.

    One row a trial: the stimulus, then one sample a seed, each with its scores; many rows
    are laid out in blocks side by side. Scores with chance levels, the protocol, and what a
    decoded image is and is not, stand below.

    Parameters
    ----------
    trials : sequence of DecodedTrial
        All decoded by the same protocol.
    path : pathlib.Path
        Its suffix chooses the format: ``.png`` (300 dpi), ``.svg`` (text as text) or
        ``.pdf`` (fonts embedded).

    Raises
    ------
    ExportError
        If there is nothing to draw or too much of it, the protocols differ, the format is
        unknown, or the file cannot be written.
    """
    _check(trials)
    software = f"mindvis-gui {trials[0].versions['mindvis-gui']}"
    metadata: dict[str, dict[str, str | None]] = {
        ".png": {"Software": software},
        ".svg": {"Creator": software, "Date": None},
        ".pdf": {"Creator": software, "Producer": None, "CreationDate": None},
    }
    suffix = path.suffix.lower()
    if suffix not in metadata:
        raise ExportError(f"{path.name}: the name of a figure ends in .png, .svg or .pdf")
    from matplotlib import style  # not when the window starts

    with style.context(["default", _STYLE]):
        figure = _draw(trials)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format=suffix[1:], dpi=_DPI, metadata=metadata[suffix])


def _check(trials: Sequence[DecodedTrial]) -> None:
    if not trials:
        raise ExportError("there is no decoded trial to draw; decode one first")
    pictures = sum(1 + len(trial.samples) for trial in trials)
    if pictures > MAX_PICTURES:
        raise ExportError(
            f"{pictures} pictures do not fit into one figure (at most {MAX_PICTURES}); "
            "decode fewer trials or seeds"
        )
    for trial in trials[1:]:
        if trial.protocol != trials[0].protocol:
            raise ExportError(
                f"trials {trials[0].request['trial']} and {trial.request['trial']} were decoded by "
                "different protocols; draw them in two figures"
            )


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things are, in pixels from the top left corner."""

    columns: int  # of samples
    lines: int  # of samples, a trial
    blocks: int
    rows: int  # trials a block

    @classmethod
    def of(cls, n_trials: int, n_samples: int) -> _Layout:
        """Use as few blocks as fit on a page, or else make a poster no taller than wide."""
        lines = math.ceil(n_samples / _SAMPLES_A_LINE)
        columns = math.ceil(n_samples / lines)
        for blocks in range(1, n_trials + 1):
            layout = cls(columns, lines, blocks, math.ceil(n_trials / blocks))
            if layout.bottom <= max(_PAGE_HEIGHT, layout.right):
                break
        return layout

    @property
    def block_width(self) -> int:
        return _PICTURE + _SEEN_GAP + self.columns * (_PICTURE + _GAP) - _GAP

    @property
    def row_height(self) -> int:
        return self.lines * (_PICTURE + 2 * _LINE + _ROW_GAP)

    @property
    def right(self) -> int:
        """Right edge of the pictures."""
        return _MARGIN + self.blocks * (self.block_width + _BLOCK_GAP) - _BLOCK_GAP

    @property
    def bottom(self) -> int:
        """Lower edge of the pictures and what is written under them."""
        return _MARGIN + _HEAD + self.rows * self.row_height

    def trial(self, index: int) -> tuple[int, int]:
        """Return left and top of a trial's stimulus."""
        block, row = divmod(index, self.rows)
        left = _MARGIN + block * (self.block_width + _BLOCK_GAP)
        return left, _MARGIN + _HEAD + row * self.row_height

    def sample(self, index: int) -> tuple[int, int]:
        """Return left and top of a sample, from the corner of its trial."""
        line, column = divmod(index, self.columns)
        left = _PICTURE + _SEEN_GAP + column * (_PICTURE + _GAP)
        return left, line * (self.row_height // self.lines)


def _draw(trials: Sequence[DecodedTrial]) -> Figure:
    from matplotlib.figure import Figure

    layout = _Layout.of(len(trials), len(trials[0].samples))
    width = max(layout.right + _MARGIN, _MIN_WIDTH)
    parts = (scores_caption(trials), protocol_caption(trials[0]), SAMPLE_NOTICE)
    caption = [_wrapped(part, width - 2 * _MARGIN) for part in parts if part]
    height = layout.bottom + _MARGIN + sum(len(lines) * _LINE + _PARAGRAPH for lines in caption)
    figure = Figure(figsize=(width / _DPI, height / _DPI))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    for block in range(math.ceil(len(trials) / layout.rows)):
        _draw_head(axes, *layout.trial(block * layout.rows), layout.block_width)
    for i, trial in enumerate(trials):
        left, top = layout.trial(i)
        _draw_stimulus(axes, trial, left, top)
        # Scores may be missing as a whole; a folder need not be scored.
        scores = trial.scores or tuple(SampleScores(sample.seed) for sample in trial.samples)
        for j, (sample, each) in enumerate(zip(trial.samples, scores, strict=True)):
            x, y = layout.sample(j)
            _draw_sample(axes, sample.image, each, trial.n_candidates, left + x, top + y)
    y = layout.bottom
    for lines in caption:
        for line in lines:
            axes.text(_MARGIN, y, line, va="top", color=_GREY)
            y += _LINE
        y += _PARAGRAPH
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    return figure


def _draw_head(axes: Axes, left: int, top: int, width: int) -> None:
    samples = left + _PICTURE + _SEEN_GAP
    for x, right, text, colour in (
        (left, left + _PICTURE, "Seen", _SEEN),
        (samples, left + width, "Decoded", _INK),
    ):
        axes.text(x, top - 30, text, va="baseline", weight="bold", size=7, color=colour)
        axes.plot([x, right], [top - 18] * 2, color=colour, linewidth=0.6, solid_capstyle="butt")


def _draw_stimulus(axes: Axes, trial: DecodedTrial, left: int, top: int) -> None:
    label = trial.request["label"] or trial.request["stimulus_id"] or "unknown"
    if trial.stimulus is None:
        middle = (left + _PICTURE / 2, top + _PICTURE / 2)
        axes.text(*middle, "no stimulus", ha="center", va="center", color=_GREY)
    else:
        _draw_picture(axes, trial.stimulus, left, top)
    _draw_frame(axes, left, top, _SEEN, 1.2)
    _write_under(axes, left, top, 0, textwrap.shorten(label, 20, placeholder="…"), weight="bold")
    _write_under(axes, left, top, 1, f"trial {trial.request['trial']}", color=_GREY)


def _draw_sample(
    axes: Axes, image: ImageArray, scores: SampleScores, n_candidates: int, left: int, top: int
) -> None:
    _draw_picture(axes, image, left, top)
    _draw_frame(axes, left, top, _HAIRLINE, 0.4)
    _write_under(axes, left, top, 0, f"seed {scores.seed}")
    if scores.rank is not None:
        _write_under(axes, left, top, 0, f"rank {scores.rank}/{n_candidates}", right=True)
    if scores.pixel_correlation is not None:
        _write_under(axes, left, top, 1, f"r {decimal(scores.pixel_correlation)}", color=_GREY)
    if scores.ssim is not None:
        _write_under(axes, left, top, 1, f"SSIM {decimal(scores.ssim)}", right=True, color=_GREY)


def _draw_picture(axes: Axes, picture: ImageArray, left: int, top: int) -> None:
    extent = (left, left + _PICTURE, top + _PICTURE, top)
    axes.imshow(_fitted(picture), extent=extent, aspect="auto", interpolation="none")


def _draw_frame(axes: Axes, left: int, top: int, colour: str, points: float) -> None:
    from matplotlib.patches import Rectangle

    outside = points / 2 / 72 * _DPI + 1  # the line lies around the picture, not on it
    side = _PICTURE + 2 * outside
    corner = (left - outside, top - outside)
    axes.add_patch(Rectangle(corner, side, side, fill=False, edgecolor=colour, linewidth=points))


def _write_under(
    axes: Axes, left: int, top: int, line: int, text: str, *, right: bool = False, **style: Any
) -> None:
    x = left + _PICTURE if right else left
    y = top + _PICTURE + 13 + line * _LINE
    axes.text(x, y, text, ha="right" if right else "left", va="top", **style)


def _fitted(picture: ImageArray) -> ImageArray:
    """Return a picture centred on a white square of `_PICTURE` pixels, its aspect kept."""
    image = Image.fromarray(picture)
    scale = _PICTURE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    method = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    square = Image.new("RGB", (_PICTURE, _PICTURE), "white")
    corner = ((_PICTURE - size[0]) // 2, (_PICTURE - size[1]) // 2)
    square.paste(image.resize(size, method), corner)
    return np.array(square)


def _wrapped(text: str, width: int) -> list[str]:
    """Break a text into lines no wider than `width` pixels."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=_STYLE["font.size"])
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".lstrip()
        points, _, _ = text_to_path.get_text_width_height_descent(longer, font, ismath=False)
        if points / 72 * _DPI <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
