"""The queue: what is decoded now, how long all of it takes, and what waits in which order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QListView, QWidget

from mindvis_gui.decode_queue import DecodeQueue, Waiting
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sampling_settings import sampling_text
from mindvis_gui.session import Session
from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.numerals import duration
from mindvis_gui.views.progress_line import thin_bar
from mindvis_gui.views.theme import GAP, label, panel_column
from mindvis_gui.wording import seeds_text

LISTED = 1000
_ROWS = "application/x-mindvis-queue"
_Index = QModelIndex | QPersistentModelIndex


class QueuePanel(QWidget):
    """Pauses, stops, orders and empties the queue."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._queue = session.queue
        self.now = label(wrap=True)
        self.bar = thin_bar()
        self.bar.setAccessibleName("Progress of the running decode")
        self.left = label(kind="muted")
        self.pause = push_button("Pause", "Pause the queue", checkable=True)
        self.pause.setToolTip("Rest between two steps, and go on from there  (P)")
        self.skip = push_button("Skip", "Skip the running decode")
        self.skip.setToolTip("Stop the running decode; what waits comes next")
        self.stop = push_button("Stop all", "Stop all decodes")
        self.stop.setToolTip("Stop, and forget what waits; finished samples are kept  (Esc)")
        self._model = QueueModel(self._queue)
        self.list = _QueueList(self._model)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button in (self.pause, self.skip, self.stop):
            buttons.addWidget(button, 1)
        self._note = label(kind="caption", wrap=True)
        column = panel_column(self)
        column.addWidget(self.now)
        column.addWidget(self.bar)
        column.addWidget(self.left)
        column.addLayout(buttons)
        column.addSpacing(GAP)
        column.addWidget(label("Waiting", "heading"))
        column.addWidget(self.list, 1)
        column.addWidget(self._note)
        self.pause.toggled.connect(self._queue.pause)
        self.skip.clicked.connect(self._queue.skip)
        self.stop.clicked.connect(self._queue.stop)
        self._queue.changed.connect(self._show)
        self._queue.progressed.connect(self._show)
        self.setFocusProxy(self.list)
        self._show()

    def _show(self) -> None:
        queue = self._queue
        running, step = queue.running, queue.step
        if running is None:
            self.now.setText("Paused." if queue.paused else "Nothing is decoded now.")
        else:
            name = f"Trial {running.trial} {running.label}".rstrip()
            company = len(queue.together) - 1
            name += f" and {company} more together" if company else ""
            state = " · stopping" if queue.stopping else " · paused" * queue.paused
            self.now.setText(f"{name}{state}")
        self.bar.setRange(0, step.total if step and step.total else 1)
        self.bar.setValue(step.index if step else 0)
        self.left.setText(self._time_left())
        self._note.setText(
            "Drag to reorder (Alt+↑, Alt+↓), Delete removes."
            + f" The first {LISTED:,} are listed." * (len(queue) > LISTED)
            if len(queue)
            else "Nothing waits; what is asked for during a decode is listed here."
        )
        self.pause.setChecked(queue.paused)
        self.pause.setText("Go on" if queue.paused else "Pause")
        self.pause.setEnabled(not queue.empty or queue.paused)
        self.skip.setEnabled(queue.active)
        self.stop.setEnabled(not queue.empty)

    def _time_left(self) -> str:
        queue = self._queue
        waiting = f"{len(queue):,} waiting" if len(queue) else ""
        seconds = queue.seconds_left if queue.active and not queue.stopping else None
        left = "" if seconds is None else f"{duration(seconds)} left"
        return " · ".join(part for part in (waiting, left) if part)


class QueueModel(QAbstractListModel):
    """Rows are the requests that wait, the first `LISTED` of them: a view lays out every row."""

    def __init__(self, queue: DecodeQueue) -> None:
        super().__init__(queue)
        self._queue = queue
        self._items = queue.waiting[:LISTED]
        self._dragged: list[Waiting] = []
        queue.changed.connect(self._follow)

    def _follow(self) -> None:
        """Take over the queue; the usual changes are that rows begin or that some join in."""
        items, before = self._queue.waiting[:LISTED], self._items
        begun = before.index(items[0]) if items and items[0] in before else len(before)
        stay = before[begun:]
        if items[: len(stay)] != stay:
            self.beginResetModel()
            self._items = items
            self.endResetModel()
            return
        if begun:
            self.beginRemoveRows(QModelIndex(), 0, begun - 1)
            self._items = stay
            self.endRemoveRows()
        if len(items) > len(stay):
            self.beginInsertRows(QModelIndex(), len(stay), len(items) - 1)
            self._items = items
            self.endInsertRows()

    def items(self, rows: Sequence[int]) -> list[Waiting]:
        """Return what waits at some rows."""
        return [self._items[row] for row in sorted(rows)]

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008, D102
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: D102
        if not index.isValid():
            return None
        request = self._items[index.row()].request
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{request.trial} {request.label}".rstrip()
        return described(request) if role == Qt.ItemDataRole.ToolTipRole else None

    def flags(self, index: _Index) -> Qt.ItemFlag:  # noqa: D102
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def supportedDropActions(self) -> Qt.DropAction:  # noqa: D102
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:  # noqa: D102
        return [_ROWS]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        """Remember what is dragged: by the drop it is in other rows, or begun (called by Qt)."""
        self._dragged = self.items([index.row() for index in indexes])
        data = QMimeData()
        data.setData(_ROWS, b"")
        return data

    def dropMimeData(
        self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: _Index
    ) -> bool:
        """Move what still waits of it to where it is dropped (called by Qt)."""
        place = row if row >= 0 else parent.row() if parent.isValid() else len(self._items)
        self._queue.move(self._dragged, place)
        return False  # nothing is left for the view to remove

    def move(self, rows: Sequence[int], by: int) -> int:
        """Move rows one place up (`by` -1) or down (1); return where the first is then."""
        first, last = min(rows), max(rows)
        place = max(first - 1, 0) if by < 0 else min(last + 2, len(self._items))
        self._queue.move(self.items(rows), place)
        return max(first + by, 0) if by < 0 else min(first + by, len(self._items) - len(rows))

    def remove(self, rows: Sequence[int]) -> None:
        """Take rows out of the queue."""
        self._queue.remove(self.items(rows))


class _QueueList(QListView):
    def __init__(self, model: QueueModel) -> None:
        super().__init__()
        self._rows = model
        self.setModel(model)
        self.setUniformItemSizes(True)
        self.setSpacing(2)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QListView.DragDropMode.InternalMove)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Waiting decodes")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Remove with Delete, reorder with Alt and the arrows."""
        rows = [index.row() for index in self.selectedIndexes()]
        alt = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        if rows and event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._rows.remove(rows)
            self.setCurrentIndex(self._rows.index(min(min(rows), self._rows.rowCount() - 1), 0))
        elif rows and alt and event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            row = self._rows.move(rows, -1 if event.key() == Qt.Key.Key_Up else 1)
            self.setCurrentIndex(self._rows.index(row, 0))
        else:
            super().keyPressEvent(event)


def described(request: DecodeRequest) -> str:
    """Return how a request is decoded, in a few lines."""
    rois = "all regions" if request.rois is None else ", ".join(request.rois)
    mask = "" if request.mask is None else f", {request.mask.ratio:.0%} masked"
    return (
        f"{request.subject}, trial {request.trial} {request.label}\n{seeds_text(request.seeds)}\n"
        f"{sampling_text(request.sampling.to_json())}\n"
        f"{rois}{mask}\nmodel {request.model}"
    )
