"""Mean and standard deviation of more numbers than fit in memory."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.subject import FloatArray, IntArray


@runtime_checkable
class MeasuredRecording(Protocol):
    """A recording that came with mean and standard deviation of some of its responses."""

    def statistics_of(self, indices: IntArray) -> tuple[float, float] | None:
        """Return mean and deviation of the trials at `indices`, None if not known for exactly them.

        They are what a file says: whoever uses them checks them.
        """
        ...


class RunningStatistics:
    """Mean and deviation over everything added so far: one number, or one for each column.

    Merging deviations from block means (Chan et al. 1979) keeps the digits that a difference of
    sums of squares loses when the mean is far larger than the spread.

    Parameters
    ----------
    n_columns : int, optional
        Columns measured each by itself; without, all values together.
    """

    def __init__(self, n_columns: int | None = None) -> None:
        self._axis = None if n_columns is None else 0
        self.count = 0
        self.mean: NDArray[np.float64] = np.zeros(() if n_columns is None else n_columns)
        self._squares = np.zeros_like(self.mean)

    def add(self, block: FloatArray) -> None:
        """Add values (n_rows, n_columns)."""
        values = block.astype(np.float64)
        n = values.size if self._axis is None else len(values)
        if not n:
            return
        mean = values.mean(axis=self._axis)
        shift = mean - self.mean
        share = n / (self.count + n)
        self._squares += ((values - mean) ** 2).sum(axis=self._axis) + shift**2 * self.count * share
        self.mean = self.mean + shift * share
        self.count += n

    @property
    def std(self) -> NDArray[np.float64]:
        """Standard deviation; NaN while nothing was added."""
        return np.asarray(np.sqrt(self._squares / self.count if self.count else math.nan))
