"""Horizontal bars, one a region, with intervals and the lines that they are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QSizePolicy

from mindvis_gui.views.number_axis import NumberAxis
from mindvis_gui.views.theme import muted, rule, smaller

_ROW = 21  # pixels a bar
_AXIS = 46  # pixels of the axis beneath
_NAMES = 62  # pixels of the names at the left, at least
_WIDEST, _AIR = 110, 10  # likewise, at most, and what of it is free
_THICKNESS = 0.62  # of a row
_FARTHEST = 2.5  # ranges of the bars that the dashed line may lie away and still be in view
_NOTHING = 1e-9  # a change that only rounding makes
_CAP = 0.16  # of a row, half the end of a whisker


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Attributes
    ----------
    name : str
    value : float
    interval : (float, float) or None
        Drawn as a whisker.
    colour : QColor or None
        None is the grey of captions.
    """

    name: str
    value: float
    interval: tuple[float, float] | None = None
    colour: QColor | None = None


class EffectPlot(pg.PlotWidget):
    """Draws bars from 0, the zero line, and a dashed line where chance is; a click chooses."""

    chosen = Signal(str)

    def __init__(self) -> None:
        self._values = NumberAxis("bottom")
        super().__init__(enableMenu=False, axisItems={"bottom": self._values})
        self.bars: tuple[Bar, ...] = ()
        self._chosen = ""
        plot = self.getPlotItem()
        plot.hideButtons()
        plot.setMouseEnabled(x=False, y=False)
        plot.layout.setContentsMargins(0, 0, 0, 0)
        self._view = plot.getViewBox()
        self._view.invertY(True)
        self._view.disableAutoRange()
        for side in ("left", "bottom"):
            plot.getAxis(side).enableAutoSIPrefix(False)
        self._items: list[object] = []
        self._unit, self._floor = "", float("nan")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for part in (self.viewport(), self):
            part.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the table beside it is for the keyboard
        self.show_bars((), "")

    def show_bars(
        self,
        bars: Sequence[Bar],
        unit: str,
        floor: float = float("nan"),
        chosen: str = "",
        *,
        of_coefficients: bool = False,
    ) -> None:
        """Show other bars.

        Parameters
        ----------
        bars : sequence of Bar
        unit : str
            Written under the axis.
        floor : float
            Where the dashed line stands; NaN for none. Far from all bars it is out of view.
        chosen : str
            Name of the bar that stands out.
        of_coefficients : bool
            Whether values are written as correlations are: −.05.
        """
        self._values.of_coefficients = of_coefficients
        self.bars, self._unit, self._floor, self._chosen = tuple(bars), unit, floor, chosen
        self.setFixedHeight(_ROW * max(len(bars), 1) + _AXIS)
        described = ", ".join(f"{bar.name} {bar.value:.3g}" for bar in bars)
        self.setAccessibleDescription(described)
        self._draw()

    def _draw(self) -> None:
        for item in self._items:
            self._view.removeItem(item)
        self._items = []
        self._set_axes()
        ends = [0.0]
        for row, bar in enumerate(self.bars):
            colour = QColor(bar.colour or muted(self))
            colour.setAlpha(255 if bar.name == self._chosen or not self._chosen else 165)
            self._add(
                pg.BarGraphItem(
                    x0=[min(bar.value, 0.0)], x1=[max(bar.value, 0.0)], y=[row],
                    height=_THICKNESS, brush=colour, pen=None,
                )
            )  # fmt: skip
            ends += [bar.value, *(bar.interval or ())]
        self._add_whiskers()
        self._add_line(0.0, Qt.PenStyle.SolidLine)
        low, high = min(ends), max(ends)
        if np.isfinite(self._floor):
            self._add_line(self._floor, Qt.PenStyle.DashLine)
            if abs(self._floor) < _FARTHEST * (high - low):  # else the bars would shrink to nothing
                low, high = min(low, self._floor), max(high, self._floor)
        nothing = high - low < _NOTHING  # or rounding would be drawn as a change
        room = 0.05 if nothing else 0.06 * (high - low)
        self._view.setRange(
            xRange=(low - room, high + room), yRange=(-0.6, max(len(self.bars), 1) - 0.4), padding=0
        )

    def _set_axes(self) -> None:
        plot, text = self.getPlotItem(), self.palette().color(QPalette.ColorRole.WindowText)
        self.setBackground(self.palette().color(QPalette.ColorRole.Window))
        font = smaller(self.font(), 0.9)
        left, bottom = plot.getAxis("left"), plot.getAxis("bottom")
        widest = [self.fontMetrics().horizontalAdvance(bar.name) for bar in self.bars]
        left.setWidth(min(max([_NAMES, *(w + _AIR for w in widest)]), _WIDEST))
        # Names of an atlas begin alike; one that is wider than the axis would not be drawn at all.
        middle, metrics = Qt.TextElideMode.ElideMiddle, self.fontMetrics()
        names = [metrics.elidedText(bar.name, middle, _WIDEST - _AIR) for bar in self.bars]
        left.setTicks([list(enumerate(names))])
        left.setPen(pg.mkPen(None))
        left.setTextPen(text)
        left.setStyle(tickFont=font, tickLength=0, tickAlpha=0)
        bottom.setPen(rule(self))
        bottom.setTextPen(muted(self))
        bottom.setStyle(tickFont=font, tickLength=-3)
        bottom.setLabel(self._unit, **{"color": muted(self).name(), "font-size": "9pt"})

    def _add(self, item: object) -> None:
        self._view.addItem(item, ignoreBounds=True)
        self._items.append(item)

    def _add_whiskers(self) -> None:
        x: list[float] = []
        y: list[float] = []
        for row, bar in enumerate(self.bars):
            if bar.interval is not None:
                low, high = bar.interval
                x += [low, high, low, low, high, high]
                y += [row, row, row - _CAP, row + _CAP, row - _CAP, row + _CAP]
        if x:
            pen = pg.mkPen(self.palette().color(QPalette.ColorRole.WindowText), width=1)
            self._add(pg.PlotCurveItem(x, y, connect="pairs", pen=pen, antialias=False))

    def _add_line(self, at: float, style: Qt.PenStyle) -> None:
        pen = pg.mkPen(muted(self), width=1, style=style)
        self._add(pg.InfiniteLine(at, angle=90, pen=pen))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the bar under the mouse."""
        point = self._view.mapSceneToView(self.mapToScene(event.position().toPoint()))
        row = round(QPointF(point).y())
        if 0 <= row < len(self.bars):
            self.chosen.emit(self.bars[row].name)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Leave the picture where it is."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Leave the picture where it is."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let the panel scroll."""
        event.ignore()

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        closed = self.plotItem is None  # pyqtgraph drops it when the window closes
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_floor") and not closed:
            self._draw()
