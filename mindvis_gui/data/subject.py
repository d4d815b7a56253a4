"""A subject: trials, regions of interest, voxel positions, and the responses behind them.

Every reader in this package ends here, and nothing after it knows which file
format the responses came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.errors import DataError
from mindvis_gui.wording import counted, writable

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
ImageArray = NDArray[np.uint8]
_T = TypeVar("_T", bound=np.generic)


def read_only(array: NDArray[_T]) -> NDArray[_T]:
    """Return `array` marked read-only, so that it can cross threads without a lock."""
    array.setflags(write=False)
    return array


@dataclass(frozen=True, slots=True)
class Trial:
    """One presentation of a stimulus, or the average of several.

    Attributes
    ----------
    index : int
        Row of the subject's responses.
    split : str
        ``"train"``, ``"test"`` (what is decoded by default: averaged over
        presentations where the data set has several) or ``"test-single"``.
    stimulus_id : str
        Key of the stimulus; empty when it is not known what was shown.
    label, category : str
        Name of the thing shown and of its class, empty if unknown.
    session, run : int
        Numbered from 1; 0 if unknown.
    presentations : int
        How many presentations the response is the mean of.
    """

    index: int
    split: str
    stimulus_id: str = ""
    label: str = ""
    category: str = ""
    session: int = 0
    run: int = 0
    presentations: int = 1


@dataclass(frozen=True, eq=False, slots=True)
class Roi:
    """A region of interest: the voxels, as positions (n,) in the response vector.

    `made` says how a region was made that did not come with the subject (``"sphere, 8 mm …"``);
    `colour` is ``#rrggbb``, or empty where the place in the list decides.
    """

    name: str
    voxels: IntArray
    made: str = ""
    colour: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Volume:
    """A 3-D picture: `data` (X, Y, Z) and the `affine` (4, 4) from voxel indices to mm (RAS+)."""

    data: NDArray[np.generic]
    affine: NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Grayordinates:
    """Which voxels of a response vector are vertices of the cortex, and where the others lie.

    Attributes
    ----------
    vertex : (n_voxels,) int
        Number of the vertex in its hemisphere, -1 for a voxel of a volume.
    side : (n_voxels,) str
        ``"L"`` or ``"R"``, empty for a voxel of a volume.
    n_vertices : mapping of str to int
        How many vertices the surface of each side has.
    ijk : (n_voxels, 3) int
        Voxel indices of those of volumes; -1 for vertices.
    affine : (4, 4) float or None
        From `ijk` to mm; None where there are no volumes.
    """

    vertex: IntArray
    side: NDArray[np.str_]
    n_vertices: Mapping[str, int]
    ijk: IntArray
    affine: NDArray[np.float64] | None


class Recording(Protocol):
    """Where a subject's numbers are read from, one implementation a format.

    Both methods may be called from any thread.
    """

    def responses(self, indices: IntArray) -> FloatArray:
        """Return the responses (n, n_voxels) of the trials at `indices` (n,)."""
        ...

    def stimulus(self, stimulus_id: str) -> ImageArray | None:
        """Return the picture (h, w, 3), 0–255, or None when the recording has none of that id."""
        ...


@dataclass(frozen=True, eq=False)
class Subject:
    """One person's visual-cortex responses and everything needed to look at them.

    Attributes
    ----------
    name : str
    source : pathlib.Path
        File or folder it was opened from.
    trials : tuple of Trial
        ``trials[i].index == i``.
    rois : tuple of Roi
        Regions may overlap and need not cover every voxel.
    n_voxels : int
        Length of a response vector.
    recording : Recording
    unit : str
        Unit of the responses, for axis labels (``"z"``, ``"% signal change"``).
    ijk : (n_voxels, 3) int or None
        Voxel indices on the functional grid; None when the file gives no positions.
    affine : (4, 4) float or None
        Functional voxel indices → mm. Readers deliver grids closest to RAS+.
    grayordinates : Grayordinates or None
        Of surface data; what surfaces need to give them positions.
    anatomy : Volume or None
        On a grid of its own.
    maps : mapping of str to (n_voxels,) float32
        Values a voxel that come with the subject (noise ceiling, SNR).
    simulated : bool
        Shown wherever the subject's name is.
    notes : tuple of str
        What the reader had to assume, one sentence each.
    origin, licence : str
        Where the data came from and under which terms, as the file tells; may be empty.
    reference : Subject or None
        Where a filter left no training trials: the subject without it, whose training trials
        normalise these.
    """

    name: str
    source: Path
    trials: tuple[Trial, ...]
    rois: tuple[Roi, ...]
    n_voxels: int
    recording: Recording
    unit: str = "a.u."
    ijk: IntArray | None = None
    affine: NDArray[np.float64] | None = None
    anatomy: Volume | None = None
    maps: Mapping[str, FloatArray] = field(default_factory=dict)
    simulated: bool = False
    notes: tuple[str, ...] = ()
    origin: str = ""
    licence: str = ""
    grayordinates: Grayordinates | None = None
    reference: Subject | None = None

    def __post_init__(self) -> None:
        # Both hold names of files.
        object.__setattr__(self, "name", writable(self.name))
        object.__setattr__(self, "notes", tuple(map(writable, self.notes)))

    @property
    def display_name(self) -> str:
        """Name with the word *simulated* where it belongs."""
        return f"{self.name} (simulated)" if self.simulated else self.name

    def responses(self, indices: Sequence[int] | IntArray) -> FloatArray:
        """Read the responses of some trials.

        Parameters
        ----------
        indices : sequence of int, length n

        Returns
        -------
        (n, n_voxels) float32, read-only, in the subject's `unit`

        Raises
        ------
        DataError
            If an index is out of range or the responses hold NaN or infinity.
        """
        rows = np.asarray(indices, dtype=np.int64).reshape(-1)
        if rows.size and (rows.min() < 0 or rows.max() >= len(self.trials)):
            raise DataError(
                f"{self.name}: trial {rows[(rows < 0) | (rows >= len(self.trials))][0]} does not "
                f"exist; the subject has trials 0 to {len(self.trials) - 1}"
            )
        values = self.recording.responses(rows)
        broken = ~np.isfinite(values)
        if broken.any():
            row = int(np.flatnonzero(broken.any(axis=1))[0])
            voxels = np.flatnonzero(broken[row])
            are = "that is" if len(voxels) == 1 else "that are"
            raise DataError(
                f"{self.name}: the response of trial {rows[row]} holds "
                f"{counted(len(voxels), 'value')} {are} NaN or infinite, the first in voxel "
                f"{voxels[0]:,} of the vector{self._at(int(voxels[0]))}; leave the trial out "
                f"(--filter trial!={rows[row]}; to train, in import-subject), or mend these "
                "voxels in the source"
            )
        return read_only(values)

    def _at(self, voxel: int) -> str:
        """Return where a voxel lies, in words behind it; nothing if that is not known."""
        if self.ijk is None or self.affine is None:
            return ""
        mm = self.affine[:3, :3] @ self.ijk[voxel] + self.affine[:3, 3]
        return f" (at {', '.join(f'{x:.4g}' for x in mm)} mm)"

    def stimulus(self, trial: Trial) -> ImageArray | None:
        """Return the picture (h, w, 3) uint8 shown in `trial`, or None when the file has none."""
        return self.recording.stimulus(trial.stimulus_id) if trial.stimulus_id else None

    def volume(self, values: FloatArray) -> FloatArray:
        """Scatter one value a voxel into the smallest functional grid that holds them all.

        Parameters
        ----------
        values : (n_voxels,) float32

        Returns
        -------
        (X, Y, Z) float32
            NaN where there is no voxel. Index [i, j, k] of the grid lies at
            ``affine @ (i, j, k, 1)``.
        """
        if self.ijk is None:
            raise DataError(
                f"{self.name}: no voxel positions in this file; it cannot be drawn as a volume"
            )
        grid = np.full(self.ijk.max(axis=0) + 1, np.nan, dtype=np.float32)
        grid[tuple(self.ijk.T)] = values
        return grid

    def roi(self, name: str) -> Roi:
        """Return the region called `name`."""
        for roi in self.rois:
            if roi.name == name:
                return roi
        known = ", ".join(roi.name for roi in self.rois) or "none"
        raise DataError(f"{self.name}: no region is called '{name}'; it has: {known}")
