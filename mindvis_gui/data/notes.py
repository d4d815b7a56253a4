"""Notes on what a source does not say, which are no longer true once it is added."""

from __future__ import annotations

import re
from collections.abc import Iterable

STIMULI = re.compile(
    r"\bshowed is not known|\bstimuli of the .* trials are not known"
    r"|\bpictures in sorted order are taken for"
)
MISSING = re.compile(r"\bstimuli shown have no picture")
PICTURES = re.compile(rf"{MISSING.pattern}|\bpictures shown cannot be displayed")
POSITIONS = re.compile(r"^No voxel pos|\bwhere the voxels lie is not known")


def without(notes: Iterable[str], *said: re.Pattern[str]) -> tuple[str, ...]:
    """Return the notes but for those that say what one of the patterns finds."""
    return tuple(note for note in notes if not any(each.search(note) for each in said))
