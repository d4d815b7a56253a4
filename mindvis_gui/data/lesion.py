"""Voxels that are left out of a response, and what stands in their place."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from mindvis_gui.data.mask import MaskState
from mindvis_gui.data.prepare import used_voxels
from mindvis_gui.data.subject import FloatArray, IntArray, Subject, read_only
from mindvis_gui.errors import RequestError

Method = Literal["zero", "recover", "noise"]
METHODS: tuple[Method, ...] = get_args(Method)
MEANING = {
    "zero": "set to 0, the mean of the normalised response",
    "recover": "replaced by what SC-MBM recovers from the patches that hold none of them",
    "noise": "replaced by normal numbers with the spread that they had in the trial",
}


@dataclass(frozen=True, eq=False, slots=True)
class Lesion:
    """Voxels to leave out, and how.

    Attributes
    ----------
    name : str
        What it is called in tables, such as the region.
    voxels : (n,) int
        Positions in the response vector, sorted.
    method : {"zero", "recover", "noise"}
        What takes their place, see `MEANING`. After ``"recover"`` what other voxels tell of
        them is still there: the loss is of what these voxels *alone* told.
    seed : int
        Of the noise; together with the trial's number.
    """

    name: str
    voxels: IntArray
    method: Method = "zero"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise RequestError(
                f"unknown way '{self.method}' to leave voxels out; choose one of "
                f"{', '.join(METHODS)}"
            )
        if not self.voxels.size:
            raise RequestError(f"lesion {self.name} holds no voxel; choose another region")

    @classmethod
    def of_rois(
        cls, subject: Subject, names: Collection[str], method: Method = "zero", seed: int = 0
    ) -> Lesion:
        """Leave out every voxel of some regions, those that lie in another one too included."""
        voxels = used_voxels(subject, names)
        return cls(" + ".join(names), read_only(voxels), method, seed)

    @classmethod
    def at_random(
        cls, n_voxels: int, size: int, method: Method = "zero", seed: int = 0, draw: int = 0
    ) -> Lesion:
        """Leave out `size` of the voxels drawn at random: what the mere number costs.

        Each `draw` from 0 on takes voxels of its own.
        """
        if not 0 < size < n_voxels:
            raise RequestError(
                f"{size:,} voxels at random are not between 1 and the {n_voxels - 1:,} that can be "
                "left out"
            )
        rng = np.random.default_rng([seed, draw] if draw else seed)
        drawn = rng.choice(n_voxels, size, replace=False)
        return cls(f"{size:,} at random", read_only(np.sort(drawn)), method, seed)

    @classmethod
    def of_patches(
        cls, mask: MaskState, patch_size: int, n_voxels: int, method: Method = "zero", seed: int = 0
    ) -> Lesion:
        """Leave out the masked patches."""
        voxels = np.flatnonzero(~mask.kept_voxels(patch_size, n_voxels))
        masked = int((~mask.kept).sum())
        return cls(f"{masked} masked patches", read_only(voxels), method, seed)

    def check(self, n_voxels: int) -> None:
        """Refuse to leave out what is not there, or everything.

        Raises
        ------
        RequestError
        """
        if self.voxels.min() < 0 or self.voxels.max() >= n_voxels:
            raise RequestError(
                f"lesion {self.name} has voxel {int(self.voxels.max()):,} but the response has "
                f"{n_voxels:,} voxels"
            )
        if np.unique(self.voxels).size == n_voxels:
            raise RequestError(
                f"lesion {self.name} leaves out all {n_voxels:,} voxels; leave some to decode from"
            )

    def applied(self, vector: FloatArray, trial: int, recovered: FloatArray | None) -> FloatArray:
        """Return `vector` (n_voxels,) with the voxels left out.

        Parameters
        ----------
        trial : int
            With `seed` it makes the noise.
        recovered : (n_voxels,) float32 or None
            What SC-MBM makes of the response; needed by ``"recover"`` alone.
        """
        self.check(vector.size)
        result = np.array(vector, dtype=np.float32)
        if self.method == "zero":
            result[self.voxels] = 0
        elif self.method == "noise":
            rng = np.random.default_rng([self.seed, trial])
            spread = float(vector[self.voxels].std())
            result[self.voxels] = rng.normal(scale=spread, size=self.voxels.size)
        else:
            assert recovered is not None
            result[self.voxels] = recovered[self.voxels]
        return read_only(result)

    def hidden_patches(self, n_patches: int, patch_size: int, seen: MaskState | None) -> MaskState:
        """Return the mask that hides every patch with a voxel of the lesion from SC-MBM.

        What `seen` masks stays masked.

        Raises
        ------
        RequestError
            If no patch is left to recover from.
        """
        kept = np.ones(n_patches, dtype=np.bool_) if seen is None else seen.kept.copy()
        patches = self.voxels // patch_size
        kept[patches[patches < n_patches]] = False
        if not kept.any():
            raise RequestError(
                f"lesion {self.name} touches every patch, so nothing is left to recover it from; "
                "leave out less, or choose 'zero' or 'noise'"
            )
        return MaskState(read_only(kept))

    def to_json(self) -> dict[str, Any]:
        """Return the lesion as JSON values; the voxels are given by their number and hash."""
        return {
            "name": self.name,
            "method": self.method,
            "seed": self.seed if self.method == "noise" else None,
            "n_voxels": int(self.voxels.size),
            "voxels_sha256": hashlib.sha256(self.voxels.astype("<i8").tobytes()).hexdigest(),
        }
