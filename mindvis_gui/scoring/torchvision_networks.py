"""The networks whose architecture torchvision has, by the settings that papers use them with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mindvis_gui.scoring.torch_network import Layer, Preparation, TorchNetwork
from mindvis_gui.scoring.weights import fill, find_weights, read_weights


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is made.

    Attributes
    ----------
    name : str
    model : str
        What torchvision calls the architecture.
    weights : str
        Name of the file.
    source : str
        Where it comes from.
    preparation : Preparation
    layers : mapping of str to Layer
    options : mapping
        Of the architecture.
    classes_of : str
        torchvision's weights that list the class names; empty where it is no classifier.
    prefix : str
        What its keys begin with.
    spare : tuple of str
        Beginnings of keys that the network has no use for.
    headless : bool
        Whether the file has no weights for the last layer, which is then left out.
    """

    name: str
    model: str
    weights: str
    source: str
    preparation: Preparation
    layers: Mapping[str, Layer] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    classes_of: str = ""
    prefix: str = ""
    spare: tuple[str, ...] = ()
    headless: bool = False


_TORCHVISION = "download.pytorch.org/models"
_POOL = {"pool": Layer("avgpool", "global average pool")}
RECIPES = {
    "alexnet": Recipe(
        name="AlexNet (ImageNet-1k)",
        model="alexnet",
        weights="alexnet-owt-7be5be79.pth",
        source=_TORCHVISION,
        preparation=Preparation(256),
        layers={
            "2": Layer("features.4", "second convolution, rectified"),
            "5": Layer("features.11", "fifth convolution, rectified"),
        },
    ),
    "inception-v3": Recipe(
        name="Inception v3 (ImageNet-1k)",
        model="inception_v3",
        weights="inception_v3_google-0cc3c7bd.pth",
        source=_TORCHVISION,
        preparation=Preparation(342),
        layers=_POOL,
        options={"transform_input": True, "init_weights": False},
    ),
    "efficientnet-b1": Recipe(
        name="EfficientNet-B1 (ImageNet-1k, V2 weights)",
        model="efficientnet_b1",
        weights="efficientnet_b1-c27df63c.pth",
        source=_TORCHVISION,
        preparation=Preparation(255),
        layers=_POOL,
    ),
    "swav": Recipe(
        name="SwAV ResNet-50",
        model="resnet50",
        weights="swav_800ep_pretrain.pth.tar",
        source="dl.fbaipublicfiles.com/deepcluster",
        preparation=Preparation(224),
        layers=_POOL,
        prefix="module.",
        spare=("projection_head.", "prototypes."),
        headless=True,
    ),
    "vit-h-14": Recipe(
        name="ViT-H/14 (SWAG, ImageNet-1k)",
        model="vit_h_14",
        weights="vit_h_14_swag-80465313.pth",
        source=_TORCHVISION,
        preparation=Preparation(518, filter="bicubic"),
        options={"image_size": 518},
        classes_of="ViT_H_14_Weights.IMAGENET1K_SWAG_E2E_V1",
    ),
}


def load_torchvision(key: str) -> TorchNetwork:
    """Make the network of a recipe and fill in its weights.

    Raises
    ------
    UnavailableError
        If torchvision or the weights are not there.
    ModelError
        If the weights are damaged or another network's.
    """
    recipe = RECIPES[key]
    path = find_weights(recipe.weights, recipe.source, ["torchvision"])
    import torchvision
    from torch import nn

    module = torchvision.models.get_model(recipe.model, weights=None, **recipe.options)
    if recipe.headless:
        module.fc = nn.Identity()
    state = {name.removeprefix(recipe.prefix): value for name, value in read_weights(path).items()}
    fill(module, state, path, recipe.spare)
    classes = (
        tuple(torchvision.models.get_weight(recipe.classes_of).meta["categories"])
        if recipe.classes_of
        else ()
    )
    return TorchNetwork(module, recipe.name, recipe.preparation, recipe.layers, classes)
