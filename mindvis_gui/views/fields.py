"""Fields of a form, all as wide, each with a name for those who cannot see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from PySide6.QtCore import QLocale, QSignalBlocker, Qt
from PySide6.QtGui import QAction, QPalette, QValidator
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QWidget,
)

from mindvis_gui.views.icons import icon
from mindvis_gui.views.theme import label_of, tight

_Box = TypeVar("_Box", bound=QAbstractSpinBox)
_WIDTH = 96
_ROW_HEIGHT = 26


class DecimalField(QDoubleSpinBox):
    """A field for a number, with a decimal point as in figures and files; typed commas become one.

    Else a sign that the system's language has no use for is left out, and 1,5 or 1.5 read as 15.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setLocale(QLocale.c())

    def validate(self, text: str, at: int) -> tuple[QValidator.State, str, int]:
        """Say whether a text is a number, or may become one (called by Qt)."""
        return super().validate(text.replace(",", "."), at)

    def setValue(self, value: float) -> None:
        """Show a number, unless it is here already: half of it may be typed, such as 1 of 1.5."""
        if value != self.value():
            super().setValue(value)


def number_field(low: int, high: int, name: str) -> QSpinBox:
    """Return a field for a whole number."""
    box = QSpinBox()
    box.setRange(low, high)
    return _laid_out(box, name)


def seed_field(most: int, name: str) -> DecimalField:
    """Return a field for a seed, which may have 32 bits; a `QSpinBox` has no room for the last."""
    box = DecimalField()
    box.setDecimals(0)
    box.setRange(0, most)
    return _laid_out(box, name)


def scale_field(none: float, most: float, name: str) -> DecimalField:
    """Return a field for a factor; `none`, the least, reads "off"."""
    box = DecimalField()
    box.setRange(none, most)
    box.setSingleStep(0.25)
    box.setSpecialValueText("off")
    return _laid_out(box, name)


def choice(
    options: Mapping[Any, str], name: str, tips: Mapping[Any, str] | None = None
) -> QComboBox:
    """Return a choice of one of some keys, which are shown as their texts, each with its tip."""
    box = QComboBox()
    for place, (key, text) in enumerate(options.items()):
        box.addItem(text, key)
        if tips is not None:
            box.setItemData(place, tips[key], Qt.ItemDataRole.ToolTipRole)
    box.setAccessibleName(name)
    return box


def choice_field(options: Mapping[Any, str], name: str) -> QComboBox:
    """Return a choice that is as wide as its texts, and no narrower than other fields."""
    box = choice(options, name)
    box.setMinimumWidth(_WIDTH)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
    return box


def narrow_choice(
    options: Mapping[Any, str], name: str, letters: int, tips: Mapping[Any, str] | None = None
) -> QComboBox:
    """Return a choice that gets by with so many letters of its texts."""
    box = choice(options, name, tips)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(letters)
    return box


def select(box: QComboBox, key: object) -> None:
    """Show the choice of that key, without telling anyone."""
    with QSignalBlocker(box):
        box.setCurrentIndex(box.findData(key))


def search_field(hint: str, name: str, tip: str) -> QLineEdit:
    """Return a field for words to search for, with a magnifying glass."""
    field = QLineEdit(placeholderText=hint, clearButtonEnabled=True)
    glass = QAction(icon("search", QPalette.ColorRole.PlaceholderText), "", field)
    field.addAction(glass, QLineEdit.ActionPosition.LeadingPosition)
    field.setAccessibleName(name)
    field.setToolTip(tip)
    return field


def empty_form() -> QGridLayout:
    """Return a layout for `add_row`."""
    form = tight(QGridLayout())
    form.setColumnStretch(0, 1)
    form.setVerticalSpacing(4)
    return form


def add_row(form: QGridLayout, text: str, *fields: QWidget) -> None:
    """Add a row with the text at the left edge and the fields at the right one."""
    right = QHBoxLayout()
    right.setSpacing(4)
    for field in fields:
        right.addWidget(field)
    row = form.rowCount()
    form.setRowMinimumHeight(row, _ROW_HEIGHT)
    form.addWidget(label_of(fields[-1], text), row, 0)
    form.addLayout(right, row, 1, Qt.AlignmentFlag.AlignRight)


def _laid_out(box: _Box, name: str) -> _Box:
    box.setAlignment(Qt.AlignmentFlag.AlignRight)
    box.setFixedWidth(_WIDTH)
    box.setAccessibleName(name)
    return box
