"""Volumes one after the other in HDF5: MATLAB's (X, Y, Z, trials), its axes reversed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.hdf5 import check_chunks, damage_reported
from mindvis_gui.data.subject import IntArray

_MAX_BYTES = 1 << 26  # of slices that are read at a time


class Hdf5Volumes:
    """A dataset (trials, Z, Y, X), or (trials, units) where the units lie on no grid.

    Attributes
    ----------
    shape : tuple of int
        The axes of one trial as MATLAB has them: (X, Y, Z) or (units,).
    chunk : int
        Trials in one packed piece; of more than one, a single trial costs as much as all of it.
    """

    def __init__(self, path: Path, node: h5py.Dataset) -> None:
        self._path = path
        with damage_reported(path):
            self._node = check_chunks(node)
            self.shape: tuple[int, ...] = tuple(int(n) for n in node.shape[:0:-1])
            self._chunks = node.chunks or (1,) * node.ndim
        self.chunk = int(self._chunks[0])

    def read(self, trials: IntArray, points: IntArray) -> NDArray[Any]:
        """Return the values (n, n_points) of `trials` (n,) as they are stored.

        `points` count the voxels of a volume, x running fastest. Only the box around them is read.
        """
        at = np.unravel_index(points, self.shape[::-1])
        first = [int(along.min()) for along in at]
        box = tuple(slice(f, int(along.max()) + 1) for f, along in zip(first, at, strict=True))
        inside = tuple(along - f for along, f in zip(at, first, strict=True))
        found = np.empty((len(trials), len(points)), dtype=self._node.dtype)
        with damage_reported(self._path):
            if self.chunk == 1:
                for row, trial in zip(found, trials.tolist(), strict=True):
                    row[:] = self._node[(trial, *box)][inside]
            elif len(trials):
                self._read_slices(trials, box, inside, found)
        return found

    def _read_slices(
        self,
        trials: IntArray,
        box: tuple[slice, ...],
        inside: tuple[IntArray, ...],
        found: NDArray[Any],
    ) -> None:
        """Fill `found` by a few slices of all trials at a time: each piece is unpacked once."""
        since, until = int(trials.min()), int(trials.max()) + 1
        along, *others = box
        size = math.prod(each.stop - each.start for each in others) * self._node.dtype.itemsize
        step = max(1, min(self._chunks[1], _MAX_BYTES // ((until - since) * size)))
        # A piece begins at a multiple of its size.
        for start in range(along.start // step * step, along.stop, step):
            slices = slice(max(start, along.start), min(start + step, along.stop))
            low, high = slices.start - along.start, slices.stop - along.start
            here = np.flatnonzero((inside[0] >= low) & (inside[0] < high))
            if here.size:
                block = self._node[(slice(since, until), slices, *others)][trials - since]
                places = (inside[0][here] - low, *(each[here] for each in inside[1:]))
                found[:, here] = block[(slice(None), *places)]
