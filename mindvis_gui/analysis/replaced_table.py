"""What a table of scores may take the place of: an older one of its kind, and nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

from mindvis_gui.analysis.score_table import CSV_BEGINNING
from mindvis_gui.errors import ExportError

_MOST = 1 << 24  # bytes of a table; a subject file need not be read through
_LATEX = re.compile(r"(%[^\n]*\n)*\\begin\{tabular\}\{lc*\}\n.*\n\\end\{tabular\}\n*", re.DOTALL)


def check_replaces_csv(path: Path) -> None:
    """Refuse to replace what is no table of scores as CSV.

    Raises
    ------
    ExportError
    """
    _check(path, lambda text: text.startswith(CSV_BEGINNING), "table of scores as CSV")


def check_replaces_latex(path: Path) -> None:
    """Refuse to replace what is no table for LaTeX alone, such as the paper around one.

    Raises
    ------
    ExportError
    """
    _check(path, lambda text: _LATEX.fullmatch(text) is not None, "table of scores for LaTeX")


def _check(path: Path, is_table: Callable[[str], bool], kind: str) -> None:
    if not os.path.lexists(path) or path.is_dir():  # into a folder nothing is written
        return
    if not path.is_file() or not ((text := _text(path)) == "" or is_table(text)):
        raise ExportError(f"{path}: exists already and is no {kind}; choose another name")


def _text(path: Path) -> str:
    """Return what a file holds, as far as a table could.

    Raises
    ------
    ExportError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MOST)
    except OSError as error:
        raise ExportError(
            f"{path}: exists already and cannot be read: {error.strerror or error}; choose "
            "another name"
        ) from error
    # A spreadsheet or an editor may have kept the table with a mark or line ends of its own.
    return content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
