"""Decode trials of the demo one after the other and together, by seeds a trial.

    python benchmarks/together.py [--trials 10] [--threads 1]

The queue of the window and `mindvis decode` draw together what gains from it
(`mindvis_gui.decoding.company`). The samples are compared byte by byte.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from networks import UNGUIDED, finish
from report import report

import mindvis_gui
from mindvis_gui.data.prepare import measure_normalisation, prepare
from mindvis_gui.decoding.company import company
from mindvis_gui.decoding.request import DecodeRequest, DecodeResult, decode_many

_REPEATS = 3
_BAR = 1.5  # times as fast, where the queue draws together


def main() -> None:
    """Print one line a number of seeds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    subject = mindvis_gui.open_subject("demo")
    normalisation = measure_normalisation(subject)
    decoder = mindvis_gui.load_decoder("demo", threads=args.threads)
    trials = [trial for trial in subject.trials if trial.split == "test"][: args.trials]
    vectors = [prepare(subject, trial, normalisation) for trial in trials]
    gains: dict[int, float] = {}  # by seeds a trial, where the queue draws together
    all_same = True
    print("seeds | together | alone, ms a trial | together, ms a trial | gain | bytes")
    for n_seeds in range(1, 6):
        requests = [
            DecodeRequest(subject.name, trial.index, vector, tuple(range(n_seeds)), UNGUIDED)
            for trial, vector in zip(trials, vectors, strict=True)
        ]
        alone, together = [], []
        for _ in range(_REPEATS):
            start = time.perf_counter()
            first = [finish(decoder.decode(request)) for request in requests]
            alone.append(time.perf_counter() - start)
            start = time.perf_counter()
            second = [
                item for item in decode_many(decoder, requests) if isinstance(item, DecodeResult)
            ]
            together.append(time.perf_counter() - start)
        same = all(
            np.array_equal(one.image, two.image)
            for before, after in zip(first, second, strict=True)
            for one, two in zip(before.samples, after.samples, strict=True)
        )
        one, many = (1000 * min(times) / len(trials) for times in (alone, together))
        all_same &= same
        if company(decoder.info, n_seeds) > 1:
            gains[n_seeds] = one / many
        print(
            f"{n_seeds} | {company(decoder.info, n_seeds)} | {one:.0f} | {many:.0f} | "
            f"{one / many:.1f} × | {'the same' if same else 'OTHERS'}"
        )
    report(
        f"demo, preset fast without guidance, {args.threads} thread(s): {len(trials)} trials × "
        f"{' / '.join(map(str, gains))} seeds, together against one by one",
        f"{' / '.join(f'{gain:.1f}' for gain in gains.values())} × as fast, "
        f"{'same' if all_same else 'OTHER'} bytes",
        f"≥ {_BAR} × where the queue does it",
        all_same and min(gains.values()) >= _BAR,
    )


if __name__ == "__main__":
    main()
