"""The session file: a zip with `session.json` and the samples it names, each with its hash."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from mindvis_gui.errors import DataError
from mindvis_gui.files import atomic_path

SUFFIX = ".mindvis"
FORMAT = "mindvis session"
FORMAT_VERSION = 1
_INDEX = "session.json"
_PIECE = 100  # of a list, in one go
_MOST = 1 << 30  # bytes of one member: far more than any picture or index has


def write_session(
    path: Path, document: Mapping[str, Any], pictures: Iterable[tuple[str, bytes]]
) -> None:
    """Write a session: the document, and the bytes of each picture by its name.

    The document gets the hash of every picture.

    Raises
    ------
    ExportError
        If the file cannot be written; an existing one stays as it was.
    """
    hashes = {}
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in pictures:  # PNG does not get smaller
            archive.writestr(name, content)
            hashes[name] = hashlib.sha256(content).hexdigest()
        text = json.dumps({**_head(), **document, "hashes": hashes}, ensure_ascii=False, indent=1)
        archive.writestr(_INDEX, text, zipfile.ZIP_DEFLATED)


def write_state(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document alone, as the session that is saved by itself.

    Raises
    ------
    ExportError
        If the file cannot be written; an existing one stays as it was.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(_in_pieces({**_head(), **document}), encoding="utf-8")


def _in_pieces(value: Any) -> str:
    """Return a value as JSON, made of a piece at a time.

    Python's encoder lets no other thread run before it is done, and a queue is long.
    """
    if isinstance(value, Mapping):
        members = (f"{json.dumps(str(key))}: {_in_pieces(each)}" for key, each in value.items())
        return f"{{{', '.join(members)}}}"
    if isinstance(value, (list, tuple)) and len(value) > _PIECE:
        pieces = (value[at : at + _PIECE] for at in range(0, len(value), _PIECE))
        return f"[{', '.join(json.dumps(each, ensure_ascii=False)[1:-1] for each in pieces)}]"
    if isinstance(value, (list, tuple)) and any(isinstance(each, Mapping) for each in value):
        return f"[{', '.join(_in_pieces(each) for each in value)}]"
    return json.dumps(value, ensure_ascii=False)


def read_state(path: Path) -> dict[str, Any]:
    """Read a document that stands alone.

    Raises
    ------
    DataError
        If it is none, or cannot be read.
    """
    try:
        return _checked(path, json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: no session can be read from it ({error})") from error


class SessionFile:
    """A session that was written, opened for reading.

    Attributes
    ----------
    path : pathlib.Path
    document : dict

    Raises
    ------
    DataError
        If it is no session file, or a damaged one.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.document = _checked(path, json.loads(self._member(_INDEX)))

    def picture(self, name: str) -> bytes:
        """Return the bytes of a picture.

        Raises
        ------
        DataError
            If it is missing, or not what was written.
        """
        content = self._member(name)
        if hashlib.sha256(content).hexdigest() != self.document["hashes"].get(name):
            raise DataError(f"{self.path}: {name} is damaged; take another copy of the session")
        return content

    def _member(self, name: str) -> bytes:
        try:
            with zipfile.ZipFile(self.path) as archive:
                if archive.getinfo(name).file_size > _MOST:
                    raise DataError(f"{self.path}: {name} is far too large")
                return archive.read(name)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile, NotImplementedError) as error:
            raise DataError(f"{self.path}: not a whole session file ({error})") from error


def _head() -> dict[str, Any]:
    return {"format": FORMAT, "format_version": FORMAT_VERSION}


def _checked(path: Path, document: Any) -> dict[str, Any]:
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise DataError(f"{path}: was not saved as a session by this application")
    if document.get("format_version") != FORMAT_VERSION:
        raise DataError(
            f"{path}: session version {document.get('format_version')} is not {FORMAT_VERSION}, "
            "the one this version of the application reads; update it"
        )
    document.setdefault("hashes", {})
    return document
