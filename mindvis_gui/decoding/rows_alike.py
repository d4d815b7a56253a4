"""Networks whose rows do not depend on their place in the batch, to the last bit.

With several threads some operations of a CPU treat the rows of a batch differently: a matrix
product of few rows takes those that are left of its tiles by another way; normalising groups of
a map with channels last adds up halves of whichever row two threads share; and exponentials are
taken by another way where the share of a thread ends.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.activations import GEGLU
from torch import Tensor, nn
from torch.nn import functional as F

_TILE = 8  # rows of a matrix product that go one way


def treat_rows_alike(network: nn.Module) -> None:
    """Change those layers of `network`; what they compute stays the same."""
    for module in network.modules():
        if isinstance(module, nn.GroupNorm):
            module.register_forward_pre_hook(_channels_first)
        elif type(module) is nn.Linear:
            module.__class__ = _TiledLinear
        elif type(module) is nn.SiLU:
            module.__class__ = _RowwiseSiLU
        elif type(module) is GEGLU:
            module.__class__ = _RowwiseGEGLU


class _TiledLinear(nn.Linear):
    """Fills few rows (n, features) up to whole tiles; tokens (n, tokens, features) are many."""

    def forward(self, input: Tensor) -> Tensor:
        missing = -len(input) % _TILE if input.ndim == 2 else 0
        if not missing:
            return super().forward(input)
        return super().forward(F.pad(input, (0, 0, 0, missing)))[: len(input)]


class _RowwiseSiLU(nn.SiLU):
    def forward(self, input: Tensor) -> Tensor:
        return torch.stack([F.silu(row) for row in input])


class _RowwiseGEGLU(GEGLU):
    def gelu(self, gate: Tensor) -> Tensor:
        return torch.stack([F.gelu(row) for row in gate])


def _channels_first(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    return (inputs[0].contiguous(), *inputs[1:])
