"""Trial responses from fMRI time series by averaging a window after each onset.

For every run, each voxel's series is detrended (linearly) and z-scored, and the response to a
trial is its mean over the volumes whose time lies within the window after the trial's onset: the
time at which they start, or that to which their slices were corrected. The window is late because
the haemodynamic response is: the default, 3–12 s, covers its peak.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mindvis_gui.data.bids_sessions import session_notes
from mindvis_gui.data.nifti_file import NiftiFile
from mindvis_gui.data.recording import Pictures
from mindvis_gui.data.runs import Run, headers_overruled, starts_told
from mindvis_gui.data.scratch import ScratchRows
from mindvis_gui.data.subject import FloatArray, IntArray, Trial
from mindvis_gui.data.table import read_seconds
from mindvis_gui.data.trial_table import trials_from_table
from mindvis_gui.errors import DataError
from mindvis_gui.wording import counted

Window = tuple[float, float]
DEFAULT_WINDOW: Window = (3.0, 12.0)

_ROUNDING = 1e-3  # s; a header has 2.4 s as 2.4000001, and sums of such go either way
_STIMULUS_OR_LABEL = ("stimulus", "stim_file", "stimulus_id", "label", "trial_type")


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
        *starts_told(runs),
        *headers_overruled(runs),
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
        starts = run.start + np.arange(run.image.n_volumes) * run.step
        values = read_series(run.image, points)
        _check_finite(values, run.image, points)
        series = standardised(values)
        responses = []
        for trial in trials_from_table(run.events, run.table, pictures):
            if named and not any(run.events[name][trial.index] for name in named):
                told["Left out for want of a stimulus or label"] += 1
                continue
            if np.isnan(onsets[trial.index]):
                told["Left out for want of an onset"] += 1
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
