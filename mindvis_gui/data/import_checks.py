"""What an import plan may not ask for: files that are not there, parts that would be ignored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from mindvis_gui.errors import DataError

if TYPE_CHECKING:
    from mindvis_gui.data.import_plan import ImportPlan

_OF_IMAGES = ("events", "window", "rois")  # surfaces have the last, too
_OF_ARRAYS = ("trials_last", "trial_arrays", "roi_arrays", "ijk_array", "affine_array")


def check_files(plan: ImportPlan) -> None:
    """Refuse a plan that names what is not there."""
    for each in plan.files:
        try:
            each.expanduser().stat()
        except PermissionError as error:
            raise DataError(f"{each}: cannot be opened: {error.strerror}") from error
        except (OSError, ValueError, RuntimeError) as error:  # names that no file can have, too
            raise DataError(f"{str(each)[:300]}: no such file or folder; check the path") from error


def check_options(plan: ImportPlan) -> None:
    """Refuse what would be ignored."""
    if plan.more and plan.responses:
        raise DataError(
            f"{plan.source}: --responses names an array of one file, but there are "
            f"{1 + len(plan.more)} sources; give one"
        )
    if plan.responses:
        for option in _OF_IMAGES:
            if getattr(plan, option):
                raise DataError(
                    f"{plan.source}: --{option} is for images, but --responses names an "
                    "array; leave one of them out"
                )
        return
    for each in fields(plan):
        if each.name in _OF_ARRAYS and getattr(plan, each.name) != each.default:
            raise DataError(
                f"{plan.source}: --{each.name.replace('_', '-')} is for files of arrays; add "
                "--responses NAME, or leave it out"
            )


def check_no_image_parts(plan: ImportPlan) -> None:
    """Refuse parts of images, of a source that is none."""
    for option in _OF_IMAGES:
        if getattr(plan, option):
            raise DataError(f"{plan.source}: --{option} is for NIfTI images, which it is not")


def check_alike(paths: Sequence[Path], kind: Callable[[Path], bool], what: str) -> None:
    """Refuse sources that are not all of one kind."""
    for path in paths:
        if path.is_dir() or not kind(path):
            raise DataError(f"{path.name}: only {what}, of which this is none; give one source")


def check_different(paths: Sequence[Path]) -> None:
    """Refuse a source that is named twice."""
    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise DataError(f"{path.name}: is named twice; each of its trials would be there twice")
        seen.add(path.resolve())
