"""The application's own subject file: one HDF5 file, no pickles, read lazily.

==========================  ===================================================================
``/responses``              (n_trials, n_voxels) float32 or float16, or int8 / int16 with the
                            attributes ``scale`` and ``offset``: value = stored · scale + offset;
                            attributes ``train_mean`` and ``train_std``, optional: over all values
                            of the training trials
``/trials/split``           (n_trials,) text: ``train``, ``test`` or ``test-single``
``/trials/<column>``        optional: text ``stimulus_id``, ``label``, ``category``;
                            integer ``session``, ``run``, ``presentations``
``/rois/<name>``            (n_voxels,) bool, in creation order
``/voxels/ijk``             optional, (n_voxels, 3) integer, together with ``/affine``
``/affine``                 (4, 4) voxel indices → mm
``/anatomy``                optional, (X, Y, Z), with its own attribute ``affine``
``/maps/<name>``            optional, (n_voxels,) float
``/stimuli/id``             optional, (n,) text, and one of
``/stimuli/image``          (n, h, w, 3) uint8
``/stimuli/encoded``        (n_bytes,) uint8: PNG, JPEG or WebP files one after the other, with
``/stimuli/end``            (n,) integer: where in ``encoded`` each of them ends
attributes                  ``format``, ``format_version``, ``name``, ``response_unit``,
                            ``source``, ``licence``, ``notes``, ``simulated``
==========================  ===================================================================

Text, attributes included, is fixed-length UTF-8, and nothing has a variable length: HDF5 keeps
such values in heaps without checksums, and a flipped bit there makes the library hang.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data import checks
from mindvis_gui.data.hdf5_output import hdf5_output
from mindvis_gui.data.picture import EncodedPictures, encode_picture
from mindvis_gui.data.statistics import RunningStatistics
from mindvis_gui.data.subject import FloatArray, Subject
from mindvis_gui.data.subject_reader import (
    FORMAT,
    FORMAT_VERSION,
    NUMBER_COLUMNS,
    TEXT_COLUMNS,
    SubjectFile,
    read_subject,
)
from mindvis_gui.errors import DataError
from mindvis_gui.files import atomic_path

__all__ = ["SubjectFile", "read_subject", "write_subject", "writing_subject"]

ResponseType = Literal["float32", "float16", "int16", "int8"]

_CHUNK_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 23
_SMALL: dict[str, Any] = {"compression": "gzip", "compression_opts": 4, "fletcher32": True}


def write_subject(
    path: str | Path, subject: Subject, *, dtype: ResponseType = "float32", deflate: int = 0
) -> None:
    """Write `subject` as a subject file; it replaces `path` only once it is complete.

    Parameters
    ----------
    path : str or pathlib.Path
        ``~`` is the user's folder, as for `open_subject`.
    subject : Subject
        From any reader; its responses and pictures are read piece by piece.
    dtype : {"float32", "float16", "int16", "int8"}
        How responses are stored. Integers are scaled to the largest magnitude, so
        each value is off by at most half a step (1/254 of it for int8).
    deflate : int
        Compression of the responses, 0 (none) to 9.

    Raises
    ------
    ExportError
        If the file cannot be written.
    DataError
        If the subject cannot be read, or its values do not fit `dtype`.
    """
    for _ in writing_subject(Path(path).expanduser(), subject, dtype=dtype, deflate=deflate):
        pass


def writing_subject(
    path: Path, subject: Subject, *, dtype: ResponseType = "float32", deflate: int = 0
) -> Generator[tuple[int, int], None, None]:
    """Do what `write_subject` does, yielding (trials and pictures done, of how many).

    Closing the generator stops the writing and leaves nothing behind.
    """
    ids = list(dict.fromkeys(t.stimulus_id for t in subject.trials if t.stimulus_id))
    total = len(ids) + len(subject.trials)
    scale = _scale(subject, dtype)
    with atomic_path(path) as temporary:
        with hdf5_output(temporary) as output:
            # Version 1.10 of the file format has checksums on all that describes the data.
            with h5py.File(output, "w", libver=("v110", "v110")) as file:
                _write_facts(file, subject)
                done = 0
                for done in _write_stimuli(file, subject, ids):
                    output.check()
                    yield done, total
                for written in _write_responses(file, subject, dtype, scale, deflate):
                    output.check()
                    yield done + written, total
                # Last: a file that was left half written is no subject file.
                file.attrs["format"] = _fixed(FORMAT)
            output.check()
        yield total, total


def _scale(subject: Subject, dtype: ResponseType) -> float:
    if dtype in ("float32", "float16"):
        return 1.0
    largest = max(float(np.abs(block).max()) for block in _blocks(subject))
    return (largest or 1.0) / np.iinfo(dtype).max


def _blocks(subject: Subject) -> Generator[FloatArray, None, None]:
    step = max(1, _BLOCK_BYTES // (4 * subject.n_voxels))
    for start in range(0, len(subject.trials), step):
        yield subject.responses(range(start, min(start + step, len(subject.trials))))


def _write_facts(file: h5py.File, subject: Subject) -> None:
    facts = {
        "format_version": FORMAT_VERSION,
        "name": subject.name,
        "response_unit": subject.unit,
        "source": subject.origin,
        "licence": subject.licence,
        "notes": "\n".join(subject.notes),
        "simulated": subject.simulated,
    }
    for name, value in facts.items():
        file.attrs[name] = _fixed(value) if isinstance(value, str) else value
    trials = file.create_group("trials")
    for name in ("split", *TEXT_COLUMNS):
        _write_text(trials, name, [getattr(trial, name) for trial in subject.trials])
    for name in NUMBER_COLUMNS:
        column = np.array([getattr(trial, name) for trial in subject.trials], dtype=np.int32)
        trials.create_dataset(name, data=column, **_SMALL)
    rois = file.create_group("rois", track_order=True)
    for roi in subject.rois:
        mask = np.zeros(subject.n_voxels, dtype=np.bool_)
        mask[roi.voxels] = True
        rois.create_dataset(checks.check_roi_name(roi.name, subject.name), data=mask, **_SMALL)
    maps = file.create_group("maps", track_order=True)
    for name, values in subject.maps.items():
        maps.create_dataset(checks.check_roi_name(name, subject.name), data=values, **_SMALL)
    if subject.ijk is not None and subject.affine is not None:
        file.create_dataset("voxels/ijk", data=subject.ijk.astype(np.int32), **_SMALL)
        file.create_dataset("affine", data=subject.affine, **_SMALL)
    if subject.anatomy is not None:
        anatomy = file.create_dataset("anatomy", data=subject.anatomy.data, **_SMALL)
        anatomy.attrs["affine"] = subject.anatomy.affine


def _fixed(text: str) -> NDArray[np.bytes_]:
    cell = text.encode()
    return np.array(cell, dtype=h5py.string_dtype("utf-8", max(1, len(cell))))


def _write_text(parent: h5py.Group, name: str, values: Sequence[str]) -> None:
    cells = [value.encode() for value in values]
    length = max(1, *map(len, cells)) if cells else 1
    column = np.array(cells, dtype=h5py.string_dtype("utf-8", length))
    parent.create_dataset(name, data=column, **_SMALL)


def _write_stimuli(
    file: h5py.File, subject: Subject, ids: Sequence[str]
) -> Generator[int, None, None]:
    recording = subject.recording
    found: list[str] = []
    ends: list[int] = []
    encoded = file.create_dataset(
        "stimuli/encoded", (0,), np.uint8, maxshape=(None,), chunks=(_CHUNK_BYTES,), fletcher32=True
    )
    for done, stimulus_id in enumerate(ids, 1):
        if isinstance(recording, EncodedPictures):
            content = recording.encoded_stimulus(stimulus_id)
        else:
            picture = recording.stimulus(stimulus_id)
            content = None if picture is None else encode_picture(picture)
        if content:
            start = len(encoded)
            encoded.resize((start + len(content),))
            encoded[start:] = np.frombuffer(content, dtype=np.uint8)
            ends.append(start + len(content))
            found.append(stimulus_id)
        yield done
    file["stimuli"].create_dataset("end", data=np.array(ends, dtype=np.int64), **_SMALL)
    _write_text(file["stimuli"], "id", found)


def _write_responses(
    file: h5py.File, subject: Subject, dtype: ResponseType, scale: float, deflate: int
) -> Generator[int, None, None]:
    n_trials, n_voxels = len(subject.trials), subject.n_voxels
    rows = _CHUNK_BYTES // (n_voxels * np.dtype(dtype).itemsize)
    options = (
        {"compression": "gzip", "compression_opts": deflate, "shuffle": True} if deflate else {}
    )
    target = file.create_dataset(
        "responses",
        (n_trials, n_voxels),
        dtype,
        chunks=(min(max(1, rows), n_trials), n_voxels),
        fletcher32=True,
        **options,
    )
    if scale != 1.0:
        target.attrs["scale"] = scale
    train = np.array([trial.split == "train" for trial in subject.trials])
    statistics = RunningStatistics()
    done = 0
    for block in _blocks(subject):
        stored = block
        if dtype in ("int8", "int16"):
            stored = np.rint(block / np.float32(scale))
        elif dtype == "float16" and np.abs(block).max() > np.finfo(np.float16).max:
            raise DataError(
                f"{subject.name}: {np.abs(block).max():g} does not fit float16; use float32"
            )
        stored = stored.astype(dtype)
        target[done : done + len(block)] = stored
        trained = stored[train[done : done + len(block)]]
        statistics.add(trained.astype(np.float32) * np.float32(scale))
        done += len(block)
        yield done
    if statistics.count:
        target.attrs["train_mean"] = float(statistics.mean)
        target.attrs["train_std"] = float(statistics.std)
