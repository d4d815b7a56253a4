"""Whether maps of attribution depend on the weights, and whether they point at what counts.

    python benchmarks/attribution.py [--trials 9,3,20]

*Sanity* (Adebayo et al. 2018): Spearman's rho between the maps of the demo's trained model and of
one in which a part was drawn anew; near 0 is good. *Deletion*: the tenth of the patches that a map
ranks highest (by the sum of its values, with signs) is set to the mean response; the share that is
lost of the effect (by how much the response, against the mean one, lowers the squared error of the
noise). Tenths drawn at random say what any tenth is worth. Means over trials; the sample is the
stimulus.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator

import numpy as np
import report
import torch
from scipy.stats import spearmanr
from torch import nn

from mindvis_gui import open_subject
from mindvis_gui.analysis.comparison import resized
from mindvis_gui.data.attribution import METHODS, NAMES, Attribution
from mindvis_gui.data.prepare import measure_normalisation, prepare
from mindvis_gui.decoding.decoder import MindVisDecoder
from mindvis_gui.decoding.models import find_model, load_decoder
from mindvis_gui.decoding.request import DecodeRequest, Sample, Step

_RANDOM = 4  # tenths drawn a trial
_PARTS: dict[str, Callable[[MindVisDecoder], list[nn.Module]]] = {
    "last block": lambda d: [d._pipeline.encoder.blocks[-1]],
    "last two blocks": lambda d: list(d._pipeline.encoder.blocks[-2:]),
    "whole encoder": lambda d: [d._pipeline.encoder],
    "conditioner": lambda d: [d._pipeline.conditioner],
    "U-Net": lambda d: [d._pipeline.unet],
}


def fresh() -> MindVisDecoder:
    return load_decoder(find_model("demo"), device="cpu", precision="fp32")


def finish(items: Generator[Step, None, Attribution]) -> Attribution:
    while True:
        try:
            next(items)
        except StopIteration as stop:
            return stop.value


def randomise(parts: list[nn.Module]) -> None:
    """Draw weights as layers do at first."""
    torch.manual_seed(0)
    for part in parts:
        for layer in part.modules():
            if hasattr(layer, "reset_parameters"):
                layer.reset_parameters()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", default="9,3,20")
    trials = [int(trial) for trial in parser.parse_args().trials.split(",")]
    subject = open_subject("demo")
    norm = measure_normalisation(subject)
    questions = []
    for trial in trials:
        vector = prepare(subject, subject.trials[trial], norm)
        seen = Sample(resized(subject.stimulus(subject.trials[trial]), 64, 64), 0)
        questions.append((DecodeRequest(subject.name, trial, vector, (0,)), seen))

    def maps(decoder: MindVisDecoder, method: str) -> list[Attribution]:
        return [finish(decoder.attribute(*question, method)) for question in questions]

    trained = fresh()
    found = {method: maps(trained, method) for method in METHODS}
    for part, pick in _PARTS.items():
        decoder = fresh()
        randomise(pick(decoder))
        for method in METHODS:
            pairs = zip(found[method], maps(decoder, method), strict=True)
            rho = np.mean([spearmanr(a.values, b.values).statistic for a, b in pairs])
            report.report(f"{part} drawn anew, {NAMES[method]}", f"rho {rho:.2f}")

    rng = np.random.default_rng(0)
    patch_size = trained.info.patch_size
    lost: dict[str, list[float]] = {}
    for n, (request, seen) in enumerate(questions):
        patch = np.arange(request.vector.size) // patch_size
        count = (patch.max() + 1) // 10
        ranked = {m: np.bincount(patch, found[m][n].values).argsort()[-count:] for m in METHODS}
        drawn = {str(k): rng.permutation(patch.max() + 1)[:count] for k in range(_RANDOM)}
        whole = found["gradients"][n].effect
        for name, patches in (ranked | drawn).items():
            vector = np.where(np.isin(patch, patches), 0, request.vector).astype(np.float32)
            rest = DecodeRequest(subject.name, request.trial, vector, (0,))
            effect = finish(trained.attribute(rest, seen, "grad-rollout")).effect
            name = NAMES.get(name, "at random")
            lost.setdefault(name, []).append(100 * (whole - effect) / whole)
    for name, shares in lost.items():
        report.report(f"effect lost without the highest tenth, {name}", f"{np.mean(shares):.0f} %")


if __name__ == "__main__":
    main()
