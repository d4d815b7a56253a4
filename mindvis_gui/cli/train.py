"""``mindvis train``: the stages of the method on a subject of one's own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mindvis_gui.errors import ModelError

if TYPE_CHECKING:
    from mindvis_gui.data.prepare import Normalisation
    from mindvis_gui.data.subject import Subject
    from mindvis_gui.decoding.masked_model import MaskedBrainModel

_PROGRESS = "training"  # folder of checkpoint and metrics in the one that is written
_STAGES = {
    "mbm": "stage A1: learn to fill in masked responses (SC-MBM)",
    "adapt": "stage A2: go on with the target subject's responses",
    "ldm": "stage B: fine-tune a diffusion model on trials with pictures (DC-LDM)",
}


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's options."""
    parser = subparsers.add_parser(
        "train",
        help="train a model: stages A1, A2 and B of the method",
        description="Train one stage of the method on a subject's training trials. The same "
        "command again goes on where a run was stopped.",
    )
    stages = parser.add_subparsers(dest="stage", metavar="STAGE", required=True)
    for stage, text in _STAGES.items():
        options = stages.add_parser(stage, help=text, description=text)
        options.add_argument("subject", metavar="SUBJECT", help="a subject file, or 'demo'")
        options.add_argument(
            "--out", metavar="DIR", type=Path, required=True, help="folder to write"
        )
        options.add_argument("--steps", metavar="N", type=int, required=True, help="updates")
        options.add_argument("--batch", metavar="N", type=int, default=8, help="trials an update")
        options.add_argument("--seed", metavar="N", type=int, default=0, help="random seed")
        if stage == "mbm":
            options.add_argument("--rate", type=float, default=2.5e-4, help="learning rate")
            options.add_argument("--width", type=int, default=1024, help="of the encoder")
            options.add_argument("--depth", type=int, default=24, help="of the encoder")
            options.add_argument("--heads", type=int, default=16, help="of the encoder")
        else:
            options.add_argument("--rate", type=float, default=5.3e-5, help="learning rate")
            options.add_argument(
                "--masked-model", metavar="DIR", type=Path, required=True, help="stage A's folder"
            )
        if stage == "ldm":
            options.add_argument(
                "--base", metavar="MODEL", required=True, help="model with U-Net and first stage"
            )


def run(args: argparse.Namespace) -> int:
    """Train the stage that was asked for."""
    from mindvis_gui.cli.output import write
    from mindvis_gui.data import open_subject
    from mindvis_gui.data.prepare import measure_normalisation

    subject = open_subject(args.subject)
    normalisation = measure_normalisation(subject)
    if args.stage == "ldm":
        _fine_tune(args, subject, normalisation)
    else:
        _pre_train(args, subject, normalisation)
    write(f"{args.out}: written")
    return 0


def _pre_train(args: argparse.Namespace, subject: Subject, normalisation: Normalisation) -> None:
    import torch

    from mindvis_gui.decoding.masked_model import MaskedBrainModel
    from mindvis_gui.training.loop import Plan
    from mindvis_gui.training.mbm import mbm_rate, train_masked_model
    from mindvis_gui.training.trials import held_back, read_responses, training_trials

    torch.manual_seed(args.seed)
    if args.stage == "adapt":
        model = _load_masked_model(args.masked_model, subject)
    else:
        model = MaskedBrainModel(
            subject.n_voxels, width=args.width, depth=args.depth, heads=args.heads
        )
    patch_size = model.config.patch_size
    responses = read_responses(subject, training_trials(subject), normalisation, patch_size)
    held, rest = held_back(len(responses), args.seed)
    plan = Plan(
        args.out / _PROGRESS, args.steps, mbm_rate(args.steps, args.rate), clip=0.8, seed=args.seed
    )
    train_masked_model(model, responses[rest], responses[held], plan, batch=args.batch)
    model.save_pretrained(args.out)


def _fine_tune(args: argparse.Namespace, subject: Subject, normalisation: Normalisation) -> None:
    import torch

    from mindvis_gui.decoding.conditioner import Conditioner
    from mindvis_gui.decoding.models import find_model
    from mindvis_gui.decoding.networks import time_width
    from mindvis_gui.decoding.pipeline import MindVisPipeline, load_pipeline
    from mindvis_gui.training.dcldm import DoubleConditioned, encoder_of, train_dcldm
    from mindvis_gui.training.loop import Plan
    from mindvis_gui.training.trials import held_back, read_trials

    masked_model = _load_masked_model(args.masked_model, subject)
    base = load_pipeline(find_model(args.base))
    torch.manual_seed(args.seed)
    encoder = encoder_of(masked_model)
    conditioner = Conditioner(
        encoder.n_tokens,
        encoder.config.width,
        base.unet.config.cross_attention_dim,
        time_width(base.unet),
    )
    trials = read_trials(
        subject, normalisation, base.vqvae, base.config.image_size, encoder.config.patch_size
    )
    held, rest = held_back(len(trials), args.seed)
    plan = Plan(args.out / _PROGRESS, args.steps, lambda step: args.rate, clip=0.5, seed=args.seed)
    network = DoubleConditioned(encoder, conditioner, base.unet)
    train_dcldm(
        network,
        base.scheduler,
        trials.rows(rest),
        trials.rows(held),
        plan,
        batch=args.batch,
        draws=1,
    )
    MindVisPipeline(
        encoder,
        conditioner,
        base.unet,
        base.vqvae,
        base.scheduler,
        masked_model,
        n_voxels=subject.n_voxels,
        image_size=base.config.image_size,
        dataset=subject.display_name,
        latent_rgb=base.config.latent_rgb,
        normalisation={
            "mean": normalisation.mean,
            "std": normalisation.std,
            "basis": normalisation.basis,
        },
    ).save_pretrained(args.out)


def _load_masked_model(folder: Path, subject: Subject) -> MaskedBrainModel:
    from mindvis_gui.data.prepare import padded_length
    from mindvis_gui.decoding.masked_model import MaskedBrainModel

    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: holds no masked model; give the folder that stage A wrote")
    model: MaskedBrainModel = MaskedBrainModel.from_pretrained(
        folder, local_files_only=True, use_safetensors=True
    )
    config = model.config
    wanted = padded_length(subject.n_voxels, config.patch_size)
    if padded_length(config.n_voxels, config.patch_size) != wanted:
        raise ModelError(
            f"{folder}: was trained on {config.n_voxels:,} voxels but {subject.name} has "
            f"{subject.n_voxels:,}; pre-train on this subject"
        )
    return model
