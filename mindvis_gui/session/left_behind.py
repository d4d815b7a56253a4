"""What another subject, or other steps of preparation, would take away without a word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from mindvis_gui.data.fingerprint import fingerprint
from mindvis_gui.data.subject import Subject
from mindvis_gui.errors import MindVisError
from mindvis_gui.session.state import UNFINISHED, holds_unsaved, snapshot, undone, unfinished

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session

_BACK = "“Restore the last session” in the menu File brings it back"


class LeftBehind(QObject):
    """Keeps the state of a session whose subject goes while work is undone, and says so.

    Parameters
    ----------
    session : Session
    layout : callable
        Returns how the window is arranged, as JSON values.
    saved : callable
        Returns the document of the session file that was opened or written last, or None.
    """

    found = Signal(object)  # document of the state

    def __init__(
        self,
        session: Session,
        layout: Callable[[], Mapping[str, Any]],
        saved: Callable[[], Mapping[str, Any] | None],
    ) -> None:
        super().__init__(session)
        self._session, self._layout, self._saved = session, layout, saved
        self._before: tuple[Subject, dict[str, Any]] | None = None
        session.leaving.connect(self._remember)

    def _remember(self) -> None:
        session = self._session
        state = snapshot(session, self._layout())
        if state is None or session.subject is None or self._before is not None:
            return
        document = {**state.by_reference(), UNFINISHED: unfinished(session)}
        if document[UNFINISHED] or holds_unsaved(document, self._saved()):
            self._before = (session.subject, document)
            # Once all is there that goes on with what comes, such as regions that were made.
            QTimer.singleShot(0, self, self._compare)

    def _compare(self) -> None:
        assert self._before is not None
        (subject, document), self._before = self._before, None
        now = snapshot(self._session, {})
        there = None if now is None else now.document
        if not document[UNFINISHED] and not holds_unsaved(document, there):
            return
        self.found.emit(document)
        what = ", ".join(undone(document))
        self._session.problem.emit(f"left behind with {subject.name}: {what}; {_BACK}")
        self._session.jobs.run(
            lambda: _fingerprint(subject), "", lambda told: document.update(fingerprint=told)
        )


def _fingerprint(subject: Subject) -> str:
    try:
        return fingerprint(subject)
    except MindVisError:
        return ""  # its file is gone: going on will ask for it
