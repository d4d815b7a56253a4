"""The classifier that a model folder brings with it, for pictures that are no photographs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mindvis_gui.errors import ModelError
from mindvis_gui.scoring.concept_head import ConceptHead
from mindvis_gui.scoring.efficientnet import PREPARATION, EfficientNetLite0, efficientnet_module
from mindvis_gui.scoring.torch_network import TorchNetwork

_FEATURES = "efficientnet-lite0"
_NAME = "linear classifier of the model on features of EfficientNet-Lite0"


class HeadOnFeatures(nn.Module):
    """A head on the pooled features of a network of photographs."""

    def __init__(self, network: EfficientNetLite0, head: ConceptHead) -> None:
        super().__init__()
        self.network, self.head = network, head

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (n, n_concepts) of prepared pictures (n, 3, h, w)."""
        logits: Tensor = self.head(self.network.features(x))
        return logits


class SumOfConcepts(nn.Module):
    """Log-probabilities of categories: those of their concepts added up.

    Parameters
    ----------
    concepts : torch.nn.Module
        Returns logits (n, n_concepts).
    members : (n_concepts, n_categories) tensor
        1 where a concept belongs to a category, else 0.
    """

    def __init__(self, concepts: nn.Module, members: Tensor) -> None:
        super().__init__()
        self.concepts = concepts
        self.members = nn.Parameter(members)

    def forward(self, x: Tensor) -> Tensor:
        """Take prepared pictures (n, 3, h, w)."""
        concepts: Tensor = self.concepts(x)
        return (concepts.softmax(dim=-1) @ self.members).log()


def load_classifiers(folder: Path) -> dict[str, TorchNetwork]:
    """Load a classifier folder as the networks ``concept`` and ``category``.

    Its ``config.json`` lists the `classes` and, beside each, its category in `categories`.

    Raises
    ------
    ModelError
        If the folder is incomplete or damaged.
    """
    classes, categories = _read_config(folder / "config.json")
    try:
        head = ConceptHead.from_pretrained(folder, local_files_only=True).float()
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"{folder}: holds no classifier; copy the model again") from error
    concepts = HeadOnFeatures(efficientnet_module(), head)
    names = tuple(dict.fromkeys(categories))
    members = torch.tensor([[float(name == each) for name in names] for each in categories])
    return {
        "concept": TorchNetwork(concepts, f"concepts, {_NAME}", PREPARATION, {}, classes),
        "category": TorchNetwork(
            SumOfConcepts(concepts, members), f"categories, {_NAME}", PREPARATION, {}, names
        ),
    }


def _read_config(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        classes = tuple(map(str, config["classes"]))
        categories = tuple(map(str, config["categories"]))
        features = config["features"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: is missing or damaged; copy the model again") from error
    if len(categories) != len(classes):
        raise ModelError(f"{path}: lists {len(categories)} categories for {len(classes)} classes")
    if features != _FEATURES:
        raise ModelError(
            f"{path}: made for the features of {str(features)[:60]}, which this version does not "
            f"know; it knows {_FEATURES}"
        )
    return classes, categories
