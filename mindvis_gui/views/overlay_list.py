"""The overlays by name, the topmost first, with their value at the crosshair."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QPainter, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from mindvis_gui.session import Session
from mindvis_gui.session.overlays import ANATOMY
from mindvis_gui.views.readout import overlay_value
from mindvis_gui.views.theme import muted

_KEY = Qt.ItemDataRole.UserRole
_VALUE = Qt.ItemDataRole.UserRole + 1
_ROW = 26
_MARGINS = 36  # of a row: beside the tick, the name and the value
_ROWS = 10  # shown without scrolling


class OverlayList(QListWidget):
    """A tick shows an overlay, dragging orders them, a click chooses the one to edit."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.setAccessibleName("Overlays, the topmost first")
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setItemDelegate(_ValueAtTheRight(self))
        self.itemChanged.connect(self._show_or_hide)
        self.currentItemChanged.connect(self._choose)
        self.model().rowsMoved.connect(self._reorder)
        session.overlays.changed.connect(self.refresh)
        session.brain.crosshair_changed.connect(self.show_values)
        self.refresh()

    def refresh(self) -> None:
        """Show the session's list, once somebody looks."""
        if not self.isVisible():
            return
        overlays = self._session.overlays
        wanted = [overlay.key for overlay in reversed(overlays.items)]
        with QSignalBlocker(self):
            if wanted != self._keys():
                self.clear()
                for key in wanted:
                    self.addItem(_item(key))
            for row, overlay in enumerate(reversed(overlays.items)):
                item = self.item(row)
                item.setText(overlay.name)
                item.setToolTip(overlay.note or overlay.name)
                shown = Qt.CheckState.Checked if overlay.look.visible else Qt.CheckState.Unchecked
                item.setCheckState(shown)
                if overlay.key == overlays.chosen:
                    self.setCurrentRow(row)
        self.setFixedHeight(_ROW * min(max(len(wanted), 1), _ROWS) + 4)
        self.show_values()

    def show_values(self) -> None:
        """Write every overlay's value at the crosshair, once somebody looks."""
        if not self.isVisible() or self._session.brain.grid is None:
            return
        at = self._session.brain.crosshair
        with QSignalBlocker(self):
            for row, key in enumerate(self._keys()):
                overlay = self._session.overlays.find(key)
                if overlay is not None:  # of another subject, the list hears after the crosshair
                    self.item(row).setData(_VALUE, overlay_value(self._session, overlay, at))
        self.viewport().update()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what changed while nobody looked (called by Qt)."""
        super().showEvent(event)
        self.refresh()

    def _keys(self) -> list[str]:
        return [self.item(row).data(_KEY) for row in range(self.count())]

    def _show_or_hide(self, item: QListWidgetItem) -> None:
        shown = item.checkState() == Qt.CheckState.Checked
        self._session.overlays.set_visible(item.data(_KEY), shown)

    def _choose(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self._session.overlays.choose(item.data(_KEY))

    def _reorder(self) -> None:
        self._session.overlays.set_order(self._keys()[::-1])


class _ValueAtTheRight(QStyledItemDelegate):
    """Draws an item with its value at the right edge; a long name is cut in its middle."""

    def __init__(self, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Leave room for the value (called by Qt)."""
        super().initStyleOption(option, index)
        style = self._owner.style()
        tick = style.pixelMetric(QStyle.PixelMetric.PM_IndicatorWidth)
        value = option.fontMetrics.horizontalAdvance(str(index.data(_VALUE) or ""))
        room = option.rect.width() - tick - value - _MARGINS
        option.text = option.fontMetrics.elidedText(option.text, Qt.TextElideMode.ElideMiddle, room)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw the item, then the value (called by Qt)."""
        super().paint(painter, option, index)
        painter.save()
        painter.setPen(muted(self._owner))
        area = option.rect.adjusted(0, 0, -6, 0)
        align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(area, align, str(index.data(_VALUE) or ""))
        painter.restore()


def _item(key: str) -> QListWidgetItem:
    item = QListWidgetItem()
    item.setData(_KEY, key)
    flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
    flags |= Qt.ItemFlag.ItemIsUserCheckable
    if key != ANATOMY:  # stays lowest
        flags |= Qt.ItemFlag.ItemIsDragEnabled
    item.setFlags(flags)
    item.setSizeHint(QSize(0, _ROW))
    return item
