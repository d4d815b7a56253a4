"""The options that say what is done to responses before they are decoded or written."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mindvis_gui.cli.output import complain
from mindvis_gui.cli.usage import read_by
from mindvis_gui.data.preparation import AVERAGINGS, Z_SCORES, Preparation
from mindvis_gui.data.trial_filter import COLUMNS, TrialFilter

if TYPE_CHECKING:
    from mindvis_gui.data.prepare import Normalisation


def add_preparation_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a `Preparation`; trials count what these leave of the file."""
    group = parser.add_argument_group("preparation, in this order")
    group.add_argument(
        "--filter",
        dest="filters",
        action="append",
        default=[],
        type=read_by(TrialFilter.parse),
        metavar="COLUMN=VALUES",
        help=f"keep these trials only: session=1-3,5 or label!=dog; columns: {', '.join(COLUMNS)}; "
        "may be given again",
    )
    group.add_argument(
        "--z-score",
        choices=Z_SCORES,
        default="global",
        help="by one mean and deviation for all voxels, as in the paper (default); by each "
        "voxel's over the training trials; or by each voxel's over its run",
    )
    group.add_argument(
        "--average",
        choices=AVERAGINGS,
        default="none",
        help="the presentations of a stimulus: of test stimuli, or of all (default: leave as is)",
    )


def chosen_preparation(args: argparse.Namespace) -> Preparation:
    """Return the steps that the options ask for."""
    return Preparation(tuple(args.filters), args.z_score, args.average)


def note_basis(subject: str, normalisation: Normalisation) -> None:
    """Say so on stderr if responses were normalised by other trials than a model's are."""
    from mindvis_gui.data.prepare import TRAINING

    if normalisation.basis != TRAINING:
        complain(
            f"note: {subject}: no trial is marked as training, so the responses are normalised by "
            f"the mean and deviation of {normalisation.basis}"
        )
