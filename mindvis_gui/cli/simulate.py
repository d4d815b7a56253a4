"""``mindvis simulate``: a simulated subject who saw the pictures of a folder."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from mindvis_gui.cli.selection import at_least_one, mask_seed
from mindvis_gui.cli.subject_output import add_output_options, check_output
from mindvis_gui.errors import DataError

_MOST_PRESENTATIONS = 100_000  # of the test in all: three times NSD's trials, 2 GB of responses


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command and add its options."""
    parser.description = (
        "Make a simulated subject who saw the pictures of a folder: an encoding model "
        "of V1 to PPA plus noise, on a schematic visual cortex."
    )
    parser.epilog = (
        "Pictures in sub-folders have the sub-folder's name as their category. Each picture "
        "is a training trial, but for the test pictures, which are shown several times."
    )
    parser.add_argument(
        "--stimuli", metavar="DIR", type=Path, required=True, help="folder of pictures"
    )
    add_output_options(parser)
    parser.add_argument(
        "--test",
        metavar="N",
        type=at_least_one,
        help="pictures drawn for the test (default: a tenth of them, 50 at most)",
    )
    parser.add_argument(
        "--presentations",
        metavar="N",
        type=at_least_one,
        default=24,
        help="times that each test picture is shown (default 24)",
    )
    parser.add_argument(
        "--seed", metavar="N", type=mask_seed, default=0, help="random seed (default 0)"
    )


def run(args: argparse.Namespace) -> int:
    """Read the pictures, simulate, write the file."""
    import numpy as np

    from mindvis_gui.cli.output import write
    from mindvis_gui.data import open_subject
    from mindvis_gui.data.schematic_rois import read_cortex
    from mindvis_gui.data.simulated_subject import choose, read_stimuli, simulate_subject
    from mindvis_gui.data.subject_file import write_subject

    check_output(args.out, args.overwrite)
    stimuli, pictures = read_stimuli(args.stimuli)
    n = len(stimuli.ids)
    n_test = min(50, max(1, n // 10)) if args.test is None else args.test
    if n - n_test < 2:
        raise DataError(
            f"{args.stimuli}: {n} pictures are too few for {n_test} in the test and 2 or more in "
            "training; add pictures or lower --test"
        )
    if n_test * args.presentations > _MOST_PRESENTATIONS:
        raise DataError(
            f"{args.stimuli}: {n_test:,} pictures of the test shown {args.presentations:,} times "
            f"are more than {_MOST_PRESENTATIONS:,} trials; lower --presentations or --test"
        )
    order = np.random.default_rng([args.seed, 0]).permutation(n).tolist()
    subject = simulate_subject(
        read_cortex(),
        choose(stimuli, order[n_test:]),
        choose(stimuli, sorted(order[:n_test])),
        pictures,
        seed=args.seed,
        presentations=args.presentations,
    )
    subject = replace(
        subject,
        name=args.out.stem,
        anatomy=open_subject("demo").anatomy,
        origin=f"mindvis simulate --seed {args.seed}",
    )
    write_subject(args.out, subject, dtype="int8", deflate=4)
    write(
        f"{args.out}: simulated, {n - n_test:,} training and {n_test:,} test pictures × "
        f"{subject.n_voxels:,} voxels"
    )
    return 0
