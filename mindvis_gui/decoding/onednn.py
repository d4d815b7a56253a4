"""Layers of a CPU that call oneDNN where PyTorch itself does not, or not as well.

oneDNN computes convolutions with weights in blocks of its own making. Given plain ones it
rearranges them at every call, which takes a large network of one latent a fifth of its time.

Matrix products in fp32 PyTorch leaves to MKL, which on CPUs of other makers than Intel has no use
for AVX-512 and computes half as fast as oneDNN.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

_CONVOLUTION = "_reorder_convolution_weight", "_convolution_pointwise"  # as `torch.compile` uses
_LINEAR = ("_linear_pointwise",)
_CPU_INFO = Path("/proc/cpuinfo")


def pack_convolutions(network: nn.Module) -> None:
    """Let the convolutions of `network` keep rearranged copies of their weights.

    The weights themselves stay as they are, for whoever shares them; if they change, they are
    rearranged anew. With gradients PyTorch computes. Maps come out with channels last. Where
    PyTorch was built without oneDNN, nothing changes.
    """
    if not _has(_CONVOLUTION):
        return
    for module in network.modules():
        if type(module) is not nn.Conv2d or not _computes(module.weight):
            continue
        if module.padding_mode == "zeros" and not isinstance(module.padding, str):
            module.__class__ = _PackedConv2d


def multiply_by_onednn(network: nn.Module) -> None:
    """Let the linear layers of `network` that are in fp32 compute by oneDNN, but for gradients.

    Where MKL is as fast, or PyTorch was built without either, nothing changes.
    """
    if not (_mkl_is_slow() and _has(_LINEAR)):
        return
    for module in network.modules():
        if type(module) is nn.Linear and module.weight.dtype == torch.float32:
            module.__class__ = _OneDnnLinear


class _PackedConv2d(nn.Conv2d):
    _packed: tuple[tuple[Any, ...], Tensor] | None = None  # what it was laid out for, weights

    def forward(self, input: Tensor) -> Tensor:
        if torch.is_grad_enabled():  # the operator has none
            return super().forward(input)
        geometry = (self.padding, self.stride, self.dilation, self.groups)
        weight = self.weight
        changes = None if weight.is_inference() else weight._version
        laid_out_for = input.shape, weight.data_ptr(), changes
        if self._packed is None or self._packed[0] != laid_out_for:
            layout = torch.ops.mkldnn._reorder_convolution_weight
            packed = layout(weight.detach(), *geometry, list(input.shape))
            self._packed = laid_out_for, packed
        return torch.ops.mkldnn._convolution_pointwise(
            input, self._packed[1], self.bias, *geometry, "none", [], ""
        )

    def __getstate__(self) -> dict[str, Any]:
        # Nothing can copy or save the blocks of oneDNN.
        return {name: value for name, value in self.__dict__.items() if name != "_packed"}


class _OneDnnLinear(nn.Linear):
    def forward(self, input: Tensor) -> Tensor:
        if torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"):  # it knows of neither
            return super().forward(input)
        return torch.ops.mkldnn._linear_pointwise(input, self.weight, self.bias, "none", [], "")


def _has(operators: tuple[str, ...]) -> bool:
    available: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    return available and all(hasattr(torch.ops.mkldnn, name) for name in operators)


def _computes(weight: Tensor) -> bool:
    """Whether oneDNN has kernels for a weight's precision here."""
    if weight.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return weight.dtype == torch.float32


@cache
def _mkl_is_slow() -> bool:
    if not torch.backends.mkl.is_available():  # type: ignore[no-untyped-call]
        return False
    cpu = _CPU_INFO.read_text("utf-8") if _CPU_INFO.is_file() else platform.processor()
    wide = torch.backends.cpu.get_cpu_capability() == "AVX512"
    return wide and "AuthenticAMD" in cpu
