"""``mindvis import-model``: published checkpoints into a model folder."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from mindvis_gui.cli.interruption import stopped_cleanly
from mindvis_gui.cli.selection import at_least_one


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command and add its options."""
    parser.description = (
        "Turn the published checkpoints of MinD-Vis into a model folder. No code of theirs is run."
    )
    parser.epilog = "See docs/published-checkpoints.md for where the files come from."
    add = parser.add_argument
    add(
        "--ldm",
        type=Path,
        required=True,
        metavar="FILE|DIR",
        help="model.ckpt of the label-to-image model, or the same as a diffusers folder",
    )
    add("--finetuned", type=Path, required=True, metavar="FILE", help="finetuned.pth")
    add(
        "--encoder",
        type=Path,
        metavar="FILE",
        help="fmri_encoder.pth; without it the model cannot recover masked voxels",
    )
    add("--out", type=Path, required=True, metavar="DIR", help="model folder to write")
    add(
        "--voxels",
        type=at_least_one,
        metavar="N",
        help="length of the response vectors; the files only tell the number of patches",
    )
    add("--overwrite", action="store_true", help="replace the model folder if it exists")


def run(args: argparse.Namespace) -> int:
    """Convert the files and write the folder."""
    from mindvis_gui.cli.output import progress, write
    from mindvis_gui.decoding.import_published import importing_published
    from mindvis_gui.decoding.models import read_model_info

    items = importing_published(
        args.ldm,
        args.finetuned,
        args.encoder,
        args.out,
        n_voxels=args.voxels,
        overwrite=args.overwrite,
    )
    with stopped_cleanly(), progress(1) as show, closing(items):
        for done, what in items:
            show(done, what)
    info = read_model_info(args.out)
    write(
        f"{args.out}: {info.parameters / 1e6:,.1f} M parameters, {info.voxels} voxels, pictures of "
        f"{info.image_size} × {info.image_size} px; fill in the licence in README.md"
    )
    return 0
