"""What has to stand beside a number: how it came about, and what it cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mindvis_gui.analysis.bootstrap import FEW_STIMULI
from mindvis_gui.analysis.caption import learned_text
from mindvis_gui.analysis.evaluation import Group
from mindvis_gui.analysis.identification import DRAWS
from mindvis_gui.analysis.networks import Features, Network
from mindvis_gui.analysis.pictures import Pictures
from mindvis_gui.analysis.scores import OWN_CLASSIFIERS, Metric
from mindvis_gui.analysis.similarities import SSIM_CANDIDATES

_SIMILARITIES = {
    "pcc": "Pearson's r over all RGB values",
    "mse": "squared error, 0–255²",
    "mse-uint8": "squared error of bytes modulo 256, as published",
    "ssim": "SSIM, 7 × 7 window, mean over R, G, B",
    "ssim-425": "SSIM, grey, 425 × 425 pixels, gaussian window, σ 1.5",
    "features": "Pearson's r of features",
    "distance": "1 − Pearson's r of features",
    "lpips": "LPIPS 0.1",
    "sharpness": "mean gradient of a sample over that of its stimulus",
    "diversity": "squared difference of pixels within trials over that between trials",
    "agreement": "pairs of samples of a trial in the same category",
    "frechet": "Fréchet distance, samples of one seed to stimuli",
}


def score_protocol(metric: Metric, pictures: Pictures, network: Network | None) -> dict[str, Any]:
    """Return what a number has to be reported with, as JSON values."""
    protocol: dict[str, Any] = {}
    if metric.kind == "classification":
        protocol |= {"n": metric.n, "k": metric.k, "draws": DRAWS}
    else:
        protocol |= {"similarity": _SIMILARITIES[metric.source]}
    if metric.kind == "identification":
        n_stimuli = len(pictures.stimuli)
        most = SSIM_CANDIDATES if metric.source == "ssim" else n_stimuli
        protocol |= {"n": metric.n, "candidates": min(n_stimuli, most)}
    if network is not None:
        kind = "classifier" if metric.kind == "classification" else "network"
        protocol |= {kind: network.name, "input": network.preparation}
        if metric.layer:
            protocol |= {"layer": network.layers[metric.layer]}
    aggregation = (
        "mean over seeds; no interval, resampled sets are farther apart"
        if metric.kind == "set"
        else "mean over samples, then trials"
    )
    return protocol | {
        "aggregation": f"{aggregation}; best: the seed with the best mean",
        "trials": len(pictures.trials),
        "samples": len(pictures.seeds),
    }


def classification_notes(
    metric: Metric, network: Network, pictures: Pictures, stimuli: Features
) -> tuple[str, ...]:
    """Return what a classifier's scores need to be read with.

    `stimuli` (n_stimuli, n_classes) are the classifier's probabilities.
    """
    notes = []
    if pictures.trials[0].simulated and metric.network not in OWN_CLASSIFIERS:
        notes.append(
            "Simulated subject: if its stimuli are drawings, as the demo's are, classes of "
            "photographs mean little."
        )
    named = stimuli.argmax(axis=1)[pictures.own]
    labels = [trial.request["label"] for trial in pictures.trials]
    known = [
        (label, network.class_names[int(i)])
        for label, i in zip(labels, named, strict=True)
        if label in network.class_names
    ]
    if known:
        right = sum(label == name for label, name in known)
        notes.append(f"{network.name} names {right} of {len(known)} stimuli as they are labelled.")
    return tuple(notes)


def evaluation_notes(pictures: Pictures, failed: Sequence[int]) -> list[str]:
    """Return what holds for all scores of some trials, one sentence each."""
    notes = []
    n, left_out = len(pictures.trials), pictures.without_stimulus
    learned = sum(trial.split == "train" for trial in pictures.trials)
    if said := learned_text(learned, n):
        notes.append(said)
    if left_out:
        notes.append(f"{_trials(left_out)} without a stimulus left out.")
    if failed:
        notes.append(f"{_trials(sorted(failed))} could not be decoded and not scored.")
    # What is drawn again and again are stimuli, whatever the number of their trials.
    n_stimuli = len(pictures.stimuli)
    if n_stimuli == 1:
        shown = "1 trial" if n == 1 else f"{n} trials of one stimulus"
        notes.append(f"{shown}: no interval can be given.")
    elif n_stimuli < FEW_STIMULI:
        few = f"{n} trials" if n == n_stimuli else f"{n_stimuli} stimuli"
        notes.append(
            f"Only {few}: intervals are wide, and a bootstrap of so few makes them narrower than "
            "they should be."
        )
    if 1 < n_stimuli < n:
        notes.append(
            f"{n} trials show {n_stimuli} stimuli: intervals draw stimuli with all their trials."
        )
    if len(pictures.seeds) == 1:
        notes.append("One sample a trial: the best sample is the mean.")
    return notes


def group_notes(pictures: Pictures, groups: Sequence[Group]) -> list[str]:
    """Return which parts of the trials have few stimuli, where all together have not."""
    if len(pictures.stimuli) < FEW_STIMULI:
        return []  # said of all of them
    shown = zip(pictures.trials, pictures.ids, strict=True)
    ids = {trial.request["trial"]: name for trial, name in shown}
    few = [(each.name, len({ids[trial] for trial in each.trials})) for each in groups]
    return [
        f"{name[0].upper()}{name[1:]}: only {n} stimuli, and a bootstrap of so few makes intervals "
        "narrower than they should be."
        for name, n in few
        if 1 < n < FEW_STIMULI
    ]


def _trials(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:10])
    more = ", …" if len(numbers) > 10 else ""
    return f"{len(numbers)} trial{'s' if len(numbers) > 1 else ''} ({shown}{more})"
