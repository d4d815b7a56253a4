"""What is laid over the brain: order, visibility, and the look of the chosen overlay."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPixmap, QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QSlider,
    QWidget,
)

from mindvis_gui.data.subject import FloatArray
from mindvis_gui.session import Session
from mindvis_gui.session.overlays import ANATOMY, COLOUR_MAPS, REGIONS, Look, Overlay
from mindvis_gui.views.buttons import icon_button, push_button
from mindvis_gui.views.colour_bar import paint_colours
from mindvis_gui.views.fields import DecimalField
from mindvis_gui.views.icons import icon
from mindvis_gui.views.overlay_list import OverlayList
from mindvis_gui.views.range_view import RangeView
from mindvis_gui.views.theme import GAP, label, label_of, panel_column, tight

_SWATCH = QSize(44, 12)
_GREY_LEVELS = np.arange(256, dtype=np.float32)


class OverlayPanel(QScrollArea):
    """Edits the list of overlays and how the chosen one is drawn."""

    file_wanted = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._source: NDArray[np.generic] | None = None
        self._finite = _GREY_LEVELS
        self.list = OverlayList(session)
        self.add = push_button("Add NIfTI file…", "Add a NIfTI file as an overlay")
        self.remove = icon_button(icon("trash"), "Take the chosen overlay off the list")
        self._name = label(kind="strong")
        self._name.setMinimumWidth(1)  # a file's name may be longer than the panel is wide
        self._note = label(kind="caption", wrap=True)
        self.colour_map = QComboBox()
        self.colour_map.setAccessibleName("Colour map of the overlay")
        self.colour_map.setIconSize(_SWATCH)
        for name in COLOUR_MAPS:
            self.colour_map.addItem(_swatch(name), name, name)
        self.range = RangeView()
        self.low, self.high = _spin("Low end of the colours"), _spin("High end of the colours")
        self.clip_low = _spin("Values below are not drawn", "none")
        self.clip_high = _spin("Values above are not drawn", "none")
        self.threshold = _spin("Values nearer to zero are not drawn")
        self.threshold.setMinimum(0)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setAccessibleName("Opacity of the overlay in per cent")
        self.outlined = QCheckBox("outlines alone")
        self.outlined.setToolTip("Draw the borders of regions, so that what lies beneath is seen")
        self._lay_out()
        self._connect()
        self.refresh()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.add, 1)
        buttons.addWidget(self.remove)
        ends, clips = (_pair(*pair) for pair in (
            (self.low, self.high), (self.clip_low, self.clip_high)
        ))  # fmt: skip
        self._numbers = QWidget()
        form = tight(QGridLayout(self._numbers))
        form.setVerticalSpacing(5)
        form.setColumnStretch(1, 1)
        form.addWidget(label_of(self.colour_map, "Colours"), 0, 0)
        form.addWidget(self.colour_map, 0, 1)
        form.addWidget(self.range, 1, 0, 1, 2)
        form.addWidget(label("Range"), 2, 0)
        form.addLayout(ends, 2, 1)
        self._clip_label, self._threshold_label = (
            label("Clip"),
            label_of(self.threshold, "Threshold"),
        )
        form.addWidget(self._clip_label, 3, 0)
        form.addLayout(clips, 3, 1)
        form.addWidget(self._threshold_label, 4, 0)
        form.addWidget(self.threshold, 4, 1)
        strength = QHBoxLayout()
        strength.addWidget(label_of(self.opacity, "Opacity"))
        strength.addWidget(self.opacity, 1)
        self._page = page = QWidget()
        column = panel_column(page)
        column.addWidget(self.list)
        column.addLayout(buttons)
        column.addSpacing(GAP)
        column.addWidget(self._name)
        column.addWidget(self._note)
        column.addWidget(self._numbers)
        column.addLayout(strength)
        column.addWidget(self.outlined)
        column.addStretch()
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(page)

    def _connect(self) -> None:
        self.add.clicked.connect(self.file_wanted)
        self.remove.clicked.connect(lambda: self._session.overlays.remove(self._chosen().key))
        self.colour_map.activated.connect(
            lambda: self._edit(colour_map=self.colour_map.currentData())
        )
        self.range.edited.connect(lambda look: self._set(look))
        self.low.valueChanged.connect(lambda value: self._edit(low=value))
        self.high.valueChanged.connect(lambda value: self._edit(high=value))
        self.clip_low.valueChanged.connect(
            lambda value: self._edit(clip_low=_open(self.clip_low, value, -np.inf))
        )
        self.clip_high.valueChanged.connect(
            lambda value: self._edit(clip_high=_open(self.clip_high, value, np.inf))
        )
        self.threshold.valueChanged.connect(lambda value: self._edit(threshold=value))
        self.opacity.valueChanged.connect(lambda value: self._edit(opacity=value / 100))
        self.outlined.toggled.connect(lambda on: self._edit(outlined=on))
        self._session.overlays.changed.connect(self.refresh)

    def _chosen(self) -> Overlay:
        overlays = self._session.overlays
        return overlays.find(overlays.chosen) or Overlay("", "")

    def _edit(self, **changes: object) -> None:
        self._set(replace(self._chosen().look, **changes))  # type: ignore[arg-type]

    def _set(self, look: Look) -> None:
        self._session.overlays.set_look(self._chosen().key, look)

    def minimumSizeHint(self) -> QSize:
        """Get by with a part of the height, but not of the width (called by Qt)."""
        inside, bar = self._page.minimumSizeHint(), self.verticalScrollBar().sizeHint()
        return QSize(inside.width() + bar.width(), super().minimumSizeHint().height())

    # -- showing -----------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what changed while nobody looked (called by Qt)."""
        super().showEvent(event)
        self.refresh()

    def refresh(self) -> None:
        """Show the look of the chosen overlay."""
        if not self.isVisible():
            return
        overlay = self._chosen()
        look, has_range = overlay.look, overlay.has_values or overlay.key == ANATOMY
        self.setEnabled(bool(self._session.overlays.items))
        self.add.setEnabled(self._session.brain.grid is not None)  # else nothing could show it
        self._name.setText(overlay.name)
        self._name.setToolTip(overlay.name)
        self._note.setText(overlay.note)
        self._note.setVisible(bool(overlay.note))
        self.remove.setEnabled(overlay.removable)
        self._numbers.setVisible(has_range)
        self.outlined.setVisible(overlay.key == REGIONS)
        for part in (self._clip_label, self.clip_low, self.clip_high,
                     self._threshold_label, self.threshold):  # fmt: skip
            part.setVisible(overlay.has_values)
        self._show_numbers(look)
        self.updateGeometry()
        if has_range:
            self.range.show_values(self._values_of(overlay), look)

    def _values_of(self, overlay: Overlay) -> FloatArray:
        """Return what the histogram is made of, the same array while the values stay the same."""
        source = overlay.values if overlay.volume is None else overlay.volume.data
        if source is None:
            return _GREY_LEVELS
        if source is not self._source:
            self._source, self._finite = source, overlay.finite
        return self._finite

    def _show_numbers(self, look: Look) -> None:
        numbers = (
            (self.low, look.low),
            (self.high, look.high),
            (self.clip_low, _closed(self.clip_low, look.clip_low)),
            (self.clip_high, _closed(self.clip_high, look.clip_high)),
            (self.threshold, look.threshold),
        )
        for field, value in numbers:
            with QSignalBlocker(field):
                field.setValue(value)
        with QSignalBlocker(self.opacity), QSignalBlocker(self.outlined):
            self.opacity.setValue(round(100 * look.opacity))
            self.outlined.setChecked(look.outlined)
        self.colour_map.setCurrentIndex(self.colour_map.findData(look.colour_map))


def _spin(name: str, special: str = "") -> DecimalField:
    spin = DecimalField()
    spin.setRange(-1e6, 1e6)
    spin.setDecimals(3)
    spin.setStepType(DecimalField.StepType.AdaptiveDecimalStepType)
    spin.setKeyboardTracking(False)
    spin.setSpecialValueText(special)
    spin.setMinimumWidth(64)
    spin.setAccessibleName(name)
    spin.setToolTip(name)
    return spin


def _pair(first: QWidget, second: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(4)
    row.addWidget(first, 1)
    row.addWidget(label("to"))
    row.addWidget(second, 1)
    return row


def _open(spin: DecimalField, value: float, none: float) -> float:
    """Return the limit that a field shows: its lowest value stands for no limit."""
    return none if value == spin.minimum() else value


def _closed(spin: DecimalField, value: float) -> float:
    return value if np.isfinite(value) else spin.minimum()


def _swatch(name: str) -> QIcon:
    pixmap = QPixmap(_SWATCH * 2)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint_colours(painter, QRectF(0, 0, _SWATCH.width(), _SWATCH.height()), Look(name))
    painter.end()
    return QIcon(pixmap)
