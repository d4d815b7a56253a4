"""Which patches of the response vector are kept and which are masked (SC-MBM, section 3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.focus import Focus
from mindvis_gui.data.subject import FloatArray, read_only
from mindvis_gui.errors import DataError, RequestError


@dataclass(frozen=True, eq=False, slots=True)
class MaskState:
    """A choice of patches. Immutable: every change is a new one, so undo keeps the old.

    Attributes
    ----------
    kept : (n_patches,) bool
        True where the encoder may look.
    seed : int or None
        Seed the mask was drawn with; None once a patch was painted by hand.
    focus : Focus or None
        What was masked more often than the rest.
    """

    kept: NDArray[np.bool_]
    seed: int | None = None
    focus: Focus | None = None

    @classmethod
    def random(cls, n_patches: int, ratio: float, seed: int) -> MaskState:
        """Mask a fraction `ratio` of the patches by sorting uniform noise, as SC-MBM does.

        ``int(n_patches * (1 - ratio))`` patches are kept, those with the smallest noise.
        """
        n_kept = kept_patches(n_patches, ratio)
        noise = np.random.default_rng(seed).random(n_patches)
        kept = np.zeros(n_patches, dtype=np.bool_)
        kept[np.argsort(noise, kind="stable")[:n_kept]] = True
        return cls(read_only(kept), seed)

    @classmethod
    def focused(cls, n_patches: int, ratio: float, seed: int, focus: Focus) -> MaskState:
        """Mask as many patches as `random` does, but those in `focus` with more probability.

        Patches are drawn one after the other without replacement, each with the
        probability of its weight: the order of exponential times at these rates.
        """
        n_kept = kept_patches(n_patches, ratio)
        weights = focus.weights(n_patches)
        times = np.random.default_rng(seed).exponential(size=n_patches) / weights
        kept = np.ones(n_patches, dtype=np.bool_)
        kept[np.argsort(times, kind="stable")[: n_patches - n_kept]] = False
        return cls(read_only(kept), seed, focus)

    @classmethod
    def drawn(cls, n_patches: int, ratio: float, seed: int, focus: Focus | None) -> MaskState:
        """Mask at random, with more probability in `focus` if there is one."""
        if focus is None:
            return cls.random(n_patches, ratio, seed)
        return cls.focused(n_patches, ratio, seed, focus)

    def painted(self, patches: Iterable[int], *, keep: bool) -> MaskState:
        """Return a mask in which `patches` are kept or masked, the others unchanged."""
        chosen = list(patches)
        for patch in chosen:
            if not 0 <= patch < self.n_patches:
                raise RequestError(
                    f"patch {patch} does not exist; the mask has patches 0 to {self.n_patches - 1}"
                )
        kept = self.kept.copy()
        kept[chosen] = keep
        return MaskState(read_only(kept))

    def check(self) -> None:
        """Refuse a mask that leaves nothing to look at.

        Raises
        ------
        RequestError
        """
        if not self.kept.any():
            raise RequestError(
                f"the mask hides all {self.n_patches} patches; keep at least one to look at"
            )

    @property
    def n_patches(self) -> int:
        """Number of patches, padding included."""
        return self.kept.size

    @property
    def ratio(self) -> float:
        """Fraction of the patches that is masked."""
        return 1.0 - float(self.kept.mean()) if self.kept.size else 0.0

    def kept_voxels(self, patch_size: int, n_voxels: int) -> NDArray[np.bool_]:
        """Return which of the first `n_voxels` of the padded vector lie in a kept patch.

        Voxels that a model cuts off lie in none.
        """
        kept = np.repeat(self.kept, patch_size)[:n_voxels]
        return np.pad(kept, (0, n_voxels - kept.size))

    def applied(self, vector: FloatArray, patch_size: int) -> FloatArray:
        """Return `vector` (n_voxels,) with masked voxels at 0, the mean of a normalised one."""
        if vector.size >= (self.n_patches + 1) * patch_size:
            raise RequestError(
                f"the mask has {self.n_patches} patches of {patch_size} voxels, too few for "
                f"{vector.size:,} voxels; draw a new one"
            )
        kept = self.kept_voxels(patch_size, vector.size)
        return read_only(np.where(kept, vector, np.float32(0)).astype(np.float32))


def mask_json(mask: MaskState | None) -> dict[str, Any] | None:
    """Return a mask as the JSON-ready values that a request has of it; None where there is none."""
    if mask is None:
        return None
    focus = mask.focus
    return {
        "seed": mask.seed,
        "ratio": round(mask.ratio, 6),
        "n_patches": mask.n_patches,
        "masked": np.flatnonzero(~mask.kept).tolist(),
        "focus": None if focus is None else {"patches": list(focus.patches), "rate": focus.rate},
    }


def mask_from_json(values: Mapping[str, Any] | None) -> MaskState | None:
    """Return the mask that `mask_json` described.

    Raises
    ------
    DataError
        If it names patches that do not exist, or is incomplete.
    """
    if values is None:
        return None
    try:
        kept = np.ones(int(values["n_patches"]), dtype=np.bool_)
        kept[list(values["masked"])] = False
        focus = values.get("focus")
        drawn_in = None if focus is None else Focus(tuple(focus["patches"]), focus["rate"])
        return MaskState(read_only(kept), values["seed"], drawn_in)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DataError(f"the mask of this sample is incomplete: {error!r}") from error


def kept_patches(n_patches: int, ratio: float) -> int:
    """Return how many patches a mask of `ratio` keeps, rounded down as in the published code."""
    if not 0.0 <= ratio < 1.0:
        raise RequestError(f"mask ratio {ratio} is not in the range from 0 to below 1")
    return int(n_patches * (1 - ratio))


def ratio_that_keeps(n_kept: int, n_patches: int) -> float:
    """Return a mask ratio at which `n_kept` of `n_patches` are kept, with as few digits as can be.

    The share that is masked need not be such a ratio: `kept_patches` rounds down.
    """
    share = 1 - n_kept / n_patches
    middle = share - 0.5 / n_patches  # of all ratios that keep so many
    ratios = (
        max(0.0, round(value, digits)) for digits in range(1, 16) for value in (share, middle)
    )
    return next(each for each in ratios if each < 1 and kept_patches(n_patches, each) == n_kept)
