"""How the time of `mindvis evaluate` grows with the number of trials.

    python benchmarks/evaluate.py [--trials 50 200] [--side 64] [--samples 5]

All scores that need no downloaded weights, on random pictures. Processor seconds by part, so that
other work on the machine does not count; the first run of a network is left out.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator

import numpy as np
import torch
from report import report

from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.evaluate import evaluate
from mindvis_gui.analysis.scores import CLASSIFIER, DEFAULT, metric
from mindvis_gui.decoding.request import Sample
from mindvis_gui.scoring import load_network

GROWTH = 1.2  # of the seconds a trial, at the most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, nargs=2, default=(50, 200), metavar="N")
    parser.add_argument("--side", type=int, default=64, help="pixels of a sample")
    parser.add_argument("--samples", type=int, default=5, help="of each trial")
    args = parser.parse_args()
    torch.set_num_threads(1)
    load_network(CLASSIFIER).run(np.zeros((1, 64, 64, 3), np.uint8))
    costs = []
    for n in args.trials:
        parts = measure(list(made_up(n, args.samples, args.side)))
        total = sum(parts.values())
        costs.append(total / n)
        print(f"{n} trials × {args.samples} samples at {args.side} pixels: {total:.1f} s")
        for part, seconds in parts.most_common(6):
            print(f"    {part}: {seconds:.1f} s")
    growth = costs[1] / costs[0]
    report(
        f"evaluate, processor time a trial with {args.trials[1]} beside {args.trials[0]} trials",
        f"{costs[1]:.2f} s ({growth:.2f}×)",
        f"≤ {GROWTH}×",
        growth <= GROWTH,
    )


def measure(trials: list[DecodedTrial]) -> Counter[str]:
    """Return the processor seconds of each part."""
    own = [key for key in DEFAULT if metric(key).network in ("", CLASSIFIER)]
    parts: Counter[str] = Counter()
    steps = evaluate(trials, own, load_network)
    part, start = "reading", time.process_time()
    for step in steps:
        now = time.process_time()
        parts[part] += now - start
        part, start = step.split(",")[0].split(":")[0], now
    parts[part] += time.process_time() - start
    return parts


def made_up(n: int, samples: int, side: int) -> Iterator[DecodedTrial]:
    """Make trials of noise, samples alike to their stimuli."""
    rng = np.random.default_rng(0)
    for number in range(n):
        stimulus = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
        request = {
            "subject": "noise",
            "trial": number,
            "stimulus_id": str(number),
            "label": "",
            "model": "none",
            "model_hash": "",
        }
        images = (stimulus + rng.normal(0, 60, stimulus.shape) for _ in range(samples))
        drawn = tuple(
            Sample(np.clip(image, 0, 255).astype(np.uint8), seed)
            for seed, image in enumerate(images)
        )
        yield DecodedTrial(request, drawn, stimulus, (), 0, None, False, {})


if __name__ == "__main__":
    main()
