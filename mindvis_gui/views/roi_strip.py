"""The responses of the voxels, region by region: what is drawn where no positions are known."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QToolTip, QWidget

from mindvis_gui.data.subject import FloatArray, ImageArray, Subject
from mindvis_gui.session.overlays import Look
from mindvis_gui.views.colour_maps import value_colours
from mindvis_gui.views.overlay import region_labels
from mindvis_gui.views.theme import GAP, SWATCH, muted, roi_colours

_ROW, _BAND = 20, 12  # pixels


class RoiStrip(QWidget):
    """One row a region: its colour and name, its voxels in the order of the vector, how many."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[str, QColor, FloatArray]] = []  # region, colour, values
        self._look = Look()
        self.setAccessibleName("Responses by region")

    def show_response(self, subject: Subject | None, values: FloatArray | None, look: Look) -> None:
        """Draw one value a voxel (n_voxels,); only the regions where there are none."""
        self._look = look
        self._rows = []
        if subject is not None:
            values = np.full(subject.n_voxels, np.nan, np.float32) if values is None else values
            colours = roi_colours(subject)
            self._rows = [(r.name, colours[r.name], values[r.voxels]) for r in subject.rois]
            named = frozenset(roi.name for roi in subject.rois)
            rest = values[region_labels(subject, named)[:-1] == 0]
            if rest.size:
                name = "no region" if subject.rois else "all voxels"
                self._rows.append((name, muted(self), rest))
        self.setAccessibleDescription(", ".join(self._description(row) for row in self._rows))
        self.setMinimumHeight(len(self._rows) * _ROW)
        self.updateGeometry()
        self.update()

    @staticmethod
    def _description(row: tuple[str, QColor, FloatArray]) -> str:
        return f"{row[0]}: {row[2].size:,} voxels"

    def sizeHint(self) -> QSize:
        """Return room for every row (called by Qt)."""
        return QSize(320, len(self._rows) * _ROW)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the rows that are in sight (called by Qt)."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        metrics = self.fontMetrics()
        names = max((metrics.horizontalAdvance(name) for name, _, _ in self._rows), default=0)
        names = min(names + 2, self.width() // 4)  # a little more, or rounding cuts the longest
        left = SWATCH + GAP + names + GAP
        right = self.width() - metrics.horizontalAdvance("99,999") - GAP
        text = self.palette().windowText().color()
        middle = Qt.AlignmentFlag.AlignVCenter
        for number, (name, colour, values) in enumerate(self._rows):
            top = number * _ROW
            if not event.rect().intersects(QRectF(0, top, self.width(), _ROW).toAlignedRect()):
                continue
            painter.fillRect(QRectF(0, top + (_ROW - SWATCH) / 2, SWATCH, SWATCH), colour)
            painter.setPen(text)
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, names)
            painter.drawText(QRectF(SWATCH + GAP, top, names, _ROW), middle, shown)
            painter.setPen(muted(self))
            count = QRectF(right, top, self.width() - right, _ROW)
            painter.drawText(count, middle | Qt.AlignmentFlag.AlignRight, f"{values.size:,}")
            band = QRectF(left, top + (_ROW - _BAND) / 2, max(right - left, 1), _BAND)
            draw_band(painter, band, values, self._look)

    def event(self, event: QEvent) -> bool:
        """Name the region under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            number = event.pos().y() // _ROW
            row = self._rows[number : number + 1]
            QToolTip.showText(event.globalPos(), self._description(row[0]) if row else "", self)
            return True
        return super().event(event)


def draw_band(painter: QPainter, band: QRectF, values: FloatArray, look: Look) -> None:
    """Draw `values` (n,) as colours from left to right; nothing where they are NaN."""
    ratio = painter.device().devicePixelRatioF()
    size = (band.size() * ratio).toSize()
    colours: ImageArray = np.ascontiguousarray(value_colours(values, look))
    form = QImage.Format.Format_RGBA8888_Premultiplied
    row = QImage(colours.data, values.size, 1, 4 * values.size, form)
    # Scaled by hand: the painter's own scaling drops voxels where there are more than pixels.
    smooth = Qt.TransformationMode.SmoothTransformation
    fast = Qt.TransformationMode.FastTransformation
    scaled = row.scaled(
        size, Qt.AspectRatioMode.IgnoreAspectRatio, smooth if values.size > size.width() else fast
    )
    painter.drawImage(band, scaled)
