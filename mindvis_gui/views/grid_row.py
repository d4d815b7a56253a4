"""A row of the grid as pictures that are shown large."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mindvis_gui.data.subject import ImageArray, Subject, Trial
from mindvis_gui.errors import DataError
from mindvis_gui.session.collection import Drawn
from mindvis_gui.views.picture import Picture


@dataclass(frozen=True, slots=True)
class RowSample:
    """A sample of the row, what is written beneath it, and whether it is the one to begin with."""

    drawn: Drawn
    title: str
    note: str
    chosen: bool


def read_row(
    subject: Subject, trial: Trial | None, samples: Sequence[RowSample]
) -> tuple[list[Picture], int]:
    """Read stimulus and samples, for a job's thread; return them, and where the chosen one is.

    Samples whose files are gone are left out.
    """
    pictures, chosen = list[Picture](), 0
    seen = None if trial is None else _stimulus(subject, trial)
    if trial is not None and seen is not None:
        pictures.append(Picture("seen", (trial.label,), seen, seen=True))
    for each in samples:
        image = each.drawn.picture()
        if image is not None:
            chosen = len(pictures) if each.chosen else chosen
            seed = each.drawn.options.seed
            pictures.append(Picture(each.title, (each.note,), image, seed=seed))
    return pictures, chosen


def _stimulus(subject: Subject, trial: Trial) -> ImageArray | None:
    try:
        return subject.stimulus(trial)
    except DataError:
        return None  # choosing the trial says what is wrong
