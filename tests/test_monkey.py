"""A monkey at the window: clicks, drags, wheels, keys and words at random, from a seed.

Meanwhile comes what nobody at the window does, whatever is open there: jobs end, files are dropped,
the desktop has another theme. What it does is in the report of a failure. `MONKEY_SEEDS=100-200`
lets other monkeys do it.
"""

from __future__ import annotations

import os
import random
import traceback
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import shiboken6
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDockWidget,
    QFileDialog,
    QLineEdit,
    QMenu,
    QWidget,
)

import mindvis_gui.session.opening
from mindvis_gui.cli.selection import numbers
from mindvis_gui.data.fingerprint import fingerprint
from mindvis_gui.session import Session
from mindvis_gui.session.state import snapshot
from mindvis_gui.views import drag_out
from mindvis_gui.views.theme import THEMES, apply_theme

SEEDS = numbers(os.environ.get("MONKEY_SEEDS", "0-1,5"))
ACTS = 150
LONG = 60_000  # ms, on a busy machine
WORDS = (
    "",
    "0",
    "-1",
    "9" * 20,
    "1e308",
    "nan",
    "0-4",
    "5-1",
    "a",
    "é漢\u202e",
    "%s{}",
    "V1",
    "<b>",
)
KEYS = [
    *(Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Space, Qt.Key.Key_Tab, Qt.Key.Key_Backtab),
    *(Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_PageDown),
    *(Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Delete, Qt.Key.Key_Plus, Qt.Key.Key_Minus),
    *(Qt.Key.Key_F2, Qt.Key.Key_Menu, Qt.Key.Key_R, Qt.Key.Key_D, Qt.Key.Key_W, Qt.Key.Key_1),
]
MODIFIERS = [Qt.KeyboardModifier.NoModifier] * 4 + [
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
]
NEVER = {"quit"}  # actions; the report would end with the application
SUBJECTS = ("tiny.h5", "lone.h5", "missing.h5")


def open_in_front() -> QWidget | None:
    """Return the menu or dialog that has to be answered first."""
    return QApplication.activePopupWidget() or QApplication.activeModalWidget()


class Monkey:
    """Does something at random, again and again, and remembers what.

    Attributes
    ----------
    left : int
        How often it will act, still.
    done : list of str
        What it did, for whoever has to find out why something broke.
    last : callable
        What it does in the end, before it closes what is open still.
    """

    def __init__(self, window: QWidget, session: Session, seed: int) -> None:
        self._window, self._session, self._random = window, session, random.Random(seed)
        self.left, self.done = 0, list[str]()
        self.last: Callable[[], object] = self.act

    def begin(self, acts: int) -> None:
        """Act so many times, while dialogs wait for an answer, too; then close those."""
        self.left = acts
        if acts or open_in_front():
            QTimer.singleShot(1, lambda: self.begin(max(acts - 1, 0)))
        if acts > 1:
            self.act()
        elif acts:
            self.last()
        elif (front := open_in_front()) is not None:
            front.close()

    def act(self) -> None:
        """Answer what is open, or else use the window, or let something come from elsewhere."""
        if self._random.random() < 0.1:
            self._from_elsewhere()
        elif (popup := QApplication.activePopupWidget()) is not None:
            self._answer(popup)
        elif (dialog := QApplication.activeModalWidget()) is not None:
            if isinstance(dialog, QFileDialog) or self._random.random() < 0.2:
                self._press(dialog, Qt.Key.Key_Escape)
            else:
                self._use(dialog)
        elif self._random.random() < 0.3:
            self._trigger()
        else:
            self._use(self._window)

    def _trigger(self) -> None:
        name = self._random.choice([*self._window.actions_by_id, *["decode", "undo", "redo"] * 4])
        if name not in NEVER:
            self.done.append(name)
            self._window.actions_by_id[name].trigger()

    def _from_elsewhere(self) -> None:
        session, window = self._session, self._window
        what = self._random.choice(
            ["subject", "model", "session", "drop", "theme", "size", "dock", "trial", "menu closed"]
        )
        self.done.append(f"from elsewhere: {what}")
        if what == "subject":
            session.open(self._random.choice(SUBJECTS))
        elif what == "model":
            session.load_model("fake")
        elif what == "session":
            document = snapshot(session, window._saved.layout()).by_reference()
            window._saved.opener.open({**document, "fingerprint": fingerprint(session.subject)})
        elif what == "drop":
            self._drop(self._random.sample([*SUBJECTS, "none.png"], self._random.randint(1, 2)))
        elif what == "theme":
            apply_theme(QApplication.instance(), self._random.choice(list(THEMES)))
        elif what == "size":
            window.resize(self._random.randint(400, 1900), self._random.randint(300, 1200))
        elif what == "dock":
            dock = self._random.choice(window.findChildren(QDockWidget))
            dock.setFloating(not dock.isFloating())
        elif what == "trial":
            session.set_trial(self._random.randrange(len(session.subject.trials)))
        elif (front := open_in_front()) is not None:
            front.close()

    def _drop(self, names: list[str]) -> None:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(name) for name in names])
        copy, left = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
        place, none = QPointF(self._place(self._window)), Qt.KeyboardModifier.NoModifier
        self._window.dropEvent(QDropEvent(place, copy, data, left, none))

    def _answer(self, popup: QWidget) -> None:
        if isinstance(popup, QMenu) and self._random.random() < 0.6:
            found = [each for each in popup.actions() if each.isEnabled() and not each.menu()]
            named = [each for each in found if each.text() and "Quit" not in each.text()]
            if named:
                chosen = self._random.choice(named)
                self.done.append(f"menu: {chosen.text()}")
                chosen.trigger()
        if shiboken6.isValid(popup):
            popup.close()

    def _use(self, root: QWidget) -> None:
        seen = [
            each
            for each in root.findChildren(QWidget)
            if each.isVisible() and each.isEnabled() and not each.visibleRegion().isEmpty()
        ]
        if not seen:
            self._press(root, Qt.Key.Key_Escape)
            return
        kinds = sorted({type(each).__name__ for each in seen})  # rare ones as often as others
        kind = self._random.choice(kinds)
        widget = self._random.choice([each for each in seen if type(each).__name__ == kind])
        self.done.append(f"{kind} {widget.accessibleName()}")
        for wanted, use in self._uses().items():
            if isinstance(widget, wanted):
                use(widget)
                break
        else:
            self._point(widget)
        if shiboken6.isValid(widget) and self._random.random() < 0.2:
            self._press(widget, self._random.choice(KEYS))

    def _uses(self) -> dict[type[QWidget], Callable[..., None]]:
        return {
            QAbstractSpinBox: self._type,
            QLineEdit: self._type,
            QComboBox: self._choose,
            QAbstractSlider: lambda slider: slider.setValue(
                self._random.randint(slider.minimum(), slider.maximum())
            ),
            QAbstractButton: lambda button: QTest.mouseClick(button, Qt.MouseButton.LeftButton),
            QAbstractItemView: lambda view: self._point(view.viewport()),
        }

    def _choose(self, box: QComboBox) -> None:
        if box.count():
            box.setCurrentIndex(self._random.randrange(box.count()))
            box.activated.emit(box.currentIndex())

    def _type(self, field: QLineEdit | QAbstractSpinBox) -> None:
        field.setFocus()
        field.selectAll()
        word = self._random.choice(WORDS)
        self.done[-1] += f" '{word}'"
        inner = field if isinstance(field, QLineEdit) else field.findChild(QLineEdit)
        inner.insert(word)
        self._press(field, self._random.choice([Qt.Key.Key_Return, Qt.Key.Key_Tab]))

    def _press(self, widget: QWidget, key: Qt.Key) -> None:
        modifier = self._random.choice(MODIFIERS)
        self.done.append(f"{modifier.name} {key.name}")
        QTest.keyClick(widget, key, modifier)

    def _point(self, widget: QWidget) -> None:
        """Click, drag or turn the wheel somewhere on a widget."""
        left, how = Qt.MouseButton.LeftButton, self._random.randrange(4)
        modifier, at = self._random.choice(MODIFIERS), self._place(widget)
        if how == 0:
            QTest.mouseClick(widget, left, modifier, at)
        elif how == 1:
            QTest.mouseDClick(widget, left, modifier, at)
        elif how == 2:
            turned = QPoint(0, self._random.choice([120, -120, 600]))
            QApplication.sendEvent(
                widget,
                QWheelEvent(
                    QPointF(at), QPointF(widget.mapToGlobal(at)), QPoint(), turned,
                    Qt.MouseButton.NoButton, modifier, Qt.ScrollPhase.NoScrollPhase, False,
                ),
            )  # fmt: skip
        else:
            QTest.mousePress(widget, left, modifier, at)
            for _ in range(3):
                if shiboken6.isValid(widget):
                    QTest.mouseMove(widget, self._place(widget))
            if shiboken6.isValid(widget):
                QTest.mouseRelease(widget, left, modifier, self._place(widget))

    def _place(self, widget: QWidget) -> QPoint:
        wide, high = max(widget.width(), 1), max(widget.height(), 1)
        return QPoint(self._random.randrange(wide), self._random.randrange(high))


@pytest.fixture
def monkey_at(ready_window, ready, subject_factory, monkeypatch, tmp_path):
    """Return a function that lets the monkey of a seed at the window, where subjects differ."""
    monkeypatch.chdir(tmp_path)
    for name in SUBJECTS[:2]:
        Path(name).touch()  # a session looks whether its subject is there
    lone = replace(subject_factory(9, "lone"), ijk=None, affine=None, anatomy=None)
    lone = replace(lone, rois=lone.rois[2:4])
    opening = mindvis_gui.session.opening
    opens = opening.open_subject
    monkeypatch.setattr(
        opening, "open_subject", lambda path: lone if Path(path).name == "lone.h5" else opens(path)
    )
    # A drag to other windows waits for a release of the mouse that nobody sends here.
    monkeypatch.setattr(drag_out, "QDrag", MagicMock())
    return lambda seed: Monkey(ready_window, ready, seed)


@contextmanager
def telling(monkey):
    """Say what the monkey did where something is not as it should be."""
    try:
        yield
    except BaseException:
        pytest.fail("\n".join([*traceback.format_exc().splitlines(), "after", *monkey.done]))


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_done_the_window_shows_what_is_so(qtbot, ready_window, ready, monkey_at, seed):
    monkey = monkey_at(seed)
    monkey.begin(ACTS)
    with telling(monkey):
        qtbot.waitUntil(lambda: not (monkey.left or open_in_front()), timeout=LONG)
        check(qtbot, ready_window, ready)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_window_closes_whatever_is_open_and_runs(qtbot, ready_window, ready, monkey_at, seed):
    monkey = monkey_at(seed)
    monkey.last = ready_window.close
    monkey.begin(ACTS // 3)
    with telling(monkey):
        qtbot.waitUntil(lambda: not (monkey.left or open_in_front()), timeout=LONG)
        assert not ready_window.isVisible()
        job = ready.jobs.run(lambda: None, "", lambda _: None)
        assert not job.isRunning()
        qtbot.wait(100)  # for what was on its way


def check(qtbot, window, session):
    while (
        left := QApplication.activePopupWidget() or QApplication.activeModalWidget()
    ) is not None:
        left.close()
        qtbot.wait(1)
    session.queue.stop()
    qtbot.waitUntil(lambda: session.idle, timeout=LONG)  # a surface takes some seconds
    qtbot.wait(100)  # for what waits for keys that follow each other
    workspace, panel = window.workspace, window.workspace.decode_panel
    for name, action in window.actions_by_id.items():
        if name.startswith("panel_"):
            assert action.isChecked() == workspace.is_shown(name.removeprefix("panel_")), name
    for commands in window._commands.values():
        for name, enabled in commands.enabled().items():
            assert window.actions_by_id[name].isEnabled() == enabled, name
    assert panel.samples.value() == session.n_samples
    if not panel.complaint:
        assert panel.steps.value() == session.sampling.steps
    result = session.results.result
    assert result is None or result.request.trial == session.trial.index
    assert not session.jobs.busy
    assert not window.status.bar.isVisible()
