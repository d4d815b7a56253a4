"""The command line: ``mindvis COMMAND …``; without a command it opens the window.

A command is a module with ``add_options(parser)`` and ``run(args) -> int``. Only the module
of the command that was asked for is imported, and it imports what is heavy inside ``run``.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from mindvis_gui.cli.output import Parser, complain, settle_encoding
from mindvis_gui.cli.processes import launched
from mindvis_gui.cli.usage import UsageError
from mindvis_gui.errors import MindVisError
from mindvis_gui.paths import docs_dir
from mindvis_gui.version import __version__

COMMANDS = {
    "view": "open the window (what 'mindvis' alone does)",
    "info": "say what is in a subject file or a model folder",
    "decode": "decode trials into a folder of pictures",
    "figure": "draw a figure of a decode folder",
    "lesion": "leave regions out and measure what the decoded pictures lose",
    "attribute": "map which voxels a decoded picture rests on",
    "evaluate": "score decode folders, with protocol and chance levels",
    "report": "write a decode folder as one HTML file",
    "import-subject": "turn responses, regions and stimuli into a subject file",
    "import-rois": "make regions on the grid of your images out of an atlas that you have",
    "import-model": "turn published checkpoints into a model folder",
    "simulate": "make a simulated subject out of a folder of pictures",
    "train": "train a model: stages A1, A2 and B of the method",
}
_OPTIONS = ("-h", "--help", "--version")  # that stand before a command
_STOPPED = 130  # what shells report for Ctrl+C
# What the system says of a path that somebody gave, and never of a bug here.
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG)
_SHORT = ("decode", "lesion", "attribute", "evaluate")  # commands that compute, for minutes


class _Command(Protocol):
    def add_options(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, args: argparse.Namespace) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns
    -------
    int
        0 done, 1 an expected error, said in one line on stderr. Wrong usage exits with 2.
    """
    settle_encoding()
    words = list(sys.argv[1:] if argv is None else argv)
    implied = not words or words[0] not in (*COMMANDS, *_OPTIONS)
    if implied:
        words.insert(0, "view")
    parser = _parser(words[0])
    try:
        if implied and len(words) > 1:
            _check_subject(parser, words[1])
        args = parser.parse_args(words)
        os.environ.setdefault("OMP_WAIT_POLICY", _waiting(words[0]))
        try:
            return _load(words[0]).run(args)
        except UsageError as error:
            return cast(int, args.refuse(str(error)))  # which exits with 2
    except MindVisError as error:
        complain(f"{launched().prefix}{error}")
        return 1
    except OSError as error:  # even a look whether a file is there may be refused
        if error.filename is None or error.errno not in _REFUSED:
            raise
        complain(f"{launched().prefix}{error.filename}: {error.strerror}; check the path")
        return 1
    except KeyboardInterrupt:
        complain(f"{launched().prefix}stopped; what was finished is kept")
        return _STOPPED


def _waiting(command: str) -> str:
    """Return how threads of torch wait for one another.

    Those of a small network wait so shortly that spinning is twice as fast as sleeping; but it
    takes the cores from everything else: the window, other processes of this launch, whatever
    keeps the machine busy, or will while a training runs for hours.
    """
    if command not in _SHORT or launched().count > 1 or not hasattr(os, "getloadavg"):
        return "PASSIVE"
    return "ACTIVE" if os.getloadavg()[0] < (os.cpu_count() or 1) / 2 else "PASSIVE"


def _parser(command: str) -> argparse.ArgumentParser:
    """Return the parser of all commands; only `command` has its options."""
    parser: argparse.ArgumentParser = Parser(
        prog="mindvis",
        description="Decode what a person saw from fMRI of the visual cortex, by MinD-Vis.",
        epilog="'mindvis COMMAND --help' lists the options of a command; "
        "'mindvis demo' opens the simulated subject that ships with it. "
        f"What texts call docs/ is in {docs_dir()}.",
    )
    parser.add_argument("--version", action="version", version=f"mindvis-gui {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND")
    for name, text in COMMANDS.items():
        own = subparsers.add_parser(name, help=text)
        if name == command:
            _load(name).add_options(own)
    return parser


def _load(command: str) -> _Command:
    module = import_module(f"mindvis_gui.cli.{command.replace('-', '_')}")
    return cast(_Command, module)


def _check_subject(parser: argparse.ArgumentParser, word: str) -> None:
    """Refuse what is neither an option nor a file: most often a misspelt command."""
    if not word.startswith("-") and word != "demo" and not Path(word).exists():
        parser.error(f"'{word}' is neither a command nor a file; commands: {', '.join(COMMANDS)}")
