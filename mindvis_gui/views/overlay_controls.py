"""What is laid over the anatomy: which overlay, its range, threshold and opacity."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QSlider,
    QToolButton,
    QWidget,
)

from mindvis_gui.views.overlay import diverging_colours
from mindvis_gui.views.theme import muted

REGIONS, RESPONSE, BOTH, ERROR, NONE = "regions", "response", "both", "error", "none"
_NAMES = {
    REGIONS: "regions",
    RESPONSE: "response",
    BOTH: "both",
    ERROR: "error",
    NONE: "none",
}
_HINTS = {
    REGIONS: "Visible regions in their colours",
    RESPONSE: "Response of the chosen trial",
    BOTH: "Response of the chosen trial, visible regions outlined",
    ERROR: "Recovery error: recovered minus true normalised response, where patches are masked",
    NONE: "Anatomy alone",
}


class OverlayControls(QWidget):
    """Chooses the overlay; the colour bar opens its range, threshold and opacity."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scales = dict.fromkeys((RESPONSE, ERROR), (3.0, ""))
        self.kind = QComboBox()
        self.kind.setAccessibleName("Overlay")
        self.kind.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.kind.setMinimumContentsLength(9)
        self.kind.setToolTip("Overlay on the anatomy")
        for place, (key, name) in enumerate(_NAMES.items()):
            self.kind.addItem(name, key)
            self.kind.setItemData(place, _HINTS[key], Qt.ItemDataRole.ToolTipRole)
        self.bar = _ColourBar()
        self.bar.clicked.connect(self._open_options)

        self._options = QFrame(self, Qt.WindowType.Popup)
        self._options.setFrameShape(QFrame.Shape.StyledPanel)
        self.limit = _spin("Range: colours end at plus and minus this value", 0.01, 1e6)
        self.threshold = _spin("Values nearer to zero than this are not coloured", 0.0, 1e6)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(70)
        self.opacity.setAccessibleName("Opacity of the overlay in per cent")
        self.radiological = QCheckBox("radiological (left of the brain on the right)")
        form = QFormLayout(self._options)
        form.addRow("Range ±", self.limit)
        form.addRow("Threshold", self.threshold)
        form.addRow("Opacity", self.opacity)
        form.addRow(self.radiological)

        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self.kind)
        row.addWidget(self.bar)

        self.kind.currentIndexChanged.connect(self._show_scale)
        for signal in (
            self.limit.valueChanged,
            self.threshold.valueChanged,
            self.opacity.valueChanged,
            self.radiological.toggled,
        ):
            signal.connect(self._changed)

    def set_scales(self, response: tuple[float, str], error: tuple[float, str]) -> None:
        """Begin with ranges (± limit, unit) of the response and of its recovery error."""
        self._scales = {RESPONSE: response, ERROR: error}
        self._show_scale()

    def choose(self, kind: str) -> None:
        """Choose the overlay `kind`."""
        self.kind.setCurrentIndex(self.kind.findData(kind))

    @property
    def chosen(self) -> str:
        """Which overlay is chosen."""
        return str(self.kind.currentData())

    @property
    def _scale(self) -> str:
        return ERROR if self.chosen == ERROR else RESPONSE

    def _show_scale(self) -> None:
        limit, self.bar.unit = self._scales[self._scale]
        with QSignalBlocker(self.limit):
            self.limit.setValue(limit)
        self._changed()

    def _changed(self) -> None:
        self._scales[self._scale] = self.limit.value(), self.bar.unit
        self.threshold.setMaximum(self.limit.value())
        self.bar.limit, self.bar.threshold = self.limit.value(), self.threshold.value()
        self.bar.has_scale = self.chosen in (RESPONSE, BOTH, ERROR)
        self.bar.opacity = self.opacity.value()
        self.bar.updateGeometry()
        self.bar.update()
        self.changed.emit()

    def _open_options(self) -> None:
        self._options.adjustSize()
        corner = self.bar.mapToGlobal(QPoint(self.bar.width(), self.bar.height() + 2))
        self._options.move(corner - QPoint(self._options.width(), 0))
        self._options.show()
        self.limit.setFocus()


class _ColourBar(QToolButton):
    """A button that shows the range of the overlay with its unit."""

    def __init__(self) -> None:
        super().__init__()
        self.limit, self.threshold, self.unit = 3.0, 0.0, ""
        self.has_scale = False
        self.opacity = 0
        self.setProperty("kind", "quiet")
        self.setAccessibleName("Range, threshold and opacity of the overlay")
        self.setToolTip("Range, threshold, opacity and orientation")

    def sizeHint(self) -> QSize:
        """Return room for the range and a bar."""
        return QSize(128 if self.has_scale else 96, self.fontMetrics().height() + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the range; what the threshold hides is left out of the bar."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(muted(self))
        area, align = self.rect().adjusted(6, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter
        if not self.has_scale:
            painter.drawText(
                area, align | Qt.AlignmentFlag.AlignHCenter, f"opacity {self.opacity} %"
            )
            return
        low, high = f"−{self.limit:g}", f"{self.limit:g} {self.unit}"
        painter.drawText(area, align | Qt.AlignmentFlag.AlignLeft, low)
        painter.drawText(area, align | Qt.AlignmentFlag.AlignRight, high)
        metrics = self.fontMetrics()
        left = area.left() + metrics.horizontalAdvance(low) + 5
        right = area.right() - metrics.horizontalAdvance(high) - 5
        box = QRectF(left, area.center().y() - 3.5, max(right - left, 1), 8)
        gradient = QLinearGradient(box.topLeft(), box.topRight())
        positions = np.linspace(-1, 1, 21, dtype=np.float32)
        for position, colour in zip(positions, diverging_colours(positions), strict=True):
            gradient.setColorAt((float(position) + 1) / 2, QColor(*colour.tolist()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(box, 2, 2)
        hidden = box.width() * min(self.threshold / self.limit, 1.0)
        painter.fillRect(
            QRectF(box.center().x() - hidden / 2, box.top(), hidden, box.height()),
            self.palette().color(self.backgroundRole()),
        )


def _spin(name: str, low: float, high: float) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setRange(low, high)
    spin.setDecimals(2)
    spin.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
    spin.setAccessibleName(name)
    spin.setToolTip(name)
    return spin
