"""Colours, sizes and the style sheet: flat, calm widgets in a dark and a light theme.

Views read colours from their own palette (`accent`, `muted`, `rule`, `problem`) and
repaint in `changeEvent` on ``PaletteChange``; nothing holds a colour of a theme.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from mindvis_gui.data.subject import Subject

# Okabe & Ito (2008), safe for colour-blind eyes; black is left out, it cannot be seen on a brain.
ROI_COLOURS = ("#0072b2", "#56b4e9", "#009e73", "#f0e442", "#e69f00", "#d55e00", "#cc79a7")

GAP = 8  # between neighbours
MARGIN = 12  # around a panel
THUMBNAIL = 40  # side of a trial's picture in the list
SWATCH = 10  # side of a region's colour
ICON = 16
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
    """Return the colour of every region, by name; from the eighth on, lighter and darker ones."""
    shades = (100, 150, 65)  # per cent of the lightness
    return {
        roi.name: QColor(ROI_COLOURS[i % len(ROI_COLOURS)]).lighter(
            shades[i // len(ROI_COLOURS) % len(shades)]
        )
        for i, roi in enumerate(subject.rois)
    }


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


def label(text: str = "", kind: str = "") -> QLabel:
    """Make a label; `kind` is ``"heading"``, ``"caption"``, ``"strong"`` or nothing."""
    made = QLabel(text.upper() if kind == "heading" else text)
    made.setProperty("kind", kind)
    made.setTextFormat(Qt.TextFormat.PlainText)
    return made


def apply_theme(app: QApplication, name: str) -> None:
    """Show the whole application in the theme ``"dark"`` or ``"light"``."""
    theme = THEMES[name]
    app.setStyle("Fusion")
    app.setPalette(_palette(theme))
    app.setStyleSheet(_style_sheet(theme, app.font().pointSizeF()))


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
    t, small = theme, f"{points * 0.88:.1f}pt"
    return f"""
QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.rule}; padding: 4px 6px; }}
QMainWindow::separator {{ background: {t.rule}; width: 1px; height: 1px; }}
QMainWindow::separator:hover {{ background: {t.accent}; }}
QSplitter::handle {{ background: {t.rule}; }}
QSplitter::handle:hover {{ background: {t.accent}; }}
QLabel {{ background: transparent; }}
QLabel[kind="heading"] {{ color: {t.muted}; font-size: {small}; font-weight: 600; letter-spacing: 0.6px; }}
QLabel[kind="caption"] {{ color: {t.muted}; font-size: {small}; }}
QLabel[kind="strong"] {{ font-weight: 600; }}
QLabel[kind="problem"] {{ color: {t.problem}; }}
QLabel[kind="note"] {{ color: {t.muted}; font-size: {small}; border-left: 2px solid {t.rule}; padding-left: 8px; }}

QPushButton, QToolButton {{
    background: {t.raised}; border: 1px solid {t.rule}; border-radius: 5px; padding: 5px 11px;
}}
QToolButton {{ padding: 5px 8px; }}
QPushButton:hover, QToolButton:hover {{ background: {t.hover}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {t.rule}; }}
QPushButton:checked, QToolButton:checked {{ background: {t.selection}; border-color: {t.accent}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {t.accent}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {t.disabled}; }}
QPushButton::menu-indicator, QToolButton::menu-indicator {{ image: none; width: 0; }}
QPushButton[kind="primary"], QToolButton[kind="primary"] {{
    background: {t.accent}; border-color: {t.accent}; color: {t.on_accent}; font-weight: 600;
}}
QPushButton[kind="primary"]:hover, QToolButton[kind="primary"]:hover {{ background: {t.accent_hover}; }}
QPushButton[kind="primary"]:disabled, QToolButton[kind="primary"]:disabled {{
    background: {t.raised}; border-color: {t.rule}; color: {t.disabled};
}}
QPushButton[kind="quiet"], QToolButton[kind="quiet"] {{
    background: transparent; border-color: transparent; padding: 2px;
}}
QPushButton[kind="quiet"]:hover, QToolButton[kind="quiet"]:hover {{ background: {t.hover}; }}
QPushButton[kind="quiet"]:focus, QToolButton[kind="quiet"]:focus {{ border-color: {t.accent}; }}
QPushButton[kind="section"] {{
    background: transparent; border: 1px solid transparent; padding: 2px 0; text-align: left;
    color: {t.muted}; font-size: {small}; font-weight: 600;
}}
QPushButton[kind="section"]:hover {{ color: {t.text}; }}
QPushButton[kind="section"]:focus {{ border-bottom-color: {t.accent}; }}
QPushButton[kind="segment"] {{ border-radius: 0; padding: 5px 8px; }}
QPushButton[kind="segment"]:checked {{
    background: {t.accent}; border-color: {t.accent}; color: {t.on_accent}; font-weight: 600;
}}
QPushButton[kind="segment"][place="first"] {{
    border-top-left-radius: 5px; border-bottom-left-radius: 5px; border-right: none;
}}
QPushButton[kind="segment"][place="last"] {{
    border-top-right-radius: 5px; border-bottom-right-radius: 5px;
}}

QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox {{
    background: {t.raised}; border: 1px solid {t.rule}; border-radius: 5px; padding: 3px 7px;
    selection-background-color: {t.accent}; selection-color: {t.on_accent};
}}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus {{ border-color: {t.accent}; }}
QLineEdit:disabled, QSpinBox:disabled, QComboBox:disabled {{ color: {t.disabled}; }}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{
    width: 0; border: none;
}}
QComboBox::drop-down {{ border: none; width: 18px; }}
QComboBox QAbstractItemView {{
    background: {t.raised}; border: 1px solid {t.rule}; selection-background-color: {t.selection};
    selection-color: {t.text}; outline: none; padding: 2px;
}}
QPlainTextEdit, QTextEdit {{ background: {t.raised}; border: 1px solid {t.rule}; border-radius: 5px; }}

QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {t.rule}; }}
QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {t.accent}; }}
QSlider::handle:horizontal {{
    width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; background: {t.accent};
}}
QSlider::handle:horizontal:focus {{ border: 2px solid {t.text}; width: 10px; height: 10px; }}
QProgressBar {{ background: {t.rule}; border: none; border-radius: 2px; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 2px; }}

QListView, QTableView, QTreeView {{
    background: transparent; border: none; outline: none; selection-background-color: {t.selection};
    selection-color: {t.text};
}}
QScrollArea {{ background: transparent; border: none; }}
QScrollBar {{ background: transparent; border: none; }}
QScrollBar:vertical {{ width: 9px; }}
QScrollBar:horizontal {{ height: 9px; }}
QScrollBar::handle {{ background: {t.rule}; border-radius: 3px; margin: 1px; }}
QScrollBar::handle:vertical {{ min-height: 24px; }}
QScrollBar::handle:horizontal {{ min-width: 24px; }}
QScrollBar::handle:hover {{ background: {t.disabled}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: none; }}

QMenuBar {{ background: {t.window}; border-bottom: 1px solid {t.rule}; }}
QMenuBar::item {{ background: transparent; padding: 4px 9px; }}
QMenuBar::item:selected {{ background: {t.hover}; border-radius: 4px; }}
QMenu {{ background: {t.raised}; border: 1px solid {t.rule}; padding: 4px; }}
QMenu::item {{ padding: 5px 22px 5px 18px; border-radius: 4px; }}
QMenu::item:selected {{ background: {t.selection}; }}
QMenu::item:disabled {{ color: {t.disabled}; }}
QMenu::separator {{ height: 1px; background: {t.rule}; margin: 4px 6px; }}
QToolBar {{ background: {t.window}; border: none; border-bottom: 1px solid {t.rule}; padding: 6px 8px; spacing: 8px; }}
QToolBar::separator {{ width: 1px; background: {t.rule}; margin: 3px 2px; }}
QStatusBar {{ background: {t.window}; border-top: 1px solid {t.rule}; color: {t.muted}; }}
QStatusBar::item {{ border: none; }}
QStatusBar QLabel {{ color: {t.muted}; font-size: {small}; }}
QStatusBar QLabel[kind="problem"] {{ color: {t.problem}; }}
"""
