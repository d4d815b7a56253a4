"""The cortical surface beside the slices: drawn in the background once somebody looks."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from mindvis_gui.data.subject import Subject
from mindvis_gui.data.surface import ALIKE, Surfaces, load_surfaces, project, template_likeness
from mindvis_gui.jobs import Jobs
from mindvis_gui.paths import cache_dir

_NO_POSITIONS = "This file holds no voxel positions; nothing can be put on the surface."
_NO_ANATOMY = (
    "The surface is in MNI space. This subject has no anatomy to tell by whether its millimetres "
    "are MNI."
)
_OTHER_SPACE = (
    "The surface is in MNI space, and this subject's anatomy is not like the MNI152 template "
    "(r {r:.2f}, at least {least} expected): its responses would be put in wrong places."
)


@dataclass(frozen=True, eq=False, slots=True)
class Projection:
    """The surfaces, the voxel at each vertex (-1 for none), and the anatomy's likeness to MNI."""

    surfaces: Surfaces
    voxels: NDArray[np.int32]
    likeness: float | None


class SurfaceState(QObject):
    """What there is of the subject on the surface.

    Attributes
    ----------
    projection : Projection or None
        None until it was asked for and made.
    complaint : str
        Why nothing is shown, or would be in wrong places; empty if all is well.
    """

    changed = Signal()

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._subject: Subject | None = None
        self._waiting: Subject | None = None
        self.projection: Projection | None = None
        self.complaint = ""

    def set_subject(self, subject: Subject) -> None:
        """Forget the subject before; the session emits `changed`."""
        self._subject, self.projection = subject, None
        self.complaint = _NO_POSITIONS if subject.ijk is None else ""

    @property
    def can_insist(self) -> bool:
        """Whether there is something to show all the same."""
        return bool(self.complaint) and self.projection is not None

    def request(self) -> None:
        """Project the subject, unless that is done or under way."""
        subject = self._subject
        if subject is None or self.projection is not None or self.complaint:
            return
        if self._waiting is subject:
            return
        self._waiting = subject
        self._jobs.start(
            _make(subject),
            "Projecting to the surface",
            lambda made: self._take(subject, made),
            ended=lambda: self._end(subject),
        )

    def insist(self) -> None:
        """Take the subject's millimetres for MNI whatever its anatomy looks like."""
        if self.can_insist:
            self.complaint = ""
            self.changed.emit()

    def _take(self, subject: Subject, made: Projection) -> None:
        if subject is not self._subject:
            return  # another one was opened meanwhile
        self.projection = made
        if made.likeness is None:
            self.complaint = _NO_ANATOMY
        elif made.likeness < ALIKE:
            self.complaint = _OTHER_SPACE.format(r=made.likeness, least=ALIKE)
        self.changed.emit()

    def _end(self, subject: Subject) -> None:
        if self._waiting is subject:
            self._waiting = None


def _make(subject: Subject) -> Generator[None, None, Projection]:
    surfaces = yield from load_surfaces(cache_dir())
    voxels = yield from project(subject, cache_dir())
    return Projection(surfaces, voxels, template_likeness(subject))
