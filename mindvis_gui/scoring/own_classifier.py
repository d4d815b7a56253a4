"""The classifier that a model folder brings with it, for pictures that are no photographs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mindvis_gui.errors import ModelError
from mindvis_gui.scoring.torch_network import Preparation, TorchNetwork

_HALF = (0.5, 0.5, 0.5)  # the classifier takes -1 to 1, as the decoder gives it


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
    from mindvis_gui.scoring.demo_classifier import PictureClassifier

    classes, categories, side = _read_config(folder / "config.json")
    try:
        module = PictureClassifier.from_pretrained(folder, local_files_only=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise ModelError(f"{folder}: holds no classifier; copy the model again") from error
    return networks_of(module, classes, categories, side)


def networks_of(
    module: nn.Module, classes: tuple[str, ...], categories: tuple[str, ...], side: int
) -> dict[str, TorchNetwork]:
    """Return a classifier of concepts as the networks ``concept`` and ``category``."""
    names = tuple(dict.fromkeys(categories))
    members = torch.tensor([[float(name == each) for name in names] for each in categories])
    prepare = Preparation(side, _HALF, _HALF)
    return {
        "concept": TorchNetwork(module, "concept classifier of the model", prepare, {}, classes),
        "category": TorchNetwork(
            SumOfConcepts(module, members), "category classifier of the model", prepare, {}, names
        ),
    }


def _read_config(path: Path) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        classes = tuple(map(str, config["classes"]))
        categories = tuple(map(str, config["categories"]))
        side = int(config["image_size"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: is missing or damaged; copy the model again") from error
    if len(categories) != len(classes):
        raise ModelError(f"{path}: lists {len(categories)} categories for {len(classes)} classes")
    return classes, categories, side
