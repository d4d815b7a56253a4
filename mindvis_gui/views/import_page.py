"""A page of the import wizard: one question, a few fields, and what they mean in the plan."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from mindvis_gui.data.source_contents import SourceContents
from mindvis_gui.views.theme import GAP, MARGIN, label, label_of


class ImportPage(QWidget):
    """Fields beneath a title.

    Attributes
    ----------
    title : str
        In the list of steps.
    question : str
        Which one of `source_contents.QUESTIONS` it answers; may be empty.
    kinds : tuple of str
        Kinds of sources that it is for; empty for all.
    """

    title = ""
    question = ""
    kinds: tuple[str, ...] = ()
    changed = Signal()

    def __init__(self, explanation: str) -> None:
        super().__init__()
        text = label(explanation, "muted")
        text.setWordWrap(True)
        self.form = QGridLayout()
        self.form.setHorizontalSpacing(MARGIN)
        self.form.setVerticalSpacing(GAP)
        self.form.setColumnStretch(1, 1)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(GAP)
        self.column.addWidget(label(self.title, "strong"))
        self.column.addWidget(text)
        self.column.addSpacing(GAP)
        self.column.addLayout(self.form)
        self.column.addStretch()

    def add_row(self, text: str, field: QWidget) -> None:
        """Add a field with a text at its left."""
        row = self.form.rowCount()
        self.form.addWidget(label_of(field, text), row, 0)
        self.form.addWidget(field, row, 1)
        if isinstance(field, QComboBox):
            field.setAccessibleName(field.accessibleName() or text)
            field.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def add_note(self, text: str = "") -> QLabel:
        """Add a line of small text beneath the fields so far."""
        note = label(text, "caption")
        note.setWordWrap(True)
        self.form.addWidget(note, self.form.rowCount(), 0, 1, 2)
        return note

    def add_heading(self, text: str) -> None:
        """Add a heading beneath the fields so far."""
        row = self.form.rowCount()
        self.form.setRowMinimumHeight(row, GAP)
        self.form.addWidget(label(text, "heading"), row + 1, 0, 1, 2)

    def fill(self, contents: SourceContents) -> None:
        """Show what is known of another source; tells nobody."""
        raise NotImplementedError

    def values(self) -> dict[str, Any]:
        """Return what the fields say, by attributes of `ImportPlan`."""
        raise NotImplementedError
