"""Everything this application raises on purpose.

A message is one sentence for the person at the screen: what went wrong, with
which value, and what to do about it. Anything else that escapes is a bug.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# HDF5 puts what the system said into its own text, whatever h5py raises.
_REFUSED_BY_SYSTEM = re.compile(r"file read failed:.*\berrno = (\d+)", re.DOTALL)


class MindVisError(Exception):
    """An expected failure whose message can be shown as it is."""


class DataError(MindVisError):
    """A subject file, a stimulus or a region that cannot be used."""


class UnassignedError(DataError):
    """A file that would be a subject if somebody said what is what in it."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(message)
        self.path = path


class NothingToScoreError(DataError):
    """Decoded trials of which none has a stimulus."""


class ModelError(MindVisError):
    """A model folder or checkpoint that cannot be used, or does not fit the subject."""


class RequestError(MindVisError):
    """A decode request that makes no sense (no seeds, an unknown sampler, …)."""


class ExportError(MindVisError):
    """A result that could not be written; nothing half-written is left behind."""


class UnavailableError(MindVisError):
    """Something optional that is not installed; the message says what, and how to get it."""


class TrainingError(MindVisError):
    """A training that cannot start, go on or be resumed; its last checkpoint is kept."""


def reason_of(error: BaseException) -> str:
    """Return in one short line what an error of a library says, or its kind if it says nothing."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def refusal_of(error: BaseException) -> str:
    """Return what to tell of a file that the system refused to read, as on a failing disk.

    Empty for all other errors: what could be read made no sense then.
    """
    found = _REFUSED_BY_SYSTEM.search(str(error))
    number = int(found[1]) if found else getattr(error, "errno", None)
    if number is None:
        return ""
    return (
        f"cannot be read ({os.strerror(number)}); this is a matter of the disk or the network "
        "drive, and the file may be whole: try again once that is well"
    )


@contextmanager
def refusal_reported(kind: type[MindVisError], path: Path, done: str) -> Iterator[None]:
    """Raise a `kind` where the system refuses something: "PATH: cannot be `done`: why"."""
    try:
        yield
    except OSError as error:
        raise kind(f"{path}: cannot be {done}: {error.strerror or error}") from error
