"""The U-Net's attention while it samples: less to compute than while it trains.

During a walk only the latents change. The context of the cross-attention does not, so its keys
and values are computed once a request; and the three projections of the self-attention, which
read the same tokens, become one matrix product. Both are attention processors of diffusers: the
U-Net is none the wiser.
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn
from torch.nn import functional as F

# Keys and values (rows, heads, tokens, width of a head) of every cross-attention, in its order.
# Given to the U-Net in place of the context, which it hands through as it is.
KeysValues = list[tuple[Tensor, Tensor]]


class FusedSelfAttention(nn.Module):
    """Self-attention with one projection for queries, keys and values."""

    def __init__(self, attention: Any) -> None:
        super().__init__()
        projections = (attention.to_q, attention.to_k, attention.to_v)
        weight = torch.cat([layer.weight.detach() for layer in projections])
        outputs, width = weight.shape
        self.projection = nn.Linear(width, outputs, bias=False, device="meta")
        self.projection.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self, attn: Any, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        """Let tokens (rows, n, width) attend to each other; same shape out."""
        query, key, value = self.projection(hidden_states).chunk(3, dim=-1)
        return _mixed(
            attn, _heads(query, attn.heads), _heads(key, attn.heads), _heads(value, attn.heads)
        )


class CachedCrossAttention:
    """Cross-attention that finds the keys and values of its context computed."""

    def __init__(self, index: int) -> None:
        self._index = index

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: KeysValues,
        *_: Any,
        **__: Any,
    ) -> Tensor:
        """Let tokens (rows, n, width) attend to a context; same shape out."""
        key, value = encoder_hidden_states[self._index]
        return _mixed(attn, _heads(attn.to_q(hidden_states), attn.heads), key, value)


def prepare_attention(unet: UNet2DConditionModel) -> list[Any]:
    """Give every attention of `unet` its processor; return the cross-attentions in their order.

    From then on `unet` takes `KeysValues` in place of the context.
    """
    cross: list[Any] = []
    for name, module in unet.named_modules():
        if name.endswith(".attn1"):
            module.set_processor(FusedSelfAttention(module))
        elif name.endswith(".attn2"):
            module.set_processor(CachedCrossAttention(len(cross)))
            cross.append(module)
    return cross


def keys_values(cross_attentions: list[Any], context: Tensor) -> KeysValues:
    """Project a context (rows, tokens, width) to the keys and values of every cross-attention."""
    return [
        (
            _heads(attn.to_k(context), attn.heads).contiguous(),
            _heads(attn.to_v(context), attn.heads).contiguous(),
        )
        for attn in cross_attentions
    ]


def _heads(tokens: Tensor, heads: int) -> Tensor:
    """Split tokens (rows, n, width) into (rows, heads, n, width / heads)."""
    rows, n, width = tokens.shape
    return tokens.view(rows, n, heads, width // heads).transpose(1, 2)


def _mixed(attn: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    tokens = F.scaled_dot_product_attention(query, key, value, scale=attn.scale)
    return attn.to_out[0](tokens.transpose(1, 2).flatten(2))  # (rows, n, width)
