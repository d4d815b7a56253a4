"""Where a command writes a subject file, and what no command must write over."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable
from pathlib import Path

from mindvis_gui.errors import DataError, ExportError


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add the options ``--out`` and ``--overwrite``."""
    add = parser.add_argument
    add("--out", metavar="FILE.h5", type=Path, required=True, help="file to write")
    add("--overwrite", action="store_true", help="replace the subject file if it exists")


def check_output(out: Path, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Refuse to write over anything but a subject file that is to be replaced.

    Parameters
    ----------
    inputs : iterable of pathlib.Path
        What the subject is made of: it is read while the file is written.

    Raises
    ------
    ExportError
        If `out` is one of the inputs, or exists and must stay.
    """
    from mindvis_gui.paths import demo_subject_path

    if not os.path.lexists(out):
        return
    if any(_is_same(each, out) for each in (*inputs, demo_subject_path())):
        raise ExportError(f"{out}: is what the subject is made of; choose another name")
    if not _is_subject_file(out):
        raise ExportError(f"{out}: exists already and is no subject file; choose another name")
    if not overwrite:
        raise ExportError(f"{out}: exists already; choose another name, or add --overwrite")


def check_no_input(out: Path, inputs: Iterable[Path]) -> None:
    """Refuse to write over what a command reads.

    Raises
    ------
    ExportError
        If `out` is one of the inputs.
    """
    if any(_is_same(each, out) for each in inputs):
        raise ExportError(f"{out}: is read by this command; choose another name")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.expanduser().samefile(other)
    except (OSError, ValueError, RuntimeError):  # not there, or a name that no file can have
        return False


def _is_subject_file(path: Path) -> bool:
    from mindvis_gui.data.hdf5 import open_hdf5, read_attribute
    from mindvis_gui.data.subject_reader import FORMAT

    try:
        with open_hdf5(path) as file:
            return read_attribute(file, "format") == FORMAT
    except DataError:
        return False
