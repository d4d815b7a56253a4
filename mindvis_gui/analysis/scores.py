"""Which scores there are, what each is called, and what those that cannot be computed need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.errors import RequestError

EXTRA = "pip install 'mindvis-gui[metrics]'"


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """What a network makes of n pictures.

    `probabilities` (n, n_classes) sum to 1 a row; `features` (n, n_features) are those of
    the layer that the network names.
    """

    probabilities: NDArray[np.float32]
    features: NDArray[np.float32]


class Network(Protocol):
    """An image classifier that scores are computed with.

    Attributes
    ----------
    name : str
        Architecture and what it was trained on.
    layer : str
        Where the features are taken from.
    preparation : str
        What is done to a picture before the network sees it.
    class_names : sequence of str
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def layer(self) -> str: ...  # noqa: D102

    @property
    def preparation(self) -> str: ...  # noqa: D102

    @property
    def class_names(self) -> tuple[str, ...]: ...  # noqa: D102

    def run(self, pictures: ImageArray) -> NetworkOutput:
        """Look at pictures (n, h, w, 3), 0–255."""
        ...


Kind = Literal["value", "identification", "classification"]
Source = Literal["pcc", "mse", "mse-uint8", "ssim", "ssim-425", "features", "classes"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One score.

    Attributes
    ----------
    key : str
        What it is called on the command line and in files.
    name : str
        What it is called in tables.
    kind : str
        ``value``: the similarity of a sample with its stimulus. ``identification``: whether its
        own stimulus is the most similar of `n`. ``classification``: whether the stimulus' class
        is among the `k` most probable of `n`.
    source : str
        The similarity it rests on.
    n, k : int
        0 where they mean nothing.
    """

    key: str
    name: str
    kind: Kind
    source: Source
    n: int = 0
    k: int = 0

    @property
    def higher_is_better(self) -> bool:
        """False for an error."""
        return self.kind != "value" or not self.source.startswith("mse")

    @property
    def digits(self) -> int:
        """Decimals that are printed."""
        return 3 if self.higher_is_better else 0

    @property
    def needs_network(self) -> bool:
        """Whether a `Network` has to look at the pictures."""
        return self.source in ("features", "classes")


_METRICS = (
    Metric("pixcorr", "PixCorr", "value", "pcc"),
    Metric("ssim", "SSIM", "value", "ssim"),
    Metric("ssim-425", "SSIM 425", "value", "ssim-425"),
    Metric("mse", "MSE", "value", "mse"),
    Metric("pairwise-mse", "Pair-wise MSE", "identification", "mse", n=2),
    Metric("pairwise-pcc", "Pair-wise PCC", "identification", "pcc", n=2),
    Metric("pairwise-ssim", "Pair-wise SSIM", "identification", "ssim", n=2),
    Metric("pairwise-features", "Pair-wise features", "identification", "features", n=2),
    Metric("pairwise-mse-uint8", "Pair-wise MSE (uint8)", "identification", "mse-uint8", n=2),
)
_ON_REQUEST = ("pairwise-mse-uint8",)
_PATTERNS = {
    r"identification-(?P<n>\d{1,6})": ("{n}-way identification", "identification", "pcc"),
    r"top(?P<k>\d{1,6})-(?P<n>\d{1,6})way": ("{n}-way top-{k}", "classification", "classes"),
}
DEFAULT = (
    *(metric.key for metric in _METRICS if metric.key not in _ON_REQUEST),
    "identification-10",
    "top1-50way",
    "top5-50way",
    "top1-100way",
    "top5-100way",
)

UNAVAILABLE: Mapping[str, tuple[str, str]] = {
    "lpips": ("LPIPS (pair-wise PSM)", "the lpips package and AlexNet weights of torchvision"),
    "alexnet": ("AlexNet(2), AlexNet(5) two-way identification", "AlexNet weights of torchvision"),
    "inception": ("Inception two-way identification", "Inception v3 weights of torchvision"),
    "clip": ("CLIP ViT-L/14 two-way identification", "CLIP ViT-L/14 weights of OpenAI"),
    "efficientnet-b1": ("EfficientNet-B1 distance", "EfficientNet-B1 weights of torchvision"),
    "swav": ("SwAV distance", "SwAV ResNet-50 weights of Meta"),
    "vit-h-14": ("n-way top-k by ViT-H/14, as published", "ViT-H/14 weights of torchvision"),
    "fid": ("FID", "Inception weights of the FID reference, and thousands of pictures"),
}
"""Key → name and what it needs: scores of the field that rest on weights no package ships."""


def metric(key: str) -> Metric:
    """Return a score by its key: one of `DEFAULT`, ``identification-N`` or ``topK-Nway``.

    Raises
    ------
    RequestError
        If there is no such score.
    """
    for known in _METRICS:
        if known.key == key:
            return known
    for pattern, (name, kind, source) in _PATTERNS.items():
        match = re.fullmatch(pattern, key)
        if match is None:
            continue
        numbers = {name: int(digits) for name, digits in match.groupdict().items()}
        n, k = numbers["n"], numbers.get("k", 0)
        if n < 2 or (k and not k < n) or numbers.get("k") == 0:
            raise RequestError(f"score '{key}' makes no sense: n must be 2 or more and k below n")
        return Metric(key, name.format(**numbers), kind, source, n, k)  # type: ignore[arg-type]
    choices = ", ".join([*DEFAULT, *_ON_REQUEST, "identification-N", "topK-Nway", *UNAVAILABLE])
    raise RequestError(f"unknown score '{key}'; choose among {choices}")
