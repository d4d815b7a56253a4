"""``mindvis import-subject``: any readable source into the application's own subject file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mindvis_gui.cli.interruption import stopped_cleanly
from mindvis_gui.errors import DataError

if TYPE_CHECKING:
    from mindvis_gui.data.subject import Subject


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's options."""
    parser = subparsers.add_parser(
        "import-subject",
        help="turn responses, regions and stimuli into a subject file",
        description="Turn responses, regions and stimuli into one subject file.",
        epilog="A folder with betas.nii.gz, rois/, stimuli/, trials.tsv and anatomy.nii.gz needs "
        "no option; those given replace what is found there. See docs/formats.md.",
    )
    parser.add_argument("source", metavar="SOURCE", help="subject file, NIfTI, folder, or 'demo'")
    parser.add_argument("--out", metavar="FILE.h5", type=Path, required=True, help="file to write")
    parser.add_argument(
        "--events", metavar="TSV", type=Path, help="table of trials, or onsets of a time series"
    )
    parser.add_argument("--rois", metavar="NIFTI|DIR", type=Path, help="label image or masks")
    parser.add_argument("--stimuli", metavar="DIR|FILE", type=Path, help="pictures")
    parser.add_argument("--anatomy", metavar="NIFTI", type=Path, help="3-D image to draw slices of")
    parser.add_argument(
        "--window",
        metavar="FIRST-LAST",
        type=_window,
        help="seconds after onset to average a time series over (default 3-12)",
    )


def run(args: argparse.Namespace) -> int:
    """Read the source and write the file, piece by piece."""
    from mindvis_gui.cli.output import complain, progress, write
    from mindvis_gui.data.subject_file import writing_subject

    with stopped_cleanly():
        subject = _read(args)
        for note in subject.notes:
            complain(f"note: {note}")
        with progress(1) as show:
            for done, total in writing_subject(args.out, subject):
                show(done / total, f"Writing {args.out.name}")
    write(
        f"{args.out}: {len(subject.trials):,} trials × {subject.n_voxels:,} voxels, "
        f"{len(subject.rois)} regions"
    )
    return 0


def _read(args: argparse.Namespace) -> Subject:
    given = {
        name: getattr(args, name)
        for name in ("events", "rois", "stimuli", "anatomy", "window")
        if getattr(args, name) is not None
    }
    if not given:
        from mindvis_gui.data import open_subject

        return open_subject(args.source)
    from mindvis_gui.data.nifti import read_nifti_subject

    source = Path(args.source).expanduser()
    for path in (source, *(value for value in given.values() if isinstance(value, Path))):
        if not path.exists():
            raise DataError(f"{path}: no such file or folder; check the path")
    return read_nifti_subject(source, **given)


def _window(text: str) -> tuple[float, float]:
    try:
        first, last = (float(part) for part in text.split("-"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not two numbers such as 3-12") from None
    if not 0 <= first < last < 60:
        raise argparse.ArgumentTypeError(
            f"'{text}' must rise from 0 or more to less than 60 seconds"
        )
    return first, last
