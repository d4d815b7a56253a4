"""The last state of the session on disk, so that neither a crash nor closing loses work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from PySide6.QtCore import QLockFile, QObject, QTimer

from mindvis_gui.analysis.session_file import read_state, write_state
from mindvis_gui.data.fingerprint import fingerprint
from mindvis_gui.data.subject import Subject
from mindvis_gui.errors import DataError, ExportError, MindVisError
from mindvis_gui.files import is_there
from mindvis_gui.session.left_behind import LeftBehind
from mindvis_gui.session.session import Session
from mindvis_gui.session.state import UNFINISHED, State, holds_unsaved, snapshot, unfinished

_PAUSE = 3000  # ms that changes are gathered before they are written
QUIT = "quit"  # key of a state: its session was closed by hand
_STATE, _LOCK, _BEHIND = "last-session.json", "last-session.lock", "left-behind.json"
_DOCUMENTS = "sessions"  # key of the file of what was left behind


class Autosave(QObject):
    """Writes the state a few seconds after every change; the first window that opens does.

    Parameters
    ----------
    session : Session
    folder : pathlib.Path
    layout : callable
        Returns how the window is arranged, as JSON values.
    leaving : LeftBehind, optional
        What subjects before have left, which is kept, too.

    Attributes
    ----------
    left_over : dict or None
        What is left of a session that broke off, or that was closed with work undone (`QUIT`).
    left_before : list of dict
        What that session had left behind itself, the newest last.
    """

    def __init__(
        self,
        session: Session,
        folder: Path,
        layout: Callable[[], Mapping[str, Any]],
        leaving: LeftBehind | None = None,
    ) -> None:
        super().__init__(session)
        self._session, self._layout, self._leaving = session, layout, leaving
        self._path, self._behind_path = folder / _STATE, folder / _BEHIND
        self._lock: QLockFile | None = None
        self._writing = self._stale = self._failed = self._behind_stale = False
        self._fingerprint: tuple[Subject, str] | None = None
        self._undone: State | None = None
        self._unfinished: list[str] = []
        self._left_behind: list[Mapping[str, Any]] = []
        self.left_over: dict[str, Any] | None = None
        self.left_before: list[dict[str, Any]] = []
        self._soon = QTimer(self, singleShot=True, interval=_PAUSE)
        self._soon.timeout.connect(self._write)

    def start(self) -> None:
        """Look for what was left over, and save from now on; leave it to another window if any."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._session.problem.emit(
                f"{self._path.parent}: cannot be written ({error.strerror}); the session is not "
                "saved by itself"
            )
            return
        lock = QLockFile(str(self._path.with_name(_LOCK)))
        lock.setStaleLockTime(0)  # stale once its process is gone, never by age
        if not lock.tryLock(0):
            if lock.error() != QLockFile.LockError.LockFailedError:  # no other window has it
                self._session.problem.emit(
                    f"{self._path.parent}: cannot be written; the session is not saved by itself"
                )
            return
        self._lock = lock
        before = _read(self._behind_path).get(_DOCUMENTS)
        found = [*(before if isinstance(before, list) else ()), _read(self._path)]
        found = [each for each in found if isinstance(each, dict) and _goes_on(each)]
        if found:
            *self.left_before, self.left_over = found
        session = self._session
        for signal in (
            session.trial_changed,
            session.rois_changed,
            session.options_changed,
            session.model_changed,
            session.masking.mask_changed,
            session.collection.added,
            session.grid.axes_changed,
            session.queue.changed,
        ):
            signal.connect(self._note)
        if self._leaving is not None:
            self._leaving.changed.connect(self._note_left)

    def _note_left(self) -> None:
        self._behind_stale = True
        self._note()

    def _note(self, *_: object) -> None:
        waits = self._soon.isActive()
        if self._lock is not None and self._session.subject is not None and not waits:
            self._soon.start()

    def _write(self) -> None:
        if self._writing:
            self._stale = True
            return
        state = snapshot(self._session, self._layout())
        subject = self._session.subject
        if state is None or subject is None:
            return
        self._writing, self._stale = True, False
        left: tuple[Path, list[Mapping[str, Any]]] | None = None
        if self._behind_stale and self._leaving is not None:
            left = self._behind_path, [dict(each) for each in self._leaving.documents]
            self._behind_stale = False
        self._session.jobs.start(
            _writing(self._path, state, subject, self._known(subject), left),
            "",
            lambda found: self._remember(subject, found),
            ended=self._end,
        )

    def _known(self, subject: Subject) -> str:
        known = self._fingerprint
        return known[1] if known is not None and known[0] is subject else ""

    def _remember(self, subject: Subject, written: tuple[str, str]) -> None:
        found, trouble = written
        self._fingerprint = (subject, found)
        if trouble and not self._failed:  # once, not every few seconds
            self._session.problem.emit(f"the session is not saved by itself: {trouble}")
        self._failed = bool(trouble)
        self._behind_stale = self._behind_stale or self._failed

    def _end(self) -> None:
        self._writing = False
        if self._stale and self._lock is not None:
            self._soon.start()

    def note_undone(self, saved: Mapping[str, Any] | None) -> None:
        """Look, before all is stopped, whether work is left that no file holds, or a study runs.

        `saved` is the document of the session file that was opened or written last.
        """
        if self._leaving is not None:
            self._leaving.settle()
            self._left_behind = [
                {**each, QUIT: True}
                for each in self._leaving.documents
                if each.get(UNFINISHED) or holds_unsaved(each, saved)
            ]
        self._soon.stop()
        state = None if self._lock is None else snapshot(self._session, self._layout())
        self._unfinished = unfinished(self._session)
        if state is not None and (self._unfinished or holds_unsaved(state.document, saved)):
            self._undone = state

    def close(self) -> None:
        """Keep what is undone for the next start, or else nothing; no job may run any more."""
        self._soon.stop()
        if self._lock is None:
            return
        subject = self._session.subject
        done = subject is not None or self.left_over is None
        if self._undone is not None and subject is not None:
            self._keep(self._undone, subject)
        elif self._left_behind:
            self._write_left(self._path, self._left_behind.pop())
        elif done:
            _remove(self._path)
        if self._left_behind:
            self._write_left(self._behind_path, {_DOCUMENTS: self._left_behind})
        elif done:
            _remove(self._behind_path)
        self._lock.unlock()
        self._lock = None

    def _keep(self, state: State, subject: Subject) -> None:
        try:
            found = self._known(subject) or fingerprint(subject)
        except MindVisError:
            found = ""  # its file is gone: the next start will ask for it
        of_closing = {"fingerprint": found, QUIT: True, UNFINISHED: self._unfinished}
        self._write_left(self._path, {**state.by_reference(), **of_closing})

    def _write_left(self, path: Path, document: Mapping[str, Any]) -> None:
        try:
            write_state(path, document)
        except ExportError as error:
            self._session.problem.emit(f"the session is not saved by itself: {error}")


def _goes_on(document: Mapping[str, Any]) -> bool:
    """Whether a document is of a subject that something was left to do with."""
    return isinstance(document.get("subject"), dict) and not document.get("closed")


def _read(path: Path) -> dict[str, Any]:
    """Return a document on disk; an empty one where there is none, or one that is cut short."""
    try:
        return read_state(path) if is_there(path) else {}
    except DataError:
        return {}


def _remove(path: Path) -> None:
    """Remove a document; one on a disk that went read-only is offered by the next start."""
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _writing(
    path: Path,
    state: State,
    subject: Subject,
    known: str,
    left: tuple[Path, list[Mapping[str, Any]]] | None,
) -> Any:
    """Write a state; runs in a job's thread. Returns the fingerprint, and what went wrong.

    What was left behind comes first, if it changed: the state on disk may still hold it, and the
    subject may not be readable any more.
    """
    yield
    found, trouble = known, ""
    try:
        if left is not None:
            write_state(left[0], {_DOCUMENTS: left[1]})
        found = known or fingerprint(subject)
        write_state(path, {**state.by_reference(), "fingerprint": found})
    except ExportError as error:
        trouble = str(error)
    return found, trouble
