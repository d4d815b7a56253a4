"""How alike a few steps and 250 are: quality against steps, for every sampler.

    python benchmarks/quality_curve.py [--trials 8] [--threads 1] [--plot docs/images/quality.png]

The reference is the published way: 250 PLMS steps in fp32 by a plain loop (published.py). Every
sampler starts from the noise of its reference. Printed, as Markdown: the median pixel correlation
of sample and reference over trials and seeds, its 10th percentile, and the scores of the samples
against what was seen; and the cheapest row whose median is at least 0.99 and whose 10th percentile
is at least 0.95, which is how preset *fast* was chosen (docs/performance.md).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from networks import UNGUIDED
from published import published_latents, published_pictures

import mindvis_gui
from mindvis_gui.analysis.comparison import compare
from mindvis_gui.analysis.metrics import pixel_correlation
from mindvis_gui.data.prepare import measure_normalisation, pad_to_patches, prepare
from mindvis_gui.data.subject import ImageArray, Subject
from mindvis_gui.decoding.pipeline import MindVisPipeline, load_pipeline
from mindvis_gui.decoding.request import DecodeRequest, DecodeResult, Sample, decode_many
from mindvis_gui.decoding.sampling import initial_noise
from mindvis_gui.decoding.sampling_settings import NO_GUIDANCE, SAMPLERS, TRAINING_STEPS, Sampling

SEEDS = (0, 1, 2, 3, 4)
STEPS = (4, 5, 6, 8, 10, 12, 15, 20, 25, 40, 50, 100)
MEDIAN, LOW = 0.99, 0.95  # of the preset


def main() -> None:
    """Print one table, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="demo")
    parser.add_argument("--subject", default="demo")
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--most", type=int, default=max(STEPS), help="leave out more steps")
    parser.add_argument("--plot", type=Path, help="PNG to draw the curves into")
    args = parser.parse_args()
    subject = mindvis_gui.open_subject(args.subject)
    normalisation = measure_normalisation(subject)
    decoder = mindvis_gui.load_decoder(args.model, threads=args.threads)
    pipeline = load_pipeline(Path(decoder.info.folder)).to(decoder.info.device)
    test = [trial for trial in subject.trials if trial.split == "test"][: args.trials]
    requests = [
        DecodeRequest(subject.name, trial.index, prepare(subject, trial, normalisation), SEEDS)
        for trial in test
    ]
    reference = [published(pipeline, request) for request in requests]
    truth = list(map(_as_result, requests, reference))
    print(f"{len(test)} trials × {len(SEEDS)} seeds, model {args.model}, {decoder.info.device}\n")
    print(
        "| sampler | steps | network calls | precision | r to 250 PLMS: median | 10th percentile "
        "| r to stimulus | SSIM | rank |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    print(_line("published way", "250", 251, "fp32", None, _scores(truth, subject)))
    curves: dict[str, list[tuple[int, float]]] = {name: [] for name in SAMPLERS}
    cheapest: tuple[int, str, int] | None = None
    for name in SAMPLERS:
        for steps in STEPS:
            if steps > args.most or (name == "plms" and TRAINING_STEPS % steps):
                continue
            results = _decode(decoder, requests, Sampling(name, steps, "fp32", NO_GUIDANCE))
            alike = _likeness(results, reference)
            calls = steps + (name == "plms")
            curves[name].append((calls, float(np.median(alike))))
            good = np.median(alike) >= MEDIAN and np.percentile(alike, 10) >= LOW
            if good and (cheapest is None or calls < cheapest[0]):
                cheapest = (calls, name, steps)
            print(
                _line(SAMPLERS[name], str(steps), calls, "fp32", alike, _scores(results, subject)),
                flush=True,
            )
    fast = UNGUIDED  # guidance is no approximation of PLMS
    results = _decode(decoder, requests, fast)
    alike = _likeness(results, reference)
    print(
        _line(
            f"preset fast: {SAMPLERS[fast.sampler]}",
            str(fast.steps),
            fast.steps,
            decoder.info.precision,
            alike,
            _scores(results, subject),
        )
    )
    if cheapest is not None:
        print(
            f"\ncheapest at median ≥ {MEDIAN}, 10th percentile ≥ {LOW}: "
            f"{SAMPLERS[cheapest[1]]}, {cheapest[2]} steps"
        )
    if args.plot is not None:
        draw(curves, args.plot)


def published(pipeline: MindVisPipeline, request: DecodeRequest) -> list[ImageArray]:
    """Decode in the published way, from the noise of the request's seeds."""
    config = pipeline.encoder.config
    padded = pad_to_patches(request.vector, config.patch_size, config.padding)
    with torch.inference_mode():
        context, time = pipeline.condition(torch.from_numpy(padded)[None].to(pipeline.device))
    size = pipeline.unet.config.sample_size
    noise = initial_noise(request.seeds, (pipeline.unet.config.in_channels, size, size))
    latents = published_latents(
        pipeline.unet, pipeline.scheduler, context, time, noise.to(pipeline.device)
    )
    return list(published_pictures(pipeline.vqvae, latents).cpu().numpy())


def _as_result(request: DecodeRequest, images: list[ImageArray]) -> DecodeResult:
    return DecodeResult(request, tuple(map(Sample, images, request.seeds)), 0.0)


def _decode(decoder, requests, sampling) -> list[DecodeResult]:
    asked = [DecodeRequest(r.subject, r.trial, r.vector, r.seeds, sampling) for r in requests]
    return [item for item in decode_many(decoder, asked) if isinstance(item, DecodeResult)]


def _likeness(results: list[DecodeResult], reference: list[list[ImageArray]]) -> list[float]:
    return [
        pixel_correlation(sample.image, image)
        for result, images in zip(results, reference, strict=True)
        for sample, image in zip(result.samples, images, strict=True)
    ]


def _scores(results: list[DecodeResult], subject: Subject) -> tuple[float, float, float]:
    scores = [score for result in results for score in compare(result, subject).scores]
    names = ("pixel_correlation", "ssim", "rank")
    r, ssim, rank = (float(np.mean([getattr(s, name) for s in scores])) for name in names)
    return r, ssim, rank


def _line(name, steps, calls, precision, alike, scores) -> str:
    middle, low = (
        ("", "")
        if alike is None
        else (f"{np.median(alike):.4f}", f"{np.percentile(alike, 10):.4f}")
    )
    r, ssim, rank = scores
    return (
        f"| {name} | {steps} | {calls} | {precision} | {middle} | {low} "
        f"| {r:.3f} | {ssim:.3f} | {rank:.1f} |"
    )


def draw(curves: dict[str, list[tuple[int, float]]], path: Path) -> None:
    """Draw the distance 1 - r to the reference against network calls, both logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for name, points in curves.items():
        calls, alike = zip(*points, strict=True)
        axes.plot(calls, [1 - r for r in alike], marker="o", markersize=4, label=SAMPLERS[name])
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="network calls a sample",
        ylabel="1 − r to 250 PLMS steps, median",
    )
    axes.axhline(1 - MEDIAN, color="0.6", linewidth=1, linestyle="--")
    ticks = (5, 10, 20, 50, 100)
    axes.set_xticks(ticks, labels=[str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
