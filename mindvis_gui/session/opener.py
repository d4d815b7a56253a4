"""Opening what was saved: first the subject, checked by its content, then model and samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from mindvis_gui.analysis.session_file import SessionFile
from mindvis_gui.data.fingerprint import fingerprint
from mindvis_gui.data.picture import decode_picture
from mindvis_gui.decoding.request import Decoder
from mindvis_gui.errors import DataError, MindVisError
from mindvis_gui.session.opening import read_subject
from mindvis_gui.session.state import take_up_choices

if TYPE_CHECKING:
    from mindvis_gui.data.subject import ImageArray
    from mindvis_gui.session.preparation import PreparedSubject
    from mindvis_gui.session.session import Session

Sources = list[tuple[Mapping[str, Any], list[tuple[int, "Path | ImageArray"]]]]


class SessionOpener(QObject):
    """Brings a saved session back, step by step in the background.

    Whatever cannot be had (the model, some samples) is said in one line; the rest comes.
    """

    subject_wanted = Signal(object, str)  # what is opened, and why its subject must be chosen
    opened = Signal(object)  # the document

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session

    def open(self, saved: SessionFile | Mapping[str, Any], source: Path | None = None) -> None:
        """Open a session file or an autosaved document, its subject from `source` if it moved."""
        document = saved.document if isinstance(saved, SessionFile) else saved
        session = self._session
        try:
            subject = document["subject"]
            path, expected = source or Path(subject["source"]), document.get("fingerprint")
            name = subject["name"]
        except (KeyError, TypeError) as error:
            session.problem.emit(f"the session is incomplete: {error!r}")
            return
        if not path.exists():
            self.subject_wanted.emit(saved, f"{path} is gone; choose where subject {name} is now")
            return

        def read() -> PreparedSubject | str:
            opened = read_subject(path)
            if expected and fingerprint(opened.subject) != expected:
                return (
                    f"{path} is not the subject {name} that this session was saved with: its "
                    "content differs; choose the right file"
                )
            return opened

        def go_on(opened: PreparedSubject | str) -> None:
            if isinstance(opened, str):
                self.subject_wanted.emit(saved, opened)
                return
            session.take_subject(opened)
            self._load_model(saved, document)

        session.jobs.run(read, f"Opening {path.name}", go_on)

    def _load_model(
        self, saved: SessionFile | Mapping[str, Any], document: Mapping[str, Any]
    ) -> None:
        session, wanted = self._session, document.get("model")
        loaded = session.decoder.info.hash if session.decoder else ""
        if not wanted or wanted["hash"] == loaded:
            self._read_samples(saved, document)
            return

        def load() -> Decoder | MindVisError:
            try:
                found = Path(wanted["folder"]).is_dir() if wanted["folder"] else False
                return session.load_decoder(wanted["folder"] if found else wanted["name"])
            except MindVisError as error:
                return error

        def go_on(decoder: Decoder | MindVisError) -> None:
            if isinstance(decoder, MindVisError):
                session.problem.emit(f"the model of this session is not here: {decoder}")
            else:
                session.take_decoder(decoder)
                if decoder.info.hash != wanted["hash"]:
                    session.problem.emit(
                        f"model {wanted['name']} has other weights here than in this session"
                    )
            self._read_samples(saved, document)

        session.jobs.run(load, f"Loading model {wanted['name']}", go_on)

    def _read_samples(
        self, saved: SessionFile | Mapping[str, Any], document: Mapping[str, Any]
    ) -> None:
        session = self._session
        read: Callable[[], Sources] = (
            (lambda: _embedded(saved))
            if isinstance(saved, SessionFile)
            else (lambda: _referred_to(document))
        )

        def show(results: Sources) -> None:
            try:
                for request, sources in results:
                    session.collection.add_files(request, sources)
                self._stand_in(document)
                take_up_choices(session, document)
            except MindVisError as error:
                session.problem.emit(str(error))
            if session.trial is not None:
                session.keeping.recall(session.collection.newest(session.trial.index))
            self._take_up_queue(document.get("queue", ()))
            self.opened.emit(document)

        session.jobs.run(read, "Reading samples", show)

    def _stand_in(self, document: Mapping[str, Any]) -> None:
        """Let the grid show samples of a model that is not here."""
        if self._session.decoder is None and document.get("results"):
            request = document["results"][-1]["request"]
            self._session.grid.models.stand_in(request["model_hash"], request["precision"])

    def _take_up_queue(self, requests: Sequence[Mapping[str, Any]]) -> None:
        session = self._session
        if not requests or session.decoder is None:
            return
        session.queue.pause()
        try:
            session.grid.take_up(requests)
        except DataError as error:
            session.problem.emit(str(error))
            return
        count = len(requests)
        session.message.emit(
            f"{count} decode{'s' * (count != 1)} waited; press P to let them go on"
        )


def _embedded(saved: SessionFile) -> Sources:
    """Read the samples inside a session file, as pixels."""
    found: Sources = []
    for result in saved.document.get("results", ()):
        sources: list[tuple[int, Path | ImageArray]] = [
            (each["seed"], decode_picture(saved.picture(each["file"]), each["file"]))
            for each in result["samples"]
        ]
        found.append((result["request"], sources))
    return found


def _referred_to(document: Mapping[str, Any]) -> Sources:
    """Find the samples that an autosave refers to; those that were thrown away are left out."""
    found: Sources = []
    for result in document.get("results", ()):
        paths = [(each["seed"], Path(each["path"])) for each in result["samples"]]
        sources: list[tuple[int, Path | ImageArray]] = [each for each in paths if each[1].exists()]
        found.append((result["request"], sources))
    return found
