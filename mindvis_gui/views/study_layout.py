"""How a panel looks that asks for what takes long: choices, run and stop, a bar, what was found."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from mindvis_gui.views.theme import GAP, label_of, panel_column, tight


def found_part(title: str, choice: QComboBox, parts: Sequence[QWidget]) -> QWidget:
    """Return what was found, beneath a heading and the choice of what of it is shown."""
    head = QHBoxLayout()
    head.addWidget(label_of(choice, title, "heading"))
    head.addWidget(choice, 1)
    found = QWidget()
    column = tight(QVBoxLayout(found), GAP)
    column.addLayout(head)
    for part in parts:
        column.addWidget(part)
    return found


def lay_out_study(
    panel: QScrollArea,
    choices: Sequence[tuple[str, QWidget]],
    buttons: tuple[QPushButton, QPushButton, QPushButton],
    beneath: Sequence[QWidget],
) -> None:
    """Fill a panel.

    Parameters
    ----------
    panel : QScrollArea
    choices : sequence of (str, QWidget)
        Text and field of each row.
    buttons : (QPushButton, QPushButton, QPushButton)
        Run, stop, export; of the first two one is shown at a time.
    beneath : sequence of QWidget
        One beneath the other.
    """
    form = QGridLayout()
    form.setVerticalSpacing(5)
    form.setColumnStretch(1, 1)
    for row, (text, field) in enumerate(choices):
        form.addWidget(label_of(field, text), row, 0)
        form.addWidget(field, row, 1)
    run, stop, export = buttons
    line = QHBoxLayout()
    line.addWidget(run, 1)
    line.addWidget(stop, 1)
    line.addWidget(export)
    page = QWidget()
    column = panel_column(page)
    column.addLayout(form)
    column.addLayout(line)
    for part in beneath:
        column.addWidget(part)
    column.addStretch()
    panel.setWidgetResizable(True)
    panel.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    panel.setWidget(page)
