"""The stages that the demo model is made in: what is trained on what, how long and how fast.

Every stage resumes from its checkpoint in the work folder, also on another device. On a CPU the
training takes the precision that it is fast at, on a GPU bf16, or fp16 if it has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from diffusers import UNet2DConditionModel, VQModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Generator, Tensor

from mindvis_gui.data.prepare import Normalisation
from mindvis_gui.data.schematic_rois import read_cortex
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.networks import build_scheduler, build_unet, time_width
from mindvis_gui.files import atomic_path
from mindvis_gui.training.augmentation import Augmentation
from mindvis_gui.training.dcldm import DoubleConditioned, encoder_of, train_dcldm
from mindvis_gui.training.first_stage import standardise_latents, train_first_stage
from mindvis_gui.training.label_ldm import PictureContext, PictureObjective, train_label_ldm
from mindvis_gui.training.loop import Plan, warmup_cosine
from mindvis_gui.training.mbm import (
    masked_correlation,
    mbm_rate,
    random_kept,
    recovery,
    train_masked_model,
)
from mindvis_gui.training.rehearsal import Rehearsal
from mindvis_gui.training.settings import LabelLdmSettings, LdmSettings, MaskingSettings
from mindvis_gui.training.trials import TrialSet, read_responses
from tools.demo.compositions import CutOuts, Variation
from tools.demo.subject import read_simulation
from tools.demo.training_data import (
    HELD_BACK,
    SIZE,
    LatentPool,
    Pool,
    encode_pool,
    prepared_resting,
    split_trials,
)
from tools.demo.warm_up import warm_up

SEED = 0
STEPS = {
    "first_stage": 8900,
    "label_ldm": 12000,
    "mbm": 4800,
    "adapt": 1200,
    "warm_up": 9000,
    "dcldm": 1500,
}
BATCHES = {  # smaller ones of SC-MBM learn more from as many responses
    "first_stage": 8,
    "label_ldm": 32,
    "mbm": 8,
    "adapt": 8,
    "warm_up": 24,
    "dcldm": 20,
}
DRAWS, REHEARSED = 3, 2  # a trial in stage B: of noise, and pictures without responses
LATENT_CHANNELS, CODES = 4, 2048
CONTEXT_WIDTH, GRID = 128, 8
PATCH, WIDTH, DEPTH, HEADS = 16, 128, 3, 2
DECODER = (96, 2, 3)  # width, depth and heads of SC-MBM's decoder
RESTING = 4000
VISIBLE = 0.25  # weight of visible patches in SC-MBM; without it tokens forget most of them
PREDICTION = "v_prediction"


@dataclass(frozen=True, slots=True)
class Build:
    """Where the model is made.

    Attributes
    ----------
    work : pathlib.Path
        Folder with ``pool.npz``; checkpoints go beside it.
    accelerator : accelerate.Accelerator
        Device and precision of the training.
    """

    work: Path
    accelerator: Accelerator

    @property
    def device(self) -> torch.device:
        """What the networks are trained on."""
        return self.accelerator.device

    def plan(self, stage: str, rate: Callable[[int], float], clip: float = 1.0) -> Plan:
        """Plan a stage; its checkpoint, metrics and curves are kept in a folder of its name."""
        return Plan(
            self.work / stage,
            STEPS[stage],
            rate,
            clip,
            SEED,
            checkpoint_every=250,
            validate_every=250,
            accelerator=self.accelerator,
        )

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """Return the tensors in a file of the work folder, or make and write them."""
        path = self.work / name
        if not path.is_file():
            with atomic_path(path) as temporary:
                torch.save(make(), temporary)
        return torch.load(path, weights_only=True)


def first_stage(build: Build, pool: Pool) -> VQModel:
    """Train the VQ autoencoder on all pictures; half of them get any hue, so that none is rare."""
    torch.manual_seed(SEED)
    # Not `build_vqvae`: with so few channels a norm's group must hold more than one of them, or
    # it takes away a channel's mean, and with it the picture's colours.
    vqvae = VQModel(
        sample_size=SIZE,
        block_out_channels=[16, 32, 64],
        down_block_types=["DownEncoderBlock2D"] * 3,
        up_block_types=["UpDecoderBlock2D"] * 3,
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=LATENT_CHANNELS,
        vq_embed_dim=LATENT_CHANNELS,
        num_vq_embeddings=CODES,
        scaling_factor=1.0,
        mid_block_add_attention=True,
    ).to(build.device)
    plain = CutOuts(pool.rgba, SIZE)
    any_hue = CutOuts(pool.rgba, SIZE, Variation(hue=math.pi))

    def draw(number: int, generator: Generator) -> Tensor:
        rows = torch.randint(len(pool.rgba), (number,), generator=generator)
        halves = plain.compose(rows[::2], generator), any_hue.compose(rows[1::2], generator)
        return torch.cat(halves)

    steps = STEPS["first_stage"]
    plan = build.plan("first_stage", lambda step: warmup_cosine(step + 1, 2e-3, 100, steps))
    train_first_stage(
        vqvae, draw, held_out_pictures(pool), plan, batch=BATCHES["first_stage"], plain_steps=1000
    )

    def standardised() -> dict[str, Tensor]:
        rows = torch.randperm(len(pool.rgba), generator=generator_of(1))[:256]
        standardise_latents(vqvae, plain.compose(rows, generator_of(2)).to(build.device))
        return {name: weight.cpu() for name, weight in vqvae.state_dict().items()}

    vqvae.load_state_dict(build.kept("first_stage.pt", standardised))
    return vqvae.eval().requires_grad_(False)


def held_out_pictures(pool: Pool) -> Tensor:
    """Compose 64 held-out pictures, to measure the first stage on."""
    return CutOuts(pool.held_out, SIZE).compose(torch.arange(64), generator_of(1))


def latent_pool(build: Build, vqvae: VQModel, pool: Pool) -> LatentPool:
    """Encode the pictures for the diffusion model, or read them back."""

    def encoded() -> list[Tensor]:
        made = encode_pool(vqvae, pool, generator_of(5))
        return [made.latents, made.labels, made.shown]

    return LatentPool(*build.kept("latents.pt", encoded))


def untrained_label_ldm(n_labels: int) -> tuple[UNet2DConditionModel, PictureContext]:
    """Build the U-Net and the context of the diffusion model.

    The context keeps its random weights: the U-Net learns to read it, and fine-tuning
    can be prepared before the U-Net is done.
    """
    torch.manual_seed(SEED)
    unet = build_unet(
        32,
        CONTEXT_WIDTH,
        LATENT_CHANNELS,
        SIZE // 4,
        multipliers=(2, 3, 3),
        attention=(False, True, True),
        layers=1,
    )
    context = PictureContext(n_labels, CONTEXT_WIDTH, time_width(unet), LATENT_CHANNELS, GRID)
    return unet, context.requires_grad_(False)


def label_ldm(
    build: Build, latents: LatentPool, n_labels: int
) -> tuple[UNet2DConditionModel, PictureContext]:
    """Train the diffusion model that knows labels and layouts but no responses."""
    unet, context = (each.to(build.device) for each in untrained_label_ldm(n_labels))
    if build.device.type == "cpu":
        unet.set_attn_processor(AttnProcessor())  # twice as fast as fused attention, in bf16
    steps = STEPS["label_ldm"]
    plan = build.plan("label_ldm", lambda step: 1e-3 * _held_then_down(step, steps))
    train_label_ldm(
        unet,
        context,
        build_scheduler(PREDICTION),
        latents.draw,
        latents.draw(192, generator_of(99)),
        LabelLdmSettings(batch=BATCHES["label_ldm"]),
        plan,
        central=True,
    )
    return unet, context


def masked_modelling(
    build: Build, subject: Subject, normalisation: Normalisation
) -> tuple[MaskedBrainModel, dict[str, Any]]:
    """Train SC-MBM on resting-like and training responses (A1), then on the latter alone (A2)."""

    def simulated() -> Tensor:
        cortex = read_simulation(subject, read_cortex(), SEED)
        return torch.from_numpy(cortex.resting_responses(RESTING, SEED))

    resting = prepared_resting(build.kept("resting.pt", simulated).numpy(), PATCH)
    by_split = {
        split: read_responses(
            subject, [t for t in subject.trials if t.split == split], normalisation, PATCH
        )
        for split in ("train", "test-single")
    }
    train, test = by_split["train"], by_split["test-single"][:200]
    torch.manual_seed(SEED)
    model = MaskedBrainModel(subject.n_voxels, PATCH, WIDTH, DEPTH, HEADS, *DECODER)
    model.to(build.device)
    for stage, peak, responses in (
        ("mbm", 2e-3, torch.cat([resting, train])),
        ("adapt", 3e-4, train),
    ):
        plan = build.plan(stage, mbm_rate(STEPS[stage], peak), clip=0.8)
        # The validation only shows progress; nothing is chosen by it.
        train_masked_model(
            model,
            responses,
            train[:HELD_BACK],
            MaskingSettings(batch=BATCHES[stage], interpolate=0.5, visible=VISIBLE),
            plan,
        )
    kept = random_kept(len(test), model.n_patches, 0.75, generator_of(0))
    mean = train.mean(dim=0).expand_as(test)
    return model.cpu().eval(), {
        "recovery": float(recovery(model, test).mean()),
        "recovery_of_mean": float(masked_correlation(mean, test, kept).mean()),
    }


def double_conditioned(
    build: Build,
    trials: TrialSet,
    latents: LatentPool,
    unet: UNet2DConditionModel,
    context: PictureContext,
    pretrained: MaskedBrainModel,
) -> DoubleConditioned:
    """Fine-tune on the subject's trials (stage B), after the regression that warms it up.

    The weights end as they did best on the trials held back.
    """
    torch.manual_seed(SEED)
    encoder = encoder_of(pretrained)
    tokens = 1 + GRID**2
    conditioner = Conditioner(encoder.n_tokens, WIDTH, CONTEXT_WIDTH, time_width(unet), tokens)
    network = DoubleConditioned(encoder, conditioner, unet).to(build.device)
    held, fitted = map(trials.rows, split_trials(len(trials)))
    steps = STEPS["warm_up"]
    plan = build.plan("warm_up", lambda step: warmup_cosine(step + 1, 2e-3, steps / 20, steps))
    warm_up(
        encoder,
        conditioner,
        context,
        fitted,
        held,
        plan,
        batch=BATCHES["warm_up"],
        augmentation=Augmentation(sparsify=0.2),
    )
    steps = STEPS["dcldm"]
    scheduler = build_scheduler(PREDICTION)
    train_dcldm(
        network,
        scheduler,
        fitted,
        held,
        LdmSettings(
            batch=BATCHES["dcldm"],
            draws=DRAWS,
            trainable="all",
            unet_rate=4.0,
            sparsify=0.2,
            weight_decay=0.05,
            crops=0,  # the versions of a drawing differ in other ways
        ),
        build.plan("dcldm", lambda step: 2e-4 * _held_then_down(step, steps)),
        central=True,
        rehearsal=Rehearsal(
            PictureObjective(unet, context, scheduler, central=True), latents.draw, REHEARSED
        ),
    )
    return network.cpu().eval()


def _held_then_down(step: int, steps: int) -> float:
    """Short warm-up, held for 70 % of the steps, then down to a twentieth."""
    if step < 0.7 * steps:
        return min(1.0, (step + 1) / 200)
    return max(0.05, (steps - step) / (0.3 * steps))


def generator_of(seed: int) -> Generator:
    """Return random numbers of their own."""
    return Generator().manual_seed(seed)
