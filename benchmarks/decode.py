"""Decode the demo by the published way and by the preset *fast*: time, ratio, and how alike.

    python benchmarks/decode.py [--repeats 5] [--threads 1] [--guidance 2]

Both start from the same noise. "Published": 250 PLMS steps in fp32, a plain loop over diffusers'
own networks that caches nothing (published.py). The two take turns.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from statistics import median

import torch
from networks import finish
from quality_curve import published
from report import report

import mindvis_gui
from mindvis_gui.analysis.metrics import pixel_correlation
from mindvis_gui.data.prepare import measure_normalisation, prepare
from mindvis_gui.decoding.pipeline import load_pipeline
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.decoding.sampling_settings import PRESETS, sampling_text

SEEDS = (0, 1, 2, 3, 4)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=5, help="trials that are decoded")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--guidance", type=float, help="scale (default: what the model asks for)")
    args = parser.parse_args()
    subject = mindvis_gui.open_subject("demo")
    normalisation = measure_normalisation(subject)
    decoder = mindvis_gui.load_decoder("demo", threads=args.threads)
    pipeline = load_pipeline(Path(decoder.info.folder)).to(decoder.info.device)
    # The published way is not guided.
    guidance = decoder.info.guidance if args.guidance is None else args.guidance
    fast = PRESETS["fast"].resolved(decoder.info.precision, guidance)
    likeness, first = [], []
    seconds: dict[str, list[float]] = {"published": [], "fast": []}
    for turn in range(args.repeats + 1):
        trial = subject.trials[turn % len(subject.trials)]
        vector = prepare(subject, trial, normalisation)
        request = DecodeRequest(subject.name, trial.index, vector, SEEDS, fast)
        result = finish(decoder.decode(request))
        if turn == 0:
            continue  # the first call pays for what torch sets up
        seconds["fast"].append(result.seconds)
        start = time.perf_counter()
        reference = published(pipeline, request)
        seconds["published"].append(time.perf_counter() - start)
        likeness += [
            pixel_correlation(sample.image, image)
            for sample, image in zip(result.samples, reference, strict=True)
        ]
        items = decoder.decode(request)
        start = time.perf_counter()
        next(items)
        first.append(time.perf_counter() - start)
        items.close()
    ratio = median(p / f for p, f in zip(seconds["published"], seconds["fast"], strict=True))
    gpu = decoder.info.device == "cuda"
    bar = 30 if gpu else 12
    where = "GPU" if gpu else f"CPU, {torch.get_num_threads()} thread(s)"
    print(f"preset fast: {sampling_text(fast.to_json())}")
    report(
        f"demo, {len(SEEDS)} samples, {where}: published way / preset fast",
        f"{median(seconds['published']):.2f} / {median(seconds['fast']):.2f} s = {ratio:.1f} ×",
        f"≥ {bar} ×",
        ratio >= bar,
    )
    report(
        "the same: median pixel correlation of samples from the same noise",
        f"{median(likeness):.4f} (lowest {min(likeness):.4f})",
        "≥ 0.95",
        median(likeness) >= 0.95,
    )
    a_step = median(seconds["fast"]) / fast.steps
    report(
        "first preview of a decode, in steps of preset fast",
        f"{1000 * median(first):.0f} ms = {median(first) / a_step:.1f} steps",
        "≤ 2 steps",
        median(first) <= 2 * a_step,
    )


if __name__ == "__main__":
    main()
