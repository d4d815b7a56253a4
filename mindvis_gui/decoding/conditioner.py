"""The double conditioning: tokens → cross-attention context and time vector (section 3.2)."""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn


class Conditioner(ModelMixin, ConfigMixin):
    """Maps the encoder's tokens to what the U-Net is conditioned on, with linear layers alone.

    Parameters
    ----------
    n_tokens, width : int
        Of the encoder's output.
    context_width : int
        Width of the U-Net's cross-attention.
    time_width : int
        Width of the U-Net's time embedding.
    context_tokens : int
        Tokens of the context (77, as a text model would give).
    time_condition : bool
        Without it the time vector is zero: conditioned by cross-attention only.
    cross_attention : bool
        Without it the context is zero: conditioned by the time vector only.
    global_pool : bool
        The encoder gives one pooled token; the context then has one token too.
    """

    @register_to_config
    def __init__(
        self,
        n_tokens: int,
        width: int,
        context_width: int = 512,
        time_width: int = 768,
        context_tokens: int = 77,
        time_condition: bool = True,
        global_pool: bool = False,
        cross_attention: bool = True,
    ) -> None:
        super().__init__()
        if not (time_condition or cross_attention):
            raise ValueError(
                "a conditioner without time condition and cross-attention does nothing"
            )
        self.token_mapper = (
            nn.Identity() if global_pool else _mixer(n_tokens, n_tokens // 2, context_tokens)
        )
        self.width_mapper = nn.Linear(width, context_width)
        if time_condition:
            self.time_pool = (
                nn.Identity() if global_pool else _mixer(context_tokens, context_tokens // 2, 1)
            )
            self.time_mapper = nn.Linear(context_width, time_width)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Return what conditions the U-Net.

        Parameters
        ----------
        tokens : Tensor, shape (batch, n_tokens, width)

        Returns
        -------
        context : Tensor, shape (batch, context_tokens, context_width)
        time : Tensor, shape (batch, time_width)
            Added to the embedding of the time step.
        """
        context = self.width_mapper(self.token_mapper(tokens))
        if not self.config.time_condition:
            return context, context.new_zeros(context.shape[0], self.config.time_width)
        time = self.time_mapper(self.time_pool(context)).squeeze(1)
        return context if self.config.cross_attention else torch.zeros_like(context), time


class _TokenMixer(nn.Conv1d):
    """A convolution of kernel 1 whose channels are the tokens: it mixes along that axis.

    Computed as the matrix product that it is: for a convolution PyTorch chooses, by the number of
    threads, between two ways that round differently.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out, kernel_size=1)

    def forward(self, input: Tensor) -> Tensor:
        rows = len(input)
        weight = self.weight.squeeze(-1).expand(rows, -1, -1)  # (rows, n_out, n_in)
        assert self.bias is not None
        bias = self.bias[None, :, None].expand(rows, -1, input.shape[-1])
        return torch.baddbmm(bias, weight, input)  # (rows, n_out, width)


def _mixer(n_in: int, n_between: int, n_out: int) -> nn.Sequential:
    return nn.Sequential(_TokenMixer(n_in, n_between), _TokenMixer(n_between, n_out))
