"""The table of voxels of THINGS-fMRI, ``sub-01_VoxelMetadata.csv``: numbers only, one row each."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.checks import check_roi_name
from mindvis_gui.data.subject import IntArray, Roi, read_only
from mindvis_gui.errors import DataError, reason_of

_MAX_BYTES = 1 << 28
_AXES = ("voxel_x", "voxel_y", "voxel_z")
# Columns that are no regions; parcels of the whole brain would make every voxel a visual one.
# The last two are an index that pandas wrote, and what it calls that when it reads it again.
_OTHER = re.compile(
    r"voxel_.*|subject_id|nc_.*|splithalf_.*|prf-.*|glasser-.*|Unnamed: \d+|"  # or no name at all
)


class VoxelTable:
    """Positions, maps and regions of each voxel.

    Attributes
    ----------
    columns : tuple of str
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if path.stat().st_size > _MAX_BYTES:
                raise DataError(f"{path.name}: more than {_MAX_BYTES:,} bytes are no voxel table")
            with path.open(encoding="utf-8-sig") as file, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an empty table is reported below
                names = [cell.strip(' "\n') for cell in file.readline(1 << 16).split(",")]
                self._values = np.loadtxt(file, delimiter=",", ndmin=2, comments=None)
        except OSError as error:
            raise DataError(f"{path}: cannot be opened: {error.strerror or error}") from error
        except (ValueError, MemoryError) as error:
            raise DataError(f"{path.name}: not a table of numbers ({reason_of(error)})") from error
        if not self._values.size or self._values.shape[1] != len(names):
            raise DataError(
                f"{path.name}: the rows have {self._values.shape[1]:,} cells but the header has "
                f"{len(names):,}"
            )
        self.columns = tuple(names)

    def __len__(self) -> int:
        return len(self._values)

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a column (n,)."""
        if name not in self.columns:
            raise DataError(f"{self.path.name}: no column is called '{name}'")
        found: NDArray[np.float64] = self._values[:, self.columns.index(name)]
        return found

    def ijk(self) -> IntArray:
        """Return the indices (n, 3) of the voxels."""
        values = np.stack([self.column(axis) for axis in _AXES], axis=1)
        if not (np.abs(values) < 1e6).all() or (values != np.rint(values)).any():
            raise DataError(f"{self.path.name}: {', '.join(_AXES)} must hold whole numbers")
        return values.astype(np.int64)

    def regions(self) -> tuple[IntArray, tuple[Roi, ...]]:
        """Return the rows of all voxels in a region, and the regions among them."""
        marked = {}
        for name in dict.fromkeys(self.columns):
            if not _OTHER.fullmatch(name):
                values = self.column(name)
                if not np.isin(values, (0, 1)).all():
                    raise DataError(f"{self.path.name}: region {name[:40]} must hold 0 and 1 only")
                if values.any():
                    marked[check_roi_name(name, self.path.name)] = values == 1
        if not marked:
            raise DataError(f"{self.path.name}: no column marks the voxels of a region")
        units = np.flatnonzero(np.logical_or.reduce(list(marked.values())))
        rois = tuple(Roi(n, read_only(np.flatnonzero(mask[units]))) for n, mask in marked.items())
        return units, rois
