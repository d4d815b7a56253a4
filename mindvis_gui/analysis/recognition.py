"""What a classifier sees in one trial's stimulus and samples, as the window shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mindvis_gui.analysis.comparison import resized
from mindvis_gui.analysis.identification import DRAWS, n_way_places, top_k_accuracy
from mindvis_gui.analysis.networks import Features, Network
from mindvis_gui.data.subject import ImageArray
from mindvis_gui.decoding.request import DecodeResult

TOP = 5  # labels a picture
_WAYS = (50, 10, 5, 2)  # the first that the classifier has classes for

Labels = tuple[tuple[str, float], ...]
"""Names of classes with their probabilities, the most probable first."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """What one classifier makes of the pictures of one trial.

    Attributes
    ----------
    names : str
        What the classifier names: ``class`` (of ImageNet-1k), ``concept`` or ``category``.
    classifier : str
    preparation : str
        What is done to a picture before the classifier sees it.
    stimulus : tuple of (str, float)
        Its most probable classes; the first is the true one.
    samples : tuple of those
        In the order of the result's samples.
    n : int
    accuracy : tuple of float
        n-way top-1 of each sample, of `DRAWS` draws; as `mindvis evaluate` computes it.
    """

    names: str
    classifier: str
    preparation: str
    stimulus: Labels
    samples: tuple[Labels, ...]
    n: int
    accuracy: tuple[float, ...]

    @property
    def chance(self) -> float:
        """1 / n."""
        return 1 / self.n

    @property
    def draws(self) -> int:
        """Random sets of classes a sample."""
        return DRAWS


def recognise(
    result: DecodeResult, stimulus: ImageArray, names: str, network: Network
) -> Recognition:
    """Show the stimulus and the samples of a trial to a classifier.

    Parameters
    ----------
    result : DecodeResult
    stimulus : (h, w, 3) uint8
    names : str
        What the classifier names.
    network : Network
        With two classes or more.
    """
    images = np.stack([sample.image for sample in result.samples])
    height, width = images.shape[1:3]
    seen, *samples = network.run(
        np.concatenate([resized(stimulus, width, height)[None], images])
    ).probabilities
    true = int(seen.argmax())
    n = next(each for each in _WAYS if each <= len(network.class_names))
    trial = result.request.trial
    accuracy = [
        top_k_accuracy(
            n_way_places(
                probabilities, true, n, DRAWS, np.random.default_rng([0, trial, sample.seed, n])
            ),
            1,
        )
        for sample, probabilities in zip(result.samples, samples, strict=True)
    ]
    return Recognition(
        names=names,
        classifier=network.name,
        preparation=network.preparation,
        stimulus=_labels(seen, network.class_names),
        samples=tuple(_labels(each, network.class_names) for each in samples),
        n=n,
        accuracy=tuple(accuracy),
    )


def _labels(probabilities: Features, names: Sequence[str]) -> Labels:
    order = np.argsort(-probabilities, kind="stable")[:TOP]
    return tuple((names[i], float(probabilities[i])) for i in order)
