"""Numbers of the sessions in BIDS names of files, where many are words: ``ses-pre``."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SESSION = re.compile(r"(?:^|_)ses-([^_.]+)")


def session_numbers(file_names: Sequence[str]) -> list[int | None]:
    """Return the session of each file, None where its name tells none.

    If they are not all numbers, sessions are numbered from 1 in the order of the files.
    """
    labels = _labels(file_names)
    known = dict.fromkeys(filter(None, labels))
    if all(label.isdecimal() for label in known):
        return [int(label) if label else None for label in labels]
    numbers = {label: number for number, label in enumerate(known, 1)}
    return [numbers.get(label) for label in labels]


def session_notes(file_names: Sequence[str]) -> list[str]:
    """Return a note on which number stands for which session, if they are called by words."""
    labels = dict.fromkeys(filter(None, _labels(file_names)))
    if all(label.isdecimal() for label in labels):
        return []
    numbered = ", ".join(f"{number} {label}" for number, label in enumerate(labels, 1))
    return [f"Sessions are numbered in the order of their images: {numbered}"]


def _labels(file_names: Sequence[str]) -> list[str]:
    found = [_SESSION.search(name) for name in file_names]
    return [match[1] if match else "" for match in found]
