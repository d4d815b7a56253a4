"""Decode the demo by the published way and by the preset *fast*: time, ratio, and how alike.

    python benchmarks/decode.py [--trials 4] [--repeats 5]

Both start from the same noise. "Published": 250 PLMS steps in fp32, one U-Net call a step.
"""

from __future__ import annotations

import argparse
from statistics import median

import mindvis_gui
from mindvis_gui.analysis.metrics import pixel_correlation
from mindvis_gui.data.prepare import measure_normalisation, prepare
from mindvis_gui.decoding.request import PRESETS, Decoder, DecodeRequest, DecodeResult, Sampling

SEEDS = (0, 1, 2, 3, 4)


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    subject = mindvis_gui.open_subject("demo")
    normalisation = measure_normalisation(subject)
    decoder = mindvis_gui.load_decoder("demo", threads=1)

    def request(trial: int, sampling: Sampling) -> DecodeRequest:
        vector = prepare(subject, subject.trials[trial], normalisation)
        return DecodeRequest(subject.name, trial, vector, SEEDS, sampling)

    seconds = {name: [] for name in PRESETS}
    likeness = []
    decode(decoder, request(0, PRESETS["fast"]))  # the first call pays for what torch sets up
    for trial in range(args.trials):
        results = {name: decode(decoder, request(trial, PRESETS[name])) for name in PRESETS}
        for name, result in results.items():
            seconds[name].append(result.seconds)
        pairs = zip(results["fast"].samples, results["paper"].samples, strict=True)
        likeness += [pixel_correlation(fast.image, paper.image) for fast, paper in pairs]
    for _ in range(args.repeats - args.trials):
        seconds["fast"].append(decode(decoder, request(0, PRESETS["fast"])).seconds)
    fast, paper = median(seconds["fast"]), median(seconds["paper"])
    print(f"{len(SEEDS)} samples a trial, {decoder.info.device}, one thread")
    print(f"published way   {paper:6.2f} s   {PRESETS['paper']}")
    print(f"preset fast     {fast:6.2f} s   {PRESETS['fast']}")
    print(f"ratio           {paper / fast:6.1f} ×")
    print(f"median pixel correlation of samples from the same noise   {median(likeness):.3f}")


def decode(decoder: Decoder, request: DecodeRequest) -> DecodeResult:
    """Run a decode to its end."""
    steps = decoder.decode(request)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


if __name__ == "__main__":
    main()
