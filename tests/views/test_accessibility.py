import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QTabBar,
    QToolButton,
    QWidget,
)

INTERACTIVE = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
)


def is_part(widget):
    """Whether the widget is an inner part of another one, which has the name."""
    inside = (QAbstractSpinBox, QComboBox, QLineEdit, QAbstractItemView)
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, inside):
            return True
        parent = parent.parentWidget()
    return isinstance(widget, QScrollBar) or widget.objectName().startswith("qt_")


def controls(window):
    return [
        w for w in window.findChildren(QWidget) if isinstance(w, INTERACTIVE) and not is_part(w)
    ]


def test_every_control_has_a_name(ready_window):
    nameless = [
        f"{type(w).__name__} in {type(w.parentWidget()).__name__}"
        for w in controls(ready_window)
        if not (w.accessibleName() or getattr(w, "text", str)())
    ]
    assert nameless == []


def test_every_tab_stop_has_a_name(qtbot, ready_window):
    for panel in ("overlays", "lesion", "attribution", "queue", "history"):
        ready_window.workspace.show_panel(panel, True)
    qtbot.waitUntil(lambda: any(each.isVisible() for each in ready_window.findChildren(QTabBar)))
    nameless = [
        f"{type(w).__name__} in {type(w.parentWidget()).__name__}"
        for w in ready_window.findChildren(QWidget)
        if w.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not is_part(w)
        and not (w.accessibleName() or getattr(w, "text", str)())
    ]
    assert nameless == []


def test_names_tell_controls_apart(ready_window):
    names = [w.accessibleName() for w in controls(ready_window) if w.isVisible()]
    names = [name for name in names if name]
    assert len(names) > 20
    twice = {name for name in names if names.count(name) > 1}
    assert twice <= {"New seeds", "Decode"}  # the same action in two places


@pytest.mark.parametrize("panel", ["subject_panel", "decode_panel"])
def test_tab_reaches_every_control_of_a_panel(qtbot, ready_window, panel):
    widget = getattr(ready_window.workspace, panel)
    wanted = {
        w
        for w in controls(ready_window)
        if widget.isAncestorOf(w)
        and w.isVisible()
        and w.isEnabled()
        and w.focusPolicy() & Qt.FocusPolicy.TabFocus
    }
    ready_window.activateWindow()
    reached = set()
    for _ in range(200):
        qtbot.keyClick(ready_window.focusWidget() or ready_window, Qt.Key.Key_Tab)
        focus = ready_window.focusWidget()
        while focus is not None:
            reached.add(focus)
            focus = focus.parentWidget()
    assert wanted
    assert wanted <= reached


def test_arrows_of_many_tabs_are_large_enough_to_hit(qtbot, ready_window):
    for panel in ("overlays", "lesion", "attribution", "queue", "history"):
        ready_window.workspace.show_panel(panel, True)

    def arrows():
        bars = ready_window.findChildren(QTabBar)
        return [each for bar in bars for each in bar.findChildren(QToolButton) if each.isVisible()]

    qtbot.waitUntil(lambda: len(arrows()) == 2)
    assert min(each.width() for each in arrows()) >= 20
