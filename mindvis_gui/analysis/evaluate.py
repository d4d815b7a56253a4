"""From decoded trials to scores."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.bootstrap import bootstrap_intervals
from mindvis_gui.analysis.classification import sample_places, unseen_accuracies
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.evaluation import Evaluation, Score, Unavailable, Values
from mindvis_gui.analysis.found import Found
from mindvis_gui.analysis.frechet import frechet_distance
from mindvis_gui.analysis.groups import groups_of
from mindvis_gui.analysis.identification import n_way_identification, top_k_accuracy
from mindvis_gui.analysis.looking import Looked, look
from mindvis_gui.analysis.networks import Network, NetworkFinder
from mindvis_gui.analysis.pictures import Pictures
from mindvis_gui.analysis.protocols import (
    classification_notes,
    evaluation_notes,
    group_notes,
    score_protocol,
)
from mindvis_gui.analysis.sample_sets import agreements, chance_agreement, diversities, sharpness
from mindvis_gui.analysis.scores import ALL_WAYS, DEFAULT, Metric, metric
from mindvis_gui.analysis.similarities import Similarities, measure
from mindvis_gui.errors import UnavailableError


@dataclass(eq=False, slots=True)
class _Outcome:
    """What was found so far, in any order."""

    found: dict[str, Found] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)  # key → reason
    classes: tuple[tuple[str, float], ...] = ()


def evaluate(
    trials: Sequence[DecodedTrial],
    metrics: Sequence[str] = DEFAULT,
    find_network: NetworkFinder | None = None,
    failed: Sequence[int] = (),
    seed: int = 0,
) -> Generator[str, None, Evaluation]:
    """Score the samples of some trials.

    Candidates of identification are the distinct stimuli of these trials. Trials without
    stimulus are left out and counted. One network after the other looks at all pictures.

    Parameters
    ----------
    trials : sequence of DecodedTrial
        All decoded by the same protocol.
    metrics : sequence of str
        Keys, see `mindvis_gui.analysis.scores`.
    find_network : callable, optional
        Returns the `Network` of a key or raises `UnavailableError`; the scores that need a
        network that is not there are listed with the reason.
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
    pictures = Pictures.of(trials)
    wanted = [_with_all(metric(key), pictures) for key in dict.fromkeys(metrics)]
    outcome = _Outcome()
    for key in dict.fromkeys(each.network for each in wanted):
        group = [each for each in wanted if each.network == key]
        if key:
            yield from _by_network(key, group, pictures, find_network, seed, outcome)
        else:
            yield from _by_pixels(group, pictures, outcome)
    scores = []
    in_order = {each.key: outcome.found[each.key] for each in wanted if each.key in outcome.found}
    for each in wanted:
        if each.key in in_order:
            yield each.name
            scores.append(_score(each, in_order[each.key], pictures, seed))
    first = pictures.trials[0]
    groups = groups_of(pictures, in_order, seed)
    return Evaluation(
        subject=first.request["subject"],
        simulated=first.simulated,
        model=first.request["model"],
        model_hash=first.request["model_hash"],
        decoding=first.protocol,
        test_use=first.test_use,
        trials=tuple(trial.request["trial"] for trial in pictures.trials),
        seeds=pictures.seeds,
        n_stimuli=len(pictures.stimuli),
        size=pictures.size,
        without_stimulus=pictures.without_stimulus,
        failed=tuple(sorted(failed)),
        seed=seed,
        scores=tuple(scores),
        unavailable=tuple(
            Unavailable(each.key, each.name, outcome.missing[each.key])
            for each in wanted
            if each.key in outcome.missing
        ),
        classes=outcome.classes,
        notes=(*evaluation_notes(pictures, failed), *group_notes(pictures, groups)),
        groups=groups,
    )


def _with_all(metric: Metric, pictures: Pictures) -> Metric:
    """Return an identification among all stimuli with their number."""
    return replace(metric, n=len(pictures.stimuli)) if metric.key == ALL_WAYS else metric


def _by_pixels(
    group: Sequence[Metric], pictures: Pictures, outcome: _Outcome
) -> Generator[str, None, None]:
    possible = _possible(group, pictures, outcome)
    compared = [each for each in possible if each.kind != "samples"]
    similarities = yield from measure({each.source for each in compared}, pictures)
    for each in possible:
        outcome.found[each.key] = (
            _pixel_score(each.source, pictures)
            if each.kind == "samples"
            else _compared(each, similarities[each.source])
        )


def _by_network(
    key: str,
    group: Sequence[Metric],
    pictures: Pictures,
    find_network: NetworkFinder | None,
    seed: int,
    outcome: _Outcome,
) -> Generator[str, None, None]:
    try:
        if find_network is None:
            raise UnavailableError(f"needs the network '{key}'")
        yield f"loading {key}"
        network = find_network(key)
    except UnavailableError as error:
        outcome.missing |= {each.key: str(error) for each in group}
        return
    possible = _possible(group, pictures, outcome, network)
    if not possible:
        return
    looked = yield from look(network, possible, pictures)
    if network.class_names and not outcome.classes:
        outcome.classes = _classes(network, pictures, looked)
    places = {}
    for each in possible:
        if each.kind == "classification":
            if each.n not in places:
                places[each.n] = yield from sample_places(each.n, pictures, looked, seed)
            found = Found(
                values=np.apply_along_axis(top_k_accuracy, 2, places[each.n], each.k),
                chance=each.k / each.n,
                notes=classification_notes(each, network, pictures, looked.stimuli),
                network=network,
            )
            found = _with_unseen(found, unseen_accuracies(each.n, each.k, pictures, looked))
        elif each.kind == "samples":
            found = _agreement_score(looked.samples.argmax(axis=2), network)
        elif each.kind == "set":
            found = _set_distance(each, network, looked, pictures)
        else:
            found = _compared(each, looked.similarities[each.source, each.layer], network)
        outcome.found[each.key] = found


def _possible(
    group: Sequence[Metric], pictures: Pictures, outcome: _Outcome, network: Network | None = None
) -> list[Metric]:
    """Return what can be computed; the rest is noted with the reason."""
    possible = []
    for each in group:
        reason = _why_not(each, pictures, network)
        if reason:
            outcome.missing[each.key] = reason
        else:
            possible.append(each)
    return possible


def _why_not(metric: Metric, pictures: Pictures, network: Network | None) -> str:
    n_stimuli = len(pictures.stimuli)
    if metric.kind == "classification":
        assert network is not None
        n_classes = len(network.class_names)
        if n_classes < metric.n:
            return f"needs {metric.n} classes, {network.name} has {n_classes}"
    if metric.kind == "identification" and n_stimuli < max(metric.n, 2):
        return f"needs {max(metric.n, 2)} distinct stimuli, here are {n_stimuli}"
    if metric.source == "sharpness" and not sharpness(pictures.stimuli).all():
        return "a stimulus is of one colour all over, and nothing is sharper than that"
    if metric.kind == "samples" and metric.source != "sharpness":
        if len(pictures.seeds) < 2:
            return "needs 2 samples a trial or more, here is one"
        if n_stimuli < 2:
            return f"needs 2 distinct stimuli or more, here are {n_stimuli}"
        if metric.source == "diversity" and (pictures.samples == pictures.samples[0, 0]).all():
            return "all samples are one picture, so between trials there is no difference either"
    if metric.kind == "set" and n_stimuli < 2:
        return f"needs 2 distinct stimuli or more, here are {n_stimuli}"
    return ""


def _compared(metric: Metric, found: Similarities, network: Network | None = None) -> Found:
    if metric.kind == "value":
        measured = _with_unseen(
            Found(found.own, None, network=network), found.others if found.others.size else None
        )
        return replace(measured, chance=measured.unseen, chance_of=measured.unseen_of)
    sign = -1.0 if found.is_distance else 1.0
    values = [
        [
            n_way_identification(sign * own, sign * others, metric.n)
            for own, others in zip(*row, strict=True)
        ]
        for row in zip(found.own, found.others, strict=True)
    ]
    return Found(np.array(values), 1 / metric.n, network=network)


def _with_unseen(found: Found, unseen: Values | None) -> Found:
    """Add what the samples of each trial, a row each, score with stimuli that were not seen."""
    if unseen is None:
        return found
    return replace(
        found, unseen=float(unseen.mean()), unseen_of=lambda rows: float(unseen[rows].mean())
    )


def _pixel_score(source: str, pictures: Pictures) -> Found:
    """Return the sharpness, in units of the stimulus', or the diversity of samples."""
    if source == "sharpness":
        of_stimuli = sharpness(pictures.stimuli)[pictures.own]
        return Found(sharpness(pictures.samples) / of_stimuli[:, None], None)
    return Found(diversities(pictures.samples), 1.0)


def _agreement_score(classes: NDArray[np.integer], network: Network) -> Found:
    """Return the agreement of classes (n_trials, n_samples) that `network` has named."""
    return Found(
        agreements(classes),
        chance_agreement(classes),
        network=network,
        chance_of=lambda rows: chance_agreement(classes[rows]) if len(rows) > 1 else None,
    )


def _set_distance(metric: Metric, network: Network, looked: Looked, pictures: Pictures) -> Found:
    """Return one distance a seed: its samples of all trials to the stimuli of all trials."""
    stimuli, samples = looked.features[metric.layer]
    seen = stimuli[pictures.own]  # (n_trials, d)
    values = [[frechet_distance(samples[:, i], seen) for i in range(len(pictures.seeds))]]
    n, d = seen.shape
    note = (
        f"{metric.name} rests on {n} pictures a seed for {d} features: the covariances are "
        "singular, and it is comparable with distances of as many pictures only."
        if n <= d
        else ""
    )
    return Found(np.array(values), None, notes=(note,) if note else (), network=network)


def _score(metric: Metric, found: Found, pictures: Pictures, seed: int) -> Score:
    values = found.values
    pick = np.max if metric.higher_is_better else np.min
    by_seed = values.mean(axis=0)
    best = int(by_seed.argmax() if metric.higher_is_better else by_seed.argmin())
    one_is_best = metric.kind != "samples"
    interval = best_interval = None
    if metric.kind != "set":
        interval, best_interval = bootstrap_intervals(
            values,
            pictures.ids,
            (lambda means: means.mean(axis=-1), lambda means: pick(means, axis=-1)),
            seed,
        )
    return Score(
        metric=metric,
        values=values,
        mean=float(values.mean()),
        interval=interval,
        best=float(by_seed[best]) if one_is_best else None,
        best_seed=pictures.seeds[best] if one_is_best else None,
        best_interval=best_interval if one_is_best else None,
        chance=found.chance,
        unseen=found.unseen,
        protocol=score_protocol(metric, pictures, found.network),
        note=" ".join(found.notes),
    )


def _classes(network: Network, pictures: Pictures, looked: Looked) -> tuple[tuple[str, float], ...]:
    probabilities = looked.stimuli[pictures.own]
    return tuple(
        (network.class_names[int(row.argmax())], float(row.max())) for row in probabilities
    )
