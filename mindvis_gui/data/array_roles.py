"""What an array can be, by its shape and type: responses, a column of trials, positions."""

from __future__ import annotations

from collections.abc import Iterable

from mindvis_gui.data.array_file import ArrayInfo

_NUMBERS = "iuf"


def possible_responses(arrays: Iterable[ArrayInfo]) -> list[ArrayInfo]:
    """Return the tables of numbers."""
    return [
        info
        for info in arrays
        if len(info.shape) == 2 and info.kind in _NUMBERS and min(info.shape) > 1
    ]


def possible_columns(arrays: Iterable[ArrayInfo], n: int) -> list[ArrayInfo]:
    """Return the arrays with one value for each of `n` trials, or of `n` voxels."""
    return [info for info in arrays if column_length(info) == n and info.kind in "biufS"]


def possible_indices(arrays: Iterable[ArrayInfo], n_voxels: int) -> list[ArrayInfo]:
    """Return the arrays (n_voxels, 3)."""
    return [info for info in arrays if info.shape == (n_voxels, 3) and info.kind in _NUMBERS]


def possible_affines(arrays: Iterable[ArrayInfo]) -> list[ArrayInfo]:
    """Return the arrays (4, 4)."""
    return [info for info in arrays if info.shape == (4, 4) and info.kind in _NUMBERS]


def column_length(info: ArrayInfo) -> int:
    """Return how many values a column has, -1 if the array is none."""
    long = [n for n in info.shape if n != 1]
    return long[0] if len(long) == 1 else -1
