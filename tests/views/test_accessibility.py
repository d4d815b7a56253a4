import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QScrollBar,
    QTabBar,
    QToolButton,
    QWidget,
)

from mindvis_gui.views.readout import describe

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


@pytest.fixture
def said(monkeypatch):
    """Return what screen readers were asked to say."""
    texts = []

    def hear(event):
        if isinstance(event, QAccessibleAnnouncementEvent):
            texts.append(event.message())

    monkeypatch.setattr(QAccessible, "updateAccessibility", hear)
    return texts


def test_choices_have_a_label_that_screen_readers_find(qtbot, ready_window):
    """On Linux the name of a choice is what is chosen; its label says what it is."""
    for panel in ("overlays", "lesion", "attribution", "decode"):
        ready_window.workspace.show_panel(panel, True)
    workspace = ready_window.workspace
    ready_window.actions_by_id["compare"].trigger()
    lesion, attribution, header = (
        workspace.lesion_panel, workspace.attribution_panel, workspace.compare_page.header
    )  # fmt: skip
    choices = {
        workspace.decode_panel.sampler: "Sampler",
        workspace.decode_panel.lesion: "Lesion",
        lesion.kind: "Leave out",
        lesion.method: "Instead",
        lesion.score: "SCORE",
        attribution.method: "Method",
        header.rows.option: "Rows",
        header.columns.option: "Columns",
        workspace.overlay_panel.colour_map: "Colours",
    }
    for choice, text in choices.items():
        labels = choice.parentWidget().findChildren(QLabel)
        assert [each.text() for each in labels if each.buddy() is choice] == [text]


def test_every_choice_has_a_label_in_sight_or_unseen(qtbot, ready_window):
    for panel in ("overlays", "lesion", "attribution", "decode"):
        ready_window.workspace.show_panel(panel, True)
    ready_window.actions_by_id["compare"].trigger()
    ready_window.actions_by_id["import_subject"].trigger()
    ready_window.actions_by_id["export_figure"].trigger()
    choices = [each for each in ready_window.findChildren(QComboBox) if not is_part(each)]
    assert len(choices) > 20
    label = QAccessible.RelationFlag.Label
    nameless = [
        each.accessibleName() or type(each.parentWidget()).__name__
        for each in choices
        if not any(
            kind == label and found.text(QAccessible.Text.Name)
            for found, kind in QAccessible.queryAccessibleInterface(each).relations()
        )
    ]
    assert nameless == []


def test_values_under_the_crosshair_are_in_their_names(ready_window, ready):
    location = ready_window.workspace.brain_view.location
    ready.brain.set_crosshair(ready.brain.grid.voxel_position(105))
    for field in (location.response, location.patch):
        name = field.accessibleName()
        assert name.endswith(f": {field.text()}")
        assert name.startswith(field.toolTip())


def test_where_a_key_moves_the_crosshair_is_said(qtbot, ready_window, ready, said):
    view = ready_window.workspace.brain_view.slices[2]
    ready.brain.set_crosshair(ready.brain.grid.voxel_position(105))
    assert said == []  # the mouse has its own readout
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert said == [describe(ready, ready.brain.crosshair)]


def test_the_patch_that_a_key_chooses_or_paints_is_said(qtbot, ready_window, ready, said):
    mask_view = ready_window.workspace.mask_view
    mask_view.mode.setCurrentText("paint")
    ready.masking.set_hovered_patch(1)
    count = ready.masking.mask.n_patches
    said.clear()
    qtbot.keyClick(mask_view.strip, Qt.Key.Key_Right)
    first = "kept" if ready.masking.mask.kept[2] else "masked"
    qtbot.keyClick(mask_view.strip, Qt.Key.Key_Return)
    then = {"kept": "masked", "masked": "kept"}[first]
    assert said[0] == f"patch 3 of {count}, {first}"
    assert said[-1] == f"patch 3 of {count}, {then}"


def test_that_a_decode_has_ended_is_said(qtbot, ready_window, ready, said):
    with qtbot.waitSignal(ready.results.result_changed):
        ready.decode()
    qtbot.waitUntil(lambda: ready.idle)
    assert any("samples" in text for text in said)
