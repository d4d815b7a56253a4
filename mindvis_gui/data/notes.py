"""Notes on what a source does not say, and taking them back once it is added.

Notes are sentences, and subject files keep them as such. Those of a reader on what is missing are
put together with these words, by which they are found again; they stay as they are, since files
hold them.
"""

from __future__ import annotations

from collections.abc import Iterable

SHOWED_UNKNOWN = "showed is not known"
TRIALS_UNKNOWN = "trials are not known"
TAKEN_IN_ORDER = "pictures in sorted order are taken for"
WITHOUT_PICTURE = "of the stimuli shown have no picture"
WITHOUT_STIMULUS = "No stimulus is told of"
NUMBERED_FROM_0 = "pictures are numbered from 0 to"
NOT_DISPLAYED = "pictures shown cannot be displayed"
PLACES_UNKNOWN = "where the voxels lie is not known"
NO_POSITIONS = "No voxel positions"
NO_REGIONS = "No regions: all voxels are used together"

STIMULI = (SHOWED_UNKNOWN, TRIALS_UNKNOWN, TAKEN_IN_ORDER)
PICTURES = (WITHOUT_PICTURE, WITHOUT_STIMULUS, NUMBERED_FROM_0, NOT_DISPLAYED)
POSITIONS = (PLACES_UNKNOWN, NO_POSITIONS)


def without(notes: Iterable[str], *words: str) -> tuple[str, ...]:
    """Return the notes but for those with any of the words."""
    return tuple(note for note in notes if not any(each in note for each in words))
