"""Words of messages."""

from __future__ import annotations

_IRREGULAR = {"stimulus": "stimuli", "axis": "axes"}


def counted(number: int, what: str) -> str:
    """Return a number with what is counted: 1 trial, 2,450 trials, 2 stimuli."""
    many = what if number == 1 else _IRREGULAR.get(what, f"{what}s")
    return f"{number:,} {many}"


def are(number: int) -> str:
    """Return the verb behind what is counted: 1 trial is, 2 trials are."""
    return "is" if number == 1 else "are"
