"""What a network makes of samples and stimuli: features compared, classes named."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.networks import Features, Network
from mindvis_gui.analysis.pictures import Pictures
from mindvis_gui.analysis.scores import Metric
from mindvis_gui.analysis.similarities import Similarities
from mindvis_gui.data.subject import ImageArray

_AT_ONCE = 64  # pictures whose features are held beside those of all stimuli


@dataclass(frozen=True, eq=False, slots=True)
class Looked:
    """What a network makes of some trials.

    Attributes
    ----------
    stimuli : (n_stimuli, n_classes) float32
        Probabilities of classes.
    samples : (n_trials, n_samples, n_classes) float32
    similarities : mapping of (str, str) to Similarities
        By source and layer.
    features : mapping of str to ((n_stimuli, d), (n_trials, n_samples, d))
        By layer, of the layers that sets are compared in.
    """

    stimuli: Features
    samples: Features
    similarities: dict[tuple[str, str], Similarities]
    features: dict[str, tuple[Features, Features]]


def look(
    network: Network, metrics: Collection[Metric], pictures: Pictures
) -> Generator[str, None, Looked]:
    """Show stimuli and samples to a network, once for all scores that it is needed for.

    Features of samples are compared and dropped block by block: those of AlexNet's second
    layer take a megabyte a picture.

    Parameters
    ----------
    network : Network
    metrics : collection of Metric
        All of them of this network.
    pictures : Pictures

    Yields
    ------
    str
        What is being computed.

    Returns
    -------
    Looked
    """
    compared = {(m.source, m.layer) for m in metrics if m.kind in ("value", "identification")}
    kept = {m.layer for m in metrics if m.kind == "set"}
    layers = sorted({layer for _, layer in compared} | kept)
    yield f"{network.name}: stimuli"
    seen = [network.run(block, layers) for block in _blocks(pictures.stimuli)]
    stimuli = {layer: np.concatenate([each.features[layer] for each in seen]) for layer in layers}
    references = {each: _reference(each[0], stimuli[each[1]]) for each in compared}
    probabilities: list[Features] = []
    tables: dict[tuple[str, str], list[NDArray[np.floating]]] = {each: [] for each in compared}
    features: dict[str, list[Features]] = {layer: [] for layer in kept}
    done, samples = 0, pictures.flat_samples
    for block in _blocks(samples):
        yield f"{network.name}: samples, {done / len(samples):.0%}"
        output = network.run(block, layers)
        probabilities.append(output.probabilities)
        for (source, layer), reference in references.items():
            tables[source, layer].append(_compared(source, output.features[layer], reference))
        for layer in kept:
            features[layer].append(output.features[layer])
        done += len(block)
    shape = (*pictures.samples.shape[:2], -1)
    names = len(network.class_names)
    return Looked(
        stimuli=np.concatenate([each.probabilities for each in seen]),
        samples=np.concatenate(probabilities).reshape(*shape[:2], names),
        similarities={
            key: Similarities.of(
                np.concatenate(rows).reshape(shape), pictures.own, is_distance=key[0] != "features"
            )
            for key, rows in tables.items()
        },
        features={
            layer: (stimuli[layer], np.concatenate(rows).reshape(shape))
            for layer, rows in features.items()
        },
    )


def _blocks(pictures: ImageArray) -> Iterator[ImageArray]:
    for start in range(0, len(pictures), _AT_ONCE):
        yield pictures[start : start + _AT_ONCE]


def _reference(source: str, features: Features) -> Features:
    return features if source == "lpips" else _unit(features)


def _compared(source: str, features: Features, reference: Features) -> NDArray[np.floating]:
    """Compare features (n, d) with those of the stimuli (m, d), as `_reference` holds them."""
    if source == "lpips":
        a, b = ((each.astype(np.float64) ** 2).sum(axis=1) for each in (features, reference))
        return np.asarray(np.maximum(a[:, None] + b - 2 * (features @ reference.T), 0))
    r = _unit(features) @ reference.T
    return np.asarray(r if source == "features" else 1 - r)


def _unit(features: Features) -> Features:
    """Return each row (n, d) with mean 0 and norm 1; a constant row becomes 0."""
    values = features - features.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(norms > 0, norms, 1.0), dtype=np.float32)
