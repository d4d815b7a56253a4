"""The page on which samples are compared: a grid over two options, and what a row has in common."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QMenu, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.errors import RequestError
from mindvis_gui.session import Session
from mindvis_gui.session.collection import Drawn
from mindvis_gui.session.sample_blocks import SampleBlock, count_samples
from mindvis_gui.views.compare_header import CompareHeader
from mindvis_gui.views.consistency_strip import ConsistencyStrip
from mindvis_gui.views.drag_out import drag_sample
from mindvis_gui.views.grid_model import GridModel
from mindvis_gui.views.grid_row import RowSample, read_row
from mindvis_gui.views.grid_view import GridView
from mindvis_gui.views.large_view import LargeView
from mindvis_gui.views.picture import Picture, to_qimage
from mindvis_gui.views.theme import label, tight
from mindvis_gui.wording import counted

_SOON = 300  # ms that changes are gathered before they are counted
_AT_ONCE = 2000  # cells are counted without waiting for more changes
_LOWEST = 150  # pixels of the grid
_SETTLED = 150  # ms that a row is chosen before the window goes over to its trial


class ComparePage(QWidget):
    """Edits what the session's grid shows, decodes what is missing, and opens samples large."""

    save_requested = Signal(object)  # Drawn
    decode_requested = Signal()
    accepted = Signal()  # what was chosen or typed makes sense

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._large: LargeView | None = None
        self._asked: object = None  # what is read to be shown large, newest
        self.model = GridModel(session)
        self.view = GridView(self.model)
        self.strip = ConsistencyStrip(session)
        self.strip.hide()
        self.header = CompareHeader()
        self._complaint = ""  # about the filter
        self.empty = label(kind="muted")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self.empty)
        self._stack.setMinimumHeight(_LOWEST)
        whole = QWidget()
        column = tight(QVBoxLayout(whole), 0)
        column.addWidget(self.header)
        column.addWidget(self._stack, 1)
        column.addWidget(self.strip)
        area = QScrollArea()  # or the strip would leave the grid no room on a small screen
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(whole)
        page = tight(QVBoxLayout(self))
        page.addWidget(area)
        self._settling = QTimer(self, singleShot=True, interval=_SETTLED)
        self._settling.timeout.connect(self._follow_row)
        self._counting = QTimer(self, singleShot=True, interval=_SOON)
        self._counting.timeout.connect(self._show_count)
        self._arriving = QTimer(self, singleShot=True, interval=_SOON)
        self._arriving.timeout.connect(self._show_count)
        self._connect()
        self.setAccessibleName("Compare")
        self._show_axes()

    def _connect(self) -> None:
        session, header = self._session, self.header
        header.axes_chosen.connect(self._choose_axes)
        header.rows.option_chosen.connect(lambda key: self._choose_axes(key, session.grid.columns))
        header.columns.option_chosen.connect(lambda key: self._choose_axes(session.grid.rows, key))
        for field in (header.rows, header.columns):
            field.values_typed.connect(self._type_values)
        header.decode.clicked.connect(self.decode_requested)
        header.order.activated.connect(lambda _: self._arrange())
        header.filter.textChanged.connect(lambda _: self._arrange())
        header.size_slider.valueChanged.connect(self.view.set_side)
        header.consistency.toggled.connect(self.strip.setVisible)
        header.consistency.toggled.connect(lambda _: self._show_consistency())
        self.view.opened.connect(self.open_large)
        self.view.row_chosen.connect(lambda _: self._settling.start())
        self.view.menu_wanted.connect(self._open_menu)
        self.view.dragged.connect(self._drag)
        self.model.modelReset.connect(self._show_state)
        self.model.modelReset.connect(self._choose_first)
        session.grid.axes_changed.connect(self._show_axes)
        session.trial_changed.connect(self._show_trial)
        session.grid.changed.connect(self._counting.start)
        session.collection.added.connect(self._count_soon)
        session.collection.added.connect(self._show_consistency)

    # -- what is shown -----------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Follow the session while the page is seen (called by Qt)."""
        super().showEvent(event)
        self.model.set_active(True)
        self._show_state()
        self._choose_first()

    def hideEvent(self, event: QHideEvent) -> None:
        """Leave the session alone (called by Qt)."""
        super().hideEvent(event)
        self.model.set_active(False)

    def take_focus(self) -> None:
        """Give the keyboard to the grid."""
        self.view.samples.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_stimulus(self, shown: bool) -> None:
        """Cover every sample by its stimulus, or uncover it."""
        self.view.show_stimuli(shown)

    def _choose_first(self) -> None:
        if self.model.rows and self.model.columns and not self.view.current.isValid():
            self.view.go_to(0, 1)
        self._show_trial()

    def _show_trial(self) -> None:
        """Go to the row of the session's trial, wherever it was chosen."""
        grid, trial, current = self._session.grid, self._session.trial, self.view.current
        if grid.rows == "trial" and trial is not None and trial.index in self.model.rows:
            row = self.model.rows.index(trial.index)
            if row != current.row() and self.model.columns:
                self.view.go_to(row, max(current.column(), 1))
        self._settling.stop()  # nobody chose this row: the session need not follow
        self._show_consistency()

    def _show_axes(self) -> None:
        grid = self._session.grid
        for field, option in ((self.header.rows, grid.rows), (self.header.columns, grid.columns)):
            field.show_axis(grid.axis(option), grid.typed.get(option, ""))
        self._show_state()

    def _count_soon(self) -> None:
        if not self._arriving.isActive():  # samples that come quickly must not put it off
            self._arriving.start()

    def _show_state(self) -> None:
        if not self.isVisible():
            return
        grid = self._session.grid
        if len(grid.axis(grid.rows).values) * len(grid.axis(grid.columns).values) > _AT_ONCE:
            self._show_reason()
            self._counting.start()  # which would be felt at every key of the filter
        else:
            self._show_count()

    def _show_reason(self) -> None:
        """Show the grid, or why there is none."""
        why = self._why_empty()
        self.empty.setText(why)
        self._stack.setCurrentWidget(self.empty if why else self.view)

    def _show_count(self) -> None:
        if not self.isVisible():
            return
        session, model = self._session, self.model
        missing = count_samples(session.grid.missing())
        cells = len(model.rows) * len(model.columns)
        done = count_samples(session.grid.drawn(model.rows))
        rows = counted(len(model.rows), "row")
        text = self._complaint or f"{rows} · {done:,} of {cells:,} decoded"
        self.header.show_count(missing, text)
        self._show_reason()

    def _why_empty(self) -> str:
        if self._session.subject is None:
            return "Open a subject to compare what is decoded from it"
        if not self.model.rows and (self.header.filter.text() or self.header.order.currentData()):
            return "No row matches; empty the filter"
        return "" if self.model.rows and self.model.columns else "Nothing to show along an axis"

    def _show_consistency(self) -> None:
        row = self.view.current.row()
        if self.strip.isHidden() or not 0 <= row < len(self.model.rows):
            return
        value = self.model.rows[row]
        self.strip.show_row(self.model.row_label(value), self._drawn(row))

    def _drawn(self, row: int) -> list[Drawn]:
        found = [
            self.model.drawn_at(self.model.index(row, column))
            for column in range(1, self.model.columnCount())
        ]
        return [each for each in found if each is not None]

    # -- choosing ----------------------------------------------------------------------------

    def _choose_axes(self, rows: str, columns: str) -> None:
        grid = self._session.grid
        if self._accepted(lambda: grid.set_axes(rows, columns)) and "model" in (rows, columns):
            grid.models.load(grid.axis("model").values)
        self._show_axes()

    def _type_values(self, option: str, text: str) -> None:
        self._accepted(lambda: self._session.grid.set_values(option, text))

    def _arrange(self) -> None:
        self._complaint = ""
        try:
            self.model.arrange(self.header.order.currentData(), self.header.filter.text())
        except RequestError as error:
            self._complaint = str(error)  # beside the field: half a condition is no failure yet
        self._show_state()

    def _accepted(self, change: Any) -> bool:
        """Make a change; what makes no sense is one line in the status bar."""
        try:
            change()
        except RequestError as error:
            self._session.problem.emit(str(error))
            return False
        self.accepted.emit()
        return True

    def _follow_row(self) -> None:
        """Go over to the trial of the chosen row, so that brain and options show it, too."""
        row = self.view.current.row()
        if 0 <= row < len(self.model.rows) and self._session.grid.rows == "trial":
            self._session.set_trial(self.model.rows[row])
        self._show_consistency()

    # -- acting ------------------------------------------------------------------------------

    @property
    def large(self) -> LargeView:
        """The large view, over the whole window."""
        if self._large is None or self._large.parentWidget() is not self.window():
            self._large = LargeView(self.window())
        return self._large

    def open_large(self, index: QModelIndex) -> None:
        """Show a sample large, once its row is read; keys walk through that."""
        subject = self._session.subject
        if not index.isValid() or subject is None:
            return
        trial = self.model.trial(self.model.rows[index.row()])
        samples: list[RowSample] = []
        for column in range(1, self.model.columnCount()):
            at = self.model.index(index.row(), column)
            drawn = self.model.drawn_at(at)
            if drawn is not None:
                content = self.model.content(at)
                header = self.model.headerData(column, Qt.Orientation.Horizontal)
                title = content.title or str(header)
                chosen = column == index.column()
                samples.append(RowSample(drawn, title, content.note, chosen))
        asked = self._asked = object()

        def show(read: tuple[list[Picture], int]) -> None:
            pictures, chosen = read
            if asked is not self._asked or not pictures or not self.isVisible():
                return  # another row was asked for meanwhile, or there is nothing to see
            focus = self.view.samples.setFocus
            self.large.closed.connect(focus, Qt.ConnectionType.SingleShotConnection)
            self.large.open(pictures, chosen)

        self._session.jobs.soon(lambda: read_row(subject, trial, samples), "Reading samples", show)

    def draw_again(self) -> None:
        """Draw another seed into the chosen cell."""
        index = self.view.current
        if index.isValid() and index.column() > 0:
            row, column = self.model.rows[index.row()], self.model.columns[index.column() - 1]
            self._session.grid.draw_again(row, column)

    def _drag(self, index: QModelIndex) -> None:
        drawn = self.model.drawn_at(index)
        if drawn is not None:
            drag_sample(self, drawn, self._session.problem.emit)

    def _open_menu(self, index: QModelIndex, position: QPoint) -> None:
        menu = self.menu(index)
        if menu is not None:
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(position)

    def menu(self, index: QModelIndex) -> QMenu | None:
        """Return what can be done with a cell; None for the stimulus or outside."""
        cell = self.model.cell_at(index)
        if cell is None:
            return None
        menu, drawn = QMenu(self), self.model.drawn_at(index)
        again = menu.addAction("Draw again with another seed", self.draw_again)
        again.setEnabled(cell.options is not None and self._session.decoder is not None)
        if drawn is not None:
            menu.addAction("Open large", lambda: self.open_large(index))
            menu.addAction("Copy", lambda: self._copy(drawn))
            menu.addAction("Save PNG…", lambda: self.save_requested.emit(drawn))
        elif cell.options is not None:
            options = cell.options
            menu.addAction("Decode", lambda: self._session.grid.start([SampleBlock.of(options)]))
        return menu

    def _copy(self, drawn: Drawn) -> None:
        self._session.jobs.soon(drawn.picture, "Reading the sample", _to_clipboard)


def _to_clipboard(image: ImageArray | None) -> None:
    if image is not None:
        QGuiApplication.clipboard().setImage(to_qimage(image))
