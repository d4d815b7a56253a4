"""What is drawn at random: a function of seed and step alone, whichever process computes it.

Every process draws the numbers of the whole batch and computes its share of it. A batch is
therefore the same on one process or eight, in one piece or accumulated, and a run goes on
after an interruption as if there had been none.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Generator, Tensor

_ORDER, _STEP = 0, 1  # what a stream of random numbers is for


def step_generator(seed: int, step: int) -> Generator:
    """Return the generator of one step, on the CPU."""
    return _generator(seed, _STEP, step)


class EpochOrder:
    """An order in which each of `n` trials comes once an epoch, shuffled anew each time."""

    def __init__(self, n: int, seed: int) -> None:
        self._n = n
        self._seed = seed
        self._epoch = -1
        self._order = torch.empty(0, dtype=torch.long)

    def rows(self, step: int, batch: int) -> Tensor:
        """Return which trials (batch,) make up the batch of a step; it may span epochs."""
        first, last = step * batch, (step + 1) * batch
        epochs = range(first // self._n, (last - 1) // self._n + 1)
        parts = [
            self._shuffled(epoch)[max(0, first - epoch * self._n) : last - epoch * self._n]
            for epoch in epochs
        ]
        return torch.cat(parts)

    def _shuffled(self, epoch: int) -> Tensor:
        if epoch != self._epoch:
            generator = _generator(self._seed, _ORDER, epoch)
            self._order, self._epoch = torch.randperm(self._n, generator=generator), epoch
        return self._order


def _generator(*key: int) -> Generator:
    # Neighbouring seeds of the Mersenne twister are not independent; those of a SeedSequence are.
    state = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])
    return Generator().manual_seed(state >> 1)
