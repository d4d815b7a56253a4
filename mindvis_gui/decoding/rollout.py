"""How attention carries voxels to the condition: roll-out, plain and weighted by gradients.

**Attention roll-out** (Abnar & Zuidema 2020): attention averaged over heads, mixed half and half
with the identity for the residual connection, multiplied over the blocks. Output tokens count as
much as the conditioner's linear map over tokens makes of them. It knows of attention alone, has
the resolution of a patch, and is the same for every sample of a response.

**Gradient-weighted roll-out** (Chefer, Gur & Wolf 2021): attention A of each block is multiplied by
its gradient, the positive part averaged over heads, and R ← R + mean_h (∇A ⊙ A)⁺ R from R = I. The
gradient is that of the condition's projection on g, the direction in which the model's expectation
of the chosen sample grows (see `attribution`), so it depends on the sample and on all that follows
the attention. Output tokens count by the size of their gradient times activation, which takes the
place of the row of the class token: this encoder has none.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mindvis_gui.decoding.pipeline import Condition, MindVisPipeline


@torch.inference_mode()
def roll_out(pipeline: MindVisPipeline, padded: Tensor) -> Tensor:
    """Return how much attention reaches each voxel (n_padded,) of a response (1, n_padded)."""
    encoder = pipeline.encoder
    tokens = encoder.embed(padded)
    flow = torch.eye(tokens.shape[1], device=tokens.device)
    for block in encoder.blocks:
        attention = block.attn.weights(block.norm1(tokens))[0].mean(dim=0)  # (n, n)
        mixed = 0.5 * attention + 0.5 * torch.eye(len(attention), device=tokens.device)
        flow = mixed @ flow
        tokens = block(tokens)
    reached = _output_weights(pipeline, len(flow)).to(flow) @ flow  # (n_patches,)
    patch_size = encoder.config.patch_size
    return (reached / patch_size).repeat_interleave(patch_size)


def weighted_roll_out(pipeline: MindVisPipeline, padded: Tensor, direction: Condition) -> Tensor:
    """Return how much of what moves the condition attention brings from each voxel (n_padded,).

    Parameters
    ----------
    pipeline : MindVisPipeline
    padded : Tensor, shape (1, n_padded)
    direction : Condition
        What the condition is projected on; gradients are those of the projection.
    """
    encoder = pipeline.encoder
    with torch.enable_grad():
        tokens = encoder.embed(padded.clone().requires_grad_())
        layers = []
        for block in encoder.blocks:
            inputs = block.norm1(tokens)
            weights = block.attn.weights(inputs)  # (1, heads, n, n)
            layers.append(weights)
            tokens = tokens + block.attn.mixed(weights, inputs)
            tokens = tokens + block.mlp(block.norm2(tokens))
        final = encoder.finish(tokens)
        projected = projection(pipeline.conditioner(final), direction)
        *slopes, last = torch.autograd.grad(projected, [*layers, final])
    n = encoder.n_patches
    relevance = torch.eye(n, device=padded.device)
    for weights, slope in zip(layers, slopes, strict=True):
        relevance = relevance + (weights * slope).detach()[0].clamp(min=0).mean(dim=0) @ relevance
    counts = (last * final).detach()[0].sum(dim=-1).abs()  # (n_tokens,)
    if len(counts) < n:  # pooled to one token, of which each patch has the same share
        counts = counts.expand(n) / n
    patch_size = encoder.config.patch_size
    return (counts @ relevance / patch_size).repeat_interleave(patch_size)


def projection(condition: Condition, direction: Condition) -> Tensor:
    """Return the sum of products () of a condition and a direction, over both of their parts."""
    return (condition[0] * direction[0]).sum() + (condition[1] * direction[1]).sum()


def _output_weights(pipeline: MindVisPipeline, n_tokens: int) -> Tensor:
    """Return how much each output token counts in the context (n_tokens,), summing to 1."""
    mapper = pipeline.conditioner.token_mapper
    if isinstance(mapper, nn.Identity):  # the tokens are pooled to their mean
        return torch.full((n_tokens,), 1 / n_tokens)
    first, second = (layer.weight[:, :, 0] for layer in mapper)
    weights = (second @ first).norm(dim=0)  # (n_tokens,)
    return weights / weights.sum()
