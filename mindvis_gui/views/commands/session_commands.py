"""Saving and opening sessions, decode folders, and pictures that hold a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, Qt, QTimer
from PySide6.QtWidgets import QWidget

from mindvis_gui.analysis.decode_folder import INDEX
from mindvis_gui.analysis.export import read_record
from mindvis_gui.analysis.session_file import SUFFIX, SessionFile, write_session
from mindvis_gui.data.fingerprint import fingerprint
from mindvis_gui.data.picture import decode_picture
from mindvis_gui.decoding.sample_cache import sample_key
from mindvis_gui.errors import DataError, MindVisError
from mindvis_gui.session import Session
from mindvis_gui.session.decode_folders import open_decode_folder
from mindvis_gui.session.history import HistoryEntry
from mindvis_gui.session.opener import SessionOpener
from mindvis_gui.session.options import Options
from mindvis_gui.session.state import snapshot
from mindvis_gui.settings import Settings
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.entry import Entry
from mindvis_gui.views.restore import restore_request
from mindvis_gui.views.workspace import Workspace

SESSION_ENTRIES = (
    Entry("open_session", "Open session…", "session.open", "File", "Ctrl+Shift+S",
          "Open a saved session: subject, model, choices, samples, layout"),
    Entry("save_session", "Save session…", "session.save", "File", "Ctrl+S",
          "Save subject, model, choices, samples and layout in one file"),
    Entry("restore_session", "Restore the last session", "session.restore", "File", "",
          "Go on where the last session broke off"),
    Entry("open_decodes", "Open decode folder…", "session.open_decodes", "File", "Ctrl+Shift+F",
          "Show what 'mindvis decode' made, without decoding"),
)  # fmt: skip


class SessionCommands:
    """Asks where, and saves or opens in the background."""

    def __init__(
        self, window: QWidget, session: Session, settings: Settings, workspace: Workspace
    ) -> None:
        self._window, self._session = window, session
        self._settings, self._workspace = settings, workspace
        self.left_over: Mapping[str, Any] | None = None  # of a session that broke off
        self.opener = SessionOpener(session)
        self.opener.subject_wanted.connect(self._ask_subject)
        self.opener.positions_wanted.connect(self._ask_positions)
        self.opener.opened.connect(self._take_up_layout)

    def enabled(self) -> dict[str, bool]:
        """Return whether there is something to save or to restore."""
        return {
            "save_session": self._session.trial is not None,
            "restore_session": self.left_over is not None,
        }

    # -- sessions ----------------------------------------------------------------------------

    def layout(self) -> dict[str, Any]:
        """Return how the window is arranged, as JSON values."""
        states = self._workspace.layout_states()
        texts = {name: state.toBase64().toStdString() for name, state in states.items()}
        return {**texts, "comparing": self._workspace.comparing}

    def save(self) -> None:
        """Ask where to, and write the session with its samples."""
        session, subject = self._session, self._session.subject
        state = snapshot(session, self.layout())
        if state is None or subject is None:
            return
        suggested = self._settings.folder / f"{subject.name.lower()}{SUFFIX}"
        path = file_dialogs.ask_session_to_save(self._window, suggested)
        if path is None:
            return
        self._settings.folder = path.parent

        def write() -> Path:
            document, pictures = state.embedded()
            write_session(path, {**document, "fingerprint": fingerprint(subject)}, pictures)
            return path

        session.jobs.run(write, f"Writing {path.name}", self._report)

    def _report(self, path: Path) -> None:
        self._session.message.emit(f"Wrote {path}")

    def open(self) -> None:
        """Ask for a session and open it."""
        path = file_dialogs.ask_session_to_open(self._window, self._settings.folder)
        if path is not None:
            self._settings.folder = path.parent
            self._open_session(path)

    def restore(self) -> None:
        """Go on where the last session broke off."""
        if self.left_over is not None:
            self.opener.open(self.left_over)

    def _open_session(self, path: Path) -> None:
        session = self._session
        session.jobs.run(lambda: SessionFile(path), f"Opening {path.name}", self.opener.open)

    def _ask_subject(self, saved: SessionFile | Mapping[str, Any], reason: str) -> None:
        self._session.problem.emit(reason)
        path = file_dialogs.ask_subject_file(self._window, self._settings.folder)
        if path is not None:
            self._settings.folder = path.parent
            self.opener.open(saved, path)

    def _ask_positions(
        self, saved: SessionFile | Mapping[str, Any], source: Path, reason: str
    ) -> None:
        """Ask where the positions are now; without an answer the session opens without them."""
        self._session.problem.emit(reason)
        path = file_dialogs.ask_any_file(
            self._window, "Positions of this session", self._settings.folder
        )
        if path is not None:
            self._settings.folder = path.parent
        self.opener.open(saved, source, path, placed=path is not None)

    def _take_up_layout(self, document: Mapping[str, Any]) -> None:
        layout = document.get("layout", {})
        states = [
            QByteArray.fromBase64(str(layout.get(name, "")).encode())
            for name in ("docks", "centre", "closed")
        ]
        self._workspace.restore_layout(*states)
        self._workspace.compare(bool(layout.get("comparing", False)))

    # -- decode folders, history, pictures ---------------------------------------------------

    def open_decodes(self) -> None:
        """Ask for a decode folder and show its samples."""
        folder = file_dialogs.ask_decode_folder(self._window, self._settings.folder)
        if folder is not None:
            self._settings.folder = folder.parent
            self._open_decodes(folder)

    def _open_decodes(self, folder: Path) -> None:
        open_decode_folder(self._session, folder)
        self._workspace.compare(self._session.subject is not None)

    def open_any(self, path: Path) -> bool:
        """Open what this application wrote; False for anything else."""
        if path.suffix.lower() == SUFFIX:
            self._open_session(path)
        elif (path / INDEX).is_file() or path.name == INDEX:
            self._open_decodes(path if path.is_dir() else path.parent)
        elif path.suffix.lower() == ".png":
            self._attempt(lambda: self._open_picture(path))
        else:
            return False
        return True

    def restore_entry(self, entry: HistoryEntry) -> None:
        """Bring a decode of the history back, with the samples that are still kept."""
        self._with_subject(
            str(entry.request["subject"]), Path(entry.source), partial(self._restore, entry)
        )

    def _restore(self, entry: HistoryEntry) -> None:
        session, request = self._session, entry.request
        restore_request(session, request)
        cache = session.cache
        keys = dict(zip(request["seeds"], entry.keys, strict=True))
        paths = {} if cache is None else {seed: cache.path(key) for seed, key in keys.items()}
        sources = [(seed, path) for seed, path in paths.items() if path.exists()]
        if not sources:
            session.message.emit("Its samples are no longer kept; decode again")
            return
        session.collection.add_files(request, sources)
        session.keeping.recall(session.collection.newest(int(request["trial"])))

    def _open_picture(self, path: Path) -> None:
        """Go back to the request inside a PNG, and show its sample again."""
        record = read_record(path)
        if isinstance(record.get("seed"), int):
            self._with_subject(
                str(record.get("subject")), None, partial(self._show_sample, path, record)
            )
        elif record.get("requests"):  # a figure: of its first trial, decoded or kept before
            request = record["requests"][0]
            self._with_subject(str(request.get("subject")), None, partial(self._show_kept, request))
        else:
            raise DataError(f"{path}: no decode request inside")

    def _show_sample(self, path: Path, record: Mapping[str, Any]) -> None:
        restore_request(self._session, record)
        image = decode_picture(path.read_bytes(), str(path))
        seed = int(record["seed"])
        request = {key: value for key, value in record.items() if key not in ("seed", "versions")}
        self._session.collection.add_files({**request, "seeds": [seed]}, [(seed, image)])
        self._session.keeping.recall(self._session.collection.newest(int(record["trial"])))

    def _show_kept(self, request: Mapping[str, Any]) -> None:
        """Show the samples of a figure that are kept, or say what to do."""
        session, decoder = self._session, self._session.decoder
        restore_request(session, request)
        if decoder is None or decoder.info.hash != request["model_hash"]:
            session.message.emit(f"Load model {request['model']} to decode these samples again")
            return
        device, cache = decoder.info.device, session.cache
        kept = [
            (seed, cache.path(sample_key(request, seed, device)))
            for seed in request["seeds"]
            if cache is not None
        ]
        if kept and all(path.exists() for _, path in kept):
            session.collection.add_files(request, kept)
            session.keeping.recall(session.collection.newest(Options.of(request, 0).trial))
        else:
            session.decode()

    def _with_subject(self, name: str, source: Path | None, then: Callable[[], None]) -> None:
        """Do something once the subject of that name is open."""
        session = self._session
        if session.subject is not None and session.subject.name == name:
            self._attempt(then)
            return
        if source is None or not source.exists():
            known = session.history.search("")
            sources = [Path(each.source) for each in known if each.request["subject"] == name]
            source = next((each for each in sources if each.exists()), None)
            if source is None:
                session.problem.emit(f"this was decoded from {name}; open that subject first")
                return

        def go_on() -> None:  # the subject's first trial is chosen after this
            if session.subject is not None and session.subject.name == name:
                QTimer.singleShot(0, session, lambda: self._attempt(then))

        session.subject_changed.connect(go_on, Qt.ConnectionType.SingleShotConnection)
        session.open(source)

    def _attempt(self, action: Callable[[], None]) -> None:
        """Do something; what cannot be is one line in the status bar."""
        try:
            action()
        except MindVisError as error:
            self._session.problem.emit(str(error))
        except OSError as error:
            self._session.problem.emit(f"{error.filename}: cannot be read: {error.strerror}")
