"""The arrays in one file of GLMsingle's results, in each of the three ways that they are saved."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np

from mindvis_gui.data.checks import MAX_TRIALS, check_grid_shape
from mindvis_gui.data.hdf5 import dataset, has, open_hdf5, read_whole
from mindvis_gui.data.hdf5_text import is_cell_array
from mindvis_gui.data.hdf5_volumes import Hdf5Volumes
from mindvis_gui.data.pickled_arrays import PICKLE_DAMAGE, PickledArray, read_pickled_dictionary
from mindvis_gui.data.scratch import ReadOnce, ScratchRows
from mindvis_gui.data.subject import FloatArray, IntArray
from mindvis_gui.data.voxel_major import MappedArray, VoxelMajorRows, mapped
from mindvis_gui.errors import DataError, reason_of

MATLAB_BETAS = "modelmd"
_BETAS = "betasmd"
_BLOCK = 64  # trials unpacked at a time, or as many as one piece of the file holds

Rows = Callable[[IntArray], FloatArray]


class Results(ABC):
    """The results of one model; arrays are mapped, or read when they are asked for.

    Attributes
    ----------
    path : pathlib.Path
    grid : tuple of int
        The axes of one trial: (X, Y, Z) or (units,).
    n_trials : int
    """

    path: Path
    grid: tuple[int, ...]
    n_trials: int

    @abstractmethod
    def rows(self, units: IntArray) -> Rows:
        """Return what reads the betas of `units`, counted over `grid`, its last axis fastest."""

    @abstractmethod
    def map(self, name: str) -> FloatArray | None:
        """Return the values of a map, of the shape `grid`; None if there is none."""

    def _take_shape(self, shape: tuple[int, ...], name: str) -> None:
        if len(shape) not in (2, 4) or min(shape) < 1 or shape[-1] > MAX_TRIALS:
            raise DataError(
                f"{self.path.name}: {name} has shape {shape}, not (x, y, z, trials) or "
                "(units, trials)"
            )
        check_grid_shape([int(n) for n in shape[:-1]], f"{self.path.name}: {name}")
        self.grid, self.n_trials = shape[:-1], shape[-1]


def open_results(path: Path) -> Results:
    """Open a file of results.

    Raises
    ------
    DataError
        If it is damaged, or holds no betas of single trials.
    """
    if path.suffix == ".npy":
        return _Pickled(path)
    file = open_hdf5(path)
    kind = _Matlab if has(file, MATLAB_BETAS) and not has(file, _BETAS) else _Hdf5
    return kind(path, file)


class _Pickled(Results):
    """A dictionary that numpy pickled."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._arrays = read_pickled_dictionary(path)
        except PICKLE_DAMAGE as error:
            reason = reason_of(error)
            raise DataError(
                f"{path.name}: no dictionary of results, or damaged ({reason}); copy it again"
            ) from error
        betas = self._arrays.get(_BETAS)
        if not isinstance(betas, PickledArray) or betas.dtype.kind != "f":
            raise DataError(f"{path.name}: no array {_BETAS}; is this a result of GLMsingle?")
        self._betas = betas
        self._take_shape(betas.shape, _BETAS)

    def rows(self, units: IntArray) -> Rows:
        betas = self._betas
        flat = (math.prod(self.grid), self.n_trials)
        values = MappedArray(self.path, betas.dtype, betas.start, flat, betas.fortran)
        stored = _first_fastest(units, self.grid) if betas.fortran else units
        return VoxelMajorRows(self.path, values, stored)

    def map(self, name: str) -> FloatArray | None:
        array = self._arrays.get(name)
        if not isinstance(array, PickledArray) or array.shape != self.grid:
            return None
        stored = MappedArray(self.path, array.dtype, array.start, array.shape, array.fortran)
        return np.array(stored.values, dtype=np.float32)


class _Hdf5(Results):
    """The same arrays in HDF5, as the Python version writes them."""

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self._file = file
        ndim = 4 if getattr(file[_BETAS], "ndim", 0) == 4 else 2
        self._betas = dataset(file, _BETAS, ndim, "f")
        self._take_shape(self._betas.shape, _BETAS)

    def rows(self, units: IntArray) -> Rows:
        return VoxelMajorRows(self.path, mapped(self.path, self._betas), units)

    def map(self, name: str) -> FloatArray | None:
        if not has(self._file, name) or getattr(self._file[name], "shape", None) != self.grid:
            return None
        return read_whole(dataset(self._file, name, len(self.grid), "biuf")).astype(np.float32)


class _Matlab(Results):
    """What MATLAB writes (``-v7.3``, which is HDF5): all axes reversed, those of length 1 cut off.

    Units without a grid are (units, 1, 1, trials) there.
    """

    def __init__(self, path: Path, file: h5py.File) -> None:
        self.path = path
        self._file = file
        node = file[MATLAB_BETAS]
        if isinstance(node, h5py.Dataset) and is_cell_array(node):
            raise DataError(
                f"{path.name}: {MATLAB_BETAS} is one response to all stimuli, not one a trial; "
                "open TYPEB_FITHRF.mat or a later model"
            )
        ndim = 4 if getattr(node, "ndim", 0) == 4 else 2
        self._volumes = Hdf5Volumes(path, dataset(file, MATLAB_BETAS, ndim, "f"))
        self._take_shape((*self._volumes.shape, node.shape[0]), MATLAB_BETAS)
        if self.grid[1:] == (1, 1):
            self.grid = self.grid[:1]

    def rows(self, units: IntArray) -> Rows:
        points = _first_fastest(units, self.grid)
        volumes, n = self._volumes, self.n_trials

        def read(trials: IntArray) -> FloatArray:
            with np.errstate(over="ignore"):
                return volumes.read(trials, points).astype(np.float32)

        def blocks() -> Iterator[FloatArray]:
            step = math.ceil(_BLOCK / volumes.chunk) * volumes.chunk
            for start in range(0, n, step):
                yield read(np.arange(start, min(start + step, n)))

        if volumes.chunk == 1:
            return read
        return ReadOnce(lambda: ScratchRows(blocks(), len(points)))

    def map(self, name: str) -> FloatArray | None:
        if not has(self._file, name):
            return None
        shape = getattr(self._file[name], "shape", None) or ()
        if _long(shape[::-1]) != _long(self.grid):
            return None
        values = read_whole(dataset(self._file, name, len(shape), "biuf"))
        return np.ascontiguousarray(values.T, dtype=np.float32).reshape(self.grid)


def _first_fastest(units: IntArray, grid: tuple[int, ...]) -> IntArray:
    """Return what `units` are called where the first axis is counted fastest."""
    return np.ravel_multi_index(np.unravel_index(units, grid), grid, order="F").astype(np.int64)


def _long(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)
