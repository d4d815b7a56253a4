"""What each part of the method adds on the demo subject: the rows of the paper's ablation tables.

    python -m tools.build_demo --work build/demo --only subject      # once
    python -m benchmarks.demo_ablation --work build/demo

Every run starts from the demo model: its first stage, its U-Net and, where nothing about the
pre-training is varied, its SC-MBM. The encoder is warmed up, fine-tuned for a moment, and decodes
the 40 unseen drawings of seen concepts. Runs that are done are kept in WORK/ablation: it goes on
where it was stopped, and rows that are not done are left out of the table.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import process_time

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor
from torch import Generator, Tensor

from benchmarks.demo_drawings import correlations, drawn, identification, unseen_drawings
from mindvis_gui.data import open_subject
from mindvis_gui.data.prepare import measure_normalisation
from mindvis_gui.data.schematic_rois import read_cortex
from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.device import choose_precision
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.models import find_model
from mindvis_gui.decoding.networks import time_width
from mindvis_gui.decoding.pipeline import MindVisPipeline, load_pipeline
from mindvis_gui.decoding.sampling_settings import Sampling
from mindvis_gui.files import atomic_path
from mindvis_gui.training.augmentation import Augmentation
from mindvis_gui.training.dcldm import DoubleConditioned, encoder_of, train_dcldm
from mindvis_gui.training.loop import Plan, warmup_cosine
from mindvis_gui.training.mbm import MASK_RATIO, mbm_rate, train_masked_model
from mindvis_gui.training.settings import LdmSettings, MaskingSettings
from mindvis_gui.training.trials import TrialSet, read_pictures, read_responses
from tools.demo.stages import (
    CONTEXT_WIDTH,
    DECODER,
    DEPTH,
    GRID,
    HEADS,
    PATCH,
    SEED,
    SIZE,
    VISIBLE,
    WIDTH,
    untrained_label_ldm,
)
from tools.demo.subject import read_simulation
from tools.demo.training_data import prepared_resting, read_pool, read_trials
from tools.demo.warm_up import warm_up

SEEDS = (0, 1, 2)
RESTING, HELD = 2000, 60
STEPS = {"mbm": 2400, "warm_up": 400, "dcldm": 12}
MBM_BATCH = 8
PRECISION = choose_precision("auto", "cpu")  # without bf16 instructions that is 3 × slower
SAMPLES, SAMPLING = (0, 1), Sampling("dpm++", 8, "fp32")


@dataclass(frozen=True, slots=True)
class Variant:
    """One row of the table: what is done differently.

    Attributes
    ----------
    anew : bool
        Pre-train for this row what the demo model would have: what rows compare with that must be.
    trials : int
        So many are fine-tuned on, 60 of them held back to watch the loss.
    """

    pretrained: bool = True
    train_encoder: bool = True
    cross_attention: bool = True
    time_condition: bool = True
    mask_ratio: float = 0.75
    patch: int = 16
    visible: float = VISIBLE
    anew: bool = False
    trials: int = 1200

    @property
    def as_shipped(self) -> bool:
        """Whether the SC-MBM of the demo model will do, where one is wanted."""
        chosen = self.mask_ratio, self.patch, self.visible
        return chosen == (MASK_RATIO, PATCH, VISIBLE) and not self.anew


VARIANTS = {  # those that need no pre-training of their own first
    "full (mask ratio 0.75, patch 16, 1,200 trials)": Variant(),
    "no SC-MBM pre-training": Variant(pretrained=False),
    "encoder frozen": Variant(train_encoder=False),
    "encoder frozen, no SC-MBM pre-training": Variant(train_encoder=False, pretrained=False),
    "cross-attention only": Variant(time_condition=False),
    "time condition only": Variant(cross_attention=False),
    **{f"{n} trials": Variant(trials=n) for n in (100, 300, 600)},
    **{
        f"{n} trials, no SC-MBM pre-training": Variant(trials=n, pretrained=False)
        for n in (100, 300)
    },
    "pre-trained anew (mask ratio 0.75, patch 16)": Variant(anew=True),
    **{f"mask ratio {r}": Variant(mask_ratio=r) for r in (0.35, 0.55, 0.85)},
    **{f"patch {p}": Variant(patch=p) for p in (8, 32)},
    "visible patches do not count": Variant(visible=0.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder with pool.npz")
    parser.add_argument("--model", default="demo", help="model folder or name")
    parser.add_argument("--only", default="", help="rows with this in their name")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".md"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    setting = Setting(args.work, find_model(args.model))
    done_path = setting.folder / "results.json"
    done = json.loads(done_path.read_text("utf-8")) if done_path.is_file() else {}
    runs = [
        (seed, name, variant)
        for quick in (True, False)
        for seed in SEEDS
        for name, variant in VARIANTS.items()
        if variant.as_shipped == quick and args.only in name
    ]
    for seed, name, variant in runs:
        key = f"{name} / {seed}"
        if key in done:
            continue
        start = process_time()
        run = setting.folder / "run"
        done[key] = {**setting.run(run, key, variant, seed), "seconds": process_time() - start}
        with atomic_path(done_path) as temporary:
            temporary.write_text(json.dumps(done, indent=1), encoding="utf-8")
        shutil.rmtree(run)
        args.out.write_text(table(done), encoding="utf-8")
        print(key, {name: round(value, 3) for name, value in done[key].items()}, flush=True)


class Setting:
    """What all runs share: the demo subject, the U-Net they start from, and the pictures."""

    def __init__(self, work: Path, model: Path) -> None:
        self.folder = work / "ablation"
        self.folder.mkdir(exist_ok=True)
        self.subject = open_subject("demo")
        self.normalisation = measure_normalisation(self.subject)
        self.model = model
        self.pool = read_pool(work / "pool.npz")
        self.vqvae = load_pipeline(model).vqvae.float()
        self.tests = unseen_drawings(self.subject)
        self.stimuli = read_pictures(self.subject, self.tests, SIZE, antialias=True)

    def run(self, folder: Path, key: str, variant: Variant, seed: int) -> dict[str, float]:
        """Train one variant and score what it decodes; what an other run left is thrown away."""
        note = folder / "run.txt"
        if not note.is_file() or note.read_text("utf-8") != key:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            note.write_text(key, encoding="utf-8")
        trials = self.trials(variant.patch)
        order = torch.randperm(len(trials), generator=Generator().manual_seed(seed))
        held, fitted = trials.rows(order[:HELD]), trials.rows(order[HELD : variant.trials])
        torch.manual_seed(seed)
        if variant.pretrained:
            shipped = load_pipeline(self.model).masked_model
            encoder = encoder_of(
                shipped.float()
                if variant.as_shipped and shipped is not None
                else self.masked_model(folder, variant, fitted.responses, seed)
            )
        else:
            encoder = FmriEncoder(self.subject.n_voxels, variant.patch, WIDTH, DEPTH, HEADS)
        encoder.requires_grad_(variant.train_encoder)
        pipeline = self.fine_tuned(folder, variant, encoder, fitted, held, seed)
        return self.scores(pipeline, self.test_responses(variant.patch))

    def masked_model(
        self, folder: Path, variant: Variant, responses: Tensor, seed: int
    ) -> MaskedBrainModel:
        """Pre-train SC-MBM on resting-like responses and those of the training trials."""
        model = MaskedBrainModel(
            self.subject.n_voxels, variant.patch, WIDTH, DEPTH, HEADS, *DECODER
        )
        both = torch.cat([self.resting(variant.patch), responses])
        plan = _plan(folder, "mbm", mbm_rate(STEPS["mbm"], 1e-3), seed)
        train_masked_model(
            model,
            both,
            responses[:HELD],
            MaskingSettings(
                batch=MBM_BATCH,
                mask_ratio=variant.mask_ratio,
                interpolate=0.5,
                visible=variant.visible,
            ),
            plan,
        )
        return model

    def fine_tuned(
        self,
        folder: Path,
        variant: Variant,
        encoder: FmriEncoder,
        fitted: TrialSet,
        held: TrialSet,
        seed: int,
    ) -> MindVisPipeline:
        """Warm up and fine-tune; of the U-Net its cross-attention alone, as in the paper."""
        pipeline = load_pipeline(self.model)
        unet = pipeline.unet.float()
        unet.set_attn_processor(AttnProcessor())
        conditioner = Conditioner(
            encoder.n_tokens,
            WIDTH,
            CONTEXT_WIDTH,
            time_width(unet),
            1 + GRID**2,
            time_condition=variant.time_condition,
            cross_attention=variant.cross_attention,
        )
        sparser = Augmentation(sparsify=0.2)
        steps = STEPS["warm_up"]
        plan = _plan(folder, "warm_up", lambda s: warmup_cosine(s + 1, 2e-3, 15, steps), seed)
        context = untrained_label_ldm(len(self.pool.names))[1]
        warm_up(encoder, conditioner, context, fitted, held, plan, augmentation=sparser)
        network = DoubleConditioned(encoder, conditioner, unet)
        steps = STEPS["dcldm"]
        plan = _plan(folder, "dcldm", lambda s: warmup_cosine(s + 1, 3e-4, 5, steps), seed)
        train_dcldm(
            network,
            pipeline.scheduler,
            fitted,
            held,
            LdmSettings(
                batch=12, draws=2, train_encoder=variant.train_encoder, sparsify=0.2, crops=0
            ),
            plan,
            central=True,
        )
        return MindVisPipeline(
            encoder.eval(), conditioner.eval(), unet.eval(), self.vqvae, pipeline.scheduler
        )

    @torch.inference_mode()
    def scores(self, pipeline: MindVisPipeline, responses: Tensor) -> dict[str, float]:
        """Decode each response with two seeds; the scores of docs/evaluation.md."""
        condition = pipeline.condition(responses)
        made = (
            drawn(pipeline, condition, seed, SAMPLING, bf16=PRECISION == "bf16") for seed in SAMPLES
        )
        tables = [correlations(each.movedim(-1, 1), self.stimuli) for each in made]
        return identification(np.stack(tables))

    @cache  # noqa: B019 (one object for the whole program)
    def trials(self, patch: int) -> TrialSet:
        """Return all training trials, in patches of `patch` voxels."""
        return read_trials(self.subject, self.normalisation, self.vqvae, self.pool.names, patch)

    @cache  # noqa: B019
    def test_responses(self, patch: int) -> Tensor:
        """Return the averaged responses to the unseen drawings of seen concepts."""
        return read_responses(self.subject, self.tests, self.normalisation, patch)

    @cache  # noqa: B019
    def resting(self, patch: int) -> Tensor:
        """Return resting-like responses, wrapped as trials are: by one patch at least."""
        path = self.folder / "resting.pt"
        if not path.is_file():
            cortex = read_simulation(self.subject, read_cortex(), SEED)
            torch.save(torch.from_numpy(cortex.resting_responses(RESTING, SEED)), path)
        return prepared_resting(torch.load(path, weights_only=True).numpy(), patch)


def table(done: Mapping[str, Mapping[str, float]]) -> str:
    """Write the results as a Markdown document."""
    lines = [
        "# Ablations on the demo subject",
        "",
        "`python -m benchmarks.demo_ablation --work build/demo`: mean ± standard deviation over",
        "the seeds (initial weights, order of trials, held-back trials). All start from the U-Net",
        "of the demo model and from its SC-MBM, which saw the responses of all training trials.",
        f"Rows from 'pre-trained anew' on have an SC-MBM of their own, {STEPS['mbm']:,} steps of "
        f"{MBM_BATCH} on",
        f"{RESTING:,} resting-like responses and the trials': compare them with that row.",
        f"{STEPS['warm_up']} steps of warm-up, {STEPS['dcldm']} of DC-LDM, which trains the",
        "cross-attention alone of the U-Net; 'cross-attention only' has no time condition.",
        "Scored on 40 unseen drawings of seen concepts, averaged responses,",
        f"{len(SAMPLES)} samples each, {SAMPLING.steps} steps of DPM-Solver++.",
        "These are short runs: they compare the rows of this table and say nothing about the",
        "shipped model.",
        "",
        "| | seeds | pixel correlation | two-way | top-1 of 40 | CPU seconds |",
        "|---|---|---|---|---|---|",
    ]
    for name in VARIANTS:
        runs = [done[f"{name} / {seed}"] for seed in SEEDS if f"{name} / {seed}" in done]
        if not runs:
            continue
        cells = [
            _mean_and_deviation([factor * run[score] for run in runs], digits)
            for score, factor, digits in (
                ("pixel_correlation", 1, 3),
                ("two_way", 100, 1),
                ("top_1", 100, 0),
            )
        ]
        seconds = np.mean([run["seconds"] for run in runs])
        lines.append(
            f"| {name} | {len(runs)} | {cells[0]} | {cells[1]} % | {cells[2]} % | {seconds:.0f} |"
        )
    return "\n".join(lines) + "\n"


def _mean_and_deviation(values: Sequence[float], digits: int) -> str:
    mean = f"{np.mean(values):.{digits}f}"
    return f"{mean} ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else mean


def _plan(folder: Path, stage: str, rate: Callable[[int], float], seed: int) -> Plan:
    steps = STEPS[stage]
    return Plan(folder / stage, steps, rate, 1.0, seed, steps, steps, steps)


if __name__ == "__main__":
    main()
