"""Which scores there are, what each is called, and what each rests on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from mindvis_gui.errors import RequestError

Kind = Literal["value", "identification", "classification", "set", "samples"]


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
        is among the `k` most probable of `n`. ``set``: a distance of all samples to all stimuli.
        ``samples``: what samples of a trial have in common, or how sharp they are.
    source : str
        The similarity it rests on.
    n, k : int
        0 where they mean nothing; `n` of an identification is 0 for all stimuli there are.
    network, layer : str
        Keys of what looks at the pictures; empty where the pixels are compared.
    """

    key: str
    name: str
    kind: Kind
    source: str
    n: int = 0
    k: int = 0
    network: str = ""
    layer: str = ""

    @property
    def higher_is_better(self) -> bool:
        """False for an error or a distance."""
        kinds = ("identification", "classification", "samples")
        return self.kind in kinds or self.source in SIMILARITIES

    @property
    def digits(self) -> int:
        """Decimals that are printed."""
        if self.kind == "value" and self.source == "mse":
            return 0
        return 2 if self.kind == "set" else 3


SIMILARITIES = ("pcc", "ssim", "ssim-425", "features")
"""Sources of which more is more alike; of all others less is."""

CLASSIFIER = "efficientnet-lite0"
"""The classifier whose weights come with a package."""
ALL_WAYS = "identification-all"
OWN_CLASSIFIERS = ("concept", "category")
"""Classifiers that a model folder may bring with it, for pictures that are no photographs."""


def _two_way(key: str, name: str, network: str, layer: str, source: str = "features") -> Metric:
    return Metric(key, name, "identification", source, 2, 0, network, layer)


_METRICS = (
    Metric("pixcorr", "PixCorr", "value", "pcc"),
    Metric("ssim", "SSIM", "value", "ssim"),
    Metric("ssim-425", "SSIM 425", "value", "ssim-425"),
    Metric("mse", "MSE", "value", "mse"),
    Metric("lpips", "LPIPS", "value", "lpips", 0, 0, "lpips", "all"),
    Metric("pairwise-mse", "Pair-wise MSE", "identification", "mse", n=2),
    Metric("pairwise-pcc", "Pair-wise PCC", "identification", "pcc", n=2),
    Metric("pairwise-ssim", "Pair-wise SSIM", "identification", "ssim", n=2),
    _two_way("pairwise-lpips", "Pair-wise LPIPS", "lpips", "all", "lpips"),
    _two_way("pairwise-features", "Pair-wise features", CLASSIFIER, "pool"),
    Metric("pairwise-mse-uint8", "Pair-wise MSE (uint8)", "identification", "mse-uint8", n=2),
    _two_way("alexnet-2", "AlexNet(2)", "alexnet", "2"),
    _two_way("alexnet-5", "AlexNet(5)", "alexnet", "5"),
    _two_way("inception", "Inception", "inception-v3", "pool"),
    _two_way("clip", "CLIP", "clip-vit-l-14", "embedding"),
    Metric("efficientnet-b1", "EffNet-B1", "value", "distance", 0, 0, "efficientnet-b1", "pool"),
    Metric("swav", "SwAV", "value", "distance", 0, 0, "swav", "pool"),
    Metric("fid-64", "FID (64)", "set", "frechet", 0, 0, "inception-fid", "64"),
    Metric("fid-2048", "FID (2048)", "set", "frechet", 0, 0, "inception-fid", "2048"),
    Metric(ALL_WAYS, "Top-1 of all", "identification", "pcc"),
    Metric("sharpness", "Sharpness", "samples", "sharpness"),
    Metric("diversity", "Diversity", "samples", "diversity"),
    Metric("agreement-category", "Samples agree", "samples", "agreement", network="category"),
)
_ON_REQUEST = ("pairwise-mse-uint8", "agreement-category")
_NAMES = {
    CLASSIFIER: "{n}-way top-{k}",
    "vit-h-14": "{n}-way top-{k}, ViT-H/14",
    "concept": "{n}-way top-{k} concept",
    "category": "{n}-way top-{k} category",
}
_WAYS = ("top1-50way", "top5-50way", "top1-100way", "top5-100way")
DEFAULT = (
    *(metric.key for metric in _METRICS if metric.key not in _ON_REQUEST),
    "identification-10",
    *_WAYS,
    *(f"{way}-vit-h-14" for way in _WAYS),
)
OF_OWN_CLASSIFIERS = (
    "top1-10way-concept",
    "top5-10way-concept",
    "top1-5way-category",
    "top1-8way-category",
    "agreement-category",
)
"""Computed by default where the model brings its classifiers."""


def metric(key: str) -> Metric:
    """Return a score by its key: one of `DEFAULT`, ``identification-N`` or ``topK-Nway``.

    ``topK-Nway`` may be followed by the classifier: ``top1-50way-vit-h-14``.

    Raises
    ------
    RequestError
        If there is no such score.
    """
    for known in _METRICS:
        if known.key == key:
            return known
    if found := re.fullmatch(r"identification-(\d{1,6})", key):
        n = int(found[1])
        _check_ways(key, n, 1)
        return Metric(key, f"{n}-way identification", "identification", "pcc", n)
    if found := re.fullmatch(r"top(\d{1,6})-(\d{1,6})way(?:-(.+))?", key):
        k, n, network = int(found[1]), int(found[2]), found[3] or CLASSIFIER
        _check_ways(key, n, k)
        if network in _NAMES:
            name = _NAMES[network].format(n=n, k=k)
            return Metric(key, name, "classification", "classes", n, k, network)
    choices = ", ".join([*DEFAULT, *_ON_REQUEST, "identification-N", "topK-Nway[-CLASSIFIER]"])
    raise RequestError(
        f"unknown score '{key}'; choose among {choices}; classifiers: {', '.join(_NAMES)}"
    )


def _check_ways(key: str, n: int, k: int) -> None:
    if not 1 <= k < n:
        raise RequestError(
            f"score '{key}' makes no sense: n must be 2 or more and k from 1 to below n"
        )
