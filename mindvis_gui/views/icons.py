"""Line icons in the text colour of the theme, drawn from the SVG files beside this module."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

ICON_FOLDER = Path(__file__).with_name("icons")


def icon(name: str, role: QPalette.ColorRole = QPalette.ColorRole.ButtonText) -> QIcon:
    """Return the icon `name` in the colour that `role` has in the palette of the moment."""
    return QIcon(_LineIcon(name, role))


class _LineIcon(QIconEngine):
    """Looks up the palette when it paints, so that a change of theme needs nothing else."""

    def __init__(self, name: str, role: QPalette.ColorRole) -> None:
        super().__init__()
        self._name, self._role = name, role

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        disabled = QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText
        active = QPalette.ColorGroup.Active, self._role
        group, role = disabled if mode == QIcon.Mode.Disabled else active
        colour = QApplication.palette().color(group, role).name().encode()
        drawing = QByteArray(_source(self._name).replace(b"currentColor", colour))
        QSvgRenderer(drawing).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(), size), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _LineIcon(self._name, self._role)


@cache
def _source(name: str) -> bytes:
    return (ICON_FOLDER / f"{name}.svg").read_bytes()
