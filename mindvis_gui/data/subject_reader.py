"""Reading the application's own subject file, described in `subject_file`."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data import checks
from mindvis_gui.data.hdf5 import (
    check_written,
    damage_reported,
    dataset,
    group,
    has,
    open_hdf5,
    read_array,
    read_attribute,
    read_number,
    read_text,
    read_whole,
)
from mindvis_gui.data.notes import WITHOUT_PICTURE, WITHOUT_STIMULUS, without
from mindvis_gui.data.orientation import as_ras, volume_as_ras
from mindvis_gui.data.picture import is_picture_array
from mindvis_gui.data.recording import PicturedRecording, Pictures
from mindvis_gui.data.subject import (
    FloatArray,
    ImageArray,
    IntArray,
    Roi,
    Subject,
    Trial,
    Volume,
    read_only,
)
from mindvis_gui.data.trial_table import missing_pictures
from mindvis_gui.errors import DataError

FORMAT = "mindvis-subject"
FORMAT_VERSION = 1
TEXT_COLUMNS = ("stimulus_id", "label", "category")
NUMBER_COLUMNS = ("session", "run", "presentations")

_DEFAULTS = {name: getattr(Trial(0, "train"), name) for name in (*TEXT_COLUMNS, *NUMBER_COLUMNS)}
_MAX_CHUNK_BYTES = 1 << 25
_MAX_ROIS = 1000


def read_subject(path: Path) -> Subject:
    """Open a subject file; responses and pictures stay on disk until they are asked for.

    Raises
    ------
    DataError
        If the file is damaged, of another format, or its parts contradict each other.
    """
    recording = SubjectFile(path)
    with damage_reported(path):
        return _subject(path, recording)


class SubjectFile(PicturedRecording):
    """The responses and pictures of a subject file, read when asked for, from any thread.

    HDF5 serialises access by a lock of its own. The file is closed when this is dropped.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.file = open_hdf5(path)
        weakref.finalize(self, self.file.close)
        with damage_reported(path):
            self._check_format()
            self._responses = dataset(self.file, "responses", ndim=2, kinds="fi")
            self.n_trials, self.n_voxels = self._responses.shape
            self._scale = read_number(self._responses, "scale", 1.0)
            self._offset = read_number(self._responses, "offset", 0.0)
            self._check_responses()
            super().__init__(_pictures(path, self.file), path.name)

    def responses(self, indices: IntArray) -> FloatArray:
        """Return the responses (n, n_voxels) of the trials at `indices` (n,)."""
        rows, inverse = np.unique(indices, return_inverse=True)
        values = np.empty((len(rows), self.n_voxels), dtype=np.float32)
        # HDF5 reads a stretch of rows far faster than a list of them.
        edges = np.flatnonzero(np.diff(rows) != 1) + 1
        with damage_reported(self._path):
            for stretch in np.split(np.arange(len(rows)), edges):
                if stretch.size:
                    first, last = rows[stretch[0]], rows[stretch[-1]]
                    values[stretch] = self._responses[first : last + 1]
        with np.errstate(over="ignore"):  # infinite responses are reported by the subject
            if (self._scale, self._offset) != (1.0, 0.0):
                values = values * np.float32(self._scale) + np.float32(self._offset)
        return values if np.array_equal(rows, indices) else values[inverse]

    def statistics_of(self, indices: IntArray) -> tuple[float, float] | None:
        """Return mean and deviation of the trials at `indices`, if the file has those of them."""
        with damage_reported(self._path):
            mean, std = (
                read_number(self._responses, f"train_{what}", 0.0) for what in ("mean", "std")
            )
            if not 0 < std < np.inf:
                return None
            split = np.array(read_text(dataset(self.file, "trials/split", 1, "S")))
        train = np.flatnonzero(split == "train")
        return (mean, std) if np.array_equal(train, indices) else None

    def _check_format(self) -> None:
        name = self._path.name
        if read_attribute(self.file, "format") != FORMAT:
            raise DataError(
                f"{name}: this HDF5 file is not a subject file (its attribute 'format' is not "
                f"'{FORMAT}'); if it holds responses, say where: Import subject… in the "
                "window, or mindvis import-subject --responses NAME"
            )
        version = read_number(self.file, "format_version", 0)
        if version != FORMAT_VERSION:
            raise DataError(
                f"{name}: subject file version {version:g} is not {FORMAT_VERSION}; "
                "update the application or import the subject again"
            )

    def _check_responses(self) -> None:
        name, dtype = self._path.name, self._responses.dtype
        if dtype.newbyteorder("=") not in (np.float32, np.float16, np.int16, np.int8):
            raise DataError(f"{name}: /responses are {dtype}, not float32, float16, int16 or int8")
        if (
            not 1 <= self.n_trials <= checks.MAX_TRIALS
            or not 1 <= self.n_voxels <= checks.MAX_VOXELS
        ):
            raise DataError(
                f"{name}: /responses claim {self.n_trials:,} trials × {self.n_voxels:,} voxels; "
                f"from 1 × 1 to {checks.MAX_TRIALS:,} × {checks.MAX_VOXELS:,} are allowed"
            )
        chunk_bytes = math.prod(self._responses.chunks or (1, 1)) * dtype.itemsize
        if chunk_bytes > max(_MAX_CHUNK_BYTES, self.n_voxels * dtype.itemsize):
            raise DataError(
                f"{name}: /responses has chunks of {chunk_bytes:,} bytes; chunk it by trial"
            )
        check_written(self._responses)


class StoredPictures(Mapping[str, ImageArray | bytes]):
    """The pictures of a subject file, by stimulus id.

    Parameters
    ----------
    ids : sequence of str, length n
    stored : (n, h, w, 3) uint8 dataset, or (n_bytes,) of image files one after the other
    edges : (n + 1,) int
        Picture i is ``stored[edges[i] : edges[i + 1]]``.
    """

    def __init__(
        self, path: Path, ids: Sequence[str], stored: h5py.Dataset, edges: IntArray
    ) -> None:
        self._path = path
        self._stored = stored
        self._edges = edges
        self._row = {stimulus_id: row for row, stimulus_id in enumerate(ids)}
        if len(ids) != len(edges) - 1:
            raise DataError(
                f"{path.name}: /stimuli/id names {len(ids):,} pictures but there are "
                f"{len(edges) - 1:,}; is this file complete?"
            )
        if (np.diff(edges) <= 0).any() or edges[-1] != len(stored):
            raise DataError(
                f"{path.name}: /stimuli/end does not rise to the {len(stored):,} bytes of "
                "/stimuli/encoded; is this file complete?"
            )
        if len(self._row) != len(ids):
            twice = next(name for row, name in enumerate(ids) if self._row[name] != row)
            raise DataError(f"{path.name}: the stimulus '{twice}' is in /stimuli/id twice")

    def __getitem__(self, stimulus_id: str) -> ImageArray | bytes:
        row = self._row[stimulus_id]
        with damage_reported(self._path):
            stored: ImageArray = self._stored[self._edges[row] : self._edges[row + 1]]
        return read_only(stored[0]) if stored.ndim == 4 else stored.tobytes()

    def __iter__(self) -> Iterator[str]:
        return iter(self._row)

    def __len__(self) -> int:
        return len(self._row)


def _pictures(path: Path, file: h5py.File) -> Pictures:
    if has(file, "stimuli/encoded"):
        node = dataset(file, "stimuli/encoded", ndim=1, kinds="u")
        if node.dtype != np.uint8:
            raise DataError(f"{path.name}: /stimuli/encoded is {node.dtype}, not uint8")
        ends = read_whole(dataset(file, "stimuli/end", ndim=1, kinds="iu")).astype(np.int64)
        edges = np.concatenate([np.zeros(1, dtype=np.int64), ends])
    elif has(file, "stimuli/image"):
        node = dataset(file, "stimuli/image", ndim=4, kinds="u")
        if not is_picture_array(node.shape, node.dtype):
            raise DataError(
                f"{path.name}: /stimuli/image is {node.shape} {node.dtype}, not (n, h, w, 3) uint8"
            )
        edges = np.arange(len(node) + 1)
    else:
        return {}
    return StoredPictures(path, read_text(dataset(file, "stimuli/id", 1, "S")), node, edges)


def _subject(path: Path, recording: SubjectFile) -> Subject:
    file, n_voxels = recording.file, recording.n_voxels
    ijk, affine = _positions(path, file, n_voxels)
    trials = _trials(path, file, recording.n_trials)
    stored = (line for line in read_attribute(file, "notes").split("\n") if line)
    # The file may come from an import of more trials, or have got its pictures since.
    notes = (
        *without(stored, WITHOUT_PICTURE, WITHOUT_STIMULUS),
        *missing_pictures(trials, recording.pictures),
    )
    return Subject(
        name=read_attribute(file, "name") or path.stem,
        source=path,
        trials=trials,
        rois=_rois(path, file, n_voxels),
        n_voxels=n_voxels,
        recording=recording,
        unit=read_attribute(file, "response_unit") or "a.u.",
        ijk=ijk,
        affine=affine,
        anatomy=_anatomy(path, file),
        maps=_maps(path, file, n_voxels),
        simulated=bool(read_number(file, "simulated", 0)),
        notes=tuple(dict.fromkeys(notes)),
        origin=read_attribute(file, "source"),
        licence=read_attribute(file, "licence"),
    )


def _trials(path: Path, file: h5py.File, n_trials: int) -> tuple[Trial, ...]:
    columns: dict[str, Sequence[Any]] = {}
    for name in ("split", *TEXT_COLUMNS, *NUMBER_COLUMNS):
        if name != "split" and not has(file, f"trials/{name}"):
            columns[name] = [_DEFAULTS[name]] * n_trials
            continue
        node = dataset(file, f"trials/{name}", 1, "iu" if name in NUMBER_COLUMNS else "S")
        if len(node) != n_trials:
            raise DataError(
                f"{path.name}: /trials/{name} has {len(node):,} rows but there are {n_trials:,} "
                "responses; is this file complete?"
            )
        columns[name] = read_whole(node).tolist() if name in NUMBER_COLUMNS else read_text(node)
    for split in dict.fromkeys(columns["split"]):
        checks.check_split(split, f"{path.name}: /trials/split")
    for name in NUMBER_COLUMNS:
        if min(columns[name]) < (1 if name == "presentations" else 0):
            raise DataError(f"{path.name}: /trials/{name} holds the value {min(columns[name])}")
    return tuple(map(Trial, range(n_trials), *columns.values()))


def _rois(path: Path, file: h5py.File, n_voxels: int) -> tuple[Roi, ...]:
    if not has(file, "rois"):
        return ()
    rois = []
    names = list(group(file, "rois"))
    if len(names) > _MAX_ROIS:
        raise DataError(f"{path.name}: {len(names):,} regions; at most {_MAX_ROIS:,} are allowed")
    for name in names:
        checks.check_roi_name(name, f"{path.name}: /rois")
        mask = dataset(file, f"rois/{name}", 1, "b")
        if len(mask) != n_voxels:
            raise DataError(
                f"{path.name}: region {name} marks {len(mask):,} voxels but the responses have "
                f"{n_voxels:,}; is this file complete?"
            )
        voxels = np.flatnonzero(read_whole(mask))
        if not voxels.size:
            raise DataError(f"{path.name}: region {name} has no voxel; leave it out of the file")
        rois.append(Roi(name, read_only(voxels.astype(np.int64))))
    return tuple(rois)


def _maps(path: Path, file: h5py.File, n_voxels: int) -> dict[str, FloatArray]:
    maps: dict[str, FloatArray] = {}
    for name in group(file, "maps") if has(file, "maps") else ():
        checks.check_roi_name(name, f"{path.name}: /maps")
        node = dataset(file, f"maps/{name}", 1, "f")
        if len(node) != n_voxels:
            raise DataError(
                f"{path.name}: map {name} has {len(node):,} values but the responses have "
                f"{n_voxels:,} voxels"
            )
        values = read_whole(node).astype(np.float32)
        if np.isinf(values).any():
            raise DataError(
                f"{path.name}: map {name} holds infinite values; use NaN where there is none"
            )
        maps[name] = read_only(values)
    return maps


def _positions(
    path: Path, file: h5py.File, n_voxels: int
) -> tuple[IntArray | None, NDArray[np.float64] | None]:
    if not has(file, "voxels/ijk"):
        return None, None
    node = dataset(file, "voxels/ijk", 2, "iu")
    if node.shape != (n_voxels, 3):
        raise DataError(f"{path.name}: /voxels/ijk has shape {node.shape}, not ({n_voxels}, 3)")
    ijk = checks.check_ijk(read_whole(node), n_voxels, f"{path.name}: /voxels/ijk")
    stored = read_whole(dataset(file, "affine", 2, "f"))
    affine = checks.check_affine(stored, f"{path.name}: /affine")
    ijk, affine = as_ras(ijk, affine, tuple(int(n) for n in ijk.max(axis=0) + 1))
    return read_only(ijk), read_only(affine)


def _anatomy(path: Path, file: h5py.File) -> Volume | None:
    if not has(file, "anatomy"):
        return None
    node = dataset(file, "anatomy", 3, "iuf")
    checks.check_grid_shape(list(node.shape), f"{path.name}: /anatomy")
    where = f"{path.name}: attribute 'affine' of /anatomy"
    affine = checks.check_affine(read_array(node, "affine"), where)
    return volume_as_ras(read_whole(node), affine)
