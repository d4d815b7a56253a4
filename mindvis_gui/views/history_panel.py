"""What was decoded before: searched, starred, and brought back with its samples."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPalette, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from mindvis_gui.decoding.history_folder import HistoryEntry
from mindvis_gui.decoding.sampling_settings import sampling_text
from mindvis_gui.session import Session
from mindvis_gui.views.fields import search_field
from mindvis_gui.views.theme import label, panel_column, smaller
from mindvis_gui.wording import counted

_ENTRY = Qt.ItemDataRole.UserRole
_STAR = 22  # pixels at the right that star an entry
_SOON = 150  # ms that changes are gathered
_Index = QModelIndex | QPersistentModelIndex


class HistoryPanel(QWidget):
    """Lists the session's history; a double click or Return brings an entry back."""

    restore_requested = Signal(object)  # HistoryEntry

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._history = session.history
        tip = "Words of subject, label, model, sampler, date; starred"
        self.search = search_field("search", "Search the history", tip)
        self._model = HistoryModel()
        self.list = _HistoryList(self._model)
        self.list.restored.connect(self.restore_requested)
        self.list.starred.connect(lambda entry: self._history.star(entry, not entry.starred))
        self.list.removed.connect(self._history.remove)
        self._note = label(kind="caption", wrap=True)
        column = panel_column(self)
        column.addWidget(self.search)
        column.addWidget(self.list, 1)
        column.addWidget(self._note)
        self._soon = QTimer(self, singleShot=True, interval=_SOON)
        self._soon.timeout.connect(self._show)
        self.search.textChanged.connect(lambda _: self._show())
        self._history.changed.connect(self._soon.start)
        self.setFocusProxy(self.search)
        self._show()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what was decoded while nobody looked (called by Qt)."""
        super().showEvent(event)
        self._show()

    def _show(self) -> None:
        if not self.isVisible():
            return
        found = self._history.search(self.search.text())
        chosen, row = self.list.currentIndex().data(_ENTRY), self.list.currentIndex().row()
        self._model.show_entries(found)
        if chosen is not None and found:  # the same one, or what has moved into its place
            now = self._history.entries.get(chosen.id)  # by identity: an id is a hash to compute
            there = (i for i, entry in enumerate(found) if entry is now)
            row = next(there, min(row, len(found) - 1))
            self.list.setCurrentIndex(self._model.index(row))
        if found:
            self._note.setText("Return brings back, S stars, Delete forgets.")
        elif self._history.entries:
            self._note.setText("Nothing matches; empty the search.")
        else:
            self._note.setText("What you decode is listed here, also after the next start.")


class HistoryModel(QAbstractListModel):
    """Rows are entries, the newest first."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[HistoryEntry] = []

    def show_entries(self, entries: list[HistoryEntry]) -> None:
        """Show other entries."""
        if entries != self._entries:
            self.beginResetModel()
            self._entries = entries
            self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else len(self._entries)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        if not index.isValid():
            return None
        entry = self._entries[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return f"{entry.request['trial']} {entry.request['label']}".rstrip()
            case Qt.ItemDataRole.AccessibleTextRole:
                star = ", starred" if entry.starred else ""
                return f"trial {entry.request['trial']} {entry.request['label']}{star}"
            case Qt.ItemDataRole.ToolTipRole:
                return _described(entry)
            case Qt.ItemDataRole.UserRole:
                return entry
        return None


class _HistoryList(QListView):
    restored = Signal(object)
    starred = Signal(object)
    removed = Signal(object)

    def __init__(self, model: HistoryModel) -> None:
        super().__init__()
        self.setModel(model)
        self.setItemDelegate(_HistoryDelegate(self))
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("History")
        self.doubleClicked.connect(lambda index: self.restored.emit(index.data(_ENTRY)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Bring back, star or forget the chosen entry."""
        entry, plain = self.currentIndex().data(_ENTRY), not event.modifiers()
        if entry is None or not plain:
            super().keyPressEvent(event)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.restored.emit(entry)
        elif event.key() == Qt.Key.Key_S:
            self.starred.emit(entry)
        elif event.key() == Qt.Key.Key_Delete:
            self.removed.emit(entry)
        else:
            super().keyPressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Star the entry whose star is clicked."""
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and event.position().x() > self.viewport().width() - _STAR:
            self.starred.emit(index.data(_ENTRY))


class _HistoryDelegate(QStyledItemDelegate):
    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        return QSize(120, 2 * option.fontMetrics.height() + 8)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        entry: HistoryEntry = index.data(_ENTRY)
        rect, palette = QRect(option.rect), option.palette
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(palette.highlight())
            painter.drawRoundedRect(rect, 4, 4)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(palette.light())
            painter.drawRoundedRect(rect, 4, 4)
        align, role = Qt.AlignmentFlag, QPalette.ColorRole
        text = rect.adjusted(6, 4, -_STAR - 2, -4)
        painter.setPen(palette.color(role.Text))
        title = str(index.data(Qt.ItemDataRole.DisplayRole))
        elide = Qt.TextElideMode.ElideRight
        painter.drawText(
            text,
            align.AlignLeft | align.AlignTop,
            option.fontMetrics.elidedText(title, elide, text.width()),
        )
        painter.setFont(smaller(option.font, 0.88))
        painter.setPen(palette.color(role.PlaceholderText))
        line = painter.fontMetrics().elidedText(_line(entry), elide, text.width())
        painter.drawText(text, align.AlignLeft | align.AlignBottom, line)
        if entry.starred or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(palette.color(role.Accent if entry.starred else role.PlaceholderText))
            painter.setFont(option.font)
            place = rect.adjusted(rect.width() - _STAR, 0, -4, 0)
            painter.drawText(place, align.AlignCenter, "★" if entry.starred else "☆")
        painter.restore()


def _line(entry: HistoryEntry) -> str:
    values, when = entry.request, datetime.fromisoformat(entry.when)
    today = when.date() == date.today()
    time = when.strftime("%H:%M") if today else when.strftime("%Y-%m-%d")
    count = len(values["seeds"])
    parts = [time, counted(count, "seed"), f"{values['sampler']} {values['steps']}"]
    if values["rois"] is not None:
        parts.append(f"{len(values['rois'])} regions")
    if values["mask"] is not None:
        parts.append("masked")
    return " · ".join(parts)


def _described(entry: HistoryEntry) -> str:
    values = entry.request
    rois = "all regions" if values["rois"] is None else ", ".join(values["rois"])
    return (
        f"{values['subject']}, trial {values['trial']} {values['label']}\n"
        f"seeds {', '.join(str(seed) for seed in values['seeds'])}\n"
        f"{sampling_text(values)}\n{rois}\n"
        f"model {values['model']}\n{entry.when[:19].replace('T', ' ')}, {entry.seconds:g} s"
    )
