"""Back to what a picture, a figure or an entry of the history was decoded with, and its samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from mindvis_gui.analysis.figures.reading import read_drawn_record
from mindvis_gui.data.picture import decode_picture
from mindvis_gui.data.prepare import Normalisation, prepare
from mindvis_gui.data.subject import ImageArray, Subject
from mindvis_gui.decoding.history_folder import HistoryEntry
from mindvis_gui.decoding.request import vector_sha256
from mindvis_gui.decoding.sample_cache import SampleCache, read_kept_sample, sample_key
from mindvis_gui.errors import DataError, MindVisError, RequestError
from mindvis_gui.files import is_there
from mindvis_gui.session.options import Options
from mindvis_gui.session.restored_request import restore_request, with_preparation

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session

Request = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Kept:
    """A request of a figure, and the files of its samples; empty unless all are kept."""

    request: Request
    sources: Sequence[tuple[int, Path | ImageArray]]


class Restorer(QObject):
    """Opens the subject if it is known, makes the choices again and shows the samples.

    What cannot be brought back is one sentence of `Session.problem`.
    """

    grid_filled = Signal()  # more than one trial was brought back: the grid shows them

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session

    def open_picture(self, path: Path) -> None:
        """Go back to the requests inside a picture or a figure, and show the samples again."""
        self._attempt(lambda: self._open_picture(path))

    def open_entry(self, entry: HistoryEntry) -> None:
        """Bring a decode of the history back, with the samples that are still kept."""
        self._with_subject(entry.request, Path(entry.source), partial(self._show_entry, entry))

    def _open_picture(self, path: Path) -> None:
        record = read_drawn_record(path)
        if isinstance(record.get("seed"), int):
            then = partial(self._show_sample, path, record)
            self._with_subject(record, None, then)
            return
        requests = record.get("requests")
        if not isinstance(requests, list) or not requests or not isinstance(requests[0], dict):
            raise DataError(f"{path}: no decode request inside")
        then = partial(self._show_figure, path, requests, record.get("grid"))
        self._with_subject(requests[0], None, then)

    def _show_sample(self, path: Path, record: Mapping[str, Any]) -> None:
        restore_request(self._session, record)
        image = decode_picture(path.read_bytes(), str(path))
        seed = int(record["seed"])
        request = {key: value for key, value in record.items() if key not in ("seed", "versions")}
        self._session.collection.add_files({**request, "seeds": [seed]}, [(seed, image)])
        self._session.keeping.recall(self._session.collection.newest(int(record["trial"])))

    def _show_entry(self, entry: HistoryEntry) -> None:
        session, request = self._session, entry.request
        restore_request(session, request)
        keys = dict(zip(request["seeds"], entry.keys, strict=True))
        sources = [] if session.cache is None else _files(session.cache, keys)
        if not sources:
            session.message.emit("Its samples are no longer kept; decode again")
            return
        session.collection.add_files(request, sources)
        session.keeping.recall(session.collection.newest(int(request["trial"])))

    # -- figures -----------------------------------------------------------------------------

    def _show_figure(
        self, path: Path, requests: list[Request], axes: Mapping[str, Any] | None
    ) -> None:
        """Look for kept samples in the background, then show them and decode the rest."""
        session = self._session
        subject, normalisation = session.subject, session.normalisation
        if subject is None or normalisation is None:
            raise RequestError(
                session.unmeasured or "the responses are being measured; drop the figure again then"
            )
        restore_request(session, requests[0])
        device = "cpu" if session.decoder is None else session.decoder.info.device

        def show(found: list[_Kept]) -> None:
            if session.is_open(subject):
                self._attempt(lambda: self._fill_in(found, axes))

        session.jobs.run(
            lambda: _look_up(requests, subject, normalisation, session.cache, device),
            f"Opening {path.name}",
            show,
        )

    def _fill_in(self, found: list[_Kept], axes: Mapping[str, Any] | None) -> None:
        session, first = self._session, found[0]
        seeds = first.request["seeds"]
        if axes is None:
            session.grid.set_axes("trial", "seed")
            session.grid.set_trials([int(each.request["trial"]) for each in found])
            session.grid.set_values("seed", ", ".join(str(seed) for seed in seeds))
        else:
            self._set_axes(axes)
        for each in found:
            session.collection.add_files(each.request, each.sources)
        if first.sources:
            session.keeping.recall(session.collection.newest(int(first.request["trial"])))
        missing = [each.request for each in found if not each.sources]
        model, wanted = session.decoder, first.request["model_hash"]
        if model is None or model.info.hash != wanted:
            session.grid.models.stand_in(wanted, first.request["precision"])
        if missing and (model is None or model.info.hash != wanted):
            session.message.emit(
                f"Load model {first.request['model']} to decode these samples again"
            )
        elif missing:
            session.keeping.want(replace(session.request(), seeds=tuple(seeds)))
            session.grid.take_up(missing)
        if len(found) > 1:
            self.grid_filled.emit()

    def _set_axes(self, axes: Mapping[str, Any]) -> None:
        try:
            rows, columns = str(axes["rows"]), str(axes["columns"])
            values = {
                option: ", ".join(map(str, axes["values"][option])) for option in (rows, columns)
            }
            self._session.grid.set_axes(rows, columns)
            for option, text in values.items():
                self._session.grid.set_values(option, text)
        except (KeyError, TypeError, AttributeError) as error:
            raise DataError(f"the axes of this figure are incomplete: {error!r}") from error

    # -- the subject -------------------------------------------------------------------------

    def _with_subject(
        self, request: Request, source: Path | None, then: Callable[[], None]
    ) -> None:
        """Do something once the subject of a request is open, and prepared as it was then."""
        session, name = self._session, str(request.get("subject"))
        then = partial(self._attempt, then)
        if session.subject is not None and session.subject.name == name:
            self._attempt(lambda: with_preparation(session, request, then))
            return
        if source is None or not is_there(source):
            known = session.history.search("")
            sources = [Path(each.source) for each in known if each.request["subject"] == name]
            source = next((each for each in sources if is_there(each)), None)
            if source is None:
                session.problem.emit(f"this was decoded from {name}; open that subject first")
                return

        def go_on() -> None:  # the subject's first trial is chosen after this
            if session.subject is not None and session.subject.name == name:
                prepare_then = partial(with_preparation, session, request, then)
                QTimer.singleShot(0, session, lambda: self._attempt(prepare_then))

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


def _look_up(
    requests: list[Request],
    subject: Subject,
    normalisation: Normalisation,
    cache: SampleCache | None,
    device: str,
) -> list[_Kept]:
    """Find the samples of a figure on disk, each read and whole; runs in a job's thread.

    Raises
    ------
    DataError, RequestError
        If a request is incomplete or does not fit the subject's responses.
    """
    found = []
    for request in requests:
        try:
            seeds = [int(seed) for seed in request["seeds"]]
            options = Options.of(request, 0)
            if not 0 <= options.trial < len(subject.trials):
                raise DataError(f"trial {options.trial} does not exist in {subject.name}")
            trial = subject.trials[options.trial]
            vector = prepare(subject, trial, normalisation, options.rois)
            if vector_sha256(vector) != request["vector_sha256"]:
                raise DataError(
                    f"trial {options.trial} of {subject.name} has another response here than the "
                    "one of this figure; open the subject file of then"
                )
            keys = {seed: sample_key(request, seed, device) for seed in seeds}
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"a request of this figure is incomplete: {error!r}") from error
        files = [] if cache is None else _files(cache, keys)
        whole = len(files) == len(seeds) and all(
            read_kept_sample(path) is not None for _, path in files
        )
        found.append(_Kept(request, files if whole else ()))
    return found


def _files(cache: SampleCache, keys: Mapping[int, str]) -> list[tuple[int, Path]]:
    """Return the files of the samples that are kept, by seed."""
    paths = [(seed, cache.path(key)) for seed, key in keys.items()]
    return [(seed, path) for seed, path in paths if is_there(path)]
