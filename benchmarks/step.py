"""One U-Net step for 5 samples and one picture, full size, random weights: diffusers and ours.

    python benchmarks/step.py [--repeats 5] [--threads N] [--tiny]

Diffusers computes in fp32. The two take turns; a ratio is the median of the ratios of neighbours,
so that what else the machine does falls on both.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import torch
from networks import U_NET_FLOP, random_pipeline
from report import report

from mindvis_gui.decoding.batches import unet_batch
from mindvis_gui.decoding.denoiser import BatchedDenoiser, Denoiser
from mindvis_gui.decoding.device import DTYPES, choose_precision
from mindvis_gui.decoding.pictures import PictureMaker
from mindvis_gui.decoding.pipeline import MindVisPipeline
from mindvis_gui.decoding.preview import to_uint8

BATCH = 5
BAR = 0.8

Way = Callable[[], torch.Tensor]


@torch.inference_mode()
def main() -> None:
    """Print one line a precision."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--tiny", action="store_true", help="to see that the script works")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    pipeline = random_pipeline(tiny=args.tiny)
    fast = choose_precision("auto", "cpu")
    precisions = tuple(dict.fromkeys(("fp32", fast)))
    threads = f"{torch.get_num_threads()} threads" + ", TINY" * args.tiny
    plain, ways = steps(pipeline, precisions)
    seconds = by_turns({"plain": plain, **ways}, args.repeats)
    rate = BATCH * U_NET_FLOP / median(seconds["plain"]) / 1e9
    print(
        f"plain diffusers, fp32: {median(seconds['plain']):.2f} s ({rate:.0f} GFLOP/s), {threads}"
    )
    for name in precisions:
        judged = name == fast and not args.tiny
        ratio = ratio_of(seconds, name)
        report(
            f"one U-Net step, batch {BATCH}, {name} / plain diffusers fp32, {threads}",
            f"{median(seconds[name]):.2f} / {median(seconds['plain']):.2f} s = {ratio:.2f} ×",
            f"≤ {BAR} ×" if judged else "",
            ratio <= BAR if judged else None,
        )
    plain, ways = pictures(pipeline, precisions)
    seconds = by_turns({"plain": plain, **ways}, args.repeats)
    for name in precisions:
        report(
            f"one picture from latents, {name} / plain diffusers fp32, {threads}",
            f"{median(seconds[name]):.2f} / {median(seconds['plain']):.2f} s = "
            f"{ratio_of(seconds, name):.2f} ×",
        )


def steps(pipeline: MindVisPipeline, precisions: Sequence[str]) -> tuple[Way, dict[str, Way]]:
    """Return the plain way to predict the noise of 5 samples, and ours in each precision."""
    unet = pipeline.unet
    size, width = unet.config.sample_size, unet.config.cross_attention_dim
    latents, context = torch.randn(BATCH, 3, size, size), torch.randn(1, 77, width)
    time_vector = torch.randn(1, unet.time_embedding.linear_2.out_features)
    step = torch.tensor(500)
    size_of_batch = unet_batch(unet, torch.device("cpu"))

    def ours(precision: str) -> Way:
        denoiser = Denoiser(unet, DTYPES[precision])
        conditions = [denoiser.conditions(context, time_vector)]
        predict = BatchedDenoiser(denoiser, conditions, [0] * BATCH, size_of_batch)
        return lambda: predict(latents, step)

    def plain() -> torch.Tensor:
        contexts = context.expand(BATCH, -1, -1)
        times = time_vector.expand(BATCH, -1)
        return unet(latents, step, contexts, class_labels=times).sample

    ways = {precision: ours(precision) for precision in precisions}
    expected = plain()
    for name, way in ways.items():
        off = float((way() - expected).norm() / expected.norm())
        print(f"{name}: relative difference to the plain prediction {off:.1e}")
    return plain, ways


def pictures(pipeline: MindVisPipeline, precisions: Sequence[str]) -> tuple[Way, dict[str, Way]]:
    """Return the plain way from the latents of one sample to its picture, and ours."""
    vqvae = pipeline.vqvae
    latents = torch.randn(1, 3, *[pipeline.unet.config.sample_size] * 2)

    def ours(precision: str) -> Way:
        make = PictureMaker(vqvae, pipeline.config.image_size, DTYPES[precision])
        return lambda: torch.tensor(make(latents).finished()[0])

    def plain() -> torch.Tensor:
        return to_uint8(vqvae.decode(latents).sample)

    return plain, {precision: ours(precision) for precision in precisions}


def by_turns(ways: Mapping[str, Way], repeats: int) -> dict[str, list[float]]:
    """Return the seconds of each call of each way; the first pays for what torch sets up."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(repeats + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio_of(seconds: Mapping[str, Sequence[float]], name: str) -> float:
    """Return the median ratio of a way to the plain one."""
    return median(ours / plain for ours, plain in zip(seconds[name], seconds["plain"], strict=True))


if __name__ == "__main__":
    main()
