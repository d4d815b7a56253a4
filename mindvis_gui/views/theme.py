"""Colours, sizes and the style sheet: flat, calm widgets in a dark and a light theme.

Views read colours from their own palette (`accent`, `muted`, `rule`, `problem`) and
repaint in `changeEvent` on ``PaletteChange``; nothing holds a colour of a theme.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from typing import TypeVar

from PySide6.QtCore import QDir, Qt
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QLayout, QVBoxLayout, QWidget

from mindvis_gui.data import roi_colours as region_colours
from mindvis_gui.data.subject import Subject
from mindvis_gui.views.icons import ICON_FOLDER

_Layout = TypeVar("_Layout", bound=QLayout)

GAP = 8  # between neighbours
MARGIN = 12  # around a panel
THUMBNAIL = 40  # side of a trial's picture in the list
SWATCH = 10  # side of a region's colour
ICON = 16
_READABLE = 4.5  # contrast of text, by WCAG
PANEL_WIDTH = 250  # of the docks at the sides, at first


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one theme, as ``#rrggbb``."""

    window: str
    raised: str  # buttons and fields
    hover: str
    rule: str  # borders and separating lines
    text: str
    muted: str  # captions, units, what is secondary
    disabled: str
    accent: str
    accent_hover: str
    on_accent: str
    selection: str
    problem: str


THEMES = {
    "dark": Theme(
        window="#1d2025",
        raised="#24282e",
        hover="#2d323a",
        rule="#30353d",
        text="#e8eaed",
        muted="#9aa1ab",
        disabled="#5d636d",
        accent="#4c9ffe",
        accent_hover="#6aaffe",
        on_accent="#0b1420",
        selection="#263950",
        problem="#ff8f73",
    ),
    "light": Theme(
        window="#ffffff",
        raised="#f5f7f9",
        hover="#e9edf1",
        rule="#d5dbe1",
        text="#1b1f24",
        muted="#5c6570",
        disabled="#a9b0b8",
        accent="#1668d9",
        accent_hover="#0f57ba",
        on_accent="#ffffff",
        selection="#d0e1f7",
        problem="#b3361b",
    ),
}


def roi_colours(subject: Subject) -> dict[str, QColor]:
    """Return the colour of every region, by name."""
    codes = region_colours.roi_colours(subject.rois)
    return {name: QColor(code) for name, code in codes.items()}


def accent(widget: QWidget) -> QColor:
    """Colour of what is chosen, primary, or in progress."""
    return widget.palette().color(QPalette.ColorRole.Accent)


def muted(widget: QWidget) -> QColor:
    """Colour of captions and units."""
    return widget.palette().color(QPalette.ColorRole.PlaceholderText)


def rule(widget: QWidget) -> QColor:
    """Colour of separating lines."""
    return widget.palette().color(QPalette.ColorRole.Mid)


def problem(widget: QWidget) -> QColor:
    """Colour of what went wrong."""
    return widget.palette().color(QPalette.ColorRole.BrightText)


def is_dark(widget: QWidget) -> bool:
    """Whether the widget is shown in the dark theme."""
    return widget.palette().color(QPalette.ColorRole.Window).lightness() < 128


def readable(colour: QColor, background: QColor) -> QColor:
    """Return the shade of a colour that text of it needs to be read on a background."""
    end = QColor("white" if background.lightness() < 128 else "black")
    shade = QColor(colour)
    while _contrast(shade, background) < _READABLE:
        mixed = [(9 * a + b) / 10 for a, b in zip(_rgb(shade), _rgb(end), strict=True)]
        shade = QColor.fromRgbF(*mixed)
    return shade


def _contrast(a: QColor, b: QColor) -> float:
    """Return the contrast of two colours as WCAG defines it, 1 to 21."""
    darker, lighter = sorted(map(_luminance, (a, b)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: QColor) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in _rgb(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _rgb(colour: QColor) -> tuple[float, float, float]:
    return colour.redF(), colour.greenF(), colour.blueF()


def label(text: str = "", kind: str = "", *, wrap: bool = False) -> QLabel:
    """Make a label; `kind` is ``"heading"``, ``"caption"``, ``"strong"`` or nothing."""
    made = QLabel(text.upper() if kind == "heading" else text, wordWrap=wrap)
    made.setProperty("kind", kind)
    made.setTextFormat(Qt.TextFormat.PlainText)
    return made


def label_of(field: QWidget, text: str, kind: str = "") -> QLabel:
    """Make the label of a field; on Linux, screen readers know a choice by its label alone."""
    made = label(text, kind)
    made.setBuddy(field)
    return made


def label_unseen(*fields: QWidget) -> None:
    """Give choices that have no label in sight one, their name, for screen readers on Linux.

    It must lie beside the field, so these are laid out by now.
    """
    for field in fields:
        made = label_of(field, field.accessibleName())
        made.setParent(field.parentWidget())
        made.hide()


def smaller(font: QFont, part: float) -> QFont:
    """Return a font of a part of the size."""
    made = QFont(font)
    made.setPointSizeF(part * made.pointSizeF())
    return made


def tight(layout: _Layout, spacing: int = -1) -> _Layout:
    """Take the margins off a layout; -1 leaves the spacing to the style."""
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    return layout


def panel_column(panel: QWidget) -> QVBoxLayout:
    """Give a panel its layout."""
    column = QVBoxLayout(panel)
    column.setContentsMargins(MARGIN, 2, MARGIN, GAP)
    column.setSpacing(GAP)
    return column


def separator(shape: QFrame.Shape) -> QFrame:
    """Make a thin line between two parts."""
    made = QFrame()
    made.setFrameShape(shape)
    made.setFrameShadow(QFrame.Shadow.Plain)
    made.setProperty("kind", "rule")
    return made


def apply_theme(app: QApplication, name: str) -> None:
    """Show the whole application in the theme ``"dark"`` or ``"light"``."""
    theme = THEMES[name]
    QDir.setSearchPaths("icons", [str(ICON_FOLDER)])
    with _nothing_collected():
        app.setStyle("Fusion")
        app.setPalette(_palette(theme))
        app.setStyleSheet(_style_sheet(theme, app.font().pointSizeF()))


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Keep Python from freeing widgets that nobody needs while Qt goes through all there are.

    It may do so whenever Python code runs, and Qt crashes when it comes to one that is gone.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _palette(theme: Theme) -> QPalette:
    role = QPalette.ColorRole
    colours = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.raised,
        role.AlternateBase: theme.window,
        role.Text: theme.text,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.problem,
        role.PlaceholderText: theme.muted,
        role.Highlight: theme.selection,
        role.HighlightedText: theme.text,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.Light: theme.hover,
        role.Midlight: theme.hover,
        role.Mid: theme.rule,
        role.Dark: theme.rule,
        role.Shadow: theme.rule,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
    }
    palette = QPalette()
    for each, colour in colours.items():
        palette.setColor(each, QColor(colour))
    for each in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, QColor(theme.disabled))
    return palette


def _style_sheet(theme: Theme, points: float) -> str:
    template = Template(Path(__file__).with_name("style.qss").read_text(encoding="utf-8"))
    return template.substitute(
        asdict(theme), small=f"{points * 0.9:.1f}pt", large=f"{points * 1.8:.1f}pt"
    )
