"""``mindvis report``: a decode folder as one HTML file."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from mindvis_gui.errors import NothingToScoreError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command and add its options."""
    parser.description = (
        "Write figures, scores with their protocol, versions and hashes into one file "
        "that can be sent to a colleague."
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="folder that 'mindvis decode' wrote")
    add("--out", type=Path, required=True, metavar="FILE", help="report.html")


def run(args: argparse.Namespace) -> int:
    """Score the folder and write the report."""
    from mindvis_gui.analysis.report import check_report_name, write_report
    from mindvis_gui.cli.evaluate import evaluate_folder
    from mindvis_gui.cli.output import progress, write
    from mindvis_gui.files import check_writable

    check_report_name(args.out)  # scoring takes minutes
    check_writable(args.out.parent)
    with progress(1) as show:
        try:
            evaluation = evaluate_folder(args.folder, partial(show, 0))
        except NothingToScoreError:
            evaluation = None  # the report says so, and shows the samples
    write_report(args.folder, evaluation, args.out)
    write(f"{args.out}")
    return 0
