"""Does it learn? SC-MBM against the mean response, and DC-LDM with and without pre-training.

    python benchmarks/learning.py [--mbm-steps 2400] [--ldm-steps 400] [--seeds 1]
                                [--visible 0.25]

On the demo subject, one CPU thread. SC-MBM of the preset `small` is trained from nothing on the
training trials and recovers masked voxels of test trials. DC-LDM is trained twice from the same
diffusion model, alike but for the encoder: that one, or random weights. Its prediction error (of
the velocity, for the demo model) is measured on test trials with the same noise, beside the error
with the responses of the wrong trials.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import torch
from report import report
from torch import Generator, Tensor

from mindvis_gui.data import open_subject
from mindvis_gui.data.prepare import measure_normalisation
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.device import choose_precision
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.models import find_model
from mindvis_gui.decoding.networks import time_width
from mindvis_gui.decoding.pipeline import load_pipeline
from mindvis_gui.training.dcldm import DoubleConditioned, encoder_of, train_dcldm
from mindvis_gui.training.label_ldm import draw_noise
from mindvis_gui.training.loop import Plan
from mindvis_gui.training.mbm import (
    masked_correlation,
    mbm_rate,
    random_kept,
    recovery,
    train_masked_model,
)
from mindvis_gui.training.settings import LdmSettings, MaskingSettings, MbmSettings
from mindvis_gui.training.trials import TrialReader, TrialSet, read_responses, training_trials

SMALL = MbmSettings.PRESETS["small"]
PATCH, BATCH = 16, 8  # batches of SC-MBM: small ones learn more from as many responses
DRAWS = 16  # noise draws a test trial
BF16 = choose_precision("auto", "cpu") == "bf16"


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mbm-steps", type=int, default=2400)
    parser.add_argument("--ldm-steps", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument(
        "--visible", type=float, default=SMALL["visible"], help="of `mindvis train`"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    subject = open_subject("demo")
    with tempfile.TemporaryDirectory() as name:
        model = masked_model(subject, args.mbm_steps, args.visible, Path(name))
        ours, mean = masked_recovery(subject, model)
        how = (
            "" if args.visible == SMALL["visible"] else f", visible patches count {args.visible:g}"
        )
        report(
            f"SC-MBM, {args.mbm_steps} steps of {BATCH}{how}: masked voxels of test trials, r; "
            "mean response",
            f"{ours:.3f}; {mean:.3f}",
            "0.1 more",
            ours > mean + 0.1,
        )
        for seed in range(args.seeds):
            own = {}
            for pretrained, what in ((model, "pre-trained encoder"), (None, "no pre-training")):
                own[what], wrong = dcldm_error(
                    subject, args.ldm_steps, seed, Path(name) / f"{seed} {what}", pretrained
                )
                print(f"{what:<20} error {own[what]:.4f}, of wrong responses {wrong:.4f}")
            better, worse = own.values()
            report(
                f"DC-LDM, {args.ldm_steps} steps of 12, seed {seed}{how}: error on test trials, "
                "pre-trained; not",
                f"{better:.4f}; {worse:.4f}",
                "less",
                better < worse,
            )


def masked_model(subject: Subject, steps: int, visible: float, work: Path) -> MaskedBrainModel:
    """Pre-train SC-MBM on the training trials."""
    train = read_responses(subject, training_trials(subject), measure_normalisation(subject), PATCH)
    torch.manual_seed(0)
    model = MaskedBrainModel(
        subject.n_voxels, PATCH, SMALL["width"], SMALL["depth"], SMALL["heads"],
        SMALL["decoder_width"], SMALL["decoder_depth"], SMALL["decoder_heads"],
    )  # fmt: skip
    plan = Plan(work / "mbm", steps, mbm_rate(steps, 2e-3), 0.8, validate_every=steps)
    train_masked_model(
        model,
        train,
        train[:20],
        MaskingSettings(batch=BATCH, interpolate=SMALL["interpolate"], visible=visible),
        plan,
    )
    return model


def masked_recovery(subject: Subject, model: MaskedBrainModel) -> tuple[float, float]:
    """Return the correlation over masked voxels of test trials: SC-MBM's, the mean response's."""
    normalisation = measure_normalisation(subject)
    test = [trial for trial in subject.trials if trial.split == "test-single"][:200]
    train = read_responses(subject, training_trials(subject), normalisation, PATCH)
    seen = read_responses(subject, test, normalisation, PATCH)
    kept = random_kept(len(seen), model.n_patches, 0.75, Generator().manual_seed(0))
    mean = masked_correlation(train.mean(dim=0).expand_as(seen), seen, kept)
    return float(recovery(model, seen).mean()), float(mean.mean())


def dcldm_error(
    subject: Subject, steps: int, seed: int, work: Path, pretrained: MaskedBrainModel | None
) -> tuple[float, float]:
    """Return the prediction error on test trials, by their own and by others' responses.

    Without a `pretrained` model the encoder starts with random weights.
    """
    base = load_pipeline(find_model("demo"))
    test = [trial for trial in subject.trials if trial.split == "test"]
    reader = TrialReader(subject, measure_normalisation(subject), base.vqvae, 64, PATCH)
    trials, shown = reader.read(training_trials(subject)), reader.read(test)
    torch.manual_seed(seed)
    sizes = SMALL["width"], SMALL["depth"], SMALL["heads"]
    random = FmriEncoder(subject.n_voxels, PATCH, *sizes)  # drawn in any case: all else is alike
    encoder = random if pretrained is None else encoder_of(pretrained)
    conditioner = Conditioner(
        encoder.n_tokens, SMALL["width"], base.unet.config.cross_attention_dim,
        time_width(base.unet), 65,
    )  # fmt: skip
    network = DoubleConditioned(encoder, conditioner, base.unet)
    plan = Plan(
        work, steps,
        lambda step: 1e-3 * min(1.0, (step + 1) / 50), seed=seed, validate_every=steps // 2,
    )  # fmt: skip
    held = trials.rows(torch.arange(0, len(trials), 20))
    rest = torch.ones(len(trials), dtype=torch.bool)
    rest[::20] = False
    train_dcldm(
        network, base.scheduler, trials.rows(rest.nonzero().flatten()), held,
        LdmSettings(batch=12, unet_rate=0.1, sparsify=0.2), plan,
    )  # fmt: skip
    return test_error(network, base.scheduler, shown, 0), test_error(
        network, base.scheduler, shown, 7
    )


@torch.no_grad()
def test_error(network: DoubleConditioned, scheduler, shown: TrialSet, shift: int) -> float:
    """Return the error with each trial's response taken from the trial `shift` places on."""
    latents = shown.latents[:, 0]
    responses = shown.responses.roll(shift, dims=0)
    errors: list[Tensor] = []
    for draw in range(DRAWS):
        drawn = draw_noise(latents.shape, scheduler, Generator().manual_seed(draw))
        noise, times = (each[:, None] for each in drawn)
        with torch.autocast("cpu", torch.bfloat16, enabled=BF16):
            errors.append(network.loss(scheduler, responses, latents[:, None], (noise, times)))
    return float(torch.stack(errors).mean())


if __name__ == "__main__":
    main()
