"""Human Connectome Project subjects as MinD-Vis publishes them: ``HCP_visual_voxel.npz``.

``V1``, ``V2``, ``V3`` and ``V4`` each hold a time series (n_frames, n_voxels). As in the published
code, each response is the mean of a window of about ten frames; all are for pre-training, and
nothing is known about what was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mindvis_gui.data.checks import MAX_TRIALS, MAX_VOXELS
from mindvis_gui.data.npz import NpzFile
from mindvis_gui.data.recording import RowRecording, StackedRows
from mindvis_gui.data.subject import FloatArray, IntArray, Roi, Subject, Trial, read_only
from mindvis_gui.errors import DataError

REGIONS = ("V1", "V2", "V3", "V4")
FRAMES = 10  # a window: 8 s at the 0.75 s that the published code takes for the TR


def is_hcp(archive: NpzFile) -> bool:
    """Whether an archive is laid out as this module describes."""
    return all(name in archive for name in REGIONS) and "arr_0" not in archive


def windows(n_frames: int) -> list[IntArray]:
    """Return the frames of each window: as many near-equal ones as whole windows fit."""
    return np.array_split(np.arange(n_frames), n_frames // FRAMES)


def read_hcp_subject(archive: NpzFile) -> Subject:
    """Open a subject; the time series are read when the first response is asked for.

    Raises
    ------
    DataError
        If the time series are of different length, or shorter than one window.
    """
    path = archive.path
    shapes = [archive.header(name, ndim=2, kinds="f").shape for name in REGIONS]
    n_frames = shapes[0][0]
    for name, shape in zip(REGIONS, shapes, strict=True):
        if shape[0] != n_frames:
            raise DataError(
                f"{path.name}: V1 has {n_frames:,} frames but {name} has {shape[0]:,}; "
                "is this file complete?"
            )
    sizes = {name: shape[1] for name, shape in zip(REGIONS, shapes, strict=True)}

    def read() -> FloatArray:
        values = np.empty((n_frames, sum(sizes.values())), dtype=np.float32)
        start = 0
        for name, size in sizes.items():
            values[:, start : start + size] = archive.read(name, np.float32)
            start += size
        return values

    name = path.resolve().parent.name or path.stem
    origin = "Human Connectome Project, as prepared for MinD-Vis"
    return subject_of_series(path, name, n_frames, sizes, read, (), origin)


def subject_of_series(
    path: Path,
    name: str,
    n_frames: int,
    sizes: Mapping[str, int],
    read: Callable[[], FloatArray],
    notes: tuple[str, ...],
    origin: str,
    **more: Any,
) -> Subject:
    """Return a subject whose responses are the windows of a time series.

    Parameters
    ----------
    sizes : mapping of str to int
        Voxels of each region, in the order of the columns.
    read : callable
        Returns the series (n_frames, n_voxels).
    more
        Further attributes of the subject.

    Raises
    ------
    DataError
        If it is shorter than one window, or too large.
    """
    edges = np.cumsum([0, *sizes.values()])
    n_voxels = int(edges[-1])
    if not FRAMES <= n_frames <= MAX_TRIALS or n_voxels > MAX_VOXELS:
        raise DataError(
            f"{path.name}: {n_frames:,} frames × {n_voxels:,} voxels; from {FRAMES} × 4 to "
            f"{MAX_TRIALS:,} × {MAX_VOXELS:,} are allowed"
        )
    rows = windows(n_frames)
    return Subject(
        name=name,
        source=path,
        trials=tuple(
            Trial(index=index, split="train", presentations=1) for index in range(len(rows))
        ),
        rois=tuple(
            Roi(region, read_only(np.arange(first, last)))
            for region, first, last in zip(sizes, edges, edges[1:], strict=False)
        ),
        n_voxels=n_voxels,
        recording=RowRecording(StackedRows([(n_frames, read)]), rows),
        notes=(
            f"{n_frames:,} frames of a time series: each of the {len(rows):,} responses is the "
            f"mean of about {FRAMES} frames, for pre-training",
            *notes,
        ),
        origin=origin,
        **more,
    )
