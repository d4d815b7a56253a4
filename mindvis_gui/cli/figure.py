"""``mindvis figure``: the comparison figure of a decode folder."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's options."""
    parser = subparsers.add_parser(
        "figure",
        help="draw the comparison figure of a decode folder",
        description="Draw what was seen beside what was decoded, with scores and protocol.",
    )
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="folder that 'mindvis decode' wrote"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="figure.png, .svg or .pdf"
    )


def run(args: argparse.Namespace) -> int:
    """Read the folder and write the figure."""
    from mindvis_gui.analysis.decode_folder import read_decode_folder
    from mindvis_gui.analysis.figure import write_figure
    from mindvis_gui.cli.output import write

    write_figure(read_decode_folder(args.folder), args.out)
    write(f"{args.out}")
    return 0
