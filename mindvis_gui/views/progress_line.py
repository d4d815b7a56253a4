"""A thin bar that shows how far something is."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar

PARTS = 1000  # of the whole


def progress_line() -> QProgressBar:
    """Make a hidden bar from 0 to `PARTS` whose place stays free."""
    bar = QProgressBar()
    bar.setRange(0, PARTS)
    bar.setTextVisible(False)
    bar.setFixedHeight(4)
    bar.setAccessibleName("Progress")
    kept = bar.sizePolicy()
    kept.setRetainSizeWhenHidden(True)
    bar.setSizePolicy(kept)
    bar.hide()
    return bar
