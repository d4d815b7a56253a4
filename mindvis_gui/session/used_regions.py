"""Which regions decoding uses, while regions are made, renamed, deleted and brought back."""

from __future__ import annotations

from mindvis_gui.data.subject import Roi


class UsedRegions:
    """The regions that decoding uses, of those that there are.

    Attributes
    ----------
    names : frozenset of str
    """

    def __init__(self) -> None:
        self._rois: tuple[Roi, ...] = ()
        self._deleted: set[str] = set()  # while they were used
        self.names: frozenset[str] = frozenset()

    def set_regions(self, rois: tuple[Roi, ...]) -> None:
        """Use all regions of another subject."""
        self._rois = rois
        self._deleted.clear()
        self.names = frozenset(roi.name for roi in rois)

    def follow(self, rois: tuple[Roi, ...]) -> dict[str, str]:
        """Go on with the regions as they were edited; return old → new name of those that stay."""
        before, self._rois = self._rois, rois
        known, names = {roi.name for roi in before}, {roi.name for roi in rois}
        if len(before) == len(rois):  # one may have another name now
            called = {old.name: new.name for old, new in zip(before, rois, strict=True)}
        else:
            called = {name: name for name in known & names}
        self._deleted |= self.names - called.keys()
        used = {called[name] for name in self.names & called.keys()}
        used |= self._deleted & (names - known)  # deleted while used, and back by undo
        # The last one used may be gone; then all are used, as at first.
        self.names = frozenset(used or self.own)
        return called

    @property
    def own(self) -> tuple[str, ...]:
        """Names of the regions that came with the subject."""
        return tuple(roi.name for roi in self._rois if not roi.made)

    @property
    def decoded(self) -> tuple[str, ...] | None:
        """Regions used in the subject's order; None for the whole vector.

        That is what decoding sees while all of the subject's own regions are used; of a subject
        without any, while no region that was made is used.
        """
        own = self.own
        whole = set(own) <= self.names if own else not self.names
        return None if whole else tuple(roi.name for roi in self._rois if roi.name in self.names)
