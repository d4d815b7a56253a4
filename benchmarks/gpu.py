"""What a GPU makes of the full-size networks, with random weights; runs unattended.

    python benchmarks/gpu.py [--device cuda] [--tiny] [--profile] [--compile]

Time a trial, pictures a second at batch 1, 5 and 40, the share of the bf16 matrix-product rate
that is measured beside it, the published way, and training. Where there is no GPU it says so in
one line and ends. `--device cpu --tiny` runs every line of it on small networks.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from statistics import median

import torch
import training
from networks import U_NET_FLOP, finish, random_decoder, random_pipeline, random_request
from published import published_latents, published_pictures
from report import report

from mindvis_gui.decoding.batches import BatchSize
from mindvis_gui.decoding.decoder import MindVisDecoder
from mindvis_gui.decoding.denoiser import BatchedDenoiser
from mindvis_gui.decoding.pipeline import MindVisPipeline
from mindvis_gui.decoding.request import decode_many
from mindvis_gui.decoding.sampling import initial_noise
from mindvis_gui.decoding.sampling_settings import PRESETS, Sampling

BATCHES = (1, 5, 40)
FAST_BAR, PAPER_BAR, SHARE_BAR, RATIO_BAR = 0.3, 2.5, 0.45, 30


class Bench:
    """The decoder on a device, and how to time what it does."""

    def __init__(self, pipeline: MindVisPipeline, device: str, *, tiny: bool) -> None:
        self.pipeline, self.device, self.tiny = pipeline, device, tiny
        self.decoder: MindVisDecoder = random_decoder(pipeline, device)
        self.n_voxels = self.decoder.info.n_voxels
        self.repeats = 2 if tiny else 5

    def time(self, work: Callable[[], object], warm_ups: int = 2) -> float:
        """Return the median seconds of `work`, which is done some times before."""
        for _ in range(warm_ups):
            work()
        seconds = []
        for _ in range(self.repeats):
            training.synchronise(self.device)
            start = time.perf_counter()
            work()
            training.synchronise(self.device)
            seconds.append(time.perf_counter() - start)
        return median(seconds)

    def trial(self, sampling: Sampling, n_seeds: int = 5, warm_ups: int = 2) -> float:
        """Return the seconds of a decode of one trial, pictures on the host."""
        request = random_request(self.n_voxels, sampling, tuple(range(n_seeds)))
        return self.time(lambda: finish(self.decoder.decode(request)), warm_ups)

    def judged(self, met: bool) -> bool | None:
        """Return `met`; None of tiny networks."""
        return None if self.tiny else met


def main() -> None:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="to see that the script works")
    parser.add_argument("--profile", action="store_true", help="print the slowest kernels")
    parser.add_argument("--compile", action="store_true", help="measure torch.compile, too")
    parser.add_argument("--without-training", action="store_true")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        print("gpu: skipped, torch finds no GPU here")
        return
    if args.device == "cpu" and not args.tiny:
        sys.exit("gpu: on a CPU only --tiny ends in a reasonable time")
    if args.device == "cuda":
        print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    bench = Bench(random_pipeline(tiny=args.tiny), args.device, tiny=args.tiny)
    rate = matmul_rate(bench)
    trials(bench)
    pictures(bench)
    many_trials(bench)
    share_of_peak(bench, rate)
    if args.profile:
        profile(bench)
    if args.compile:
        compiled(bench)
    published(bench)
    if not args.without_training:
        del bench
        if args.device == "cuda":
            torch.cuda.empty_cache()
        gpu = args.device == "cuda"
        training.stage_a1(args.device, 256 if gpu else 4, 5, tiny=args.tiny)
        training.stage_b(args.device, 5, 5, tiny=args.tiny)


def matmul_rate(bench: Bench) -> float:
    """Return FLOP/s of bf16 matrix products of 8192 × 8192."""
    n = 256 if bench.tiny else 8192
    left, right = (torch.randn(n, n, device=bench.device).bfloat16() for _ in range(2))
    rate = 2 * n**3 / bench.time(lambda: left @ right, warm_ups=10)
    report(f"bf16 matrix product, {n} × {n}", f"{rate / 1e12:.1f} TFLOP/s")
    return rate


def trials(bench: Bench) -> None:
    """Time 5 samples of one trial: the presets, and the paper's steps in half precision."""
    fast, paper = PRESETS["fast"], PRESETS["paper"]
    first = random_request(bench.n_voxels, fast)
    start = time.perf_counter()
    finish(bench.decoder.decode(first))
    report("the very first decode, recording included", f"{time.perf_counter() - start:.2f} s")
    seconds = bench.trial(fast)
    report(
        f"5 samples of a trial, preset fast ({fast.steps} steps, {bench.decoder.info.precision})",
        f"{seconds:.3f} s",
        f"≤ {FAST_BAR} s",
        bench.judged(seconds <= FAST_BAR),
    )
    seconds = bench.trial(paper, warm_ups=1)
    report(
        "5 samples of a trial, preset paper (250 PLMS steps, fp32)",
        f"{seconds:.2f} s",
        f"≤ {PAPER_BAR} s",
        bench.judged(seconds <= PAPER_BAR),
    )
    seconds = bench.trial(Sampling(paper.sampler, paper.steps, "auto"), warm_ups=1)
    report(
        f"the same in {bench.decoder.info.precision}",
        f"{seconds:.2f} s",
        f"≤ {PAPER_BAR} s",
        bench.judged(seconds <= PAPER_BAR),
    )


def pictures(bench: Bench) -> None:
    """Measure pictures a second by the number of samples of one trial."""
    for n_seeds in BATCHES:
        seconds = bench.trial(PRESETS["fast"], n_seeds)
        report(f"preset fast, batch {n_seeds}: pictures/s", f"{n_seeds / seconds:.1f}")


def many_trials(bench: Bench) -> None:
    """Measure trials a second, 5 samples each, decoded together."""
    n = 4 if bench.tiny else 48
    requests = [random_request(bench.n_voxels, PRESETS["fast"], trial=i) for i in range(n)]
    seconds = bench.time(lambda: list(decode_many(bench.decoder, requests)), warm_ups=1)
    report(f"{n} trials of 5 samples together, preset fast: trials/s", f"{n / seconds:.2f}")


@torch.inference_mode()
def share_of_peak(bench: Bench, rate: float) -> None:
    """Compare the U-Net's FLOP/s with those of a matrix product."""
    for rows in BATCHES:
        predict, latents, step = _walk(bench, rows)
        seconds = bench.time(lambda: predict(latents, step), warm_ups=5)  # noqa: B023
        share = rows * U_NET_FLOP / seconds / rate
        judged = rows == max(BATCHES)
        report(
            f"U-Net step, batch {rows}: share of the measured bf16 matrix-product rate",
            f"{1000 * seconds:.1f} ms = {100 * share:.0f} %" if not bench.tiny else "TINY",
            f"≥ {100 * SHARE_BAR:.0f} %" if judged else "",
            bench.judged(share >= SHARE_BAR) if judged else None,
        )


def _walk(bench: Bench, rows: int) -> tuple[BatchedDenoiser, torch.Tensor, torch.Tensor]:
    """Return what predicts the noise of `rows` latents, the latents and a step."""
    denoiser, _ = bench.decoder._networks_in(bench.decoder.info.precision)
    conditions = [bench.decoder._conditions(random_request(bench.n_voxels, PRESETS["fast"]))]
    config = bench.pipeline.unet.config
    shape = (config.in_channels, config.sample_size, config.sample_size)
    latents = initial_noise(range(rows), shape).to(bench.device)
    size = BatchSize(rows, fixed=False)
    return BatchedDenoiser(denoiser, conditions, [0] * rows, size), latents, torch.tensor(500)


@torch.inference_mode()
def profile(bench: Bench) -> None:
    """Print the slowest operations of an unrecorded U-Net call."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as recording

    denoiser, _ = bench.decoder._networks_in(bench.decoder.info.precision)
    for rows in BATCHES:
        predict, latents, step = _walk(bench, rows)
        recorded, denoiser._denoise = denoiser._denoise, denoiser._predict
        kinds = [ProfilerActivity.CPU]
        if bench.device == "cuda":
            kinds.append(ProfilerActivity.CUDA)
        try:
            predict(latents, step)
            with recording(activities=kinds) as profiled:
                predict(latents, step)
                training.synchronise(bench.device)
        finally:
            denoiser._denoise = recorded
        order = "self_cuda_time_total" if bench.device == "cuda" else "self_cpu_time_total"
        print(f"batch {rows}")
        print(profiled.key_averages().table(sort_by=order, row_limit=12, max_name_column_width=60))


@torch.inference_mode()
def compiled(bench: Bench) -> None:
    """Measure what torch.compile would gain, and what it costs before the first sample."""
    denoiser, _ = bench.decoder._networks_in(bench.decoder.info.precision)
    for rows in BATCHES[1:]:
        predict, latents, step = _walk(bench, rows)
        plain = bench.time(lambda: predict(latents, step), warm_ups=5)  # noqa: B023
        recorded = denoiser._denoise
        denoiser._denoise = torch.compile(denoiser._predict)
        try:
            start = time.perf_counter()
            predict(latents, step)
            training.synchronise(bench.device)
            wait = time.perf_counter() - start
            fast = bench.time(lambda: predict(latents, step))  # noqa: B023
        finally:
            denoiser._denoise = recorded
        report(
            f"torch.compile, batch {rows}: U-Net step recorded → compiled; compiling takes",
            f"{1000 * plain:.1f} → {1000 * fast:.1f} ms; {wait:.0f} s",
        )


@torch.inference_mode()
def published(bench: Bench) -> None:
    """Time the published way, once: 5 samples, 250 PLMS steps, fp32, nothing cached."""
    pipeline, steps = bench.pipeline, 5 if bench.tiny else 250
    plain = torch.contiguous_format
    unet, vqvae = (deepcopy(n).to(memory_format=plain) for n in (pipeline.unet, pipeline.vqvae))
    request = random_request(bench.n_voxels, PRESETS["fast"])
    padded = bench.decoder._padded(request.vector)
    config = pipeline.unet.config
    noise = initial_noise(
        request.seeds, (config.in_channels, config.sample_size, config.sample_size)
    ).to(bench.device)

    def decode() -> torch.Tensor:
        context, time_vector = pipeline.condition(padded)
        latents = published_latents(unet, pipeline.scheduler, context, time_vector, noise, steps)
        return published_pictures(vqvae, latents).cpu()

    fast = bench.trial(PRESETS["fast"])
    training.synchronise(bench.device)
    decode() if bench.tiny else None
    start = time.perf_counter()
    decode()
    seconds = time.perf_counter() - start
    report(
        f"published way ({steps} PLMS steps, plain fp32 loop) / preset fast",
        f"{seconds:.2f} / {fast:.3f} s = {seconds / fast:.1f} ×",
        f"≥ {RATIO_BAR} × on a GPU",
        bench.judged(seconds / fast >= RATIO_BAR),
    )


if __name__ == "__main__":
    main()
