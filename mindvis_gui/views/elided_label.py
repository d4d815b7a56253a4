"""A label whose text is longer than its room."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QLabel, QSizePolicy


class ElidedLabel(QLabel):
    """A line, or a few, that get by with the room there is; the tooltip has all of it.

    Parameters
    ----------
    lines : int
    least : int
        Pixels that the text gets by with.
    padding : int
        Pixels that a style sheet keeps free at its sides.
    """

    def __init__(self, lines: int = 1, least: int = 40, padding: int = 0) -> None:
        super().__init__()
        self._text, self._lines = "", lines
        self._least, self._padding = least, padding
        self.setIndent(0)  # a label with a style sheet has one, which would cut the other end
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def setText(self, text: str) -> None:
        """Show another text, as far as there is room."""
        self._text = text
        self.setToolTip(text)
        self.setAccessibleDescription(text)
        self._elide()
        self.updateGeometry()

    def text(self) -> str:
        """Return the whole text."""
        return self._text

    def resizeEvent(self, event: object) -> None:
        """Cut the text anew (called by Qt)."""
        self._elide()

    def sizeHint(self) -> QSize:
        """Ask for the whole text in one line, as high as it is now (called by Qt)."""
        width = self.fontMetrics().horizontalAdvance(self._text) + self._padding + 1
        return QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Get by with a few words (called by Qt)."""
        return self.sizeHint().boundedTo(QSize(self._least, self.sizeHint().height()))

    def _elide(self) -> None:
        width = self.contentsRect().width()
        rest = self._text
        lines: list[str] = []
        while len(lines) < self._lines - 1 and self._wide(rest) > width:
            words = rest.split(" ")
            count = len(words) - 1
            while count > 1 and self._wide(" ".join(words[:count])) > width:
                count -= 1
            lines.append(" ".join(words[: max(count, 1)]))
            rest = " ".join(words[max(count, 1) :])
        lines.append(rest)
        cut = Qt.TextElideMode.ElideRight
        super().setText(
            "\n".join(self.fontMetrics().elidedText(each, cut, width) for each in lines)
        )

    def _wide(self, text: str) -> int:
        return self.fontMetrics().horizontalAdvance(text)
