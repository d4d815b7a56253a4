"""What is in a file that somebody wants to import, and what is still to be told about it."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mindvis_gui.data.array_file import ArrayFile, ArrayInfo, open_arrays
from mindvis_gui.data.array_roles import (
    column_length,
    possible_affines,
    possible_columns,
    possible_indices,
    possible_responses,
)
from mindvis_gui.data.array_subject import TRIAL_COLUMNS, region_arrays
from mindvis_gui.data.import_plan import ImportPlan
from mindvis_gui.data.source_kind import is_image, is_surface
from mindvis_gui.data.subject import Subject
from mindvis_gui.errors import DataError
from mindvis_gui.wording import counted

_RESPONSES = re.compile(r"respon|betas?|fmri|bold|voxel|data|^x$", re.IGNORECASE)
_COLUMNS = {
    "stimulus": re.compile(r"stim|image|picture|photo|shown|trial_?type", re.IGNORECASE),
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
    kind : {"arrays", "image", "surface", ""}
        Which parts of the plan there are besides those for every source.
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
    kind: str = ""


def inspect_source(path: Path | str, more: Sequence[Path] = ()) -> SourceContents:
    """Look into a file or folder: which format, which arrays, and what they are likely to be.

    Parameters
    ----------
    more : sequence of pathlib.Path
        Further images that follow it; see `ImportPlan`.

    Raises
    ------
    DataError
        If there is no such file, or nothing in it could be responses.
    """
    from mindvis_gui.data import open_subject

    source = path if str(path) == "demo" else Path(path).expanduser()
    plan = ImportPlan(source, tuple(more))
    if more:
        return _of_subject(plan, plan.unprepared())
    try:
        return _of_subject(plan, open_subject(source))
    except DataError as error:
        if not isinstance(source, Path) or not can_be_imported(source):
            raise
        if is_image(source) or is_surface(source):
            return _of_image(plan, str(error))
        return _of_arrays(plan, open_arrays(source), str(error))


def can_be_imported(path: Path) -> bool:
    """Whether a file that is no subject could become one if somebody said what is what in it."""
    try:
        path = path.expanduser()
        if not path.is_file():
            return False
        return is_image(path) or is_surface(path) or bool(open_arrays(path).arrays)
    except (DataError, OSError, ValueError, RuntimeError):  # names that no file can have
        return False


def _of_image(plan: ImportPlan, problem: str) -> SourceContents:
    kind = _kind(plan, None)
    what = "A NIfTI image" if kind == "image" else "A CIFTI file"
    return SourceContents(plan, what, known=True, problem=problem, kind=kind)


def _kind(plan: ImportPlan, subject: Subject | None) -> str:
    """Tell images from formats that are made of images, too: those have an origin."""
    if not isinstance(plan.source, Path):
        return ""
    if is_surface(plan.source):
        return "surface"
    if subject is not None and subject.origin:
        return ""
    return "image" if plan.source.is_dir() or is_image(plan.source) else ""


def _of_subject(plan: ImportPlan, subject: Subject) -> SourceContents:
    return SourceContents(
        plan=plan,
        summary=_summary(subject),
        known=True,
        notes=subject.notes,
        missing=missing_parts(subject),
        kind=_kind(plan, subject),
    )


def _of_arrays(plan: ImportPlan, file: ArrayFile, problem: str) -> SourceContents:
    arrays = tuple(file.arrays.values())
    guess = _guess(plan, file)
    if guess is None:
        return SourceContents(
            plan,
            f"{len(arrays)} arrays",
            False,
            arrays,
            missing=("responses",),
            problem=problem,
            kind="arrays",
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
            kind="arrays",
        )
    notes = (f"Array {guess.responses} is taken for the responses", *subject.notes)
    return SourceContents(
        guess, _summary(subject), False, arrays, notes, missing_parts(subject), kind="arrays"
    )


def _guess(plan: ImportPlan, file: ArrayFile) -> ImportPlan | None:
    """Take the largest table of numbers, the one with a telling name first, for the responses."""
    tables = possible_responses(file.arrays.values())
    if not tables:
        return None
    named = [info for info in tables if _RESPONSES.search(info.name.rpartition("/")[2])]
    best = max(named or tables, key=lambda info: math.prod(info.shape))
    n_trials, n_voxels = best.shape
    lengths = [column_length(info) for info in file.arrays.values() if info is not best]
    # Columns of trials are more telling than nothing; regions, than they.
    trials_last = lengths.count(n_voxels) > 0 and not _has_regions(file, n_voxels)
    if trials_last:
        trials_last = _has_regions(file, n_trials) or lengths.count(n_trials) == 0
    if trials_last:
        n_trials, n_voxels = n_voxels, n_trials
    triples = possible_indices(file.arrays.values(), n_voxels)
    maps = possible_affines(file.arrays.values())
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
        for info in possible_columns(file.arrays.values(), n_trials):
            plain = info.name.rpartition("/")[2]
            taken = info.name in found.values()
            if not taken and (plain == column or pattern.search(plain)):
                found[column] = info.name
                break
    return tuple(sorted(found.items(), key=lambda item: TRIAL_COLUMNS.index(item[0])))


def _summary(subject: Subject) -> str:
    what = f"{subject.origin.rstrip('.')}: " if subject.origin else ""
    trials, regions = counted(len(subject.trials), "trial"), counted(len(subject.rois), "region")
    return f"{what}{trials} × {subject.n_voxels:,} voxels, {regions}"


def missing_parts(subject: Subject) -> tuple[str, ...]:
    """Return those of `QUESTIONS` that a subject leaves open."""
    shown = next((trial for trial in subject.trials if trial.stimulus_id), None)
    open_questions = {
        "stimuli": shown is None or subject.stimulus(shown) is None,
        "regions": len(subject.rois) < 2,
        "split": not any(trial.split == "test" for trial in subject.trials),
        "positions": subject.ijk is None,
    }
    return tuple(question for question, is_open in open_questions.items() if is_open)
