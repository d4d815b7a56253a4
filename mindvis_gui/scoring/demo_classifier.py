"""The classifier of drawings that a model folder may bring along, to judge its samples with.

Classifiers of photographs do not know drawings. The import path of the class is written into the
saved model: moving it makes older folders unreadable.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn
from torch.nn import functional as F

_GROUPS = 8  # of a group norm: unlike batch norm, nothing depends on what else is looked at


class PictureClassifier(ModelMixin, ConfigMixin):
    """A small residual network (He et al. 2016) from pictures to what they show.

    Parameters
    ----------
    classes : sequence of str
        Names of what it tells apart.
    categories : sequence of str
        Beside each class, the category that it belongs to.
    image_size : int
        Height and width of the pictures.
    widths : sequence of int
        Channels at each resolution, each half of the last; multiples of 8.
    """

    @register_to_config
    def __init__(
        self,
        classes: Sequence[str],
        categories: Sequence[str],
        image_size: int = 64,
        widths: Sequence[int] = (32, 64, 96, 128),
    ) -> None:
        super().__init__()
        if len(classes) != len(categories):
            raise ValueError(f"{len(classes)} classes but categories of {len(categories)}")
        self.stem = nn.Conv2d(3, widths[0], 3, padding=1, stride=2)
        self.blocks = nn.Sequential(*(_Block(before, after) for before, after in pairwise(widths)))
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(widths[-1], len(classes))

    def features(self, pictures: Tensor) -> Tensor:
        """Return what the last layer sees (batch, channels) of pictures as `forward` takes them."""
        pooled: Tensor = self.blocks(self.stem(pictures)).mean(dim=(2, 3))
        return pooled

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the logits (batch, n_classes) of pictures (batch, 3, size, size), -1 to 1."""
        logits: Tensor = self.head(self.dropout(self.features(pictures)))
        return logits


class _Block(nn.Module):
    """Two convolutions beside a shortcut, at half the resolution."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.shortcut = nn.Conv2d(before, after, 1)
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.second = nn.Conv2d(after, after, 3, padding=1)
        self.first_norm = nn.GroupNorm(_GROUPS, before)
        self.second_norm = nn.GroupNorm(_GROUPS, after)

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, before, h, w) to (batch, after, h / 2, w / 2)."""
        x = F.avg_pool2d(x, 2)
        inner = self.first(F.silu(self.first_norm(x)))
        made: Tensor = self.shortcut(x) + self.second(F.silu(self.second_norm(inner)))
        return made
