"""Trial responses from fMRI time series by averaging a window after each onset.

For every run, each voxel's series is detrended (linearly) and z-scored, and the response to a
trial is its mean over the volumes that start within the window after the trial's onset. The
window is late because the haemodynamic response is: the default, 3–12 s, covers its peak.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mindvis_gui.data.bids_sessions import session_notes, session_numbers
from mindvis_gui.data.nifti_file import MAX_SECONDS, NiftiFile
from mindvis_gui.data.recording import Pictures
from mindvis_gui.data.rois import check_same_grid, nifti_files
from mindvis_gui.data.scratch import ScratchRows
from mindvis_gui.data.subject import FloatArray, IntArray, Trial
from mindvis_gui.data.table import read_seconds, read_table
from mindvis_gui.data.trial_table import trials_from_table
from mindvis_gui.errors import DataError
from mindvis_gui.wording import counted

Window = tuple[float, float]
DEFAULT_WINDOW: Window = (3.0, 12.0)

_DERIVATIVE = re.compile(r"_(space|desc|res|den)-[^_]+")
_RUN = re.compile(r"_run-(\d+)")
_ROUNDING = 1e-3  # s; a header has 2.4 s as 2.4000001, and sums of such go either way
_MAX_DESCRIPTION = 1 << 26  # characters; some converters write down each volume's DICOM header
_STIMULUS_OR_LABEL = ("stimulus", "stim_file", "stimulus_id", "label", "trial_type")


@dataclass(frozen=True, eq=False, slots=True)
class Run:
    """One run: the image, seconds a volume, events, their table, and its number and session."""

    image: NiftiFile
    step: float
    events: dict[str, list[str]]
    table: Path
    number: int
    session: int


def is_bold(path: Path) -> bool:
    """Whether the file name says, as in BIDS, that this is a time series."""
    return path.name.endswith(("_bold.nii", "_bold.nii.gz"))


def find_runs(source: Path | Sequence[Path], events: Path | None) -> list[Run]:
    """Pair time series with their tables of events.

    Parameters
    ----------
    source : pathlib.Path or sequence of pathlib.Path
        A folder of ``*_bold.nii.gz``, or 4-D images.
    events : pathlib.Path, optional
        A table, or the folder of the ``*_events.tsv`` (default: where the images are).

    Raises
    ------
    DataError
        If there is no run, one is there twice, has no events or no repetition time, or grids
        differ.
    """
    if isinstance(source, Path):
        images: Sequence[Path] = [path for path in nifti_files(source) if is_bold(path)]
    else:
        images = source
    if not images:
        raise DataError(
            f"{source}: no betas.nii.gz and no *_bold.nii.gz in this folder; see docs/formats.md"
        )
    sessions = session_numbers([path.name for path in images])
    runs: list[Run] = []
    for order, path in enumerate(images, 1):
        if events is not None and events.is_file() and len(images) > 1:
            raise DataError(
                f"{events.name}: one table for {len(images)} runs; give the folder with a "
                "*_events.tsv for each"
            )
        table = _events_of(path, events)
        _check_other_run(path, table, runs)
        image = NiftiFile(path)
        number = _RUN.search(path.name)
        runs.append(
            Run(
                image,
                _seconds_a_volume(image),
                read_table(table),
                table,
                int(number[1]) if number else order,
                sessions[order - 1] or 0,
            )
        )
        check_same_grid(image, runs[0].image)
    return runs


def average_runs(
    runs: list[Run], points: IntArray, window: Window, pictures: Pictures
) -> tuple[ScratchRows, list[Trial], list[str]]:
    """Return the responses (n_trials, n_points) in z, their trials, and notes."""
    first, last = window
    trials: list[Trial] = []
    told: Counter[str] = Counter()
    averages = ScratchRows(_averages(runs, points, window, pictures, trials, told), len(points))
    if not trials:
        raise DataError(
            f"{runs[0].table.name}: no event has a volume {first:g} to {last:g} s after its onset"
        )
    steps = " or ".join(dict.fromkeys(f"{step:g}" for step in sorted(run.step for run in runs)))
    notes = [
        f"Responses are means of the volumes {first:g} to {last:g} s after onset, "
        f"detrended and z-scored a run; a volume takes {steps} s",
        *_headers_overruled(runs),
        *session_notes([run.image.path.name for run in runs]),
        *(f"{what}: {counted(count, 'event')}" for what, count in told.items()),
    ]
    return averages, trials, notes


def _averages(
    runs: list[Run],
    points: IntArray,
    window: Window,
    pictures: Pictures,
    trials: list[Trial],
    told: Counter[str],
) -> Iterator[FloatArray]:
    """Yield the responses of each run, adding their trials, and what is to be told of events."""
    first, last = window[0] - _ROUNDING, window[1] + _ROUNDING
    for run in runs:
        onsets = np.array(read_seconds(run.events, "onset", run.table))
        named = [name for name in _STIMULUS_OR_LABEL if name in run.events]
        starts = np.arange(run.image.n_volumes) * run.step
        values = read_series(run.image, points)
        _check_finite(values, run.image, points)
        series = standardised(values)
        responses = []
        for trial in trials_from_table(run.events, run.table, pictures):
            if named and not any(run.events[name][trial.index] for name in named):
                told["Left out for want of a stimulus or label"] += 1
                continue
            after = starts - onsets[trial.index]
            inside = (after >= first) & (after <= last)
            if not inside.any():
                told["Left out for want of a volume in that window"] += 1
                continue
            if after[-1] + run.step <= last or after[0] - run.step >= first:
                told["With a part of that window only, at an end of their run"] += 1
            responses.append(series[inside].mean(axis=0))
            number, session = trial.run or run.number, trial.session or run.session
            trials.append(replace(trial, index=len(trials), run=number, session=session))
        yield np.stack(responses) if responses else np.empty((0, len(points)), np.float32)


def read_series(image: NiftiFile, points: IntArray) -> FloatArray:
    """Read the series (n_volumes, n_points) of some points of an image, volume by volume."""
    series = np.empty((image.n_volumes, len(points)), dtype=np.float32)
    for row, values in zip(series, points_of_volumes(image, points), strict=True):
        row[:] = values[0]
    return series


def points_of_volumes(image: NiftiFile, points: IntArray) -> Iterator[FloatArray]:
    """Yield the values (1, n_points) of some points of an image, volume by volume."""
    for volume in image.volumes():
        with np.errstate(over="ignore"):
            yield volume[None, points].astype(np.float32)


def _check_finite(series: FloatArray, image: NiftiFile, points: IntArray) -> None:
    """Refuse a series (n_volumes, n_points) of NaN or infinite values, and say where they are."""
    broken = ~np.isfinite(series)
    if not broken.any():
        return
    volume, column = (int(at[0]) for at in np.nonzero(broken))
    voxel = ", ".join(map(str, np.unravel_index(points[column], image.shape, order="F")))
    voxels, volumes = (int(broken.any(axis=axis).sum()) for axis in (0, 1))
    raise DataError(
        f"{image.path.name}: {voxels:,} of {counted(len(points), 'voxel')} of the regions hold NaN "
        f"or infinite values, in {volumes:,} of {counted(len(series), 'volume')}; the first is "
        f"voxel {voxel} in volume {volume:,}, counted from 0; leave these voxels out of the masks, "
        "or mend these volumes"
    )


def standardised(series: FloatArray) -> FloatArray:
    """Detrend linearly and z-score each column of (n_volumes, n_points); constant ones become 0."""
    time = np.arange(len(series), dtype=np.float32) - np.float32((len(series) - 1) / 2)
    centred = series - series.mean(axis=0, dtype=np.float64).astype(np.float32)
    power = float((time**2).sum()) or 1.0
    centred -= time[:, None] * (time @ centred / np.float32(power))
    spread = centred.std(axis=0)
    # What rounding leaves of a constant series must not be blown up to z = 1.
    silent = spread <= 1e-5 * np.abs(series).max(axis=0)
    spread[silent] = 1
    centred[:, silent] = 0
    return np.asarray(centred / spread, dtype=np.float32)


def _seconds_a_volume(image: NiftiFile) -> float:
    """Return the time between volumes: of the BIDS description beside an image, or its header.

    The description comes first since libraries write 1 into a header if nobody says otherwise.
    """
    path = image.path.with_name(f"{_stem(image.path)}.json")
    try:
        with path.open(encoding="utf-8-sig") as file:
            told = json.loads(file.read(_MAX_DESCRIPTION))
        step = float(told.get("RepetitionTime", image.repetition_time))
    except FileNotFoundError:
        told, step = {}, image.repetition_time
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise DataError(
            f"{path.name}: no description as in BIDS ({error}); mend it, or take it away to have "
            "the repetition time of the header"
        ) from error
    if 0 < step < MAX_SECONDS:
        return step
    if "RepetitionTime" in told:
        raise DataError(f"{path.name}: RepetitionTime is {step:g}; seconds are needed")
    raise DataError(
        f"{image.path.name}: the header gives no time between volumes (pixdim[4] is "
        f"{image.time_step}); write it in seconds into {path.name} beside it: "
        '{"RepetitionTime": 2.0}'
    )


def _headers_overruled(runs: Sequence[Run]) -> list[str]:
    other = [run for run in runs if abs(run.image.repetition_time - run.step) > 0.01 * run.step]
    if not other:
        return []
    first = other[0].image
    count = f"{counted(len(other), 'header')} {'differs' if len(other) == 1 else 'differ'}"
    return [
        f"The time of a volume is that of the .json beside the images; {count}, for example "
        f"{first.path.name} ({first.time_step})"
    ]


def _check_other_run(image: Path, table: Path, runs: Sequence[Run]) -> None:
    """Refuse an image with the events of one before: trials would be there twice."""
    for run in runs:
        if run.table == table:
            raise DataError(
                f"{run.image.path.name} and {image.name} are of one run ({table.name}), and each "
                "of its trials would be there twice; name one image a run, such as "
                "*_space-T1w_desc-preproc_bold.nii.gz"
            )


def _events_of(image: Path, events: Path | None) -> Path:
    if events is not None and events.is_file():
        return events
    stem = _stem(image).removesuffix("_bold")
    name = f"{_DERIVATIVE.sub('', stem)}_events.tsv"
    places = [image.parent] if events is None else _bids_folders(events, name)
    found = next(filter(Path.is_file, (place / name for place in places)), None)
    if found is None:
        raise DataError(f"{image.name}: its events are missing; expected {places[0] / name}")
    return found


def _bids_folders(folder: Path, name: str) -> list[Path]:
    """Return where a file of this name lies if `folder` is its own, its subject's or the root's."""
    subject, session = (
        found[1] if (found := re.search(rf"(?:^|_)({what}-[^_.]+)", name)) else ""
        for what in ("sub", "ses")
    )
    roots = dict.fromkeys((folder, folder / session, folder / subject, folder / subject / session))
    return [folder, *(root / "func" for root in roots)]


def _stem(image: Path) -> str:
    return image.name.removesuffix(".gz").removesuffix(".nii")
