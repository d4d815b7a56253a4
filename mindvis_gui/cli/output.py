"""Everything the command line writes: results to stdout, progress and complaints to stderr."""

from __future__ import annotations

import argparse
import codecs
import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from mindvis_gui.errors import ExportError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite
    from rich.console import Console


def settle_encoding() -> None:
    """Let stdout take every character: minus signs, lines of tables, names of any alphabet.

    Where the system's encoding has not all of them (Windows, old locales), what goes into a file
    or a pipe is UTF-8; a terminal, or an encoding that was asked for, gets them escaped. So does
    UTF-8 with names of files that are none.
    """
    stdout = sys.stdout
    if not isinstance(stdout, io.TextIOWrapper) or (_is_utf8() and stdout.errors != "strict"):
        return
    fixed = stdout.isatty() or "PYTHONIOENCODING" in os.environ
    stdout.reconfigure(encoding=None if fixed else "utf-8", errors="backslashreplace")


def _is_utf8() -> bool:
    encoding = getattr(sys.stdout, "encoding", None)  # a closed stdout is None
    return codecs.lookup(encoding or "utf-8").name == "utf-8"


@contextmanager
def stdout() -> Iterator[TextIO]:
    """Yield where results go, and see to it that they have arrived when the block is done.

    Where stdout was closed before the start they go nowhere, as with ``print``.

    Raises
    ------
    ExportError
        If they cannot be written, as into a file on a full disk.
    SystemExit
        If nobody reads any more, as behind ``| head``: that is not worth a word.
    """
    stream: TextIO | None = sys.stdout
    if stream is None:
        yield io.StringIO()
        return
    try:
        yield stream
        stream.flush()
    except BrokenPipeError:
        _give_up(stream)
        raise SystemExit(1) from None
    except OSError as error:
        _give_up(stream)
        raise ExportError(
            f"stdout cannot be written: {error.strerror or error}; what was to be printed is lost"
        ) from error


def _give_up(stream: TextIO) -> None:
    """Let what has not arrived go nowhere: Python would try it once more at the end."""
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())


@contextmanager
def console(width: int) -> Iterator[Console]:
    """Yield what prints tables as `stdout` does, `width` columns wide where that is no terminal.

    Text is printed as it is: names of regions and subjects may have brackets and colons.
    """
    from rich.console import Console

    with stdout() as stream:
        given = None if stream.isatty() else width
        yield Console(file=stream, width=given, markup=False, emoji=False, highlight=False)


def write(text: str) -> None:
    """Write one line to stdout, and raise as `stdout` does."""
    with stdout() as stream:
        stream.write(text + "\n")


class Parser(argparse.ArgumentParser):
    """One whose texts are written as all others, with what that raises.

    argparse leaves what has not arrived to the end of Python, whose exit code is then 120.
    ``args.refuse`` is the `error` of the parser that read the last word of a command.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.set_defaults(refuse=self.error)

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        if file is not sys.stdout:
            tell(message)
            return
        with stdout() as stream:
            stream.write(message)


def write_json(document: dict[str, Any]) -> None:
    """Write one JSON document to stdout."""
    write(json.dumps(document, ensure_ascii=not _is_utf8(), indent=2))


def complain(message: str) -> None:
    """Write what went wrong to stderr, as one line whatever the message holds."""
    tell(f"mindvis: {' '.join(message.split())}\n")


def complain_of_failures(failed: Mapping[int, object], n_trials: int) -> None:
    """Write to stderr how many of the trials that were asked for failed, and why the first did."""
    reasons = [f"trial {trial}: {why}" for trial, why in failed.items()]
    complain(f"{len(failed)} of {n_trials} failed: {the_first(reasons)}")


def the_first(what: Sequence[str]) -> str:
    """Return the first three of a list as text, which ends in … where there are more."""
    return "; ".join(what[:3]) + ("; …" if len(what) > 3 else "")


def tell(text: str) -> None:
    """Write text to stderr; where that is full or closed there is nobody to tell."""
    stream: TextIO | None = sys.stderr
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        _give_up(stream)


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
