"""One U-Net step for 5 samples, full size, random weights: diffusers in fp32 and ours.

    python benchmarks/step.py [--repeats 5] [--threads N] [--tiny]

The two take turns; a ratio is the median of the ratios of neighbours, so that what else the
machine does falls on both.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import torch
from networks import U_NET_FLOP, random_unet
from report import report

from mindvis_gui.decoding.batches import unet_batch
from mindvis_gui.decoding.denoiser import BatchedDenoiser, Denoiser
from mindvis_gui.decoding.device import DTYPES, choose_precision

BATCH = 5
BAR = 0.8


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
    unet = random_unet(tiny=args.tiny)
    size, width = unet.config.sample_size, unet.config.cross_attention_dim
    latents, context = torch.randn(BATCH, 3, size, size), torch.randn(1, 77, width)
    time_vector = torch.randn(1, unet.time_embedding.linear_2.out_features)
    step = torch.tensor(500)
    fast = choose_precision("auto", "cpu")
    paths = {}
    for precision in dict.fromkeys(("fp32", fast)):
        denoiser = Denoiser(unet, DTYPES[precision])
        conditions = [denoiser.conditions(context, time_vector)]
        size_of_batch = unet_batch(unet, torch.device("cpu"))
        predict = BatchedDenoiser(denoiser, conditions, [0] * BATCH, size_of_batch)
        paths[precision] = lambda predict=predict: predict(latents, step)

    def plain() -> torch.Tensor:
        contexts = context.expand(BATCH, -1, -1)
        times = time_vector.expand(BATCH, -1)
        return unet(latents, step, contexts, class_labels=times).sample

    expected = plain()
    seconds: dict[str, list[float]] = {"plain": [], **{name: [] for name in paths}}
    for name, path in paths.items():  # the first call pays for what torch sets up
        off = float((path() - expected).norm() / expected.norm())
        print(f"{name}: relative difference to the plain prediction {off:.1e}")
    for _ in range(args.repeats):
        for name, path in {"plain": plain, **paths}.items():
            start = time.perf_counter()
            path()
            seconds[name].append(time.perf_counter() - start)
    rate = BATCH * U_NET_FLOP / median(seconds["plain"]) / 1e9
    threads = f"{torch.get_num_threads()} threads" + ", TINY" * args.tiny
    print(
        f"plain diffusers, fp32: {median(seconds['plain']):.2f} s ({rate:.0f} GFLOP/s), {threads}"
    )
    for name in paths:
        ratio = median(
            ours / theirs for ours, theirs in zip(seconds[name], seconds["plain"], strict=True)
        )
        judged = name == fast and not args.tiny
        report(
            f"one U-Net step, batch {BATCH}, {name} / plain diffusers fp32, {threads}",
            f"{median(seconds[name]):.2f} / {median(seconds['plain']):.2f} s = {ratio:.2f} ×",
            f"≤ {BAR} ×" if judged else "",
            ratio <= BAR if judged else None,
        )


if __name__ == "__main__":
    main()
