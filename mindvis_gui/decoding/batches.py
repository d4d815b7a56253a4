"""How many rows a network takes at once: what the device wants, and what its memory holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from diffusers import UNet2DConditionModel, VQModel
from torch import Tensor

from mindvis_gui.decoding.company import MOST_ROWS, ROWS_OF_LARGE, ROWS_OF_SMALL
from mindvis_gui.decoding.cuda_graph import forget_recordings
from mindvis_gui.decoding.device import ran_out_of_memory

# Latents a network call on the CPU. The last bits of a sample depend on the size of the batch
# that it is computed in, so that size is fixed: a function of the model alone, never of how many
# samples are asked for. Small networks gain from company, large ones do not.
_SMALL_UNET, _SMALL_VQVAE = 100_000_000, 10_000_000  # parameters

_SHARE_OF_MEMORY = 0.7  # of what is free
# Maps as large as the first resolution's that live at once: skip connections, work space,
# and, of the first stage, the distances to all codes.
_MAPS_OF_UNET, _MAPS_OF_DECODER = 40, 20


@dataclass(slots=True)
class BatchSize:
    """Rows a network call: on the CPU exactly `rows`, on a GPU at most, fewer if memory ends."""

    rows: int
    fixed: bool

    @property
    def several_fixed(self) -> bool:
        """Whether a sample may stand anywhere among others in a batch of fixed size."""
        return self.fixed and self.rows > 1

    def halve(self, rows: int) -> int:
        """Remember, and return, half of `rows`."""
        self.rows = (rows + 1) // 2
        return self.rows


def unet_batch(unet: UNet2DConditionModel, device: torch.device) -> BatchSize:
    """Return how many latents a U-Net takes."""
    if device.type == "cpu":
        return _fixed(unet.num_parameters() < _SMALL_UNET)
    config = unet.config
    values = _MAPS_OF_UNET * config.block_out_channels[0] * config.sample_size**2
    return BatchSize(_fitting(4 * values), fixed=False)


def decoder_batch(vqvae: VQModel, image_size: int, device: torch.device) -> BatchSize:
    """Return how many latents the first stage decodes at once."""
    if device.type == "cpu":
        return _fixed(vqvae.num_parameters() < _SMALL_VQVAE)
    values = _MAPS_OF_DECODER * vqvae.config.block_out_channels[0] * image_size**2
    return BatchSize(_fitting(4 * values), fixed=False)


def by_batches(work: Callable[[slice], Tensor], n_rows: int, size: BatchSize) -> Tensor:
    """Return the rows that `work` makes of each slice of ``range(n_rows)``, one after the other.

    A batch that does not fit into a GPU's memory is halved, for good, unless it fits once no
    recorded call keeps memory any more.

    Raises
    ------
    RuntimeError
        If not even one row fits, see `ran_out_of_memory`.
    """
    rows = size.rows if size.fixed else min(size.rows, n_rows)
    again = False  # once a size: a recording may be made anew before memory ends at the same place
    while True:
        try:
            starts = range(0, n_rows, rows)
            return torch.cat([work(slice(i, min(i + rows, n_rows))) for i in starts])
        except RuntimeError as error:
            if size.fixed or not ran_out_of_memory(error):
                raise
            again = forget_recordings() and not again
            if not again:
                if rows == 1:
                    raise
                rows = size.halve(rows)
        torch.cuda.empty_cache()  # only now is what the attempt held free


def filled_up(rows: Tensor, size: BatchSize) -> Tensor:
    """Return `rows` (n, ...) with zeros behind them, as many as the last fixed batch lacks."""
    missing = -len(rows) % size.rows if size.fixed else 0
    return torch.cat([rows, rows.new_zeros(missing, *rows.shape[1:])]) if missing else rows


def _fixed(small: bool) -> BatchSize:
    return BatchSize(ROWS_OF_SMALL if small else ROWS_OF_LARGE, fixed=True)


def _fitting(row_bytes: int) -> int:
    of_driver, _ = torch.cuda.mem_get_info()
    # What was used before torch keeps, and gives to whoever asks next.
    free = of_driver + torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
    return min(MOST_ROWS, max(1, int(_SHARE_OF_MEMORY * free / row_bytes)))
