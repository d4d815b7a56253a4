"""What was decoded before, newest first: on disk, searched, starred, brought back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from mindvis_gui.decoding.history_folder import (
    HistoryEntry,
    entry_path,
    forget_entry,
    read_entry,
    read_history,
    starred_keys,
    surplus,
    write_entry,
)
from mindvis_gui.decoding.request import DecodeResult, ModelInfo
from mindvis_gui.decoding.versions import shaping_versions
from mindvis_gui.errors import ExportError
from mindvis_gui.jobs import Jobs
from mindvis_gui.session.backlog import Backlog


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
        self._writing: Backlog[Callable[[Path], None], str] = Backlog(
            jobs, self._write, self._report
        )
        self._trouble = ""
        self.entries: dict[str, HistoryEntry] = {}

    def load(self) -> None:
        """Read what was decoded before this start, in the background."""
        folder = self._folder
        if folder is not None:
            self._jobs.run(lambda: read_history(folder), "", self._take)

    def _take(self, found: dict[str, HistoryEntry]) -> None:
        stars = {
            id_: replace(entry, starred=True)
            for id_, entry in self.entries.items()
            if id_ in found and found[id_].starred
        }
        self.entries = {**found, **self.entries, **stars}
        self.changed.emit()

    def add(self, result: DecodeResult, info: ModelInfo, source: Path) -> None:
        """Remember a decode as the newest, and forget the oldest where there are too many.

        A star of the same request stays.
        """
        entry = HistoryEntry(
            request=result.request.to_json(),
            source=str(source.absolute()),  # to be found from any folder
            when=datetime.now().astimezone().isoformat(timespec="milliseconds"),
            device=info.device,
            versions=shaping_versions(),
            seconds=round(result.seconds, 3),
        )
        before = self.entries.get(entry.id)
        if before is not None:
            entry = replace(entry, starred=before.starred)
        for old in surplus({**self.entries, entry.id: entry}):
            if self.entries.pop(old.id, None) is not None:
                self._writing.add(partial(forget_entry, old.id))
        # Where the history is not read, or another window has given the star, only the disk knows.
        self._put(entry, lambda folder: write_entry(_with_star(entry, folder), folder))

    def star(self, entry: HistoryEntry, starred: bool) -> None:
        """Mark an entry: its samples are never thrown away to make room."""
        marked = replace(entry, starred=starred)
        self._put(marked, lambda folder: write_entry(marked, folder))

    def remove(self, entry: HistoryEntry) -> None:
        """Forget an entry; its samples stay while there is room."""
        if self.entries.pop(entry.id, None) is not None:
            self._writing.add(lambda folder: entry_path(entry.id, folder).unlink(missing_ok=True))
            self.changed.emit()

    def search(self, words: str) -> list[HistoryEntry]:
        """Return the entries that match every word, the newest first."""
        wanted = words.lower().split()
        found = [each for each in self.entries.values() if all(w in each.words for w in wanted)]
        return sorted(found, key=lambda each: each.when, reverse=True)

    def pinned(self) -> set[str]:
        """Return the keys of the samples of starred entries, here and on disk; any thread."""
        here = {key for each in list(self.entries.values()) if each.starred for key in each.keys}
        return here if self._folder is None else here | starred_keys(self._folder)

    def _put(self, entry: HistoryEntry, write: Callable[[Path], None]) -> None:
        self.entries[entry.id] = entry
        self._writing.add(write)
        self.changed.emit()

    def _write(self, write: Callable[[Path], None]) -> str:
        """Write or remove one file; runs in a job's thread. Returns what went wrong."""
        if self._folder is None:
            return ""
        try:
            write(self._folder)
        except (ExportError, OSError) as error:
            return f"decodes are not remembered: {error}"
        return ""

    def _report(self, trouble: str) -> None:
        if trouble and not self._trouble:  # once, not for every decode
            self.problem.emit(trouble)
        self._trouble = trouble


def _with_star(entry: HistoryEntry, folder: Path) -> HistoryEntry:
    """Return the entry with the star that it has in `folder`, if it has one."""
    before = read_entry(entry_path(entry.id, folder))
    return replace(entry, starred=True) if before is not None and before.starred else entry
