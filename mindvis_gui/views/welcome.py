"""What is shown while nothing is open: how to begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QIcon, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from mindvis_gui.paths import resources_dir
from mindvis_gui.session.autosave import QUIT
from mindvis_gui.session.state import undone
from mindvis_gui.views.buttons import ElidedButton, push_button
from mindvis_gui.views.theme import GAP, label
from mindvis_gui.wording import counted

_LOGO = 72


class WelcomePage(QWidget):
    """Offers the demo, files of one's own, and what was open before; a file may be dropped, too.

    Parameters
    ----------
    actions : mapping of str to QAction
        By id; `demo` and the ways to open a subject are taken.
    recent : sequence of pathlib.Path
    """

    chosen = Signal(object)  # Path of a subject or a session

    def __init__(self, actions: Mapping[str, QAction], recent: Sequence[Path]) -> None:
        super().__init__()
        logo = QLabel()
        logo.setPixmap(QIcon(str(resources_dir() / "icon.svg")).pixmap(QSize(_LOGO, _LOGO)))
        title = label("Decode what was seen", "title")
        text = label(
            "Open a subject's fMRI responses, pick a trial, and decode it several times beside "
            "the picture the person saw.\n"
            "The demo subject is simulated; it and its model are included.",
            "muted",
        )
        text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        text.setWordWrap(True)
        self.demo = _button("Try the demo", actions["demo"], "primary")
        self.open = _button("Open a subject…", actions["open"])
        self.open_folder = _button("Open a folder…", actions["open_folder"])
        self.import_data = _button("Import your own data…", actions["import_subject"])
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        buttons.addStretch()
        for button in (self.demo, self.open, self.open_folder, self.import_data):
            buttons.addWidget(button)
        buttons.addStretch()
        column = QVBoxLayout(self)
        column.setSpacing(GAP)
        column.addStretch(3)
        column.addWidget(logo, alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(GAP)
        column.addWidget(title, alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(text)
        column.addSpacing(GAP)
        column.addLayout(buttons)
        self.restore = ElidedButton("Go on where the last session broke off", "Restore")
        self.restore.hide()
        column.addWidget(self.restore, alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(
            label("or drop a file anywhere", "caption"), alignment=Qt.AlignmentFlag.AlignHCenter
        )
        column.addSpacing(2 * GAP)
        self.heading = label("Recent", "heading")
        self.heading.setVisible(bool(recent))
        column.addWidget(self.heading, alignment=Qt.AlignmentFlag.AlignHCenter)
        self.recent = {path: self._recent(path) for path in recent}
        for button in self.recent.values():
            column.addWidget(button, alignment=Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(4)

    def leave_out(self, gone: Sequence[Path]) -> None:
        """Offer some of what was open before no more."""
        for path in gone:
            self.recent.pop(path).hide()
        self.heading.setVisible(bool(self.recent))

    def offer(
        self,
        left_over: Mapping[str, Any],
        action: QAction,
        before: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Offer the state that the last session has left, by an action; name those left before."""
        self.restore.clicked.connect(action.trigger)
        name = left_over.get("subject", {}).get("name", "")
        told = [
            counted(sum(len(each["samples"]) for each in left_over.get("results", ())), "sample")
        ]
        told += undone(left_over)
        how = (
            "Your last session" if left_over.get(QUIT) else "Go on where the last session broke off"
        )
        names = ", ".join(dict.fromkeys(each["subject"].get("name", "") for each in before))
        more = f"; left before it: {names}" if names else ""
        self.restore.setText(f"{how}: {name}, {', '.join(told)}{more}")
        self.restore.show()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let Return press the button that has the keyboard, as Qt does in dialogs only."""
        button = self.focusWidget()
        returned = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if returned and isinstance(button, QPushButton):
            button.click()
        else:
            super().keyPressEvent(event)

    def _recent(self, path: Path) -> QPushButton:
        button = ElidedButton(f"{path.name}  –  {path.parent}", f"Open {path.name}", "quiet")
        button.clicked.connect(lambda: self.chosen.emit(path))
        return button


def _button(text: str, action: QAction, kind: str = "") -> QPushButton:
    button = push_button(text, text.rstrip("…"), kind)
    button.setToolTip(action.toolTip())
    button.clicked.connect(action.trigger)
    return button
