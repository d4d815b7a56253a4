"""What scores expect of the networks that they are computed with: plain values, no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.subject import ImageArray

Features = NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class NetworkOutput:
    """What a network makes of n pictures.

    Attributes
    ----------
    probabilities : (n, n_classes) float32
        Sum to 1 a row; no columns where the network is no classifier.
    features : mapping of str to (n, n_features) float32
        By layer: those that were asked for.
    """

    probabilities: Features
    features: Mapping[str, Features] = field(default_factory=dict)


class Network(Protocol):
    """A network that looks at pictures.

    Attributes
    ----------
    name : str
        Architecture and what it was trained on.
    preparation : str
        What is done to a picture before the network sees it.
    layers : mapping of str to str
        Key of a layer → what it is, as it is printed.
    class_names : tuple of str
        Empty where it is no classifier.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def preparation(self) -> str: ...  # noqa: D102

    @property
    def layers(self) -> Mapping[str, str]: ...  # noqa: D102

    @property
    def class_names(self) -> tuple[str, ...]: ...  # noqa: D102

    def run(self, pictures: ImageArray, layers: Sequence[str] = ()) -> NetworkOutput:
        """Look at pictures (n, h, w, 3), 0–255, and return the features of `layers`, too."""
        ...


NetworkFinder = Callable[[str], Network]
"""Returns the network of a key, loaded once, or raises `UnavailableError`: what is missing."""
