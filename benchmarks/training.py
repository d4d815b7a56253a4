"""Training throughput: stage A1 at full size, a plain fp32 loop and ours; random responses.

    python benchmarks/training.py [--batch 8] [--steps 4] [--device auto] [--tiny]

"Plain": fp32, attention written out, an optimiser that updates one tensor after the other.
"Ours" is `train_masked_model` as the command line runs it. On a GPU stage B follows.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from networks import LATENT_SHAPE, TINY_LATENT_SHAPE, VOXELS, random_pipeline
from report import report
from torch.nn.attention import SDPBackend, sdpa_kernel

from mindvis_gui.data.prepare import padded_length
from mindvis_gui.decoding.device import choose_device
from mindvis_gui.decoding.masked_model import MaskedBrainModel
from mindvis_gui.decoding.models import find_model
from mindvis_gui.decoding.networks import time_width
from mindvis_gui.decoding.pipeline import load_pipeline
from mindvis_gui.training.dcldm import DoubleConditioned, train_dcldm
from mindvis_gui.training.loop import Plan, accelerator_on
from mindvis_gui.training.mbm import MASK_RATIO, random_kept, train_masked_model
from mindvis_gui.training.settings import LdmSettings, MaskingSettings
from mindvis_gui.training.trials import TrialSet

BAR = 2.0
ROWS = 1200  # responses, as GOD has for training


class EnoughError(Exception):
    """Ends a training that was only begun to be timed."""


class Clock:
    """A learning rate that notes when it is asked for: once a step."""

    def __init__(self, steps: int, device: str) -> None:
        self.times: list[float] = []
        self._steps, self._device = steps, device

    def __call__(self, step: int) -> float:
        """Return a small rate; after the wanted steps end the training."""
        synchronise(self._device)
        self.times.append(time.perf_counter())
        if step == self._steps + 1:  # the first step sets up what stays
            raise EnoughError
        return 1e-5

    @property
    def seconds(self) -> float:
        """Median of a step."""
        pairs = zip(self.times[1:], self.times[2:], strict=False)
        return median(later - earlier for earlier, later in pairs)


def synchronise(device: str) -> None:
    """Wait until a GPU has done what it was told."""
    if device == "cuda":
        torch.cuda.synchronize()


def timed(train: Callable[[Plan], None], steps: int, device: str) -> float:
    """Return the seconds of a training step, the median of `steps`."""
    clock = Clock(steps, device)
    with tempfile.TemporaryDirectory() as folder:
        accelerator = accelerator_on(device)
        try:
            train(Plan(Path(folder), steps + 10, clock, accelerator=accelerator))
        except EnoughError:
            return clock.seconds
    raise AssertionError("the training ended before it was timed")


def masked_model(device: str, *, tiny: bool) -> MaskedBrainModel:
    """Return SC-MBM with random weights."""
    sizes = {
        "width": 32,
        "depth": 2,
        "heads": 2,
        "decoder_width": 16,
        "decoder_depth": 1,
        "decoder_heads": 2,
    }
    torch.manual_seed(0)
    return MaskedBrainModel(VOXELS, **(sizes if tiny else {})).to(device)


def random_responses(n: int = ROWS) -> torch.Tensor:
    """Return responses (n, n_padded)."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, padded_length(VOXELS, 16), generator=generator)


def plain_step(model: MaskedBrainModel, responses: torch.Tensor, batch: int) -> Callable[[], None]:
    """Return a function that makes one plain fp32 step of stage A1."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-5, foreach=False, fused=False)
    generator = torch.Generator().manual_seed(0)

    def step() -> None:
        rows = torch.randint(len(responses), (batch,), generator=generator)
        kept = random_kept(batch, model.n_patches, MASK_RATIO, generator)
        with sdpa_kernel(SDPBackend.MATH):
            loss = model.loss(responses[rows].to(model.device), kept.to(model.device))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.8)
        optimiser.step()

    return step


def stage_a1(device: str, batch: int, steps: int, *, tiny: bool) -> None:
    """Compare a plain and our training of SC-MBM."""
    responses, model = random_responses(), masked_model(device, tiny=tiny)
    step = plain_step(model, responses, batch)
    step()
    plain = []
    for _ in range(steps):
        synchronise(device)
        start = time.perf_counter()
        step()
        synchronise(device)
        plain.append(time.perf_counter() - start)
    del step
    model = masked_model(device, tiny=tiny)
    ours = timed(
        lambda plan: train_masked_model(
            model, responses, responses[:8], MaskingSettings(batch=batch), plan
        ),
        steps,
        device,
    )
    ratio = median(plain) / ours
    judged = device == "cuda" and not tiny
    report(
        f"stage A1, {device}, batch {batch}: samples/s of a plain fp32 loop → ours",
        f"{batch / median(plain):.2f} → {batch / ours:.2f} = {ratio:.2f} ×" + tiny * " TINY",
        f"≥ {BAR:.0f} × on a GPU",
        ratio >= BAR if judged else None,
    )
    generator, draws = torch.Generator().manual_seed(1), []
    for _ in range(20):
        start = time.perf_counter()
        rows = torch.randint(len(responses), (batch,), generator=generator)
        responses[rows].to(device)
        random_kept(batch, model.n_patches, MASK_RATIO, generator).to(device)
        draws.append(time.perf_counter() - start)
    share = median(draws) / ours
    report(
        f"the same: share of a step that drawing its batch takes, {device}",
        f"{1000 * median(draws):.1f} of {1000 * ours:.0f} ms = {100 * share:.1f} %",
        "≤ 10 %",
        share <= 0.1 if not tiny else None,
    )


def stage_b(device: str, batch: int, steps: int, *, tiny: bool) -> None:
    """Measure our training of stage B: batches of `batch` trials, one noise draw each."""
    pipeline = random_pipeline(VOXELS, tiny=tiny).to(device)
    network = DoubleConditioned(pipeline.encoder, pipeline.conditioner, pipeline.unet)
    network.requires_grad_(True)
    shape = TINY_LATENT_SHAPE if tiny else LATENT_SHAPE
    trials = TrialSet(random_responses(64), torch.randn(64, 1, *shape), torch.zeros(64).long())
    seconds = timed(
        lambda plan: train_dcldm(
            network,
            pipeline.scheduler,
            trials,
            trials.rows(torch.arange(2)),
            LdmSettings(batch=batch),
            plan,
        ),
        steps,
        device,
    )
    report(
        f"stage B, {device}, batch {batch}: samples/s", f"{batch / seconds:.2f}" + tiny * " TINY"
    )


def memory_orders(device: str, steps: int, *, tiny: bool) -> None:
    """Compare channels first and last in a step of the U-Net alone, of the demo's size on a CPU."""
    if device == "cuda" or tiny:
        unet, batch = random_pipeline(VOXELS, tiny=tiny).unet.to(device), 8
    else:
        unet, batch = load_pipeline(find_model("demo")).unet.float(), 32
    config = unet.requires_grad_(True).config
    size, width = config.sample_size, config.cross_attention_dim
    latents = torch.randn(batch, config.in_channels, size, size, device=device)
    context = torch.randn(batch, 65, width, device=device)
    time_condition = torch.randn(batch, time_width(unet), device=device)
    times: dict[torch.memory_format, list[float]] = {}
    for _ in range(steps + 1):
        for order in (torch.contiguous_format, torch.channels_last):
            unet.to(memory_format=order)
            synchronise(device)
            start = time.perf_counter()
            with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
                made = unet(latents, 500, context, class_labels=time_condition).sample
            made.float().square().mean().backward()
            synchronise(device)
            times.setdefault(order, []).append(time.perf_counter() - start)
    first, last = (batch / median(each[1:]) for each in times.values())
    report(
        f"U-Net{'' if device == 'cuda' or tiny else ' of the demo'}, {device}, batch {batch}: "
        "samples/s forth and back, channels first → last",
        f"{first:.1f} → {last:.1f} = {last / first:.2f} ×" + tiny * " TINY",
    )


def main() -> None:
    """Print one line a stage."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--batch", type=int, help="default: 8 on a CPU, 256 on a GPU")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--stage-b", action="store_true", help="on a CPU, too: minutes")
    parser.add_argument("--tiny", action="store_true", help="to see that the script works")
    args = parser.parse_args()
    device = choose_device(args.device)
    gpu = device == "cuda"
    stage_a1(device, args.batch or (256 if gpu else 8), args.steps, tiny=args.tiny)
    memory_orders(device, args.steps, tiny=args.tiny)
    if gpu or args.stage_b:
        stage_b(device, args.batch or 5, args.steps, tiny=args.tiny)


if __name__ == "__main__":
    main()
