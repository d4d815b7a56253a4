"""``mindvis train``: the stages of the method on data of one's own."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mindvis_gui.cli.train_options import add_setting_options, given_options
from mindvis_gui.cli.usage import usage_reported
from mindvis_gui.training.settings import STAGES

_SUBJECTS = ("SUBJECT", "+", "subject files, folders of HCP subjects, or 'demo'")
_SUBJECT = ("SUBJECT", 1, "a subject file, or 'demo'")
_PICTURES = ("FOLDER", "+", "folders of pictures")
# What each does, and from what: name, number and meaning of its sources.
_STAGES: dict[str, tuple[str, str, str | int, str]] = {
    "mbm": ("stage A1: learn to fill in masked responses (SC-MBM)", *_SUBJECTS),
    "adapt": ("stage A2: go on with the target subject's responses", *_SUBJECT),
    "ldm": ("stage B: fine-tune a diffusion model on trials with pictures (DC-LDM)", *_SUBJECT),
    "vq": ("the first stage: a VQ autoencoder of pictures", *_PICTURES),
    "label-ldm": ("the diffusion model of labelled pictures that stage B starts from", *_PICTURES),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command and add its options."""
    parser.description = (
        "Train one stage of the method; see docs/training.md. With --resume, the same "
        "command goes on where a run was stopped. Under 'accelerate launch -m mindvis_gui.cli' "
        "it runs on many GPUs."
    )
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True)
    for stage, settings in STAGES.items():
        text, what, number, meaning = _STAGES[stage]
        options = stages.add_parser(stage, help=text, description=text)
        options.add_argument("sources", metavar=what, nargs=number, help=meaning)
        options.add_argument("--out", metavar="DIR", type=Path, required=True, help="model folder")
        options.add_argument(
            "--config", metavar="TOML", type=Path, help="file with settings; options win over it"
        )
        options.add_argument(
            "--preset", choices=settings.PRESETS, help="settings that file and options win over"
        )
        options.add_argument(
            "--resume", action="store_true", help="go on where the run in DIR was stopped"
        )
        add_setting_options(options.add_argument_group("settings"), settings)


def run(args: argparse.Namespace) -> int:
    """Train the stage that was asked for."""
    from mindvis_gui.cli.output import write
    from mindvis_gui.training.configuration import resolve

    stage = STAGES[args.stage]
    options = given_options(args, stage)
    with usage_reported():
        stage(**options)  # what is wrong with them whatever a file says
    settings = resolve(stage, args.preset, args.config, options)
    # Only now what takes seconds to import.
    from mindvis_gui.training.run import Run

    with Run.open(args.out, settings, resume=args.resume) as opened:
        _program(args.stage)(args.sources, settings, opened)
        if opened.writes:
            write(f"{args.out}: written")
    return 0


def _program(stage: str) -> Callable[[Sequence[str], Any, Any], None]:
    """Return what trains a stage: (sources, settings, run)."""
    from mindvis_gui.training.ldm_stage import fine_tune
    from mindvis_gui.training.masked_stages import adapt, pre_train
    from mindvis_gui.training.picture_stages import train_label_model, train_vq

    programs: dict[str, Callable[[Sequence[str], Any, Any], None]] = {
        "mbm": pre_train,
        "adapt": adapt,
        "ldm": fine_tune,
        "vq": train_vq,
        "label-ldm": train_label_model,
    }
    return programs[stage]
