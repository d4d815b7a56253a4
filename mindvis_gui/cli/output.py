"""Everything the command line writes: results to stdout, progress and complaints to stderr."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def settle_encoding() -> None:
    """Let stdout take every character: minus signs, lines of tables, names of any alphabet.

    Where the system's encoding has not all of them (Windows, old locales), what goes into a file
    or a pipe is UTF-8; a terminal, or an encoding that was asked for, gets them escaped.
    """
    stdout = sys.stdout
    if not isinstance(stdout, io.TextIOWrapper) or _is_utf8():
        return
    fixed = stdout.isatty() or "PYTHONIOENCODING" in os.environ
    stdout.reconfigure(encoding=None if fixed else "utf-8", errors="backslashreplace")


def _is_utf8() -> bool:
    return codecs.lookup(sys.stdout.encoding or "utf-8").name == "utf-8"


def write(text: str) -> None:
    """Write one line to stdout."""
    sys.stdout.write(text + "\n")


def write_json(document: dict[str, Any]) -> None:
    """Write one JSON document to stdout."""
    write(json.dumps(document, ensure_ascii=not _is_utf8(), indent=2))


def complain(message: str) -> None:
    """Write what went wrong to stderr, as one line whatever the message holds."""
    sys.stderr.write(f"mindvis: {' '.join(message.split())}\n")


@contextmanager
def progress(total: int, *, shown: bool = True) -> Iterator[Callable[[float, str], None]]:
    """Show how far a command is, on stderr if that is a terminal; if it is to be `shown`.

    Yields ``show(done, what)``: how many of the `total` are done, and what is being done.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:3.0f} %"),
        TimeRemainingColumn(),
        TextColumn("{task.description}", markup=False),
    )
    hidden = not (shown and console.is_terminal)
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task("", total=total)
        yield lambda done, what: bar.update(task, completed=done, description=what)
