"""How many seeds and requests are drawn together: where it pays, by device and size of the model.

A GPU takes many rows a network call. On a CPU small networks gain from five, large ones from none.
"""

from __future__ import annotations

from mindvis_gui.decoding.request import ModelInfo

ROWS_OF_SMALL, ROWS_OF_LARGE = 5, 1  # a network call on a CPU: fixed, see `decoding.batches`
MOST_ROWS = 64  # a GPU is busy with fewer
_SMALL_MODEL = 100_000_000  # parameters
_FULL = 2 / 3  # of the rows of its batches: company would gain less than a half
_MOST_WASTED = 4  # batches to look for company in, so that the last is not half empty


def seeds_together(info: ModelInfo) -> int:
    """Return how many seeds of a request are drawn at a time: a stop loses no more."""
    if info.device != "cpu":
        return MOST_ROWS
    return ROWS_OF_SMALL if info.parameters < _SMALL_MODEL else ROWS_OF_LARGE


def requests_together(n_seeds: int, rows: int, *, fixed: bool) -> int:
    """Return how many requests of `n_seeds` samples each to decode at once.

    Where a network takes up to `rows`, as many as fill them. Where it takes just as many, the
    fewest that leave the least of them empty.
    """
    if not fixed:
        return max(1, rows // n_seeds)
    most = max(1, _MOST_WASTED * rows // n_seeds)
    return min(range(1, most + 1), key=lambda n: -(n * n_seeds) % rows / (n * n_seeds))


def company(info: ModelInfo, n_seeds: int) -> int:
    """Return how many waiting requests of `n_seeds` samples each are worth decoding at once.

    Where they nearly fill their batches alone, none: a request that stands alone shows its samples
    sooner, and previews of them.
    """
    rows, fixed = seeds_together(info), info.device == "cpu"
    batches = -(-n_seeds // rows)
    if fixed and n_seeds > _FULL * batches * rows:
        return 1
    return requests_together(n_seeds, rows, fixed=fixed)
