"""The parts that the encoder and the masked autoencoder share: patches, positions, blocks."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class PatchEmbedding(nn.Module):
    """Cuts a vector into patches and maps each to a token much wider than the patch.

    That widening (1024 : 16 in the paper) is the sparse coding of SC-MBM (section 3.1).
    """

    def __init__(self, patch_size: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv1d(1, width, kernel_size=patch_size, stride=patch_size)

    def forward(self, vectors: Tensor) -> Tensor:
        """Embed vectors (batch, n_padded) as tokens (batch, n_patches, width)."""
        tokens: Tensor = self.proj(vectors.unsqueeze(1))  # (batch, width, n_patches)
        return tokens.transpose(1, 2)  # (batch, n_patches, width)


class Attention(nn.Module):
    """Multi-head self-attention with one projection for queries, keys and values."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} cannot be shared among {heads} heads")
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Let tokens (batch, n, width) attend to each other; same shape out."""
        mixed = F.scaled_dot_product_attention(*self._projected(tokens))
        return self.proj(mixed.transpose(1, 2).reshape(tokens.shape))  # (batch, n, width)

    def weights(self, tokens: Tensor) -> Tensor:
        """Return how much each token takes of each in `forward` (batch, heads, n, n)."""
        query, key, _ = self._projected(tokens)
        return (query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5).softmax(dim=-1)

    def mixed(self, weights: Tensor, tokens: Tensor) -> Tensor:
        """Return what `forward` makes of tokens (batch, n, width), with weights that are given.

        `weights` (batch, heads, n, n) are how much each token takes of each.
        """
        _, _, value = self._projected(tokens)
        mixed = weights @ value  # (batch, heads, n, width / heads)
        return self.proj(mixed.transpose(1, 2).reshape(tokens.shape))

    def _projected(self, tokens: Tensor) -> Tensor:
        """Return queries, keys and values of tokens (3, batch, heads, n, width / heads)."""
        batch, n, width = tokens.shape
        qkv = self.qkv(tokens).view(batch, n, 3, self.heads, width // self.heads)
        return qkv.permute(2, 0, 3, 1, 4)


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map each token (batch, n, width) by itself; same shape out."""
        return self.fc2(F.gelu(self.fc1(tokens)))


class Block(nn.Module):
    """One pre-norm transformer block.

    LayerNorm's epsilon is the layer's default of 1e-5, as in the published code,
    and not the 1e-6 usual in vision transformers.
    """

    def __init__(self, width: int, heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = FeedForward(width, int(width * mlp_ratio))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens (batch, n, width) after attention and feed-forward, same shape."""
        tokens = tokens + self.attn(self.norm1(tokens))
        return tokens + self.mlp(self.norm2(tokens))


def sincos_positions(n_patches: int, width: int) -> Tensor:
    """Return the 1-D position embedding (1, n_patches, width): sines, then cosines."""
    rates = torch.exp(
        torch.arange(width // 2, dtype=torch.float64) * (-math.log(10000.0) / (width / 2))
    )
    angles = torch.outer(torch.arange(n_patches, dtype=torch.float64), rates)
    return torch.cat([angles.sin(), angles.cos()], dim=1).float().unsqueeze(0)


def resized_positions(positions: Tensor, n_patches: int) -> Tensor:
    """Return a position embedding (1, n, width) taken to `n_patches` rows by nearest neighbour.

    This is how a checkpoint is loaded for a vector of another length.
    """
    if positions.shape[1] == n_patches:
        return positions
    return F.interpolate(positions.transpose(1, 2), size=n_patches).transpose(1, 2).contiguous()


def initialise(module: nn.Module) -> None:
    """Draw one layer's weights as the published code does (for use with `Module.apply`)."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
    elif isinstance(module, PatchEmbedding):
        weight = module.proj.weight
        nn.init.xavier_uniform_(weight.view(weight.shape[0], -1))
