import inspect
from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence

from mindvis_gui.views.actions import ACTIONS


@pytest.mark.parametrize("on_mac", [False, True])
def test_no_shortcut_is_used_twice(monkeypatch, on_mac):
    monkeypatch.setattr("mindvis_gui.views.entry._ON_MAC", on_mac)
    keys = [QKeySequence(key).toString() for entry in ACTIONS for key in entry.keys]
    assert [key for key, count in Counter(keys).items() if count > 1] == []


def test_every_shortcut_is_one_that_qt_knows():
    for key in (key for entry in ACTIONS for key in (*entry.keys, entry.mac) if key):
        sequence = QKeySequence(key)
        assert not sequence.isEmpty()
        assert all(sequence[i].key() != Qt.Key.Key_unknown for i in range(sequence.count()))


def test_keys_that_macos_keeps_for_itself_are_others_there(monkeypatch):
    monkeypatch.setattr("mindvis_gui.views.entry._ON_MAC", True)
    keys = {key for entry in ACTIONS for key in entry.keys}
    # Switch applications, minimise, hide, preferences; Qt's Ctrl is the command key.
    assert not keys & {"Ctrl+Tab", "Ctrl+M", "Ctrl+H", "Ctrl+,"}
    assert {"Meta+Tab", "Ctrl+Shift+Z"} <= keys


def test_every_id_is_used_once():
    assert max(Counter(entry.id for entry in ACTIONS).values()) == 1


def test_every_action_has_a_method_that_takes_what_it_gets(window):
    for entry in ACTIONS:
        area, name = entry.slot.split(".")
        if area != "window":  # Qt's own methods have no signature
            takes = inspect.signature(getattr(window._commands[area], name)).parameters
            assert len(takes) == bool(entry.argument) + entry.checkable, entry.id


def test_whatever_may_be_impossible_is_an_action(window):
    for commands in window._commands.values():
        assert set(commands.enabled()) <= set(window.actions_by_id)


def test_letters_are_typed_in_a_text_field(qtbot, opened_window, session):
    field = opened_window.workspace.subject_panel.filter
    field.setFocus()
    qtbot.keyClicks(field, "crab")
    assert field.text() == "crab"
    assert session.first_seed == 0


def test_a_letter_elsewhere_is_a_shortcut(qtbot, opened_window, session):
    opened_window.workspace.subject_panel.trials.setFocus()
    session.set_seeds(10**6, 4)
    qtbot.keyClick(opened_window.workspace.subject_panel.trials, Qt.Key.Key_R)
    assert session.first_seed < 10**6
