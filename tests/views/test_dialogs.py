import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QLabel

from mindvis_gui.version import __version__
from mindvis_gui.views.actions import ACTIONS
from mindvis_gui.views.command_palette import CommandPalette
from mindvis_gui.views.error_dialog import ErrorDialog, report
from mindvis_gui.views.shortcuts_dialog import ShortcutsDialog


def raised():
    try:
        raise ZeroDivisionError("by nothing")
    except ZeroDivisionError as error:
        return error


def test_report_names_error_place_and_versions():
    text = report(raised())
    assert "ZeroDivisionError: by nothing" in text
    assert "test_dialogs.py" in text
    assert f"mindvis-gui {__version__}" in text
    assert "numpy" in text


def test_report_can_be_copied(qtbot):
    dialog = ErrorDialog(raised())
    qtbot.addWidget(dialog)
    qtbot.mouseClick(dialog.copy, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == dialog.report


def test_every_shortcut_is_listed(qtbot):
    dialog = ShortcutsDialog(ACTIONS)
    qtbot.addWidget(dialog)
    texts = {text.text() for text in dialog.findChildren(QLabel)}
    for entry in ACTIONS:
        native = QKeySequence.SequenceFormat.NativeText
        keys = ", ".join(QKeySequence(key).toString(native) for key in entry.keys)
        assert not keys or {keys, entry.text.rstrip("…")} <= texts
    assert {"Space, held", "Wheel, Shift + ↑ ↓"} <= texts  # the wheel alone


@pytest.fixture
def palette(qtbot):
    done = []
    actions = []
    for name in ("Open…", "Open folder…", "Decode", "Stop"):
        action = QAction(name)
        action.triggered.connect(lambda _, name=name: done.append(name))
        actions.append(action)
    actions[3].setEnabled(False)
    made = CommandPalette(actions)
    made.done_actions = done
    made.kept = actions
    qtbot.addWidget(made)
    made.show()
    return made


def found(palette):
    items = [palette.found.topLevelItem(i) for i in range(palette.found.topLevelItemCount())]
    return [item.text(0) for item in items]


def test_palette_finds_by_parts_of_words(qtbot, palette):
    assert found(palette) == ["Open", "Open folder", "Decode", "Stop"]
    qtbot.keyClicks(palette.line, "fol op")
    assert found(palette) == ["Open folder"]


def test_palette_does_what_is_chosen(qtbot, palette):
    qtbot.keyClicks(palette.line, "open")
    qtbot.keyClick(palette.line, Qt.Key.Key_Down)
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.done_actions == ["Open folder…"]
    assert not palette.isVisible()


def test_palette_takes_keys_where_popups_are_never_activated(qtbot):
    made = CommandPalette([])  # X11 shows it with the focus that it was made with
    qtbot.addWidget(made)
    assert made.focusWidget() is made.line


def test_palette_walks_over_disabled_actions(qtbot, palette):
    palette._actions[0].setEnabled(False)
    palette._actions[1].setEnabled(False)
    palette._find("")
    assert palette.found.currentItem().text(0) == "Decode"
    qtbot.keyClick(palette.line, Qt.Key.Key_Up)
    assert palette.found.currentItem().text(0) == "Decode"
    palette._actions[0].setEnabled(True)
    palette._find("")
    qtbot.keyClick(palette.line, Qt.Key.Key_Down)
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.done_actions == ["Decode"]


def test_palette_leaves_disabled_actions_alone(qtbot, palette):
    qtbot.keyClicks(palette.line, "stop")
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert palette.done_actions == []
    assert palette.isVisible()
