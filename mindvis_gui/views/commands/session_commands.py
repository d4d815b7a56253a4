"""Saving and opening sessions, decode folders, and pictures that hold a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QWidget

from mindvis_gui.analysis.decode_folder import INDEX
from mindvis_gui.analysis.figures.reading import holds_record
from mindvis_gui.analysis.session_file import SUFFIX, SessionFile, write_session
from mindvis_gui.data.fingerprint import fingerprint
from mindvis_gui.files import is_there
from mindvis_gui.session import Session
from mindvis_gui.session.decode_folders import open_decode_folder
from mindvis_gui.session.left_behind import LeftBehind
from mindvis_gui.session.restorer import Restorer
from mindvis_gui.session.session_opener import SessionOpener
from mindvis_gui.session.state import UNFINISHED, snapshot
from mindvis_gui.settings import Settings
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.arrangement import LAYOUT_PARTS
from mindvis_gui.views.entry import Entry
from mindvis_gui.views.sentences import sentence
from mindvis_gui.views.workspace import Workspace

SESSION_ENTRIES = (
    Entry("open_session", "Open session…", "session.open", "File", "Ctrl+Shift+S",
          "Open a saved session: subject, model, choices, samples, layout"),
    Entry("save_session", "Save session", "session.save", "File", "Ctrl+S",
          "Save subject, model, choices, samples and layout in the session's own file"),
    Entry("save_session_as", "Save session as…", "session.save_as", "File", "Ctrl+Alt+S",
          "Save the session in another file"),
    Entry("restore_session", "Restore the last session", "session.restore", "File", "",
          "Go on where the last session broke off"),
    Entry("open_decodes", "Open decode folder…", "session.open_decodes", "File", "Ctrl+Shift+F",
          "Show what 'mindvis decode' made, without decoding"),
)  # fmt: skip

Opening = Callable[[Path], None]


def was_saved(path: Path) -> bool:
    """Whether this application wrote it: a session, a decode folder, a picture with its request."""
    return path.suffix.lower() == SUFFIX or _holds_decodes(path) or holds_record(path)


def _holds_decodes(path: Path) -> bool:
    return is_there(path / INDEX) or path.name == INDEX


class SessionCommands:
    """Asks where, and saves or opens in the background."""

    def __init__(
        self, window: QWidget, session: Session, settings: Settings, workspace: Workspace
    ) -> None:
        self._window, self._session = window, session
        self._settings, self._workspace = settings, workspace
        self.left_over: Mapping[str, Any] | None = None  # of the last session, or a subject before
        self.left_before: Sequence[Mapping[str, Any]] = ()  # by the last session, before it ended
        self.in_file: Mapping[str, Any] | None = None  # of the file opened or written last
        self.leaving = LeftBehind(session, self.layout, lambda: self.in_file)
        self.leaving.found.connect(self._offer)
        self.file: Path | None = None  # that holds the session as far as it was saved
        self._coming: SessionFile | None = None
        session.leaving.connect(self._leave_file)
        self.opener = SessionOpener(session)
        self.opener.subject_wanted.connect(self._ask_subject)
        self.opener.positions_wanted.connect(self._ask_positions)
        self.opener.opened.connect(self._take_up)
        self._restored: Mapping[str, Any] | None = None
        self.restorer = Restorer(session)
        self.restorer.grid_filled.connect(lambda: workspace.compare(True))

    def enabled(self) -> dict[str, bool]:
        """Return whether there is something to save or to restore."""
        return {
            "save_session": self._session.trial is not None,
            "save_session_as": self._session.trial is not None,
            "restore_session": self.left_over is not None,
        }

    # -- sessions ----------------------------------------------------------------------------

    def layout(self) -> dict[str, Any]:
        """Return how the window is arranged, as JSON values."""
        states = self._workspace.layout_states()
        texts = {name: state.toBase64().toStdString() for name, state in states.items()}
        return {**texts, "comparing": self._workspace.comparing}

    def save(self) -> None:
        """Write the session with its samples into its file; ask for one where it has none."""
        if self.file is None:
            self.save_as()
        else:
            self._write(self.file)

    def save_as(self) -> None:
        """Ask where to, and write the session with its samples."""
        subject = self._session.subject
        if subject is None:
            return
        suggested = self.file or self._settings.folder / f"{subject.name.lower()}{SUFFIX}"
        path = file_dialogs.ask_session_to_save(self._window, suggested)
        if path is not None:
            self._settings.folder = path.parent
            self._write(path)

    def _write(self, path: Path) -> None:
        session, subject = self._session, self._session.subject
        state = snapshot(session, self.layout())
        if state is None or subject is None:
            return

        def write() -> Path:
            document, pictures = state.embedded()
            write_session(path, {**document, "fingerprint": fingerprint(subject)}, pictures)
            return path

        def report(path: Path) -> None:
            self.in_file = state.document
            if session.is_open(subject):
                self.file = path
            self._settings.add_recent(path)
            session.message.emit(f"Wrote {path}")

        session.jobs.run(write, f"Writing {path.name}", report)

    def open(self) -> None:
        """Ask for a session and open it."""
        path = file_dialogs.ask_session_to_open(self._window, self._settings.folder)
        if path is not None:
            self._settings.folder = path.parent
            self._open_session(path)

    def restore(self) -> None:
        """Go on where the last session broke off."""
        if self.left_over is not None:
            self._restored = self.left_over
            self.opener.open(self.left_over)

    def _offer(self, left_behind: Mapping[str, Any]) -> None:
        self.left_over = left_behind

    def _open_session(self, path: Path) -> None:
        def open_file(saved: SessionFile) -> None:
            self._coming = saved
            self.opener.open(saved)

        self._session.jobs.run(lambda: SessionFile(path), f"Opening {path.name}", open_file)

    def _leave_file(self) -> None:
        self.file = None

    def _ask_subject(self, saved: SessionFile | Mapping[str, Any], reason: str) -> None:
        self._session.problem.emit(reason)
        # The status bar is behind the dialog.
        path = file_dialogs.ask_subject_file(self._window, self._settings.folder, sentence(reason))
        if path is not None:
            self._settings.folder = path.parent
            self.opener.open(saved, path)

    def _ask_positions(
        self, saved: SessionFile | Mapping[str, Any], source: Path, reason: str
    ) -> None:
        """Ask where the positions are now; without an answer the session opens without them."""
        self._session.problem.emit(reason)
        path = file_dialogs.ask_any_file(self._window, sentence(reason), self._settings.folder)
        if path is not None:
            self._settings.folder = path.parent
        self.opener.open(saved, source, path, placed=path is not None)

    def _take_up(self, document: Mapping[str, Any]) -> None:
        self.leaving.forget(document)
        if document is self._restored:
            self.leaving.take_up(self.left_before)
            self.left_before = ()
        if self.leaving.documents:
            self.left_over = self.leaving.documents[-1]
        if document is not self._restored:
            self.in_file = document
        if self._coming is not None and document is self._coming.document:
            self._settings.add_recent(self._coming.path)
            # What is missing here would be lost in the file, too.
            self.file = self._coming.path if self._is_whole(document) else None
        self._take_up_layout(document)
        unfinished = document.get(UNFINISHED)
        if unfinished and not document.get("queue"):  # of those that wait the opener has told
            self._session.message.emit(
                f"Not finished last time: {', '.join(unfinished)}; start it again"
            )

    def _is_whole(self, document: Mapping[str, Any]) -> bool:
        """Whether model and positions of a session that was opened are here."""
        decoder, model = self._session.decoder, document.get("model")
        decodes = not model or (decoder is not None and decoder.info.hash == model["hash"])
        placed = self._session.preparation.positions is not None
        return decodes and placed == bool(document.get("positions"))

    def _take_up_layout(self, document: Mapping[str, Any]) -> None:
        layout = document.get("layout", {})
        states = {
            name: QByteArray.fromBase64(str(layout.get(name, "")).encode()) for name in LAYOUT_PARTS
        }
        self._workspace.restore_layout(states)
        self._workspace.compare(bool(layout.get("comparing", False)))
        self._workspace.take_focus()  # which arranging panels has given to the first button

    # -- decode folders, pictures ------------------------------------------------------------

    def open_decodes(self) -> None:
        """Ask for a decode folder and show its samples."""
        folder = file_dialogs.ask_decode_folder(self._window, self._settings.folder)
        if folder is not None:
            self._settings.folder = folder.parent
            self._open_decodes(folder)

    def _open_decodes(self, path: Path) -> None:
        folder = path.parent if path.name == INDEX else path
        open_decode_folder(self._session, folder)
        self._workspace.compare(self._session.subject is not None)

    def open_any(self, path: Path) -> bool:
        """Open what this application wrote; False for anything else."""
        open_it = self.way_to_open(path)
        if open_it is not None:
            open_it(path)
        return open_it is not None

    def way_to_open(self, path: Path) -> Opening | None:
        """Return what opens a file that this application wrote; None for any other. Any thread."""
        if path.suffix.lower() == SUFFIX:
            return self._open_session
        if _holds_decodes(path):
            return self._open_decodes
        return self.restorer.open_picture if holds_record(path) else None
