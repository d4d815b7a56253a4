"""The grid on screen: the stimulus pinned at the left, all samples scrolled beside it."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QMouseEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QHeaderView, QTableView, QWidget

from mindvis_gui.views.grid_delegate import PADDING, GridDelegate
from mindvis_gui.views.grid_model import GridModel
from mindvis_gui.views.lens import Lens
from mindvis_gui.views.theme import MARGIN

SMALLEST, LARGEST = 72, 320  # side of a picture in pixels
LEAST_AT_FIRST, MOST_AT_FIRST = 104, 200  # while it follows the width
_ZOOM = 1.2  # a notch of the wheel


class GridView(QWidget):
    """Two tables over one model that scroll, zoom and pan together.

    Ctrl and the wheel zoom into every picture at once, dragging pans them; a double click or
    Return opens one large; dragging an unzoomed sample takes it out of the window as a file.
    """

    opened = Signal(QModelIndex)
    row_chosen = Signal(int)  # -1 for none
    menu_wanted = Signal(QModelIndex, QPoint)  # where on the screen
    dragged = Signal(QModelIndex)

    def __init__(self, model: GridModel) -> None:
        super().__init__()
        self.lens = Lens(self)
        self.delegate = GridDelegate(self.lens, self)
        self.samples = _Table(model, self.delegate, self)
        self.samples.setAccessibleName("Grid of samples")
        self.stimuli = _Table(model, self.delegate, self)
        self.stimuli.setAccessibleName("Stimuli")
        self.stimuli.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.stimuli.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.stimuli.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.stimuli.setSelectionMode(QTableView.SelectionMode.NoSelection)
        for one, other in ((self.samples, self.stimuli), (self.stimuli, self.samples)):
            bar = one.verticalScrollBar()
            bar.valueChanged.connect(other.verticalScrollBar().setValue)
            bar.rangeChanged.connect(self._scroll_alike)
        row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN - PADDING, 0, 0, 0)  # pictures begin where headings do
        row.setSpacing(0)
        row.addWidget(self.stimuli)
        row.addWidget(self.samples, 1)
        self.lens.changed.connect(self._repaint)
        model.modelReset.connect(self._fit)
        self.samples.selectionModel().currentChanged.connect(self._tell_row)
        self._model = model
        self._chosen_side: int | None = None
        self._fit()

    def set_side(self, side: int) -> None:
        """Show pictures at this size from now on; at first they follow the width of the view."""
        self._chosen_side = side
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fill the width while no size was chosen (called by Qt)."""
        super().resizeEvent(event)
        if self._chosen_side is None:
            self._fit()

    def _side(self) -> int:
        if self._chosen_side is not None:
            return min(max(self._chosen_side, SMALLEST), LARGEST)
        columns = max(self._model.columnCount(), 1)
        room = (self.width() - 24 - MARGIN) // columns - 2 * PADDING
        return min(max(room, LEAST_AT_FIRST), MOST_AT_FIRST)

    def show_stimuli(self, shown: bool) -> None:
        """Cover every sample by its stimulus, or uncover it."""
        self.delegate.covered = shown
        self._repaint()

    @property
    def current(self) -> QModelIndex:
        """The cell that the keyboard is on."""
        return self.samples.currentIndex()

    def go_to(self, row: int, column: int) -> None:
        """Choose a cell; columns count from 1, 0 is the stimulus."""
        index = self._model.index(row, column)
        self.samples.selectionModel().setCurrentIndex(
            index, QItemSelectionModel.SelectionFlag.ClearAndSelect
        )

    def _fit(self) -> None:
        self.delegate.side = self._side()
        size = self.delegate.cell_size(self)
        for table in (self.samples, self.stimuli):
            table.horizontalHeader().setDefaultSectionSize(size.width())
            table.verticalHeader().setDefaultSectionSize(size.height())
            table.verticalScrollBar().setSingleStep(size.height() // 3)
        for column in range(self._model.columnCount()):
            self.samples.setColumnHidden(column, column == 0)
            self.stimuli.setColumnHidden(column, column > 0)
        self.stimuli.setFixedWidth(size.width() + 8)
        self._repaint()

    def _scroll_alike(self) -> None:
        """Let the stimuli scroll as far as the samples, whose range may come before theirs."""
        bar, leading = self.stimuli.verticalScrollBar(), self.samples.verticalScrollBar()
        bar.setRange(leading.minimum(), leading.maximum())
        bar.setValue(leading.value())

    def _repaint(self) -> None:
        self.samples.viewport().update()
        self.stimuli.viewport().update()

    def _tell_row(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.row() != previous.row():
            self.row_chosen.emit(current.row())


class _Table(QTableView):
    def __init__(self, model: GridModel, delegate: GridDelegate, grid: GridView) -> None:
        super().__init__(grid)
        self._grid, self._delegate = grid, delegate
        self._pressed: QPoint | None = None
        self._panned: QPointF | None = None
        self.setProperty("kind", "grid")
        self.setModel(model)
        self.setItemDelegate(delegate)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setCornerButtonEnabled(False)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QTableView.EditTrigger.NoEditTriggers)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header.setSectionsClickable(False)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.doubleClicked.connect(grid.opened)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open with Return; leave Space to the window, which shows the stimuli."""
        if event.key() == Qt.Key.Key_Space:
            event.ignore()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self._grid.opened.emit(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom into every picture with Ctrl; scroll without."""
        if not event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            super().wheelEvent(event)
            return
        where = event.position()
        box = self._delegate.picture_box(self.visualRect(self.indexAt(where.toPoint())))
        if box.width() and event.angleDelta().y():
            side = self._delegate.side
            at = QPointF((where.x() - box.left()) / side, (where.y() - box.top()) / side)
            self._grid.lens.zoom(_ZOOM ** (event.angleDelta().y() / 120), at)
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a cell; maybe a pan or a drag begins."""
        super().mousePressEvent(event)
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._panned = event.position().toPoint(), event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan all pictures while zoomed in; else take the sample out of the window."""
        if self._pressed is None or self._panned is None:
            return
        if self._grid.lens.scale > 1:
            moved = (event.position() - self._panned) / self._delegate.side
            self._panned = event.position()
            self._grid.lens.pan(moved)
        else:
            far = (event.position().toPoint() - self._pressed).manhattanLength()
            if far >= QApplication.startDragDistance():
                index, self._pressed = self.indexAt(self._pressed), None
                self._grid.dragged.emit(index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a pan."""
        self._pressed = self._panned = None
        super().mouseReleaseEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for the menu of a cell."""
        self._grid.menu_wanted.emit(self.indexAt(event.pos()), event.globalPos())
