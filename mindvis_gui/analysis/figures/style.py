"""How a figure is drawn: width, resolution, letters, and what is written beside the pictures."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mindvis_gui.errors import ExportError

WIDTHS = {"single": 85.0, "double": 170.0}  # mm: columns of most journals
FONT = "DejaVu Sans"  # comes with matplotlib: the same everywhere
FORMATS = (".png", ".svg", ".pdf", ".tif", ".tiff")
GRID = "grid"  # the template that is drawn from samples over two options, not from trials
MAX_PICTURES = 600  # in one figure
DOTS = 300  # an inch: the unit of length on a page
WIDEST = 1000.0  # mm
SMALLEST_LETTERS = 4.0  # pt
MM_AN_INCH = 25.4
_NARROWEST = 40.0  # mm


@dataclass(frozen=True, slots=True)
class FigureStyle:
    """How a figure is drawn.

    Attributes
    ----------
    width : float or None
        In mm. None lets every picture be as large as it is good for: 256 pixels at 300 dpi.
    dpi : int
        Of PNG and TIFF, and of the pictures within SVG and PDF.
    font : str
        Family; it must be installed.
    font_size : float
        In points, of the text below the pictures.
    captions, seeds, scores : bool
        Whether protocol and scores stand below, the seed under a sample, its scores under it.
    more_fonts : tuple of str
        Families with letters that `font` lacks; `writing` chooses them as the texts need them.

    Raises
    ------
    ExportError
        If a value cannot be.
    """

    width: float | None = None
    dpi: int = DOTS
    font: str = FONT
    font_size: float = 5.5
    captions: bool = True
    seeds: bool = True
    scores: bool = True
    more_fonts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.width is not None and not _NARROWEST <= self.width <= WIDEST:
            raise ExportError(
                f"a figure {self.width:g} mm wide cannot be drawn; "
                f"choose {_NARROWEST:g} to {WIDEST:g} mm"
            )
        if not 50 <= self.dpi <= 1200:
            raise ExportError(f"{self.dpi} dpi is not in the range 50 to 1200")
        if not SMALLEST_LETTERS <= self.font_size <= 24:
            raise ExportError(f"letters of {self.font_size:g} pt are not in the range 4 to 24")

    @property
    def dots(self) -> float | None:
        """Width in dots; None where the pictures decide."""
        return None if self.width is None else self.width / MM_AN_INCH * DOTS

    @property
    def line(self) -> int:
        """Height of a line of text in dots."""
        return round(self.font_size * DOTS / 72 * 1.3)

    @property
    def families(self) -> list[str]:
        """Families that letters are looked for in, one after the other."""
        return [*dict.fromkeys((self.font, FONT, *self.more_fonts))]

    def to_json(self) -> dict[str, Any]:
        """Return what was chosen of the style as JSON values."""
        return {name: value for name, value in asdict(self).items() if name != "more_fonts"}

    def parameters(self) -> dict[str, Any]:
        """Return matplotlib's settings; fixed, so that the same content gives the same bytes.

        Raises
        ------
        ExportError
            If the font is not installed.
        """
        from matplotlib.font_manager import findfont

        try:
            findfont(self.font, fallback_to_default=False)
        except ValueError as error:
            raise ExportError(f"font {self.font} is not installed; {FONT} always is") from error
        return {
            "font.family": self.families,
            "font.size": self.font_size,
            "axes.labelsize": self.font_size,
            "xtick.labelsize": self.font_size,
            "ytick.labelsize": self.font_size,
            "axes.linewidth": 0.5,
            "xtick.major.width": 0.5,
            "ytick.major.width": 0.5,
            "xtick.major.size": 2,
            "ytick.major.size": 2,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "text.color": INK,
            "axes.labelcolor": INK,
            "xtick.color": GREY,
            "ytick.color": GREY,
            "axes.edgecolor": GREY,
            "axes.unicode_minus": True,
            "text.hinting": "none",  # or the letters of a coarse picture are wider than measured
            "text.parse_math": False,  # a label may hold a dollar sign
            "image.composite_image": False,
            "pdf.fonttype": 42,  # letters stay letters, and fonts are embedded
            "svg.fonttype": "none",
            "svg.hashsalt": "mindvis",
        }


INK, GREY, HAIRLINE = "#1a1a1a", "#5f6670", "#b9bec6"
SEEN = "#0072b2"  # what was seen, apart from what was decoded; blue of Okabe and Ito
MASKED = "#e3e6ea"


def width_in_mm(text: str) -> float:
    """Read ``single``, ``double`` or a number of mm.

    Raises
    ------
    ExportError
        If it is neither.
    """
    if text in WIDTHS:
        return WIDTHS[text]
    try:
        return float(text)
    except ValueError as error:
        raise ExportError(
            f"'{text}' is no width; give 'single', 'double' or millimetres"
        ) from error
