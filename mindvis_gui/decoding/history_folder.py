"""What was decoded before, on disk: one small file a decode, and the cache of their samples."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mindvis_gui.decoding.sample_cache import SampleCache, sample_key
from mindvis_gui.errors import DataError
from mindvis_gui.files import atomic_path
from mindvis_gui.paths import cache_dir, state_dir

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


def history_folder() -> Path:
    """Folder of the user's history."""
    return state_dir() / "history"


def open_cache() -> SampleCache:
    """Return the user's cache of samples, in which those of starred entries stay."""
    return SampleCache(cache_dir() / "samples", pinned=lambda: starred_keys(history_folder()))


def starred_keys(folder: Path) -> set[str]:
    """Return the keys of the samples of the entries in `folder` that are starred now."""
    entries = (read_entry(path) for path in folder.glob("*.json"))
    return {key for entry in entries if entry is not None and entry.starred for key in entry.keys}


def write_entry(entry: HistoryEntry, folder: Path) -> None:
    """Write an entry's file.

    Raises
    ------
    ExportError
        If it cannot be written.
    """
    with atomic_path(entry_path(entry.id, folder)) as temporary:
        text = json.dumps({"format": _FORMAT, **asdict(entry)}, ensure_ascii=False)
        temporary.write_text(text, encoding="utf-8")


def entry_path(id_: str, folder: Path) -> Path:
    """Return where the entry of that id is, or would be."""
    return folder / f"{id_}.json"


def read_history(folder: Path) -> dict[str, HistoryEntry]:
    """Read all entries that are whole, and remove the oldest beyond the limit.

    Raises
    ------
    DataError
        If the folder cannot be read.
    """
    found: dict[str, HistoryEntry] = {}
    try:
        paths = list(folder.glob("*.json"))
    except OSError as error:
        raise DataError(
            f"{folder}: what was decoded before cannot be read ({error.strerror or error}); "
            "it is there again once the disk is, at the next start"
        ) from error
    for path in paths:
        entry = read_entry(path)
        if entry is not None and not path.name.startswith("."):
            found[entry.id] = entry
    for entry in surplus(found):
        with suppress(OSError):  # on a disk that is read-only it stays, and is left out again
            entry_path(entry.id, folder).unlink(missing_ok=True)
        del found[entry.id]
    return found


def surplus(entries: Mapping[str, HistoryEntry]) -> list[HistoryEntry]:
    """Return the oldest of `entries`, by id, beyond as many as are remembered without a star."""
    if len(entries) <= _MOST:
        return []
    plain = sorted((each for each in entries.values() if not each.starred), key=lambda e: e.when)
    return plain[: max(len(plain) - _MOST, 0)]


def forget_entry(id_: str, folder: Path) -> None:
    """Remove an entry's file, unless another window has given it a star.

    Raises
    ------
    OSError
        If it cannot be removed.
    """
    kept = read_entry(entry_path(id_, folder))
    if kept is None or not kept.starred:
        entry_path(id_, folder).unlink(missing_ok=True)


def read_entry(path: Path) -> HistoryEntry | None:
    """Return one entry; None where the file is cut short, foreign or incomplete."""
    try:
        values = json.loads(path.read_bytes())
        if values.pop("format") != _FORMAT:
            return None
        entry = HistoryEntry(**values)
        complete = bool(entry.words and entry.keys)  # they ask for all that a request must have
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return entry if complete else None
