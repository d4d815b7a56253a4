"""The runs of a recording: time series, each with its table of events, found as BIDS names them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mindvis_gui.data.bids_sessions import session_numbers
from mindvis_gui.data.nifti_file import MAX_SECONDS, NiftiFile
from mindvis_gui.data.rois import check_same_grid, nifti_files
from mindvis_gui.data.table import read_table
from mindvis_gui.errors import DataError, refusal_reported
from mindvis_gui.files import beside_image, image_stem, in_order
from mindvis_gui.wording import counted

_DERIVATIVE = re.compile(r"_(space|desc|res|den)-[^_]+")
_RUN = re.compile(r"_run-(\d+)")
_MAX_DESCRIPTION = 1 << 26  # characters; some converters write down each volume's DICOM header


@dataclass(frozen=True, eq=False, slots=True)
class Run:
    """One run: its image, timing, events, their table, and its number and session.

    Attributes
    ----------
    step : float
        Seconds a volume.
    start : float
        Seconds from the start of the run, which onsets count from, to what the first volume shows.
    """

    image: NiftiFile
    step: float
    start: float
    events: dict[str, list[str]]
    table: Path
    number: int
    session: int


def is_bold(path: Path) -> bool:
    """Whether the file name says, as in BIDS, that this is a time series."""
    return path.name.endswith(("_bold.nii", "_bold.nii.gz"))


def bold_images(folder: Path) -> list[Path]:
    """Return the time series in a folder, or in ``func`` of a subject's as BIDS lays it out."""
    with refusal_reported(DataError, folder, "listed"):
        below = in_order(folder.glob("ses-*/func"))
    for places in ([folder], [folder / "func", *below]):
        listed = [nifti_files(place) for place in places if place.is_dir()]
        if found := [path for files in listed for path in files if is_bold(path)]:
            return found
    return []


def find_runs(source: Path | Sequence[Path], events: Path | None) -> list[Run]:
    """Pair time series with their tables of events.

    Parameters
    ----------
    source : pathlib.Path or sequence of pathlib.Path
        A folder of ``*_bold.nii.gz`` (see `bold_images`), or 4-D images.
    events : pathlib.Path, optional
        A table, or the folder of the ``*_events.tsv`` (default: where the images are).

    Raises
    ------
    DataError
        If there is no run, one is there twice, has no events or no repetition time, or grids
        differ.
    """
    if isinstance(source, Path):
        images: Sequence[Path] = bold_images(source)
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
                *_timing(image),
                read_table(table),
                table,
                int(number[1]) if number else order,
                sessions[order - 1] or 0,
            )
        )
        check_same_grid(image, runs[0].image)
    return runs


def _timing(image: NiftiFile) -> tuple[float, float]:
    """Return the time between volumes, and that of the first, in seconds.

    The BIDS description beside an image comes before its header, since libraries write 1 there if
    nobody says otherwise. `StartTime` says that volumes show another moment than that at which
    they began: fMRIPrep interpolates the slices to the middle of a volume.
    """
    path = beside_image(image.path, ".json")
    try:
        with path.open(encoding="utf-8-sig") as file:
            told = json.loads(file.read(_MAX_DESCRIPTION))
        step = float(told.get("RepetitionTime", image.repetition_time))
        start = float(told.get("StartTime") or 0.0)
    except FileNotFoundError:
        told, step, start = {}, image.repetition_time, 0.0
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise DataError(
            f"{path.name}: no description as in BIDS ({error}); mend it, or take it away to have "
            "the repetition time of the header"
        ) from error
    if not abs(start) < MAX_SECONDS:  # NaN included
        raise DataError(f"{path.name}: StartTime is {start:g}; seconds are needed")
    if 0 < step < MAX_SECONDS:
        return step, start
    if "RepetitionTime" in told:
        raise DataError(f"{path.name}: RepetitionTime is {step:g}; seconds are needed")
    raise DataError(
        f"{image.path.name}: the header gives no time between volumes (pixdim[4] is "
        f"{image.time_step}); write it in seconds into {path.name} beside it: "
        '{"RepetitionTime": 2.0}'
    )


def starts_told(runs: Sequence[Run]) -> list[str]:
    """Return a note where the first volume shows another moment than the start of its run."""
    starts = sorted({run.start for run in runs})
    if starts == [0.0]:
        return []
    told = " or ".join(f"{start:g}" for start in starts)
    return [f"The first volume of a run is that at {told} s (StartTime in the .json beside it)"]


def headers_overruled(runs: Sequence[Run]) -> list[str]:
    """Return a note where headers have another time between volumes than was taken."""
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
    stem = image_stem(image).removesuffix("_bold")
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
