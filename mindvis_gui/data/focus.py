"""Focus masking: patches of interest are masked more often than the others (section 3.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.errors import RequestError

PUBLISHED_RATE = 0.6


@dataclass(frozen=True, slots=True)
class Focus:
    """Which patches to mask more often, and how much more.

    Attributes
    ----------
    patches : tuple of int
        The patches in focus.
    rate : float
        Weight of a patch in focus when patches to mask are drawn; one outside weighs
        ``1 - rate``. At 0.5 all are alike; below, the focus is spared.
    """

    patches: tuple[int, ...]
    rate: float = PUBLISHED_RATE

    def __post_init__(self) -> None:
        if not 0.0 < self.rate < 1.0:
            raise RequestError(f"focus rate {self.rate} is not between 0 and 1")
        if not self.patches:
            raise RequestError("the focus holds no patch; choose a range of at least one patch")

    @classmethod
    def on_range(
        cls, first: int, last: int, patch_size: int, rate: float = PUBLISHED_RATE
    ) -> Focus:
        """Focus on voxels `first` up to, not including, `last`.

        As in the published code both are rounded down to whole patches.
        """
        _check_range(first, last)
        return cls(tuple(range(first // patch_size, last // patch_size)), rate)

    @classmethod
    def on_voxels(
        cls,
        voxels: Iterable[int],
        patch_size: int,
        rate: float = PUBLISHED_RATE,
        n_patches: int | None = None,
    ) -> Focus:
        """Focus on every patch that holds at least one of `voxels`, such as a region's.

        Patches from `n_patches` on, which a model that cuts does not have, are left out.
        """
        patches = sorted({int(voxel) // patch_size for voxel in voxels})
        return cls(tuple(p for p in patches if n_patches is None or p < n_patches), rate)

    def weights(self, n_patches: int) -> NDArray[np.float64]:
        """Return the weight of every patch (n_patches,), all above 0.

        Raises
        ------
        RequestError
            If there is no such patch.
        """
        if not 0 <= min(self.patches) <= max(self.patches) < n_patches:
            raise RequestError(
                f"the focus has patches {min(self.patches)} to {max(self.patches)} but the "
                f"response has patches 0 to {n_patches - 1}"
            )
        weights = np.full(n_patches, 1 - self.rate)
        weights[list(self.patches)] = self.rate
        return weights


def range_of(text: str) -> tuple[int, int] | None:
    """Read ``0-800`` as a range of voxels; None of anything else, such as names of regions.

    Raises
    ------
    RequestError
        If it runs backwards.
    """
    first, dash, last = (part.strip() for part in text.partition("-"))
    if not (dash and first.isdecimal() and last.isdecimal()):
        return None
    _check_range(int(first), int(last))
    return int(first), int(last)


def _check_range(first: int, last: int) -> None:
    if not 0 <= first < last:
        raise RequestError(f"voxels {first} to {last} are no range; give the smaller one first")
