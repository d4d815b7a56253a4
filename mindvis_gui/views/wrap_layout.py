"""Widgets beside each other that go on in the next row where there is no room."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QSizePolicy, QWidget

_BETWEEN_ROWS = 3  # pixels


class WrapLayout(QLayout):
    """Lays out rows as text is; widgets that expand share what is left of their row.

    Those that expand are broken by their least width, the others by what they ask for. In its row
    a widget stands in the middle, or at the top if it is aligned so.

    Parameters
    ----------
    gap : int
        Pixels between neighbours.
    last_right : bool
        Whether the last widget stands at the right end of its row.
    """

    def __init__(self, gap: int, *, last_right: bool = False) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self._last_right = last_right
        self.setSpacing(gap)
        self.setContentsMargins(0, 0, 0, 0)

    def addItem(self, item: QLayoutItem) -> None:
        """Take in one more (called by Qt)."""
        self._items.append(item)

    def count(self) -> int:
        """Return how many there are, those that are hidden included (called by Qt)."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """Return one of them (called by Qt)."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Give one away (called by Qt)."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        """Take all the width there is (called by Qt)."""
        return Qt.Orientation.Horizontal

    def hasHeightForWidth(self) -> bool:
        """Say that narrow rows are many (called by Qt)."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of all rows (called by Qt)."""
        return self._arrange(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Move the widgets (called by Qt)."""
        super().setGeometry(rect)
        self._arrange(rect, move=True)

    def sizeHint(self) -> QSize:
        """Ask for one row (called by Qt)."""
        shown = self._shown()
        wide = sum(_asked(each) for each in shown) + self.spacing() * max(len(shown) - 1, 0)
        return QSize(wide, max((each.sizeHint().height() for each in shown), default=0))

    def minimumSize(self) -> QSize:
        """Get by with the widest alone in its row (called by Qt)."""
        size = QSize()
        for each in self._shown():
            size = size.expandedTo(each.minimumSize())
        return size

    def _shown(self) -> list[QLayoutItem]:
        return [each for each in self._items if not each.isEmpty()]

    def _rows(self, width: int) -> list[list[QLayoutItem]]:
        rows: list[list[QLayoutItem]] = []
        left = -1
        for each in self._shown():
            needed = _asked(each) + self.spacing()
            if not rows or left < needed:
                rows.append([])
                left = width + self.spacing()
            rows[-1].append(each)
            left -= needed
        return rows

    def _arrange(self, rect: QRect, *, move: bool) -> int:
        """Return the height that is needed at this width; move the widgets there if asked to."""
        y, rows = rect.y(), self._rows(rect.width())
        for row in rows:
            widths = self._widths(row, rect.width())
            heights = [
                each.heightForWidth(width) if each.hasHeightForWidth() else each.sizeHint().height()
                for each, width in zip(row, widths, strict=True)
            ]
            x, tallest = rect.x(), max(heights)
            for each, width, height in zip(row, widths, heights, strict=True):
                if self._last_right and each is self._items[-1]:
                    x = rect.x() + rect.width() - width
                if move:
                    at_top = each.alignment() & Qt.AlignmentFlag.AlignTop
                    top = y if at_top else y + (tallest - height) // 2
                    each.setGeometry(QRect(QPoint(x, top), QSize(width, height)))
                x += width + self.spacing()
            y += tallest + (_BETWEEN_ROWS if row is not rows[-1] else 0)
        return y - rect.y()

    def _widths(self, row: list[QLayoutItem], width: int) -> list[int]:
        widths = [min(_asked(each), width) for each in row]
        left = width - sum(widths) - self.spacing() * (len(row) - 1)
        growing = [i for i, each in enumerate(row) if _expands(each)]
        for done, i in enumerate(growing):
            more = min(left // (len(growing) - done), row[i].maximumSize().width() - widths[i])
            widths[i] += more
            left -= more
        return widths


def _expands(item: QLayoutItem) -> bool:
    widget, expanding = item.widget(), QSizePolicy.Policy.Expanding
    return widget is not None and widget.sizePolicy().horizontalPolicy() == expanding


def _asked(item: QLayoutItem) -> int:
    hint = item.minimumSize() if _expands(item) else item.sizeHint().expandedTo(item.minimumSize())
    return hint.width()


def keep_height(widget: QWidget) -> None:
    """Let a widget have the height that its rows need now; splitters ask for none by width."""
    layout = widget.layout()
    if layout is not None:
        widget.setMinimumHeight(layout.minimumHeightForWidth(widget.width()))
