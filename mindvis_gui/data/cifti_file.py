"""CIFTI-2 files, such as ``.dtseries.nii`` and ``.dlabel.nii``: values by grayordinate.

A grayordinate is a vertex of the cortex, or a voxel of a structure beneath it.

A CIFTI file is a NIfTI-2 image whose extension says in XML what its rows and columns are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.nifti2 import Nifti2Header
from numpy.typing import NDArray

from mindvis_gui.data.checks import MAX_TRIALS, check_affine, check_grid_shape
from mindvis_gui.data.subject import IntArray
from mindvis_gui.data.voxel_major import MappedArray
from mindvis_gui.errors import DataError, reason_of

SIDES = {"CIFTI_STRUCTURE_CORTEX_LEFT": "L", "CIFTI_STRUCTURE_CORTEX_RIGHT": "R"}
SERIES, LABELS = "CIFTI_INDEX_TYPE_SERIES", "CIFTI_INDEX_TYPE_LABELS"
SCALARS = "CIFTI_INDEX_TYPE_SCALARS"
_HEADER = 540
_XML = 32  # code of the extension
_MAX_XML = 1 << 26
_MAX_UNITS = 1 << 22


def is_cifti(head: bytes) -> bool:
    """Whether a file that starts with `head` is a CIFTI-2 file, by its intent code."""
    if head[4:8] != b"n+2\0" or len(head) < _HEADER:
        return False
    return 3000 <= int(Nifti2Header(head[:_HEADER], check=False)["intent_code"]) < 3100


@dataclass(frozen=True, eq=False, slots=True)
class Cortex:
    """The part of a file's units that are vertices of one hemisphere.

    Attributes
    ----------
    first : int
        Its first unit; vertex ``vertices[i]`` is unit ``first + i``.
    vertices : (n,) int
    n_vertices : int
        Of the whole surface, those that are no unit included.
    """

    first: int
    vertices: IntArray
    n_vertices: int


@dataclass(frozen=True, eq=False, slots=True)
class Structure:
    """The part of a file's units that are voxels of one structure, such as ``THALAMUS_LEFT``.

    Attributes
    ----------
    name : str
    first : int
        Its first unit; voxel ``ijk[i]`` is unit ``first + i``.
    ijk : (n, 3) int
    """

    name: str
    first: int
    ijk: IntArray


class CiftiFile:
    """One file: what its rows and columns are is read and checked, values are mapped.

    Attributes
    ----------
    kind : str
        What the maps are, such as `SERIES` or `LABELS`.
    n_maps : int
        Time points, or maps.
    values : MappedArray (n_units, n_maps)
    cortex : mapping of {"L", "R"} to Cortex
    structures : tuple of Structure
        In the volume of `shape` and `affine`, which are None where there are none.
    names : tuple of str
        Of the maps; empty for time series.
    labels : mapping of int to str
        Names of the labels of the first map; empty unless this is a ``.dlabel.nii``.

    Raises
    ------
    DataError
        If it is no CIFTI-2 file by grayordinates, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with path.open("rb") as file:
                head = file.read(_HEADER + 12)
                if not is_cifti(head):
                    raise self._error("this is no CIFTI-2 file")
                header = Nifti2Header(head[:_HEADER], check=False)
                size = int.from_bytes(head[_HEADER + 4 : _HEADER + 8], "little")
                code = int.from_bytes(head[_HEADER + 8 :], "little")
                if code != _XML or not 8 < size <= _MAX_XML:
                    raise self._error("its extension that says what is what is missing")
                xml = file.read(size - 8)
            self._read(header, xml)
        except DataError:
            raise
        except Exception as error:  # nibabel's parser asserts and raises nearly anything
            reason = reason_of(error)
            raise self._error(f"the CIFTI file is damaged ({reason}); copy it again") from error

    def _read(self, header: Any, xml: bytes) -> None:
        from nibabel.cifti2.parse_cifti2 import Cifti2Parser

        dims = [int(n) for n in header["dim"][: int(header["dim"][0]) + 1]]
        if len(dims) != 7 or dims[1:5] != [1, 1, 1, 1]:
            raise self._error(
                f"its matrix has the dimensions {dims[1:]}, not 1 × 1 × 1 × 1 × n × m"
            )
        self.n_maps, n_units = dims[5:]
        if not (1 <= self.n_maps <= MAX_TRIALS and 1 <= n_units <= _MAX_UNITS):
            raise self._error(f"it claims {self.n_maps:,} maps of {n_units:,} units")
        dtype = header.get_data_dtype()
        if dtype.kind not in "iuf" or dtype.itemsize > 8:
            raise self._error(f"values of type {dtype} are not responses")
        slope, inter = header.get_slope_inter()
        if slope not in (None, 1.0) or inter not in (None, 0.0):
            raise self._error("its values are scaled, which is not read yet")
        self.values = MappedArray(
            self.path, dtype, int(header["vox_offset"]), (n_units, self.n_maps)
        )
        parser = Cifti2Parser()
        parser.parse(string=xml.rstrip(b"\0"))
        maps = parser.header
        units = maps.get_index_map(1)
        self.cortex = _cortex(units.brain_models, n_units)
        self.structures = _structures(units.brain_models, n_units)
        self.shape: tuple[int, int, int] | None = None
        self.affine: NDArray[np.float64] | None = None
        if self.structures:
            self.shape, self.affine = _volume(units.volume, self.structures, self.path.name)
        if not self.cortex and not self.structures:
            raise self._error("it holds neither vertices of the cortex nor voxels")
        self.kind = str(maps.get_index_map(0).indices_map_to_data_type)
        named = maps.get_index_map(0).named_maps if self.kind == SCALARS else ()
        self.names = tuple(str(each.map_name or "") for each in named)
        if len(self.names) not in (0, self.n_maps):
            raise self._error(f"it names {len(self.names):,} maps but has {self.n_maps:,}")
        self.labels: Mapping[int, str] = {}
        if self.kind == LABELS:
            (first, *_) = maps.get_index_map(0).named_maps
            table = first.label_table
            self.labels = {int(key): str(table[key].label) for key in table}

    def _error(self, message: str) -> DataError:
        return DataError(f"{self.path.name}: {message}")


def _cortex(models: Any, n_units: int) -> dict[str, Cortex]:
    found: dict[str, Cortex] = {}
    for model in models:
        side = SIDES.get(model.brain_structure)
        if side is None:
            continue
        first, count = int(model.index_offset), int(model.index_count)
        vertices = np.array(list(model.vertex_indices), dtype=np.int64)
        n_vertices = int(model.surface_number_of_vertices)
        if (
            len(vertices) != count
            or not 0 <= first <= n_units - count
            or not n_vertices <= _MAX_UNITS
            or len(np.unique(vertices)) != count
            or (count and not 0 <= vertices.min() <= vertices.max() < n_vertices)
        ):
            raise ValueError(f"{model.brain_structure} has {count:,} vertices that make no sense")
        found[side] = Cortex(first, vertices, n_vertices)
    if math.prod(len(c.vertices) for c in found.values()) == 0:
        return {}
    return found


def _structures(models: Any, n_units: int) -> tuple[Structure, ...]:
    found = []
    for model in models:
        if model.model_type != "CIFTI_MODEL_TYPE_VOXELS":
            continue
        first, count = int(model.index_offset), int(model.index_count)
        ijk = np.array(list(model.voxel_indices_ijk), dtype=np.int64)
        if ijk.shape != (count, 3) or not count or not 0 <= first <= n_units - count:
            raise ValueError(f"{model.brain_structure} has {count:,} voxels that make no sense")
        name = str(model.brain_structure).removeprefix("CIFTI_STRUCTURE_")
        found.append(Structure(name, first, ijk))
    return tuple(found)


def _volume(
    volume: Any, structures: tuple[Structure, ...], name: str
) -> tuple[tuple[int, int, int], NDArray[np.float64]]:
    """Return shape and affine in mm of the grid that the structures lie on."""
    if volume is None:
        raise ValueError("no grid for its voxels")
    x, y, z = (int(n) for n in volume.volume_dimensions)
    check_grid_shape([x, y, z], name)
    transform = volume.transformation_matrix_voxel_indices_ijk_to_xyz
    affine = np.array(transform.matrix, dtype=np.float64)
    affine[:3] *= 10.0 ** (int(transform.meter_exponent) + 3)
    ijk = np.concatenate([structure.ijk for structure in structures])
    if ijk.min() < 0 or (ijk >= (x, y, z)).any() or len(np.unique(ijk, axis=0)) != len(ijk):
        raise ValueError("voxels outside their grid, or one of them twice")
    return (x, y, z), check_affine(affine, f"{name}: affine")
