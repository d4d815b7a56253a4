"""Copies of a network in half precision, with the layers that need it left in fp32.

What goes in and comes out of a network stays fp32, and so does the time embedding: the sampler
multiplies differences of predictions, and the codebook's nearest code must not depend on the
last bits. Everything between is bf16 or fp16; normalisation layers add up in fp32 by themselves.
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from diffusers import ModelMixin, UNet2DConditionModel, VQModel
from torch import Tensor, nn

_Network = TypeVar("_Network", bound=ModelMixin)


def unet_in(dtype: torch.dtype, unet: UNet2DConditionModel) -> UNet2DConditionModel:
    """Return a U-Net that computes in `dtype`, from and to fp32; see `_copy`."""
    copy = _copy(unet, dtype, ("conv_in.", "time_embedding.", "conv_norm_out.", "conv_out."))
    _enter_after(copy.conv_in, dtype)
    for name, module in copy.named_modules():
        if name.endswith(".time_emb_proj"):
            _cast_before(module, dtype)
    _cast_before(copy.conv_norm_out, torch.float32)
    return copy


def vqvae_in(dtype: torch.dtype, vqvae: VQModel) -> VQModel:
    """Return a first stage that quantises in fp32 and decodes in `dtype`; see `_copy`."""
    ends = ("decoder.conv_in.", "decoder.conv_norm_out.", "decoder.conv_out.")
    copy = _copy(vqvae, dtype, ("encoder.", "quantize.", "quant_conv.", "post_quant_conv.", *ends))
    _enter_after(copy.decoder.conv_in, dtype)
    _cast_before(copy.decoder.conv_norm_out, torch.float32)
    return copy


def _copy(network: _Network, dtype: torch.dtype, islands: tuple[str, ...]) -> _Network:
    """Return a copy with weights in `dtype`; those under `islands` are shared as they are."""
    with torch.device("meta"):  # its weights come right after
        copy = type(network).from_config(network.config)
    weights = {
        name: weight if name.startswith(islands) else weight.to(dtype)
        for name, weight in network.state_dict().items()
    }
    copy.load_state_dict(weights, assign=True)
    return copy.eval().requires_grad_(False)


def _enter_after(module: nn.Module, dtype: torch.dtype) -> None:
    def cast(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
        return output.to(dtype)

    module.register_forward_hook(cast)


def _cast_before(module: nn.Module, dtype: torch.dtype) -> None:
    def cast(module: nn.Module, inputs: tuple[Tensor]) -> tuple[Tensor]:
        return (inputs[0].to(dtype),)

    module.register_forward_pre_hook(cast)
