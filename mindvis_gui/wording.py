"""Words of messages."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable, Sequence

_IRREGULAR = {"stimulus": "stimuli", "axis": "axes"}


def counted(number: int, what: str) -> str:
    """Return a number with what is counted: 1 trial, 2,450 trials, 2 stimuli."""
    many = what if number == 1 else _IRREGULAR.get(what, f"{what}s")
    return f"{number:,} {many}"


def seeds_text(seeds: Sequence[int]) -> str:
    """Return which seeds these are, as far as that is short: seed 3, seeds 0–4, 7 seeds."""
    first, last = min(seeds), max(seeds)
    if len(seeds) == 1:
        return f"seed {first}"
    return f"seeds {first}–{last}" if len(seeds) == last - first + 1 else f"{len(seeds)} seeds"


def are(number: int) -> str:
    """Return the verb behind what is counted: 1 trial is, 2 trials are."""
    return "is" if number == 1 else "are"


def command_line(words: Iterable[str], *, windows: bool = sys.platform == "win32") -> str:
    """Return words as a line for a shell of this system; on Windows for PowerShell and cmd.

    There an apostrophe is no quotation mark to cmd, and a bare comma makes two words of one to
    PowerShell.
    """
    return " ".join(map(_quoted, words)) if windows else shlex.join(words)


def _quoted(word: str) -> str:
    if re.fullmatch(r"[\w.:\\/=+-]+", word):
        return word
    return '"' + word.replace('"', r"\"") + '"'


def writable(name: str) -> str:
    r"""Return a file's name as text that can be written; bytes that are no UTF-8 as ``\udcfc``.

    Archives that were packed on Windows leave such names behind on Linux.
    """
    return name.encode(errors="backslashreplace").decode()
