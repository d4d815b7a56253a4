"""Three small slices with the regions, for a glance: no crosshair, no overlays."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.plane import Plane, planes
from mindvis_gui.data.subject import Subject
from mindvis_gui.views.overlay import region_labels, region_table
from mindvis_gui.views.theme import GAP, muted, roi_colours, smaller

_HEIGHT = 116
_OPACITY = 0.85


class RoiSlices(QWidget):
    """Sagittal, coronal and axial slice through the middle of the response."""

    def __init__(self) -> None:
        super().__init__()
        self._slices: list[tuple[Plane, QImage, QImage]] = []  # plane, anatomy, regions
        self.setFixedHeight(_HEIGHT)
        self.setAccessibleName("Regions on the brain")

    def show_regions(self, subject: Subject, grid: DisplayGrid) -> None:
        """Draw the regions of `subject` on its grid."""
        labels = region_labels(subject, frozenset(roi.name for roi in subject.rois))
        table = region_table(subject, labels, roi_colours(subject), _OPACITY)
        self._slices = []
        for plane in planes(grid.shape, grid.affine):
            at = grid.centre[plane.through]
            grey = np.ascontiguousarray(plane.slice(grid.anatomy, at)[::-1])
            colours = np.ascontiguousarray(table[plane.slice(grid.voxel_at, at)][::-1])
            self._slices.append((plane, _image(grey), _image(colours)))
        self.setAccessibleDescription(", ".join(roi.name for roi in subject.rois))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the slices side by side, on one scale (called by Qt)."""
        if not self._slices:
            return
        painter = QPainter(self)
        letters = self.fontMetrics().height()
        widths = [plane.extent[0] for plane, _, _ in self._slices]
        height = max(plane.extent[1] for plane, _, _ in self._slices)
        room = self.width() - GAP * (len(widths) - 1)
        scale = min(room / sum(widths), (self.height() - letters) / height)
        left = (room - scale * sum(widths)) / 2
        painter.setFont(smaller(self.font(), 0.85))
        for plane, anatomy, regions in self._slices:
            wide, high = (scale * mm for mm in plane.extent)
            target = QRectF(left, (self.height() - letters - high) / 2, wide, high)
            painter.fillRect(target, Qt.GlobalColor.black)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
            painter.drawImage(target, anatomy)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.drawImage(target, regions)
            painter.setPen(muted(self))
            below = QRectF(left, self.height() - letters, wide, letters)
            painter.drawText(below, Qt.AlignmentFlag.AlignCenter, plane.name)
            left += wide + GAP


def _image(pixels: np.ndarray) -> QImage:
    """Return a copy of grey levels (h, w) or colours (h, w, 4) that Qt owns."""
    height, width = pixels.shape[:2]
    grey = pixels.ndim == 2
    kind = QImage.Format.Format_Grayscale8 if grey else QImage.Format.Format_RGBA8888
    return QImage(pixels.data, width, height, pixels.strides[0], kind).copy()
