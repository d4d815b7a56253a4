"""What stands above the grid of samples: its axes, order, filter, and how much of it is decoded."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QSlider, QToolButton, QVBoxLayout, QWidget

from mindvis_gui.session.axes import OPTIONS
from mindvis_gui.session.grid_order import SORTS
from mindvis_gui.views.axis_field import AxisField
from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.elided_label import ElidedLabel
from mindvis_gui.views.fields import choice, search_field
from mindvis_gui.views.grid_view import LARGEST, LEAST_AT_FIRST, SMALLEST
from mindvis_gui.views.theme import GAP, MARGIN, label_unseen
from mindvis_gui.views.wrap_layout import WrapLayout, keep_height

_LEAST = 110  # pixels of the filter, and of the count
# What people compare most, by name: rows and columns.
GRIDS = {
    "Trials × seeds": ("trial", "seed"),
    "Steps × samplers": ("steps", "sampler"),
    "Left-out regions × seeds": ("roi", "seed"),
    "Guidance × seeds": ("guidance", "seed"),
    "Mask ratios × seeds": ("mask", "seed"),
    "Models × the same seeds": ("seed", "model"),
    "Trials × left-out regions": ("trial", "roi"),
}


class CompareHeader(QWidget):
    """The fields and buttons; what they change is the page's to do."""

    axes_chosen = Signal(str, str)  # options of the rows and of the columns, both at once

    def __init__(self) -> None:
        super().__init__()
        options = tuple(OPTIONS)
        self.rows = AxisField("Rows", options)
        self.columns = AxisField("Columns", tuple(key for key in options if key != "trial"))
        self.grids = QToolButton()
        self.grids.setText("Grids ▾")
        self.grids.setAccessibleName("Grids")
        self.grids.setToolTip("Choose rows and columns at once")
        self.grids.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.grids)
        for name, axes in GRIDS.items():
            menu.addAction(name).triggered.connect(partial(self._choose, axes))
        self.grids.setMenu(menu)
        self.decode = push_button("Decode", "Decode missing samples")
        self.decode.setToolTip("Decode every cell that has no sample yet  (Ctrl+Shift+Return)")
        self.order = choice(SORTS, "Order of the rows")
        self.filter = search_field(
            "filter, such as animal r>.5",
            "Filter rows",
            "Words of label, category or number; "
            "scores with a number, such as r>.5 ssim>.3 rank<=3",
        )
        self.filter.setMinimumWidth(_LEAST)
        self.count = ElidedLabel(least=_LEAST)  # a number that is cut would be another one
        self.count.setProperty("kind", "count")
        self.count.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        self.size_slider.setRange(SMALLEST, LARGEST)
        self.size_slider.setValue(LEAST_AT_FIRST)
        self.size_slider.setFixedWidth(90)
        self.size_slider.setAccessibleName("Size of the pictures")
        self.size_slider.setToolTip("Size of the pictures")
        self.consistency = push_button("Consistency", "Consistency", checkable=True)
        self.consistency.setToolTip("Show how far the samples of the chosen row agree")
        self._lay_out()

    def _lay_out(self) -> None:
        above, beneath = WrapLayout(GAP, last_right=True), WrapLayout(GAP, last_right=True)
        rows: dict[WrapLayout, tuple[QWidget, ...]] = {
            above: (self.grids, self.rows, self.columns, self.decode),
            beneath: (self.order, self.filter, self.count, self.size_slider, self.consistency),
        }
        for row, widgets in rows.items():
            for widget in widgets:
                row.addWidget(widget)
        both = QVBoxLayout(self)
        both.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        both.setSpacing(6)
        both.addLayout(above)
        both.addLayout(beneath)
        label_unseen(self.order)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the rows that the width asks for (called by Qt)."""
        super().resizeEvent(event)
        keep_height(self)

    def show_count(self, missing: int, text: str) -> None:
        """Say how many samples are `missing`, and what the grid shows or why it does not."""
        self.decode.setText(f"Decode {missing:,}" if missing else "Decode")
        self.decode.setEnabled(missing > 0)
        self.count.setText(text)

    def _choose(self, axes: tuple[str, str]) -> None:
        self.axes_chosen.emit(*axes)
