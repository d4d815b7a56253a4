"""Opening what was saved: first the subject, checked by its content, then model and samples."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from mindvis_gui.analysis.session_file import SessionFile
from mindvis_gui.data.fingerprint import fingerprint, positions_fingerprint
from mindvis_gui.data.picture import decode_picture
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.decoding.request import Decoder
from mindvis_gui.errors import DataError, MindVisError, RequestError
from mindvis_gui.files import is_there
from mindvis_gui.session.opening import read_subject
from mindvis_gui.session.preparation import positioned, prepared
from mindvis_gui.session.state import take_up_choices
from mindvis_gui.wording import counted

if TYPE_CHECKING:
    from mindvis_gui.data.subject import ImageArray, Subject
    from mindvis_gui.session.preparation import PreparedSubject
    from mindvis_gui.session.session import Session

Sources = list[tuple[Mapping[str, Any], list[tuple[int, "Path | ImageArray"]]]]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file that somebody must choose, and why: the subject, or its positions."""

    reason: str
    positions: bool = False


class SessionOpener(QObject):
    """Brings a saved session back, step by step in the background.

    Whatever cannot be had (the model, some samples) is said in one line; the rest comes.
    """

    subject_wanted = Signal(object, str)  # what is opened, and why its subject must be chosen
    positions_wanted = Signal(object, object, str)  # what, path of the subject, and why
    opened = Signal(object)  # the document

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session

    def open(
        self,
        saved: SessionFile | Mapping[str, Any],
        source: Path | None = None,
        positions: Path | None = None,
        *,
        placed: bool = True,
    ) -> None:
        """Open a session file or an autosaved document.

        Parameters
        ----------
        source, positions : pathlib.Path, optional
            Where the subject and the positions that were added to it are now, if they moved.
        placed : bool
            Whether the positions are wanted.
        """
        document = saved.document if isinstance(saved, SessionFile) else saved
        session = self._session
        try:
            subject, told = document["subject"], document.get("positions") if placed else None
            path, expected = source or Path(subject["source"]), document.get("fingerprint")
            name = subject["name"]
            added = None if told is None else (positions or Path(told["path"]), str(told["hash"]))
            steps = Preparation.from_json(document.get("preparation", Preparation().to_json()))
        except (KeyError, TypeError, RequestError) as error:
            session.problem.emit(f"the session is incomplete: {error!r}")
            return

        def read() -> Generator[None, None, PreparedSubject | _Wanted]:
            yield  # until here it can be stopped
            if not is_there(path):
                return _Wanted(f"{path} is gone; choose where subject {name} is now")
            opened = read_subject(path)
            if added is not None:
                try:
                    opened = _with_positions(opened, *added)
                except DataError as error:
                    return _Wanted(f"the positions of this session: {error}", positions=True)
            if steps:
                opened = prepared(opened, steps)
            # Regions may have come with the positions.
            comparable = placed or bool(opened.subject.rois)
            if expected and comparable and fingerprint(opened.subject) != expected:
                return _Wanted(
                    f"{path} is not the subject {name} that this session was saved with: its "
                    "content differs; choose the right file"
                )
            return opened

        def go_on(opened: PreparedSubject | _Wanted) -> None:
            if isinstance(opened, _Wanted):
                if opened.positions:
                    self.positions_wanted.emit(saved, path, opened.reason)
                else:
                    self.subject_wanted.emit(saved, opened.reason)
                return
            session.take_subject(opened)
            self._load_model(saved, document, opened.subject)

        session.bring(read(), f"Opening {path.name}", go_on)

    def _load_model(
        self, saved: SessionFile | Mapping[str, Any], document: Mapping[str, Any], subject: Subject
    ) -> None:
        session, wanted = self._session, document.get("model")
        loaded = session.decoder.info.hash if session.decoder else ""
        if not wanted or wanted["hash"] == loaded:
            self._read_samples(saved, document, subject)
            return

        def load() -> Decoder | MindVisError:
            try:
                found = bool(wanted["folder"]) and is_there(Path(wanted["folder"]))
                return session.load_decoder(wanted["folder"] if found else wanted["name"])
            except MindVisError as error:
                return error

        def go_on(decoder: Decoder | MindVisError) -> None:
            if not session.is_open(subject):
                return  # another one was opened meanwhile
            if isinstance(decoder, MindVisError):
                session.problem.emit(f"the model of this session is not here: {decoder}")
            else:
                session.take_decoder(decoder)
                if decoder.info.hash != wanted["hash"]:
                    session.problem.emit(
                        f"model {wanted['name']} has other weights here than in this session"
                    )
            self._read_samples(saved, document, subject)

        session.loading.start(load, wanted["name"], go_on)

    def _read_samples(
        self, saved: SessionFile | Mapping[str, Any], document: Mapping[str, Any], subject: Subject
    ) -> None:
        session = self._session
        read: Callable[[], Sources] = (
            (lambda: _embedded(saved))
            if isinstance(saved, SessionFile)
            else (lambda: _referred_to(document))
        )

        def show(results: Sources) -> None:
            if not session.is_open(subject):
                return
            try:
                for request, sources in results:
                    session.collection.add_files(request, sources)
                self._stand_in(document)
                take_up_choices(session, document)
            except MindVisError as error:
                session.problem.emit(str(error))
            session.undo_stack.clear()  # what comes with a session was not done in this one
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
        session.message.emit(f"{counted(count, 'decode')} waited")


def _with_positions(opened: PreparedSubject, path: Path, expected: str) -> PreparedSubject:
    """Add positions, checked by what is taken from the file."""
    if not is_there(path):
        raise DataError(f"{path} is gone; choose where it is now")
    placed = positioned(opened, path)
    if positions_fingerprint(placed.subject) != expected:
        raise DataError(
            f"{path} holds other positions than those that this session was saved with; choose "
            "the right file"
        )
    return placed


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
        sources: list[tuple[int, Path | ImageArray]] = [each for each in paths if is_there(each[1])]
        found.append((result["request"], sources))
    return found
