"""LPIPS (Zhang et al. 2018) as features whose squared distance it is."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from mindvis_gui.errors import ModelError
from mindvis_gui.scoring.torch_network import Layer, Preparation, TorchNetwork
from mindvis_gui.scoring.torchvision_networks import RECIPES
from mindvis_gui.scoring.weights import fill, find_weights, read_weights

_RECTIFIED = (1, 4, 7, 9, 11)  # layers of AlexNet's `features` that are compared
_EPS = 1e-10


class LpipsFeatures(nn.Module):
    """Returns what LPIPS compares as one vector a picture, (n, d).

    LPIPS is ``Σ_l mean_hw Σ_c w_lc (â_lchw - b̂_lchw)²`` with features of unit length at each
    place. With the square roots of the weights multiplied in, that is the squared Euclidean
    distance of two such vectors, and a table of all pairs is one matrix product.

    Parameters
    ----------
    features : torch.nn.Sequential
        AlexNet's convolutions.
    weights : sequence of (channels,) tensors
        Non-negative, one a layer that is compared.
    """

    def __init__(self, features: nn.Sequential, weights: list[Tensor]) -> None:
        super().__init__()
        self.features = features
        self.roots = nn.ParameterList([nn.Parameter(w.clamp(min=0).sqrt()) for w in weights])

    def forward(self, x: Tensor) -> Tensor:
        """Take prepared pictures (n, 3, h, w)."""
        parts = []
        for i, layer in enumerate(self.features):
            x = layer(x)
            if i in _RECTIFIED:
                root = self.roots[_RECTIFIED.index(i)]
                unit = x / (x.square().sum(dim=1, keepdim=True).sqrt() + _EPS)
                places = x.shape[2] * x.shape[3]
                parts.append((unit * root[:, None, None] / places**0.5).flatten(1))
        return torch.cat(parts, dim=1)


def load_lpips() -> TorchNetwork:
    """Load LPIPS from AlexNet's weights and the linear ones of the package ``lpips``.

    Raises
    ------
    UnavailableError
        If weights or packages are not there.
    ModelError
        If weights are damaged.
    """
    recipe = RECIPES["alexnet"]
    path = find_weights(recipe.weights, recipe.source, ["torchvision", "lpips"])
    import torchvision

    alexnet = torchvision.models.get_model(recipe.model, weights=None)
    fill(alexnet, read_weights(path), path)
    module = LpipsFeatures(alexnet.features, linear_weights())
    # Pictures at their own size; ImageNet's mean and deviation are what the package scales by.
    layers = {"all": Layer("", "five rectified convolutions")}
    return TorchNetwork(module, "AlexNet with LPIPS weights", Preparation(0), layers)


def linear_weights() -> list[Tensor]:
    """Return the weights (channels,) of the five layers, from the installed package's files.

    The package is not imported: it would load more than is needed.

    Raises
    ------
    ModelError
        If they are not those of AlexNet.
    """
    spec = find_spec("lpips")
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / "weights" / "v0.1" / "alex.pth"
    state = read_weights(path)
    try:
        return [state[f"lin{i}.model.1.weight"].flatten() for i in range(len(_RECTIFIED))]
    except KeyError as error:
        raise ModelError(f"{path}: has no {error}; install lpips again") from error
