"""Convolutions on a CPU whose weights are laid out once, not at every call.

oneDNN computes with weights in blocks of its own making. Given plain ones it rearranges them at
every call, which takes a large network of one latent a fifth of its time.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_OPERATORS = "_reorder_convolution_weight", "_convolution_pointwise"  # as `torch.compile` uses


def pack_convolutions(network: nn.Module) -> None:
    """Let the fp32 convolutions of `network` keep rearranged copies of their weights.

    The weights themselves stay as they are, for whoever shares them. For use without gradients;
    maps come out with channels last. Where PyTorch was built without oneDNN, nothing changes.
    """
    if not (
        torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and all(hasattr(torch.ops.mkldnn, name) for name in _OPERATORS)
    ):
        return
    for module in network.modules():
        plain = type(module) is nn.Conv2d and module.padding_mode == "zeros"
        if plain and module.weight.dtype == torch.float32 and not isinstance(module.padding, str):
            module.__class__ = _PackedConv2d


class _PackedConv2d(nn.Conv2d):
    _packed: tuple[torch.Size, Tensor] | None = None  # shape of the maps it was laid out for

    def forward(self, input: Tensor) -> Tensor:
        geometry = (self.padding, self.stride, self.dilation, self.groups)
        if self._packed is None or self._packed[0] != input.shape:
            layout = torch.ops.mkldnn._reorder_convolution_weight
            weight = layout(self.weight.detach(), *geometry, list(input.shape))
            self._packed = input.shape, weight
        return torch.ops.mkldnn._convolution_pointwise(
            input, self._packed[1], self.bias, *geometry, "none", [], ""
        )
