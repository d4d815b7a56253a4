"""What another subject, or other steps of preparation, would take away without a word."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QTimer, Signal

from mindvis_gui.data.fingerprint import fingerprint
from mindvis_gui.data.subject import Subject
from mindvis_gui.errors import MindVisError
from mindvis_gui.session.state import UNFINISHED, State, snapshot, undone, unfinished

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session

_BACK = "“Restore the last session” in the menu File brings it back"


@dataclass(frozen=True, eq=False, slots=True)
class _Left:
    """A subject that was left, and the state that the session was in."""

    subject: Subject
    state: State
    unfinished: list[str]

    def document(self) -> dict[str, Any]:
        """Write the state down, which takes a while for a queue of thousands."""
        return {**self.state.by_reference(), UNFINISHED: self.unfinished}


class LeftBehind(QObject):
    """Keeps the states of a session whose subject goes while work is undone, and says so.

    Parameters
    ----------
    session : Session
    layout : callable
        Returns how the window is arranged, as JSON values.
    saved : callable
        Returns the document of the session file that was opened or written last, or None.

    Attributes
    ----------
    documents : list of dict
        Of the states, the newest last, until they are restored.
    """

    found = Signal(object)  # document of the state
    changed = Signal()  # the documents

    def __init__(
        self,
        session: Session,
        layout: Callable[[], Mapping[str, Any]],
        saved: Callable[[], Mapping[str, Any] | None],
    ) -> None:
        super().__init__(session)
        self._session, self._layout, self._saved = session, layout, saved
        self._before: _Left | None = None
        self._written_down: list[_Left] = []  # or rather: that are being
        self.documents: list[Mapping[str, Any]] = []
        session.leaving.connect(self._remember)

    def _remember(self) -> None:
        session = self._session
        state = snapshot(session, self._layout())
        if state is None or session.subject is None or self._before is not None:
            return
        running = unfinished(session)
        if running or state.holds_unsaved(self._saved()):
            self._before = _Left(session.subject, state, running)
            # Once all is there that goes on with what comes, such as regions that were made.
            QTimer.singleShot(0, self, self._compare)

    def _compare(self) -> None:
        assert self._before is not None
        left, self._before = self._before, None
        now = snapshot(self._session, {})
        there = None if now is None else now.document
        if not left.unfinished and not left.state.holds_unsaved(there):
            return
        self._tell(left.subject.name, {**left.state.parts, UNFINISHED: left.unfinished})
        self._written_down.append(left)
        self._session.jobs.run(left.document, "", lambda document: self._take(left, document))

    def _tell(self, name: str, parts: Mapping[str, Any]) -> None:
        what = ", ".join(undone(parts))
        self._session.problem.emit(f"left behind with {name}: {what}; {_BACK}")

    def _take(self, left: _Left, document: dict[str, Any]) -> None:
        if left not in self._written_down:
            return  # it was not waited for
        self._written_down.remove(left)
        self.documents.append(document)
        self.found.emit(document)
        self.changed.emit()

        def tell(told: str) -> None:
            document.update(fingerprint=told)
            self.changed.emit()

        self._session.jobs.run(lambda: _fingerprint(left.subject), "", tell)

    def settle(self) -> None:
        """Have all documents now: no job may be waited for."""
        self.documents += [left.document() for left in self._written_down]
        self._written_down.clear()

    def take_up(self, earlier: Sequence[Mapping[str, Any]]) -> None:
        """Go on with what a session before had left behind."""
        if earlier:
            self.documents[:0] = earlier
            self.changed.emit()
            newest = earlier[-1]
            self._tell(newest["subject"].get("name", ""), newest)

    def forget(self, document: Mapping[str, Any]) -> None:
        """Forget a document, if it is one of them: it was restored."""
        rest = [each for each in self.documents if each is not document]
        if len(rest) < len(self.documents):
            self.documents = rest
            self.changed.emit()


def _fingerprint(subject: Subject) -> str:
    try:
        return fingerprint(subject)
    except MindVisError:
        return ""  # its file is gone: going on will ask for it
