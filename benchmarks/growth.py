"""How cost grows: with trials, with seeds, with voxels.

    python benchmarks/growth.py [--plot docs/images/growth.png] [--threads 1] [--quick]

Trials and seeds: the demo with preset *fast*. Voxels: the full-size fMRI encoder and conditioner
with random weights, the only parts whose cost depends on them. Medians of 3; numbers of trials
above the measured ones are the measured time a trial times their number, and are marked so.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

import torch
from networks import UNGUIDED, finish
from report import report

import mindvis_gui
from mindvis_gui.data.prepare import measure_normalisation, padded_length, prepare
from mindvis_gui.decoding.conditioner import Conditioner
from mindvis_gui.decoding.encoder import FmriEncoder
from mindvis_gui.decoding.onednn import multiply_by_onednn
from mindvis_gui.decoding.request import Decoder, DecodeRequest, DecodeResult, decode_many

TRIALS, MORE_TRIALS = (1, 3, 10, 30), (100, 300, 1000)
SEEDS = (1, 2, 5, 8, 16, 32, 64)
VOXELS = (500, 1500, 4643, 15_724, 30_000)
Points = list[tuple[int, float]]


def main() -> None:
    """Print three curves, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--plot", type=Path, help="PNG to draw the curves into")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="few points: to see that it works")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    few = slice(2) if args.quick else slice(None)
    subject = mindvis_gui.open_subject("demo")
    normalisation = measure_normalisation(subject)
    decoder = mindvis_gui.load_decoder("demo", threads=args.threads)
    requests = [
        DecodeRequest(
            subject.name,
            trial.index,
            prepare(subject, trial, normalisation),
            (0, 1, 2, 3, 4),
            UNGUIDED,
        )
        for trial in subject.trials[: max(TRIALS)]
    ]
    finish(decoder.decode(requests[0]))  # the first call pays for what torch sets up
    by_trials = [
        (n, timed(lambda n=n: list(decode_many(decoder, requests[:n])), args.repeats))
        for n in TRIALS[few]
    ]
    most, together = by_trials[-1]
    a_trial = together / most
    ratio = together_to_alone(decoder, requests[:most])
    extrapolated = [(n, n * a_trial) for n in MORE_TRIALS]
    by_seeds = []
    for n in SEEDS[few]:
        request = replace(requests[0], seeds=tuple(range(n)))
        work = partial(finish_decode, decoder, request)
        by_seeds.append((n, timed(work, args.repeats)))
    by_voxels = [(n, encoding(n, args.repeats)) for n in VOXELS[few]]
    where = f"{decoder.info.device}, {args.threads} thread(s)"
    report(f"demo, {where}: trials of 5 samples → s", _points(by_trials))
    report("the same, extrapolated from the last", _points(extrapolated))
    report(f"demo, {where}: seeds of one trial → s", _points(by_seeds))
    report(f"full-size encoder and conditioner, {where}: voxels → s", _points(by_voxels))
    report(
        f"time a trial among {most} / alone, by turns",
        f"{ratio:.2f} ×",
        "≤ 1.1 ×",
        ratio <= 1.1 if not args.quick else None,
    )
    if args.plot is not None:
        draw(by_trials, extrapolated, by_seeds, by_voxels, args.plot)


def finish_decode(decoder: Decoder, request: DecodeRequest) -> None:
    """Decode one request."""
    finish(decoder.decode(request))


def together_to_alone(decoder: Decoder, requests: list[DecodeRequest]) -> float:
    """Return the time of all requests together over their time one by one.

    The two take turns after every result, so that what else the machine does falls on both.
    """
    results = (made for made in decode_many(decoder, requests) if isinstance(made, DecodeResult))
    together, alone = 0.0, 0.0
    for request in requests:
        together += timed(lambda: next(results), 1)
        alone += timed(lambda request=request: finish_decode(decoder, request), 1)
    return together / alone


def timed(work: Callable[[], object], repeats: int) -> float:
    """Return the median seconds of `work`."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return median(seconds)


@torch.inference_mode()
def encoding(n_voxels: int, repeats: int) -> float:
    """Return the seconds that encoding a response takes at full size."""
    torch.manual_seed(0)
    encoder = FmriEncoder(n_voxels).eval()
    multiply_by_onednn(encoder)  # as a decoder does
    conditioner = Conditioner(encoder.n_tokens, 1024).eval()
    vector = torch.randn(1, padded_length(n_voxels, 16))
    conditioner(encoder(vector))
    return timed(lambda: conditioner(encoder(vector)), repeats)


def _points(points: Points) -> str:
    return ", ".join(f"{n:,}: {seconds:.3g}" for n, seconds in points)


def draw(trials: Points, more: Points, seeds: Points, voxels: Points, path: Path) -> None:
    """Draw the three curves, logarithmic, what is extrapolated as open circles."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullLocator

    figure = Figure(figsize=(9.6, 3.2), layout="constrained")
    panels = figure.subplots(1, 3)
    for axes, points, name in zip(
        panels,
        (trials, seeds, voxels),
        ("trials of 5 samples", "seeds of one trial", "voxels"),
        strict=True,
    ):
        axes.plot(*zip(*points, strict=True), marker="o", markersize=4)
        axes.set(xscale="log", yscale="log", xlabel=name)
        axes.spines[["top", "right"]].set_visible(False)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=(1, 3)))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter("{x:,g}")
    panels[0].plot(
        *zip(trials[-1], *more, strict=True),
        marker="o",
        markersize=4,
        linestyle="--",
        markerfacecolor="white",
        color="C0",
        zorder=0,
    )
    panels[0].set_title("demo decode; dashed: extrapolated", fontsize="medium")
    panels[1].set_title("demo decode", fontsize="medium")
    panels[2].set_title("full-size fMRI encoder", fontsize="medium")
    panels[0].set_ylabel("seconds")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
