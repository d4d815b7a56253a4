"""The response vector, patch by patch: true signal, what is masked, and its recovery."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPalette, QPen, QWheelEvent
from PySide6.QtWidgets import QGraphicsRectItem

from mindvis_gui.data.subject import FloatArray
from mindvis_gui.session import Session
from mindvis_gui.views.announcing import announce
from mindvis_gui.views.theme import accent, muted, rule, smaller

AXIS_WIDTH = 46  # pixels left of the signal
_LEAST_RANGE = 1.0  # z, in which a flat response looks flat
_TALL = 1000.0  # z, beyond any response
_ZOOM = 1.2
_MIN_VOXELS = 64


class SignalStrip(pg.PlotWidget):
    """Shows the session's vector and mask; clicks pick a voxel, or paint while `painting` is on.

    Hovering, or Left and Right, choose a patch; Return paints it. Ctrl+wheel zooms, a double
    click shows everything.
    """

    painted = Signal(object, bool)  # patches, whether they are kept
    view_changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(enableMenu=False)
        self._session = session
        self.painting = False
        self._limit = _LEAST_RANGE
        self._stroke: set[int] = set()
        self._brushed = 0  # patch that the stroke has come to
        self._keeps = False
        plot = self.getPlotItem()
        plot.hideButtons()
        plot.hideAxis("bottom")
        plot.getAxis("left").setWidth(AXIS_WIDTH)
        plot.setMouseEnabled(x=False, y=False)
        plot.layout.setContentsMargins(0, 0, 0, 0)
        self._view = plot.getViewBox()
        self._view.setDefaultPadding(0)
        self._view.disableAutoRange()
        self._masked = pg.ImageItem(axisOrder="row-major")
        self._masked.setZValue(-10)
        self._view.addItem(self._masked, ignoreBounds=True)
        self._true_masked, self._kept, self._recovered = (self._curve() for _ in range(3))
        self._here, self._hovered = self._frame(), self._frame()
        self._view.sigXRangeChanged.connect(lambda: self.view_changed.emit())

        self.viewport().setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the strip itself has the keys
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumHeight(44)
        self.setAccessibleName("Response vector in patches")
        self.setAccessibleDescription(
            "Left and Right choose a patch; Return keeps or masks it while painting"
        )
        session.subject_changed.connect(self._set_subject)
        session.model_changed.connect(self._set_subject)
        session.trial_changed.connect(self._set_trial)
        session.rois_changed.connect(self._draw_signal)
        session.masking.mask_changed.connect(self._set_mask)
        session.masking.recovery_changed.connect(self._draw_recovery)
        session.masking.hovered_patch_changed.connect(self._draw_frames)
        session.brain.crosshair_changed.connect(self._draw_frames)
        self._colour()
        self._set_subject()
        self._set_trial()

    def _curve(self) -> pg.PlotCurveItem:
        curve = pg.PlotDataItem(connect="finite", antialias=False)
        curve.setDownsampling(auto=True, method="peak")
        self._view.addItem(curve, ignoreBounds=True)
        return curve

    def _frame(self) -> QGraphicsRectItem:
        item = QGraphicsRectItem()
        item.setZValue(10)
        self._view.addItem(item, ignoreBounds=True)
        return item

    # -- what is shown -----------------------------------------------------------------------

    @property
    def length(self) -> int:
        """Voxels of all patches, padding included."""
        mask = self._session.masking.mask
        return 0 if mask is None else mask.n_patches * self._session.masking.patch_size

    def x_of(self, voxel: float) -> float:
        """Return where a voxel is drawn, in pixels from the left of this widget."""
        return float(self._view.mapViewToScene(QPointF(voxel, 0)).x())

    def show_all(self) -> None:
        """Show the whole vector."""
        self._view.setRange(
            xRange=(0, max(self.length, 1)),
            yRange=(-self._limit, self._limit),
            padding=0,
            disableAutoRange=True,
        )

    def _set_subject(self) -> None:
        self.show_all()
        self._set_mask()

    def _set_mask(self) -> None:
        """Show another mask; a stroke over the one before ends."""
        self._stroke = set()
        self._draw_mask()

    def _set_trial(self) -> None:
        vector = self._session.vector
        peak = 0.0 if vector is None else float(np.abs(vector).max())
        self._limit = max(1.05 * peak, _LEAST_RANGE)
        tick = max(int(0.85 * self._limit), 1)
        axis = self.getPlotItem().getAxis("left")
        axis.setTicks([[(-tick, f"−{tick}"), (0, "z  0"), (tick, f"{tick}")]])
        self._view.setYRange(-self._limit, self._limit, padding=0)
        self._draw_signal()

    def _draw_mask(self) -> None:
        mask = self._session.masking.mask
        if mask is None:
            return
        kept = mask.kept
        if self._stroke:
            kept = mask.painted(self._stroke, keep=self._keeps).kept
        table = np.zeros((1, kept.size, 4), dtype=np.uint8)
        table[0, ~kept] = self._veil
        self._masked.setImage(table, autoLevels=False, levels=(0, 255))
        self._masked.setRect(QRectF(0, -_TALL, self.length, 2 * _TALL))
        self._draw_signal()

    def _draw_signal(self) -> None:
        vector, mask = self._session.vector, self._session.masking.mask
        if vector is None or mask is None:
            for curve in (self._true_masked, self._kept):
                curve.setData([], [])
        else:
            kept = mask.kept_voxels(self._session.masking.patch_size, vector.size)
            self._show(self._true_masked, vector, ~kept)
            self._show(self._kept, vector, kept)
        self._draw_recovery()
        self._draw_frames()

    def _draw_recovery(self) -> None:
        recovery, mask = self._session.masking.recovery, self._session.masking.mask
        if recovery is None or mask is None:
            self._recovered.setData([], [])
            return
        kept = mask.kept_voxels(self._session.masking.patch_size, recovery.recovered.size)
        self._show(self._recovered, recovery.recovered, ~kept)

    def _show(self, curve: pg.PlotDataItem, values: FloatArray, where: NDArray[np.bool_]) -> None:
        curve.setData(np.arange(values.size) + 0.5, np.where(where, values, np.float32(np.nan)))

    def _draw_frames(self) -> None:
        session = self._session
        here = None
        if session.brain.grid is not None:
            voxel = int(session.brain.grid.voxel_at[session.brain.crosshair])
            here = voxel // session.masking.patch_size if voxel >= 0 else None
        for item, patch in ((self._here, here), (self._hovered, session.masking.hovered_patch)):
            item.setVisible(patch is not None)
            if patch is not None:
                size = session.masking.patch_size
                item.setRect(QRectF(patch * size, -self._limit, size, 2 * self._limit))

    # -- colours -----------------------------------------------------------------------------

    def _colour(self) -> None:
        palette = self.palette()
        text = palette.color(QPalette.ColorRole.WindowText)
        grey, strong = muted(self), accent(self)
        signal, hidden = QColor(text), QColor(grey)
        signal.setAlpha(190)  # dense lines look heavier than text
        hidden.setAlpha(110)
        colour = rule(self)
        self._veil = (colour.red(), colour.green(), colour.blue(), 150)
        self.setBackground(palette.color(QPalette.ColorRole.Window))
        axis = self.getPlotItem().getAxis("left")
        axis.setTextPen(grey)
        axis.setPen(rule(self))
        font = smaller(self.font(), 0.85)
        axis.setStyle(tickFont=font, tickLength=-3)
        for curve, colour in (
            (self._true_masked, hidden),
            (self._kept, signal),
            (self._recovered, strong),
        ):
            curve.setPen(pg.mkPen(colour, width=1))
        for item, colour in ((self._here, text), (self._hovered, strong)):
            pen = QPen(colour, 1)
            pen.setCosmetic(True)
            item.setPen(pen)

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_hovered"):
            self._colour()
            self._draw_mask()

    # -- events ------------------------------------------------------------------------------

    def _voxel(self, pixel: QPointF) -> float:
        return float(self._view.mapSceneToView(self.mapToScene(pixel.toPoint())).x())

    def _patch(self, pixel: QPointF) -> int | None:
        mask, voxel = self._session.masking.mask, self._voxel(pixel)
        if mask is None or not 0 <= voxel < self.length:
            return None
        return int(voxel // self._session.masking.patch_size)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a stroke, or move the crosshair to the voxel."""
        patch, mask = self._patch(event.position()), self._session.masking.mask
        if event.button() != Qt.MouseButton.LeftButton or patch is None or mask is None:
            return
        if self.painting:
            self._keeps, self._brushed = not bool(mask.kept[patch]), patch
            self._extend_stroke(patch)
        else:
            self._go_to(int(self._voxel(event.position())))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light up the patch in the brain, and paint it while the button is down."""
        patch = self._patch(event.position())
        self._session.masking.set_hovered_patch(patch)
        if patch is not None and self._stroke:
            self._extend_stroke(patch)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Finish the stroke: one step to undo."""
        patches, self._stroke = sorted(self._stroke), set()
        if patches:
            self.painted.emit(patches, self._keeps)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show the whole vector; while painting it is a second click."""
        if self.painting:
            self.mousePressEvent(event)
        else:
            self.show_all()

    def leaveEvent(self, event: QEvent) -> None:
        """Put the light out."""
        super().leaveEvent(event)
        self._session.masking.set_hovered_patch(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom with Ctrl, otherwise move along the vector."""
        notches = (event.angleDelta().y() or event.angleDelta().x()) / 120
        low, high = self._view.viewRange()[0]
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            width = float(np.clip((high - low) * _ZOOM**-notches, _MIN_VOXELS, self.length))
            middle = self._voxel(event.position())
            low = middle - (middle - low) * width / (high - low)
        else:
            width = high - low
            low -= notches * width / 10
        low = float(np.clip(low, 0, self.length - width))
        self._view.setXRange(low, low + width, padding=0)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose a patch with Left and Right, paint it with Return."""
        mask, patch = self._session.masking.mask, self._session.masking.hovered_patch
        move = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if mask is None:
            event.ignore()
        elif move is not None:
            chosen = 0 if patch is None else patch + move
            chosen = min(max(chosen, 0), mask.n_patches - 1)
            self._session.masking.set_hovered_patch(chosen)
            self._tell(chosen)
        elif event.key() == Qt.Key.Key_Return and patch is not None and self.painting:
            self.painted.emit([patch], not bool(mask.kept[patch]))
            self._tell(patch)
        else:
            event.ignore()

    def _tell(self, patch: int) -> None:
        mask = self._session.masking.mask
        if mask is not None:
            state = "kept" if mask.kept[patch] else "masked"
            announce(self, f"patch {patch + 1} of {mask.n_patches}, {state}")

    def _extend_stroke(self, patch: int) -> None:
        """Go on to a patch, over those that a quick mouse has passed."""
        passed = range(min(patch, self._brushed), max(patch, self._brushed) + 1)
        self._brushed = patch
        if not self._stroke.issuperset(passed):
            self._stroke.update(passed)
            self._draw_mask()

    def _go_to(self, voxel: int) -> None:
        grid, subject = self._session.brain.grid, self._session.subject
        if grid is not None and subject is not None and voxel < subject.n_voxels:
            place = grid.voxel_position(voxel)
            if place is not None:
                self._session.brain.set_crosshair(place)
