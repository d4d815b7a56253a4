"""The list of what waits, and its keys."""

import pytest
from PySide6.QtCore import QModelIndex, Qt

from mindvis_gui.views.queue_panel import QueuePanel


@pytest.fixture
def panel(qtbot, ready):
    made = QueuePanel(ready)
    qtbot.addWidget(made)
    made.show()
    ready.queue.pause()
    for trial in range(5):
        ready.set_trial(trial)
        ready.decode()
    return made


def waiting(session):
    return [each.request.trial for each in session.queue.waiting]


def listed(panel):
    """Return the numbers of the trials in the list."""
    model = panel.list.model()
    return [model.index(row).data().split()[0] for row in range(model.rowCount())]


def chosen(panel, session):
    rows = [index.row() for index in panel.list.selectedIndexes()]
    return [waiting(session)[row] for row in rows]


def choose(panel, row):
    panel.list.setCurrentIndex(panel.list.model().index(row))


def test_what_waits_already_is_listed(qtbot, panel, ready):
    later = QueuePanel(ready)
    qtbot.addWidget(later)
    assert later.list.model().rowCount() == 5
    choose(later, 4)
    qtbot.keyClick(later.list, Qt.Key.Key_Delete)
    assert waiting(ready) == [0, 1, 2, 3]


def test_delete_removes_one_after_the_other(qtbot, panel, ready):
    choose(panel, 1)
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert waiting(ready) == [0, 2, 3, 4]
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert waiting(ready) == [0, 3, 4]
    choose(panel, 2)
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert chosen(panel, ready) == [3]
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    qtbot.keyClick(panel.list, Qt.Key.Key_Delete)
    assert waiting(ready) == []
    assert chosen(panel, ready) == []


def test_alt_and_arrows_move_what_is_chosen(qtbot, panel, ready):
    choose(panel, 3)
    for key, order in ((Qt.Key.Key_Up, [0, 1, 3, 2, 4]), (Qt.Key.Key_Down, [0, 1, 2, 3, 4])):
        qtbot.keyClick(panel.list, key, Qt.KeyboardModifier.AltModifier)
        assert waiting(ready) == order
        assert chosen(panel, ready) == [3]


def test_what_is_chosen_stays_when_others_join_or_begin(qtbot, panel, ready):
    choose(panel, 3)
    ready.set_trial(5)
    ready.decode()
    assert chosen(panel, ready) == [3]
    ready.queue.remove(ready.queue.waiting[:2])  # as when several are drawn together
    assert chosen(panel, ready) == [3]


def test_what_is_dragged_is_put_where_it_is_dropped(panel, ready):
    model = panel.list.model()
    dragged = model.mimeData([model.index(3), model.index(1)])
    drop(model, dragged, 0)
    assert waiting(ready) == [1, 3, 0, 2, 4]


def test_a_drag_takes_what_was_chosen_though_the_queue_goes_on_meanwhile(
    qtbot, panel, ready, decoder
):
    model = panel.list.model()
    dragged = model.mimeData([model.index(0), model.index(4)])
    decoder.hold()
    ready.queue.pause(False)  # the first begins
    qtbot.waitUntil(lambda: waiting(ready) == [1, 2, 3, 4])
    drop(model, dragged, 1)
    assert waiting(ready) == [1, 4, 2, 3]
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle)
    drop(model, dragged, -1)
    assert waiting(ready) == []


def drop(model, dragged, row):
    assert model.canDropMimeData(dragged, Qt.DropAction.MoveAction, row, 0, QModelIndex())
    model.dropMimeData(dragged, Qt.DropAction.MoveAction, row, 0, QModelIndex())


def test_of_a_long_queue_the_first_are_listed_and_others_move_up(qtbot, panel, ready, monkeypatch):
    monkeypatch.setattr("mindvis_gui.views.queue_panel.LISTED", 3)
    resets = []
    ready.queue.changed.emit()
    choose(panel, 2)
    ready.queue.remove(ready.queue.waiting[:1])
    assert listed(panel) == ["1", "2", "3"]
    assert chosen(panel, ready) == [2]
    panel.list.model().modelReset.connect(lambda: resets.append(1))
    assert "The first 3 are listed." in panel._note.text()
    ready.queue.remove(ready.queue.waiting[:1])
    assert listed(panel) == ["2", "3", "4"]
    assert chosen(panel, ready) == [2]
    assert resets == []
    assert "listed" not in panel._note.text()
