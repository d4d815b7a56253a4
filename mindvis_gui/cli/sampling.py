"""Options that say how samples are drawn, the same for every command that decodes."""

from __future__ import annotations

import argparse

from mindvis_gui.cli.usage import usage_reported
from mindvis_gui.decoding.sampling_settings import DEVICES, PRECISIONS, PRESETS, SAMPLERS, Sampling


def add_device_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that says where networks run."""
    parser.add_argument(
        "--device",
        choices=DEVICES,
        default="auto",
        help="auto takes a GPU if there is one (default: auto)",
    )


def add_sampling_options(parser: argparse.ArgumentParser) -> None:
    """Add a preset, and what may be given in place of its parts."""
    add = parser.add_argument
    add("--preset", choices=PRESETS, default="fast", help="how samples are drawn (default: fast)")
    add("--sampler", choices=SAMPLERS, help="instead of the preset's")
    add("--steps", type=int, metavar="N", help="instead of the preset's")
    add("--precision", choices=PRECISIONS, help="instead of the preset's")
    add(
        "--guidance",
        type=float,
        metavar="W",
        help="move samples away from the mean response by this factor; 1 is none "
        "(default: what the model asks for; preset paper: 1)",
    )


def chosen_sampling(args: argparse.Namespace) -> Sampling:
    """Return the preset with what was given beside it.

    Raises
    ------
    UsageError
        If a part makes no sense.
    """
    preset = PRESETS[args.preset]
    with usage_reported():
        return Sampling(
            args.sampler or preset.sampler,
            preset.steps if args.steps is None else args.steps,
            args.precision or preset.precision,
            preset.guidance if args.guidance is None else args.guidance,
        )
