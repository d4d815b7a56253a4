"""The range of an overlay over the histogram of its values, to drag."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter

from mindvis_gui.data.subject import FloatArray
from mindvis_gui.session.overlays import Look
from mindvis_gui.views.colour_bar import paint_colours
from mindvis_gui.views.number_axis import NumberAxis
from mindvis_gui.views.theme import accent, muted, smaller

_BINS = 64
_HEIGHT = 92
_STRIP = 8  # pixels of the colours beneath


class RangeView(pg.PlotWidget):
    """Shows how often values are, between which ones colours run, and which are not drawn.

    The shaded region and its edges are the ends of the colours; the dashed handles clip.
    """

    edited = Signal(object)  # Look

    def __init__(self) -> None:
        super().__init__(enableMenu=False, axisItems={"bottom": NumberAxis("bottom")})
        self._look = Look()
        self._values: FloatArray | None = None
        self.setFixedHeight(_HEIGHT)
        for part in (self.viewport(), self):
            part.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the fields beside it are for the keyboard
        self.setAccessibleName("Histogram of the overlay with handles for range and clipping")
        plot = self.getPlotItem()
        plot.hideButtons()
        plot.hideAxis("left")
        plot.setMouseEnabled(x=False, y=False)
        plot.layout.setContentsMargins(0, 0, 0, 0)
        self._view = plot.getViewBox()
        self._view.setDefaultPadding(0)
        self._bars = pg.PlotCurveItem(fillLevel=0)
        self.region = pg.LinearRegionItem(swapMode="block")
        self.clips = [pg.InfiniteLine(angle=90, movable=True) for _ in range(2)]
        for item in (self._bars, self.region, *self.clips):
            self._view.addItem(item, ignoreBounds=True)
        self.region.sigRegionChanged.connect(self._edit)
        for line in self.clips:
            line.sigPositionChanged.connect(self._edit)
        self._colour()

    def show_values(self, values: FloatArray, look: Look) -> None:
        """Show the histogram of `values` (n,), and the handles of `look`."""
        self._look = look
        if values is not self._values:
            self._values = values
            self._draw_bars(values)
        low, high = self._ends(values)
        self._view.setXRange(low, high, padding=0)
        clips = (max(look.clip_low, low), min(look.clip_high, high))
        blocked = [self.region, *self.clips]
        for item in blocked:
            item.blockSignals(True)
        self.region.setRegion((look.low, look.high))
        for line, value in zip(self.clips, clips, strict=True):
            line.setBounds((low, high))
            line.setValue(value)
        for item in blocked:
            item.blockSignals(False)
        self.viewport().update()

    def _ends(self, values: FloatArray) -> tuple[float, float]:
        """Return the ends of the axis: of the values and the range, with a little air."""
        ends = [self._look.low, self._look.high]
        if values.size:
            ends += [float(values.min()), float(values.max())]
        air = 0.04 * max(max(ends) - min(ends), 1e-6)
        return min(ends) - air, max(ends) + air

    def _draw_bars(self, values: FloatArray) -> None:
        if not values.size or values.min() == values.max():
            self._bars.clear()
            return
        counts, edges = np.histogram(values, bins=_BINS)
        heights = np.sqrt(counts)  # rare values are seen, too
        self._bars.setData(edges, heights, stepMode="center")
        self._view.setYRange(0, 1.05 * float(heights.max()), padding=0)

    def _edit(self) -> None:
        low, high = self.region.getRegion()
        first, second = sorted(line.value() for line in self.clips)
        left, right = self._view.viewRange()[0]
        near = 0.005 * (right - left)  # a handle at the end of the axis clips nothing
        look = replace(
            self._look,
            low=float(low),
            high=float(high),
            clip_low=float(first) if first > left + near else -np.inf,
            clip_high=float(second) if second < right - near else np.inf,
        )
        self.edited.emit(look)

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Draw the colours under the range."""
        ends = [
            self._view.mapViewToScene(pg.Point(x, 0)) for x in (self._look.low, self._look.high)
        ]
        left, right = (self.mapFromScene(end).x() for end in ends)
        painter.save()
        painter.resetTransform()
        bottom = self.mapFromScene(ends[0]).y()
        paint_colours(painter, QRectF(left, bottom - _STRIP, right - left, _STRIP), self._look)
        painter.restore()

    def _colour(self) -> None:
        grey, strong = muted(self), accent(self)
        self.setBackground(None)
        axis = self.getPlotItem().getAxis("bottom")
        axis.setTextPen(grey)
        axis.setPen(grey)
        font = smaller(self.font(), 0.8)
        axis.setStyle(tickFont=font, tickLength=-3)
        veil = QColor(strong)
        veil.setAlpha(40)
        self._bars.setBrush(grey)
        self._bars.setPen(None)
        self.region.setBrush(veil)
        self.region.setHoverBrush(veil)
        for line in self.region.lines:
            line.setPen(pg.mkPen(strong, width=2))
            line.setHoverPen(pg.mkPen(strong, width=3))
        for line in self.clips:
            line.setPen(pg.mkPen(grey, width=2, style=Qt.PenStyle.DashLine))
            line.setHoverPen(pg.mkPen(strong, width=2, style=Qt.PenStyle.DashLine))

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "clips"):
            self._colour()
