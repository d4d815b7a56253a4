"""What is in a file that somebody wants to import, and what is still to be told about it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path

from mindvis_gui.data.array_file import ArrayFile, ArrayInfo, open_arrays
from mindvis_gui.data.array_subject import TRIAL_COLUMNS, region_arrays
from mindvis_gui.data.import_plan import ImportPlan
from mindvis_gui.data.subject import Subject
from mindvis_gui.errors import DataError

_RESPONSES = re.compile(r"respon|betas?|fmri|bold|voxel|data|^x$", re.IGNORECASE)
_COLUMNS = {
    "stimulus": re.compile(r"stim|image|picture|photo|trial_?type", re.IGNORECASE),
    "label": re.compile(r"label|class|name", re.IGNORECASE),
    "category": re.compile(r"categor", re.IGNORECASE),
    "split": re.compile(r"split|data_?type|is_?test", re.IGNORECASE),
    "session": re.compile(r"sess", re.IGNORECASE),
    "run": re.compile(r"run", re.IGNORECASE),
}
QUESTIONS = ("responses", "stimuli", "regions", "split", "positions")


@dataclass(frozen=True, slots=True)
class SourceContents:
    """What `inspect_source` found.

    Attributes
    ----------
    plan : ImportPlan
        As far as it can be guessed; if `problem` is empty it can be read as it is.
    summary : str
        One sentence for the person at the screen.
    known : bool
        Whether the file is of a format that says by itself what is what.
    arrays : tuple of ArrayInfo
        What could be meant, if it is a file of arrays.
    notes : tuple of str
        What had to be assumed.
    missing : tuple of str
        Those of `QUESTIONS` that the file leaves open.
    problem : str
        Why it cannot be read as it is.
    """

    plan: ImportPlan
    summary: str
    known: bool
    arrays: tuple[ArrayInfo, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    problem: str = ""


def inspect_source(path: Path | str) -> SourceContents:
    """Look into a file or folder: which format, which arrays, and what they are likely to be.

    Raises
    ------
    DataError
        If there is no such file, or nothing in it could be responses.
    """
    from mindvis_gui.data import open_subject

    source = path if str(path) == "demo" else Path(path).expanduser()
    plan = ImportPlan(source)
    try:
        return _of_subject(plan, open_subject(source))
    except DataError as error:
        if not isinstance(source, Path) or not source.is_file():
            raise
        try:
            file = open_arrays(source)
        except DataError:
            raise error from None
        if not file.arrays:
            raise
        return _of_arrays(plan, file, str(error))


def _of_subject(plan: ImportPlan, subject: Subject) -> SourceContents:
    return SourceContents(
        plan=plan,
        summary=_summary(subject),
        known=True,
        notes=subject.notes,
        missing=_missing(subject),
    )


def _of_arrays(plan: ImportPlan, file: ArrayFile, problem: str) -> SourceContents:
    arrays = tuple(file.arrays.values())
    guess = _guess(plan, file)
    if guess is None:
        return SourceContents(
            plan, f"{len(arrays)} arrays", False, arrays, missing=("responses",), problem=problem
        )
    try:
        subject = guess.read()
    except DataError as error:
        return SourceContents(
            guess,
            f"{len(arrays)} arrays",
            False,
            arrays,
            missing=("responses",),
            problem=str(error),
        )
    notes = (f"Array {guess.responses} is taken for the responses", *subject.notes)
    return SourceContents(guess, _summary(subject), False, arrays, notes, _missing(subject))


def _guess(plan: ImportPlan, file: ArrayFile) -> ImportPlan | None:
    """Take the largest table of numbers, the one with a telling name first, for the responses."""
    tables = [
        info
        for info in file.arrays.values()
        if len(info.shape) == 2 and info.kind in "iuf" and min(info.shape) > 1
    ]
    if not tables:
        return None
    named = [info for info in tables if _RESPONSES.search(info.name.rpartition("/")[2])]
    best = max(named or tables, key=lambda info: math.prod(info.shape))
    n_trials, n_voxels = best.shape
    lengths = [_length(info) for info in file.arrays.values() if info is not best]
    # Columns of trials are more telling than nothing; regions, than they.
    trials_last = lengths.count(n_voxels) > 0 and not _has_regions(file, n_voxels)
    if trials_last:
        trials_last = _has_regions(file, n_trials) or lengths.count(n_trials) == 0
    if trials_last:
        n_trials, n_voxels = n_voxels, n_trials
    triples = [i for i in file.arrays.values() if i.shape == (n_voxels, 3) and i.kind in "iuf"]
    maps = [i for i in file.arrays.values() if i.shape == (4, 4) and i.kind in "iuf"]
    return replace(
        plan,
        responses=best.name,
        trials_last=trials_last,
        trial_arrays=_columns(file, n_trials, n_voxels),
        ijk_array=triples[0].name if len(triples) == len(maps) == 1 else "",
        affine_array=maps[0].name if len(triples) == len(maps) == 1 else "",
    )


def _has_regions(file: ArrayFile, n_voxels: int) -> bool:
    return bool(region_arrays(file, n_voxels))


def _columns(file: ArrayFile, n_trials: int, n_voxels: int) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    if n_trials == n_voxels:
        return ()
    for column, pattern in _COLUMNS.items():
        for info in file.arrays.values():
            plain = info.name.rpartition("/")[2]
            taken = info.name in found.values()
            fits = _length(info) == n_trials and info.kind in "biufS"
            if fits and not taken and (plain == column or pattern.search(plain)):
                found[column] = info.name
                break
    return tuple(sorted(found.items(), key=lambda item: TRIAL_COLUMNS.index(item[0])))


def _length(info: ArrayInfo) -> int:
    """Return how many values a column has, -1 if the array is none."""
    long = [n for n in info.shape if n != 1]
    return long[0] if len(long) == 1 else -1


def _summary(subject: Subject) -> str:
    what = f"{subject.origin.rstrip('.')}: " if subject.origin else ""
    regions = f"{len(subject.rois)} regions" if len(subject.rois) != 1 else "1 region"
    return f"{what}{len(subject.trials):,} trials × {subject.n_voxels:,} voxels, {regions}"


def _missing(subject: Subject) -> tuple[str, ...]:
    shown = next((trial for trial in subject.trials if trial.stimulus_id), None)
    open_questions = {
        "stimuli": shown is None or subject.stimulus(shown) is None,
        "regions": len(subject.rois) < 2,
        "split": not any(trial.split == "test" for trial in subject.trials),
        "positions": subject.ijk is None,
    }
    return tuple(question for question, is_open in open_questions.items() if is_open)
