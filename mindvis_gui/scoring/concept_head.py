"""The classifier of drawings that a model folder may bring along, to judge its samples with.

Networks that were trained on photographs have no names for drawings, but their features tell them
apart: what is trained, and kept, is one linear layer. The import path of the class is written
into the saved model: moving it makes older folders unreadable.
"""

from __future__ import annotations

from collections.abc import Sequence

from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn


class ConceptHead(ModelMixin, ConfigMixin):
    """A linear layer from the features of a network to what a picture shows.

    Parameters
    ----------
    classes : sequence of str
        Names of what it tells apart.
    categories : sequence of str
        Beside each class, the category that it belongs to.
    features : str
        Network whose pooled features it was trained on.
    n_features : int
    """

    @register_to_config
    def __init__(
        self,
        classes: Sequence[str],
        categories: Sequence[str],
        features: str = "efficientnet-lite0",
        n_features: int = 1280,
    ) -> None:
        super().__init__()
        if len(classes) != len(categories):
            raise ValueError(f"{len(classes)} classes but categories of {len(categories)}")
        self.linear = nn.Linear(n_features, len(classes))

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits (n, n_classes) of features (n, n_features)."""
        logits: Tensor = self.linear(features)
        return logits
