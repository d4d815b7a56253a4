"""Tables that pandas wrote with `DataFrame.to_hdf`, read without pandas and without pickles.

pandas keeps the columns of one type together, as ``/<key>/block0_values`` (rows, columns), in
their order in the table; the names of the columns it may pickle. The names are not needed
here: the one block of floats is the data.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from mindvis_gui.data.hdf5 import (
    damage_reported,
    dataset,
    group,
    has,
    open_hdf5,
    read_whole,
    top_level,
)
from mindvis_gui.data.subject import IntArray
from mindvis_gui.errors import DataError

_MAX_BLOCKS = 32


def is_pandas_frame(path: Path) -> bool:
    """Whether an HDF5 file holds a table in the layout that this module describes."""
    names = top_level(path)
    with damage_reported(path), open_hdf5(path) as file:
        return any(has(file, f"{name}/axis1") or has(file, f"{name}/table") for name in names)


class PandasFrame:
    """The numbers of the only table in a file.

    Attributes
    ----------
    values : (rows, columns) HDF5 dataset of floats
        It keeps the file open.
    numbers : (rows,) int or None
        The column of integers beside them, if there is exactly one.
    """

    def __init__(self, path: Path) -> None:
        self._file = open_hdf5(path)
        with damage_reported(path):
            keys = [name for name in self._file if has(self._file, f"{name}/axis1")]
            if not keys:
                raise DataError(
                    f"{path.name}: no table in pandas' fixed format; save it anew by "
                    "to_hdf(…, format='fixed')"
                )
            if len(keys) != 1:
                raise DataError(
                    f"{path.name}: {len(keys)} tables in pandas' fixed format; exactly one must be"
                )
            blocks = [n for n in group(self._file, keys[0]) if n.endswith("_values")]
            nodes = [self._block(f"{keys[0]}/{name}") for name in blocks[:_MAX_BLOCKS]]
            found = [node for node in nodes if node.dtype.kind == "f"]
            if len(found) != 1:
                raise DataError(
                    f"{path.name}: {len(found)} blocks of floats in the table; exactly one must be"
                )
            self.values: h5py.Dataset = found[0]
            beside = [node for node in nodes if node.dtype.kind in "iu"]
            self.numbers: IntArray | None = None
            if [node.shape[1] for node in beside] == [1]:
                self.numbers = read_whole(beside[0])[:, 0].astype(np.int64)

    def _block(self, name: str) -> h5py.Dataset:
        return dataset(self._file, name, ndim=2, kinds="biufSO")
