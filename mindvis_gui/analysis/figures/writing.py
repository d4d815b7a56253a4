"""From content to a file: every figure carries the requests that it came from."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any

from PIL import Image

from mindvis_gui.analysis.caption import protocol_caption, scores_caption
from mindvis_gui.analysis.decoded_trial import SAMPLE_NOTICE, DecodedTrial
from mindvis_gui.analysis.figures.comparison_grid import comparison_layout, draw_comparison
from mindvis_gui.analysis.figures.content import FigureContent
from mindvis_gui.analysis.figures.crowding import with_room
from mindvis_gui.analysis.figures.fonts import families_with, lacking, letters_in
from mindvis_gui.analysis.figures.lesion_panel import draw_lesion
from mindvis_gui.analysis.figures.option_grid import (
    draw_grid,
    grid_captions,
    grid_record,
    natural_grid_width,
)
from mindvis_gui.analysis.figures.page import MARGIN, Page
from mindvis_gui.analysis.figures.record import FORMAT, record_path
from mindvis_gui.analysis.figures.style import FORMATS, GRID, MAX_PICTURES, FigureStyle
from mindvis_gui.analysis.figures.templates import missing, template
from mindvis_gui.decoding.sample_record import CHUNK
from mindvis_gui.errors import ExportError
from mindvis_gui.files import atomic_path

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NARROWEST = 1004  # dots, 85 mm: room for the caption
_OF_PIXELS = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}
_WIDE = 2008  # dots, 170 mm: what parts without pictures of their own size take
_NAMED = 5  # letters that are named
# matplotlib's settings belong to the process; preview, export and copy each have a thread.
_SETTINGS = Lock()


def write_figure(
    content: FigureContent, path: Path, name: str = "comparison", style: FigureStyle | None = None
) -> str:
    """Draw a figure, and write beside it the requests and scores of what it shows as JSON.

    Parameters
    ----------
    content : FigureContent
        Its trials were all decoded by the same protocol.
    path : pathlib.Path
        Its suffix chooses the format: ``.png``, ``.svg`` (text as text), ``.pdf`` (text as
        text, fonts embedded) or ``.tif``. The same content gives the same bytes.
    name : str
        Of a template.
    style : FigureStyle, optional

    Returns
    -------
    str
        One sentence on letters that no installed font has; usually empty.

    Raises
    ------
    ExportError
        If there is nothing to draw or too much of it, something that the template draws is
        missing, the protocols differ, the format is unknown, or a file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise ExportError(f"{path.name}: the name of a figure ends in .png, .svg, .pdf or .tif")
    style = style or FigureStyle()
    record = figure_record(content, name, style)
    # In memory first: libtiff does not say why it cannot write.
    buffer = BytesIO()
    notice = _save(content, name, style, record, buffer, suffix)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getvalue())
    with atomic_path(record_path(path)) as temporary:
        text = json.dumps(record, ensure_ascii=False, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")
    return notice


def render_png(content: FigureContent, name: str, style: FigureStyle) -> bytes:
    """Return a figure as a PNG file, for a preview or the clipboard.

    Raises
    ------
    ExportError
        As `write_figure` does.
    """
    buffer = BytesIO()
    _save(content, name, style, figure_record(content, name, style), buffer, ".png")
    return buffer.getvalue()


def figure_record(content: FigureContent, name: str, style: FigureStyle) -> dict[str, Any]:
    """Return what a figure shows and how it came about, as JSON values.

    Raises
    ------
    ExportError
        If the figure cannot be drawn.
    """
    check(content, name)
    head = {"format": FORMAT, "template": name, "style": style.to_json()}
    if name == GRID and content.grid is not None:
        return head | grid_record(content.grid)
    study = _study(content, name)
    if study is not None:
        head |= {"study": study.protocol}
    return head | {
        "versions": dict(content.trials[0].versions),
        "simulated": content.trials[0].simulated,
        "requests": [dict(trial.request) for trial in content.trials],
        "scores": [[asdict(scores) for scores in trial.scores] for trial in content.trials],
        "chance": [
            None if trial.chance is None else asdict(trial.chance) for trial in content.trials
        ],
    }


def check(content: FigureContent, name: str) -> None:
    """Make sure that a figure can be drawn.

    Raises
    ------
    ExportError
        If it cannot; the message says why.
    """
    trials = content.trials
    if name == GRID:
        rows = () if content.grid is None else content.grid.rows
        trials, pictures = (), sum(1 + len(row.cells) for row in rows)
    elif not trials:
        raise ExportError("there is no decoded trial to draw; decode one first")
    else:
        pictures = sum(1 + len(trial.samples) for trial in trials)
    if pictures > MAX_PICTURES:
        raise ExportError(
            f"{pictures} pictures do not fit into one figure (at most {MAX_PICTURES}); "
            "choose fewer trials or seeds"
        )
    for trial in trials[1:]:
        if trial.protocol != trials[0].protocol:
            raise ExportError(
                f"trials {trials[0].request['trial']} and {trial.request['trial']} were decoded by "
                "different protocols; draw them in two figures"
            )
    lacking = missing(name, content)
    if lacking:
        raise ExportError(f"figure '{template(name).title}' needs {lacking}")


def _save(
    content: FigureContent,
    name: str,
    style: FigureStyle,
    record: Mapping[str, Any],
    target: IO[bytes],
    suffix: str,
) -> str:
    """Draw, and return a sentence on the letters that are drawn as boxes."""
    from matplotlib import style as matplotlib_style  # not when the window starts

    own = style.parameters()
    needed = lacking(letters_in(content) | letters_in(record), style.families)
    if needed:
        # Says on stderr that a font has no bold letters, which then are not bold.
        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
        style = replace(style, more_fonts=families_with(needed))
        own = style.parameters()
    with _SETTINGS, matplotlib_style.context(["default", own]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")  # is said once, in words
        figure = _draw(content, name, style)
        if suffix in _OF_PIXELS:
            picture, kind = _pixels(figure, style.dpi), _OF_PIXELS[suffix]
            picture.save(target, kind, dpi=(style.dpi, style.dpi), **_metadata(record, suffix))
        else:
            figure.savefig(target, format=suffix[1:], dpi=style.dpi, **_metadata(record, suffix))
    return _boxes_said(figure, style) if needed else ""


def _boxes_said(figure: Figure, style: FigureStyle) -> str:
    """Name the letters of a figure that no font has; empty if there are none."""
    from matplotlib.text import Text

    texts = [text.get_text() for text in figure.findobj(Text)]
    boxes = sorted(lacking(letters_in(texts), style.families))
    if not boxes:
        return ""
    more = f" and {len(boxes) - _NAMED} more" if len(boxes) > _NAMED else ""
    return (
        f"no font here has {', '.join(boxes[:_NAMED])}{more}: drawn as boxes; install a font that "
        "has these letters"
    )


def _pixels(figure: Figure, dpi: int) -> Image.Image:
    """Return a figure as a picture of R, G and B; journals refuse one that could be transparent."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.dpi = dpi
    canvas: Any = FigureCanvasAgg(figure)
    width, height = canvas.get_width_height()
    try:
        canvas.draw()
        drawn = Image.frombuffer("RGBA", (width, height), canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
        return drawn.convert("RGB")
    except MemoryError as error:
        raise ExportError(
            f"a figure of {width:,} × {height:,} pixels does not fit into the memory; choose fewer "
            "dpi, fewer trials, or SVG or PDF"
        ) from error


def _metadata(record: Mapping[str, Any], suffix: str) -> dict[str, Any]:
    """Return what saving needs to put the record into a file of that kind, and no date."""
    text = json.dumps(record, ensure_ascii=suffix != ".png", sort_keys=True)
    software = f"mindvis-gui {record['versions']['mindvis-gui']}"
    if suffix == ".png":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_text("Software", software)
        info.add_itxt(CHUNK, text)
        return {"pnginfo": info}
    if suffix == ".svg":
        return {"metadata": {"Creator": software, "Date": None, "Description": text}}
    if suffix == ".pdf":
        dates = {"CreationDate": None, "Producer": None}
        return {
            "metadata": {"Creator": software, "Subject": SAMPLE_NOTICE, "Keywords": text, **dates}
        }
    described, made_by = 270, 305  # tags of TIFF 6.0
    tags = {described: text, made_by: software}
    return {"compression": "tiff_lzw", "tiffinfo": tags}


def _draw(content: FigureContent, name: str, style: FigureStyle) -> Figure:
    """Draw a figure, or say at which width and which size of letters its words have room."""
    return with_room(partial(_lay_out, content, name), style)


def _lay_out(content: FigureContent, name: str, style: FigureStyle) -> tuple[Page, float]:
    """Return what is on a page, and its height in dots."""
    parts = template(name).parts
    page = Page(style, style.dots or _natural_width(content, parts, style))
    y = float(MARGIN)
    for part in parts:
        y = part(page, y, content)
    if style.captions:
        scored = style.scores and draw_comparison in parts
        grid = content.grid if name == GRID else None
        study = _study(content, name)
        if grid is not None:
            told = grid_captions(grid)
        elif study is not None:
            told = [protocol_caption(study)]
        else:
            told = _captions(content.trials, scored)
        for text in told:
            y = page.paragraph(y, text)
    y = page.paragraph(y, SAMPLE_NOTICE)
    return page, y + MARGIN


def _study(content: FigureContent, name: str) -> DecodedTrial | None:
    """Return how the lesion study was decoded that a figure shows in place of the trials."""
    if content.lesion is None or draw_lesion not in template(name).parts:
        return None
    return content.lesion.decoded


def _captions(trials: Sequence[DecodedTrial], scored: bool) -> list[str]:
    texts = [scores_caption(trials) if scored else "", protocol_caption(trials[0])]
    return [text for text in texts if text]


def _natural_width(content: FigureContent, parts: Sequence[object], style: FigureStyle) -> float:
    """Return the width at which every picture is as large as it is good for."""
    if tuple(parts) == (draw_grid,) and content.grid is not None:
        return max(natural_grid_width(content.grid, style), _NARROWEST)
    width = _NARROWEST if tuple(parts) == (draw_comparison,) else _WIDE
    if draw_comparison not in parts:
        return width
    return max(comparison_layout(content.trials, style).width + 2 * MARGIN, width)
