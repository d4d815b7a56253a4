"""Pictures of widgets that the pointer stands on."""

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QHoverEvent
from PySide6.QtWidgets import QApplication, QSplitter

from mindvis_gui.views.portrait import portrait


def test_where_the_pointer_stands_is_not_seen_in_a_picture(opened_window):
    window = opened_window
    splitters = window.findChildren(QSplitter)
    handle = next(each for each in splitters if each.isVisible()).handle(1)
    before = portrait(window).toImage()
    inside, outside = QPointF(handle.rect().center()), QPointF(-1, -1)
    handle.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)  # as Qt does before it tells
    QApplication.sendEvent(handle, QEnterEvent(inside, inside, QPointF(inside)))
    QApplication.sendEvent(
        handle, QHoverEvent(QEvent.Type.HoverEnter, inside, QPointF(inside), outside)
    )
    assert window.grab().toImage() != before  # or there were nothing to see
    assert portrait(window).toImage() == before
