"""The cortical surface, flat or inflated, in two dimensions: no OpenGL is needed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from mindvis_gui.data.surface import SWAPPED, VIEWS
from mindvis_gui.session import Session
from mindvis_gui.views.blending import over
from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.colour_maps import packed, unpacked
from mindvis_gui.views.fields import choice
from mindvis_gui.views.layers import Layer
from mindvis_gui.views.theme import GAP, label_unseen

_GROUND = "#000000"
_LETTERS = QColor(205, 209, 214)
_CROSSHAIR = QColor(130, 230, 140)
_NEAR = 12.0  # mm; farther from the cortex the crosshair is not drawn
_RING = 5  # pixels


class SurfaceView(QWidget):
    """Shows the overlays on fsaverage; a click moves the crosshair there."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._layers: list[Layer] = []
        self._labels: NDArray[np.int16] | None = None
        self._outline_colours: dict[int, QColor] = {}
        self.picture = _SurfacePicture(session)
        self.view = choice({view: view for view in VIEWS}, "View of the surface")
        self.note = QLabel()
        self.note.setWordWrap(True)
        self.note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.insist: QPushButton = push_button(
            "Take its millimetres for MNI", "Show the surface all the same"
        )
        self._lay_out()
        self.setStyleSheet(f"SurfaceView {{ background: {_GROUND}; }} QLabel {{ color: #cdd1d6; }}")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.view.currentTextChanged.connect(lambda: self._draw())
        self.insist.clicked.connect(session.surface.insist)
        session.surface.changed.connect(self._show_state)
        session.brain.crosshair_changed.connect(self.picture.update)
        self._show_state()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(self.view)
        column = QVBoxLayout(self)
        column.setContentsMargins(GAP, GAP, GAP, GAP)
        column.addLayout(row)
        column.addWidget(self.picture, 1)
        column.addWidget(self.note, 1)
        column.addWidget(self.insist, 0, Qt.AlignmentFlag.AlignCenter)
        label_unseen(self.view)

    def set_layers(self, layers: list[Layer]) -> None:
        """Lay `layers`, the lowest first, over the surface."""
        self._layers = layers
        self._draw()

    def set_outlines(self, labels: NDArray[np.int16] | None, colours: Mapping[int, QColor]) -> None:
        """Outline the regions numbered in `labels` (n_voxels + 1,); None draws no outline."""
        self._labels, self._outline_colours = labels, dict(colours)
        self._draw()

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for the projection once somebody looks (called by Qt)."""
        super().showEvent(event)
        self._session.surface.request()
        self._draw()

    def _show_state(self) -> None:
        surface = self._session.surface
        shown = surface.projection is not None and not surface.complaint
        self.note.setText(surface.complaint or "Projecting to fsaverage…")
        self.note.setVisible(not shown)
        self.picture.setVisible(shown)
        self.view.setVisible(shown)
        self.insist.setVisible(surface.can_insist)
        if self.isVisible():
            surface.request()
        self._draw()

    def _draw(self) -> None:
        projection, grid = self._session.surface.projection, self._session.brain.grid
        if projection is None or grid is None or not self._layers or not self.isVisible():
            return
        surfaces = projection.surfaces
        grey = np.repeat(surfaces.grey[:, None], 4, axis=1)
        grey[:, 3] = 255
        colours = packed(grey)
        points = (surfaces.positions - grid.affine[:3, 3]) @ np.linalg.inv(grid.affine[:3, :3]).T
        for layer in self._layers:
            colours = over(layer.at(projection.voxels, points), colours)
        vertices = surfaces.pictures[self.view.currentText()]
        image = unpacked(np.append(colours, np.uint32(0))[vertices])  # -1 is beside the surface
        if self._labels is not None:
            _outline(image, np.append(self._labels[projection.voxels], 0)[vertices],
                     self._outline_colours)  # fmt: skip
        self.picture.show_picture(image, vertices, swapped=self.view.currentText() in SWAPPED)


class _SurfacePicture(QWidget):
    """The picture itself, as large as it fits, with a ring where the crosshair is."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._image = QImage()
        self._vertices: NDArray[np.int32] = np.full((1, 1), -1, dtype=np.int32)
        self._swapped = False
        self.setMinimumSize(120, 100)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setAccessibleName("Cortical surface")

    def show_picture(
        self, colours: NDArray[np.uint8], vertices: NDArray[np.int32], *, swapped: bool
    ) -> None:
        """Show RGBA `colours` (height, width, 4) of the vertices (height, width)."""
        height, width = vertices.shape
        image = QImage(colours.tobytes(), width, height, 4 * width, QImage.Format.Format_RGBA8888)
        self._image = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
        self._vertices, self._swapped = vertices, swapped
        self.update()

    def place(self) -> QRectF:
        """Return where the picture is drawn."""
        height, width = self._vertices.shape
        scale = min(self.width() / width, self.height() / height)
        size = width * scale, height * scale
        return QRectF((self.width() - size[0]) / 2, (self.height() - size[1]) / 2, *size)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the surface, the letters of its halves, and the ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        place = self.place()
        painter.drawImage(place, self._image)
        painter.setPen(_LETTERS)
        left, right = ("R", "L") if self._swapped else ("L", "R")
        box = place.adjusted(2, 0, -2, 0)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, left)
        painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop, right)
        drawn = self._session.brain.arrangement.crosshair
        ring = self.pixel_of_crosshair() if drawn else None
        if ring is not None:
            painter.setPen(_CROSSHAIR)
            painter.drawEllipse(ring, _RING, _RING)

    def pixel_of_crosshair(self) -> QPointF | None:
        """Return where the vertex nearest to the crosshair is drawn, None where it is not seen."""
        projection, grid = self._session.surface.projection, self._session.brain.grid
        if projection is None or grid is None:
            return None
        mm = grid.to_mm(self._session.brain.crosshair)
        distances = np.linalg.norm(projection.surfaces.positions - mm, axis=1)
        seen = np.argwhere(self._vertices == int(distances.argmin()))
        if distances.min() > _NEAR or not len(seen):
            return None
        row, column = seen.mean(axis=0) + 0.5
        place, (height, width) = self.place(), self._vertices.shape
        return QPointF(
            place.left() + column * place.width() / width,
            place.top() + row * place.height() / height,
        )

    def vertex_at(self, pixel: QPointF) -> int:
        """Return the vertex drawn at a pixel of this widget, -1 beside the surface."""
        place, (height, width) = self.place(), self._vertices.shape
        column = int((pixel.x() - place.left()) * width / place.width())
        row = int((pixel.y() - place.top()) * height / place.height())
        inside = 0 <= row < height and 0 <= column < width
        return int(self._vertices[row, column]) if inside else -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Move the crosshair to the voxel under the mouse, or to where the cortex is."""
        projection, brain = self._session.surface.projection, self._session.brain
        vertex = self.vertex_at(event.position())
        if projection is None or brain.grid is None or vertex < 0:
            return
        voxel = int(projection.voxels[vertex])
        point = brain.grid.voxel_position(voxel) if voxel >= 0 else None
        if point is not None:
            brain.set_crosshair(point)
        else:
            x, y, z = projection.surfaces.positions[vertex].tolist()
            brain.set_crosshair_mm((x, y, z))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Take the crosshair along."""
        self.mousePressEvent(event)


def _outline(
    image: NDArray[np.uint8], labels: NDArray[np.int16], colours: Mapping[int, QColor]
) -> None:
    """Colour the pixels of `image` (height, width, 4) at the borders of the regions in `labels`."""
    border = np.zeros(labels.shape, dtype=np.bool_)
    border[:-1] |= labels[:-1] != labels[1:]
    border[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    border[1:] |= labels[:-1] != labels[1:]
    border[:, 1:] |= labels[:, :-1] != labels[:, 1:]
    for number, colour in colours.items():
        rgba = colour.red(), colour.green(), colour.blue(), 255
        image[border & (labels == number)] = rgba
