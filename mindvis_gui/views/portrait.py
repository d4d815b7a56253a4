"""Pictures of the window, in which nothing is lit up by where the pointer happens to stand."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QHoverEvent, QPixmap
from PySide6.QtWidgets import QApplication, QWidget


def portrait(widget: QWidget) -> QPixmap:
    """Return a picture of a widget as it looks while the pointer is elsewhere."""
    outside = QPointF(-1, -1)
    for each in (widget, *widget.findChildren(QWidget)):
        if each.underMouse():
            each.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, False)
            hover = QHoverEvent(QEvent.Type.HoverLeave, outside, outside, outside)
            for event in (QEvent(QEvent.Type.Leave), hover):
                QApplication.sendEvent(each, event)
    return widget.grab()
