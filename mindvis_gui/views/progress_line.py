"""Thin bars that show how far something is."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar

PARTS = 1000  # of the whole


def thin_bar() -> QProgressBar:
    """Make a bar without words."""
    bar = QProgressBar(textVisible=False)
    bar.setFixedHeight(4)
    return bar


def progress_line() -> QProgressBar:
    """Make a hidden bar from 0 to `PARTS` whose place stays free."""
    bar = thin_bar()
    bar.setRange(0, PARTS)
    bar.setAccessibleName("Progress")
    kept = bar.sizePolicy()
    kept.setRetainSizeWhenHidden(True)
    bar.setSizePolicy(kept)
    bar.hide()
    return bar
