"""The U-Net made ready to be called again and again while all but the latents stays the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor

from mindvis_gui.decoding.attention import KeysValues, keys_values, prepare_attention
from mindvis_gui.decoding.batches import BatchSize, by_batches, filled_up, unet_batch
from mindvis_gui.decoding.cuda_graph import Denoise, GraphedDenoiser
from mindvis_gui.decoding.onednn import multiply_by_onednn, pack_convolutions
from mindvis_gui.decoding.precision import unet_in
from mindvis_gui.decoding.rows_alike import treat_rows_alike

_WIDE = 128  # channels; normalising fewer in bf16 is slow on a CPU if channels are last


@dataclass(frozen=True, eq=False, slots=True)
class Conditions:
    """What each of some latents is conditioned on, a row each.

    Attributes
    ----------
    keys_values : list of pairs of Tensor, shape (rows, heads, tokens, width of a head)
        Of every cross-attention.
    time : Tensor, shape (rows, time width)
        Added to the embedding of the time step.
    """

    keys_values: KeysValues
    time: Tensor

    @classmethod
    def gathered(cls, conditions: Sequence[Conditions], owners: Sequence[int]) -> Conditions:
        """Return a row of ``conditions[owner]`` (which have one row) for each owner."""

        def gather(parts: list[Tensor]) -> Tensor:
            return torch.cat([parts[owner] for owner in owners])

        layers = range(len(conditions[0].keys_values))
        return cls(
            [
                (
                    gather([c.keys_values[layer][0] for c in conditions]),
                    gather([c.keys_values[layer][1] for c in conditions]),
                )
                for layer in layers
            ],
            gather([c.time for c in conditions]),
        )

    def clone(self) -> Conditions:
        """Return a copy in memory of its own."""
        pairs = [(key.clone(), value.clone()) for key, value in self.keys_values]
        return Conditions(pairs, self.time.clone())

    def copy_(self, other: Conditions) -> None:
        """Take over the values of `other`, which has as many rows."""
        for (key, value), (other_key, other_value) in zip(
            self.keys_values, other.keys_values, strict=True
        ):
            key.copy_(other_key)
            value.copy_(other_value)
        self.time.copy_(other.time)


class Denoiser:
    """A U-Net in one precision, with cached cross-attention and fused projections.

    The U-Net given stays as it is; its weights are shared where they need no cast. On a CPU the
    convolutions keep rearranged copies of theirs beside them, but for small networks in bf16.

    Parameters
    ----------
    unet : UNet2DConditionModel
        In fp32, on the device to use.
    dtype : torch.dtype
    """

    def __init__(self, unet: UNet2DConditionModel, dtype: torch.dtype) -> None:
        self._unet = unet_in(dtype, unet)
        self._dtype = dtype
        on_gpu = unet.device.type == "cuda"
        wide = min(unet.config.block_out_channels) >= _WIDE
        full = dtype == torch.float32
        channels_last = on_gpu or (wide and not full)
        self._format = torch.channels_last if channels_last else torch.contiguous_format
        self._unet.to(memory_format=self._format)
        self._cross_attentions = prepare_attention(self._unet)
        several = unet_batch(unet, unet.device).several_fixed
        if several:
            treat_rows_alike(self._unet)
        elif not on_gpu:
            multiply_by_onednn(self._unet)
        if not on_gpu and (full or not several):
            pack_convolutions(self._unet)
        # No method: in a circle of references a GPU's memory would wait for the next search for
        # garbage.
        self._predict = _predicting(self._unet)
        self._denoise: Denoise = GraphedDenoiser(self._predict) if on_gpu else self._predict

    def conditions(self, context: Tensor, time: Tensor) -> Conditions:
        """Prepare the condition of one request: context (1, tokens, width), time (1, width)."""
        return Conditions(keys_values(self._cross_attentions, context.to(self._dtype)), time)

    def __call__(self, latents: Tensor, step: Tensor, conditions: Conditions) -> Tensor:
        """Predict the noise in latents (rows, channels, h, w), fp32, at a step of the schedule."""
        return self._denoise(latents.contiguous(memory_format=self._format), step, conditions)


def _predicting(unet: UNet2DConditionModel) -> Denoise:
    def predict(latents: Tensor, step: Tensor, conditions: Conditions) -> Tensor:
        predicted: Tensor = unet(
            latents, step, conditions.keys_values, class_labels=conditions.time
        ).sample
        return predicted

    return predict


class BatchedDenoiser:
    """Predicts the noise of the samples of some requests, in batches of the device's size.

    Parameters
    ----------
    denoiser : Denoiser
    conditions : sequence of Conditions
        One a request, of one row.
    owners : sequence of int
        For each latent, the request that it belongs to.
    size : BatchSize
        A batch of fixed size is filled up with zeros.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        conditions: Sequence[Conditions],
        owners: Sequence[int],
        size: BatchSize,
    ) -> None:
        self._denoiser = denoiser
        self._conditions, self._owners = conditions, owners
        self._size, self._rows = size, size.rows
        self._gathered: dict[tuple[int, int], Conditions] = {}

    def __call__(self, latents: Tensor, step: Tensor) -> Tensor:
        """Predict the noise in latents (n, channels, h, w), one row an owner."""
        rows = filled_up(latents, self._size)

        def predict(part: slice) -> Tensor:
            return self._denoiser(rows[part], step, self._rows_of(part))

        return by_batches(predict, len(rows), self._size)[: len(latents)]

    def _rows_of(self, part: slice) -> Conditions:
        """Return the conditions of some rows, the same ones at every step."""
        if self._rows != self._size.rows:  # memory is short: those of larger batches are in the way
            self._gathered.clear()
            self._rows = self._size.rows
        key = (part.start, part.stop)
        if key not in self._gathered:
            owners = self._owners[part]
            missing = part.stop - part.start - len(owners)
            self._gathered[key] = Conditions.gathered(self._conditions, [*owners, *[0] * missing])
        return self._gathered[key]
