"""The regions at the crosshair, each in its colour, as many as there is room for."""

from __future__ import annotations

import html
from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import QLabel

_LONGEST = 16  # letters at either end of a name


class RegionNames(QLabel):
    """Names of regions in their colours; "+2" stands for two that have no room."""

    def __init__(self) -> None:
        super().__init__()
        self._regions: Sequence[tuple[str, QColor]] = ()
        self.setTextFormat(Qt.TextFormat.RichText)

    def show_regions(self, regions: Sequence[tuple[str, QColor]]) -> None:
        """Show other regions, by name and colour."""
        self._regions = regions
        self._write()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many as there is room for now (called by Qt)."""
        super().resizeEvent(event)
        if self._regions:
            self._write()

    def sizeHint(self) -> QSize:
        """Ask for all of them (called by Qt)."""
        hint, words = super().sizeHint(), [_short(name) for name, _ in self._regions]
        return QSize(max(hint.width(), self._wide(" ".join(words))), hint.height())

    def _write(self) -> None:
        words, others = self._that_fit([name for name, _ in self._regions])
        parts = [
            f'<span style="color:{colour.name()}">{html.escape(word)}</span>'
            for word, (_, colour) in zip(words, self._regions, strict=False)
        ]
        self.setText(" ".join([*parts, *([f"+{others}"] if others else [])]) or "none")

    def _that_fit(self, names: Sequence[str]) -> tuple[list[str], int]:
        """Return names as they are written, and how many others there are."""
        words = [_short(name) for name in names]
        for count in range(len(words), 0, -1):
            more = [f"+{len(words) - count}"] if count < len(words) else []
            if self._wide(" ".join([*words[:count], *more])) <= self.width():
                return words[:count], len(words) - count
        if not words:
            return [], 0
        others = len(words) - 1
        room = self.width() - (self._wide(f" +{others}") if others else 0)
        cut = self.fontMetrics().elidedText(words[0], Qt.TextElideMode.ElideMiddle, room)
        return [cut], others

    def _wide(self, text: str) -> int:
        return self.fontMetrics().horizontalAdvance(text)


def _short(name: str) -> str:
    """Leave out the middle of a name that would not fit; those of an atlas begin alike."""
    if len(name) <= 2 * _LONGEST:
        return name
    return f"{name[: _LONGEST - 1]}…{name[-_LONGEST:]}"
