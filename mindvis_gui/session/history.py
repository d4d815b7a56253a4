"""What was decoded before, newest first: on disk, searched, starred, brought back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from mindvis_gui.analysis.decoded_trial import shaping_versions
from mindvis_gui.decoding.request import DecodeResult, ModelInfo
from mindvis_gui.decoding.sample_cache import sample_key
from mindvis_gui.errors import ExportError
from mindvis_gui.files import atomic_path
from mindvis_gui.jobs import Jobs
from mindvis_gui.session.backlog import Backlog

_FORMAT = "mindvis history 1"
_MOST = 5000  # decodes without a star that are remembered


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One decode.

    Attributes
    ----------
    request : mapping
        As `DecodeRequest.to_json` gives it.
    source : str
        Path of the subject.
    when : str
        Local time in ISO 8601.
    device : str
    versions : mapping of str to str
        Packages that the samples were drawn with.
    seconds : float
    starred : bool
    """

    request: Mapping[str, Any]
    source: str
    when: str
    device: str
    versions: Mapping[str, str]
    seconds: float
    starred: bool = False

    @property
    def id(self) -> str:
        """Hash of the request: the same request again is the same entry."""
        text = json.dumps(self.request, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def keys(self) -> list[str]:
        """Keys of its samples in the cache."""
        values = self.request
        return [sample_key(values, seed, self.device, self.versions) for seed in values["seeds"]]

    @property
    def words(self) -> str:
        """What it is found by."""
        values = self.request
        rois = "all regions" if values["rois"] is None else " ".join(values["rois"])
        masked = "" if values["mask"] is None else "masked"
        star = "starred" if self.starred else ""
        return (
            f"{values['subject']} trial {values['trial']} {values['label']} {values['model']} "
            f"{values['sampler']} {values['steps']} steps {rois} {masked} {self.when} {star}"
        ).lower()


class History(QObject):
    """Remembers decodes in a folder, one small file each.

    Attributes
    ----------
    entries : dict of str to HistoryEntry
        By id.
    """

    changed = Signal()
    problem = Signal(str)  # entries cannot be kept on disk

    def __init__(self, jobs: Jobs, folder: Path | None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder, self._jobs = folder, jobs
        self._writing: Backlog[tuple[str, HistoryEntry | None], str] = Backlog(
            jobs, self._write, self._report
        )
        self._trouble = ""
        self.entries: dict[str, HistoryEntry] = {}

    def load(self) -> None:
        """Read what was decoded before this start, in the background."""
        folder = self._folder
        if folder is not None:
            self._jobs.run(lambda: _read(folder), "", self._take)

    def _take(self, found: dict[str, HistoryEntry]) -> None:
        self.entries = {**found, **self.entries}
        self.changed.emit()

    def add(self, result: DecodeResult, info: ModelInfo, source: Path) -> None:
        """Remember a decode as the newest; a star of the same request stays."""
        entry = HistoryEntry(
            request=result.request.to_json(),
            source=str(source),
            when=datetime.now().astimezone().isoformat(timespec="milliseconds"),
            device=info.device,
            versions=shaping_versions(),
            seconds=round(result.seconds, 3),
        )
        before = self.entries.get(entry.id)
        if before is not None:
            entry = replace(entry, starred=before.starred)
        self._put(entry)

    def star(self, entry: HistoryEntry, starred: bool) -> None:
        """Mark an entry: its samples are never thrown away to make room."""
        self._put(replace(entry, starred=starred))

    def remove(self, entry: HistoryEntry) -> None:
        """Forget an entry; its samples stay while there is room."""
        if self.entries.pop(entry.id, None) is not None:
            self._writing.add((entry.id, None))
            self.changed.emit()

    def search(self, words: str) -> list[HistoryEntry]:
        """Return the entries that match every word, the newest first."""
        wanted = words.lower().split()
        found = [each for each in self.entries.values() if all(w in each.words for w in wanted)]
        return sorted(found, key=lambda each: each.when, reverse=True)

    def pinned(self) -> set[str]:
        """Return the keys of the samples of starred entries; any thread."""
        return {key for each in list(self.entries.values()) if each.starred for key in each.keys}

    def _put(self, entry: HistoryEntry) -> None:
        self.entries[entry.id] = entry
        self._writing.add((entry.id, entry))
        self.changed.emit()

    def _write(self, item: tuple[str, HistoryEntry | None]) -> str:
        """Write or remove one file; runs in a job's thread. Returns what went wrong."""
        name, entry = item
        if self._folder is None:
            return ""
        path = self._folder / f"{name}.json"
        try:
            if entry is None:
                path.unlink(missing_ok=True)
                return ""
            with atomic_path(path) as temporary:
                text = json.dumps({"format": _FORMAT, **asdict(entry)}, ensure_ascii=False)
                temporary.write_text(text, encoding="utf-8")
        except (ExportError, OSError) as error:
            return f"decodes are not remembered: {error}"
        return ""

    def _report(self, trouble: str) -> None:
        if trouble and not self._trouble:  # once, not for every decode
            self.problem.emit(trouble)
        self._trouble = trouble


def _read(folder: Path) -> dict[str, HistoryEntry]:
    """Read all entries that are whole, and remove the oldest beyond the limit."""
    found: dict[str, HistoryEntry] = {}
    for path in folder.glob("*.json"):
        entry = _read_entry(path)
        if entry is not None and not path.name.startswith("."):
            found[entry.id] = entry
    plain = sorted((each for each in found.values() if not each.starred), key=lambda e: e.when)
    for entry in plain[: max(len(plain) - _MOST, 0)]:
        (folder / f"{entry.id}.json").unlink(missing_ok=True)
        del found[entry.id]
    return found


def _read_entry(path: Path) -> HistoryEntry | None:
    """Return one entry; None where the file is cut short, foreign or incomplete."""
    try:
        values = json.loads(path.read_bytes())
        if values.pop("format") != _FORMAT:
            return None
        entry = HistoryEntry(**values)
        assert entry.words
        assert entry.keys
    except (OSError, ValueError, KeyError, TypeError, AttributeError, AssertionError):
        return None
    return entry
