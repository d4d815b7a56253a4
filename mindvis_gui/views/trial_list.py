"""The list of trials: thumbnail, label, and a caption of split, number and category."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPainterPath,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from mindvis_gui.data.subject import Trial
from mindvis_gui.views.theme import GAP, THUMBNAIL, smaller
from mindvis_gui.views.trial_model import DECODED_ROLE, TRIAL_ROLE, TrialModel, caption

_PADDING = 5
_DOT = 7  # pixels; marks trials that have samples
_Index = QModelIndex | QPersistentModelIndex


class TrialList(QListView):
    """Shows a `TrialModel`; the chosen row follows the keyboard as well as the mouse."""

    chosen = Signal(object)  # Trial

    def __init__(self, model: TrialModel) -> None:
        super().__init__()
        self._trials = model
        self.setModel(model)
        self.setItemDelegate(_TrialDelegate(self))
        self.setUniformItemSizes(True)
        self.setSelectionMode(QListView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Trials")

    def show_trial(self, row: int) -> None:
        """Mark the trial at `row` as the chosen one; none for -1."""
        index = self.model().index(row, 0)
        self.setCurrentIndex(index)
        if index.isValid():
            self.scrollTo(index)

    def currentChanged(self, current: _Index, previous: _Index) -> None:
        """Tell who listens which trial was chosen (called by Qt)."""
        super().currentChanged(current, previous)
        trial = current.data(TRIAL_ROLE)
        if trial is not None:
            self.chosen.emit(trial)

    @property
    def selected(self) -> list[Trial]:
        """The trials that are selected, with Ctrl or Shift several, in the order of the list."""
        ranges = self.selectionModel().selection().toList()
        rows = [row for each in ranges for row in range(each.top(), each.bottom() + 1)]
        return self._trials.trials_at(sorted(rows))

    @property
    def listed(self) -> list[Trial]:
        """All trials that pass the filter."""
        return self._trials.trials_at(range(self._trials.rowCount()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the chosen trial in view, if it was, when the list of regions above grows."""
        place = self.visualRect(self.currentIndex())
        was_seen = place.isValid() and -place.height() < place.top() < event.oldSize().height()
        super().resizeEvent(event)
        if was_seen:
            self.scrollTo(self.currentIndex())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave Space to the window, which shows the stimulus, and its actions their keys.

        Letters look for a label, but P, which pauses, must not while nothing can be paused.
        """
        pressed = QKeySequence(event.keyCombination())
        taken = any(pressed in action.shortcuts() for action in self.window().actions())
        if taken or event.key() == Qt.Key.Key_Space:
            event.ignore()
        else:
            super().keyPressEvent(event)


class _TrialDelegate(QStyledItemDelegate):
    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return QSize(120, THUMBNAIL + 2 * _PADDING)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        rect, palette = QRect(option.rect), option.palette
        painter.save()
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        painter.setPen(Qt.PenStyle.NoPen)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setBrush(palette.highlight())
            painter.drawRoundedRect(rect, 4, 4)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(palette.light())
            painter.drawRoundedRect(rect, 4, 4)
        square = QRect(rect.left() + _PADDING, rect.top() + _PADDING, THUMBNAIL, THUMBNAIL)
        _draw_thumbnail(painter, square, index, palette)
        left = square.right() + 1 + GAP
        text = QRect(left, rect.top(), rect.right() - left - 2, rect.height())
        if index.data(DECODED_ROLE):
            text.setRight(text.right() - _DOT - _PADDING)
            painter.setBrush(palette.accent())
            painter.drawEllipse(text.right() + _PADDING, rect.center().y() - _DOT // 2, _DOT, _DOT)
        _draw_text(painter, text, index, option)
        painter.restore()


def _draw_thumbnail(
    painter: QPainter, square: QRect, index: QModelIndex | QPersistentModelIndex, palette: QPalette
) -> None:
    outline = QPainterPath()
    outline.addRoundedRect(QRectF(square), 3, 3)
    picture = index.data(Qt.ItemDataRole.DecorationRole)
    if picture is None:
        painter.fillPath(outline, palette.mid())
    else:
        painter.save()
        painter.setClipPath(outline)
        painter.drawImage(square, picture)
        painter.restore()


def _draw_text(
    painter: QPainter,
    rect: QRect,
    index: QModelIndex | QPersistentModelIndex,
    option: QStyleOptionViewItem,
) -> None:
    small = smaller(option.font, 0.88)
    metrics = option.fontMetrics
    middle = rect.center().y()
    label = index.data(Qt.ItemDataRole.DisplayRole)
    painter.setPen(option.palette.color(QPalette.ColorRole.Text))
    painter.drawText(
        QRect(rect.left(), rect.top(), rect.width(), middle - rect.top()),
        Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom,
        metrics.elidedText(label, Qt.TextElideMode.ElideRight, rect.width()),
    )
    painter.setFont(small)
    painter.setPen(option.palette.color(QPalette.ColorRole.PlaceholderText))
    painter.drawText(
        QRect(rect.left(), middle + 2, rect.width(), rect.bottom() - middle - 2),
        Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop,
        painter.fontMetrics().elidedText(
            caption(index.data(TRIAL_ROLE)), Qt.TextElideMode.ElideRight, rect.width()
        ),
    )
