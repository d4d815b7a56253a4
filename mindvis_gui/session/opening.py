"""From a file to a subject that is ready to be shown, and on to the same after other steps."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindvis_gui.data import open_subject
from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.region_shapes import same_voxels
from mindvis_gui.errors import DataError, UnassignedError
from mindvis_gui.session.overlay_looks import keep_looks
from mindvis_gui.session.preparation import PreparedSubject, preparing_to_show
from mindvis_gui.steps import finish

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session


def opening(path: str | Path) -> Generator[Any, None, PreparedSubject]:
    """Read a subject; every item is a point to stop at. Runs in a job's thread.

    Raises
    ------
    UnassignedError
        If it is none, but one could be made of it.
    DataError
        If it is neither.
    """
    try:
        subject = open_subject(path)
    except DataError as error:
        from mindvis_gui.data.source_contents import can_be_imported  # brings the readers

        if can_be_imported(Path(path)):
            raise UnassignedError(str(error), Path(path)) from error
        raise
    yield
    grid = DisplayGrid.of(subject) if subject.ijk is not None else None
    yield
    return (yield from preparing_to_show(subject, Preparation(), grid))


def read_subject(path: str | Path) -> PreparedSubject:
    """Do what `opening` does in one go."""
    return finish(opening(path))


def show_prepared(session: Session, prepared: PreparedSubject) -> None:
    """Show the open subject after other steps; what was chosen of it stays as far as it can."""
    used, overlays = session.used_rois, session.overlays.items
    visible, crosshair = session.brain.visible_rois, session.brain.crosshair
    shown, before = session.trial, session.subject
    same = [
        trial.index
        for trial in prepared.subject.trials
        if shown and (trial.stimulus_id, trial.split) == (shown.stimulus_id, shown.split)
    ]
    made = [roi for roi in session.regions.rois if roi.made]
    session.take_subject(prepared, same[0] if same else None)
    if before is None:
        return
    if same_voxels(before, prepared.subject):
        session.regions.keep(made)
        session.brain.set_crosshair(crosshair)
        keep_looks(session.overlays, overlays)
    elif made:
        session.problem.emit(
            "after these steps the response has other voxels: regions that were made are gone"
        )
    names = frozenset(roi.name for roi in session.regions.rois)
    session.set_used_rois(used & names or session.used_rois)
    session.brain.set_visible_rois(visible & names)
    session.undo_stack.clear()  # that the regions stay was not chosen now
