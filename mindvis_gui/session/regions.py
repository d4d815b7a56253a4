"""Making, changing and keeping regions of interest; whatever is done can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from mindvis_gui.data.region_shapes import COMBINATIONS, between, make_region, sphere
from mindvis_gui.data.sampling import GridSampler
from mindvis_gui.data.subject import FloatArray, IntArray, Roi, Subject, read_only
from mindvis_gui.errors import DataError, MindVisError
from mindvis_gui.jobs import Jobs
from mindvis_gui.session.overlays import Overlay
from mindvis_gui.undo import Change
from mindvis_gui.wording import counted

_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Brush:
    """What paints: voxels within `radius` mm join `region`, which the first stroke makes."""

    region: str
    radius: float = 5.0


class Regions(QObject):
    """The regions of the open subject: its own, which stay as they are, and those made here.

    Attributes
    ----------
    rois : tuple of Roi
    preview : (n,) int
        Voxels that a region would get, lit up in the brain.
    brush : Brush or None
        While it is there, the mouse paints on slices.
    """

    edited = Signal()
    preview_changed = Signal()
    brush_changed = Signal()
    problem = Signal(str)
    message = Signal(str)

    def __init__(self, jobs: Jobs, undo_stack: QUndoStack, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._undo_stack = jobs, undo_stack
        self._subject: Subject | None = None
        self._erasing = False
        self.rois: tuple[Roi, ...] = ()
        self.preview: IntArray = _NONE
        self.brush: Brush | None = None

    def set_subject(self, subject: Subject) -> None:
        """Begin with the regions of another subject; the session emits what has changed."""
        self._subject, self.rois = subject, subject.rois
        self.preview, self.brush = _NONE, None

    def take_up(self, values: Iterable[Mapping[str, Any]]) -> None:
        """Add regions as a session file holds them: name, voxels, made, colour.

        Raises
        ------
        DataError
            If a region does not fit the subject.
        KeyError, TypeError, ValueError
            If a value is missing or of another kind.
        """
        rois, n_voxels = list(self.rois), self._subject.n_voxels if self._subject else 0
        for each in values:
            voxels = np.asarray(each["voxels"], dtype=np.int64).reshape(-1)
            if voxels.size and not 0 <= voxels.min() <= voxels.max() < n_voxels:
                raise DataError(f"region '{each['name']}' has voxels that the response has not")
            here = self.find(str(each["name"]))
            if here is not None and here.made and np.array_equal(here.voxels, np.unique(voxels)):
                continue  # the same region already
            roi = make_region(str(each["name"]), voxels, str(each["made"]) or "made", rois)
            rois.append(replace(roi, colour=str(each["colour"])))
        self.keep(rois[len(self.rois) :])

    def keep(self, made: Sequence[Roi]) -> None:
        """Go on with regions that were made before, of the same voxels."""
        if made:
            self._set((*self.rois, *made))

    def find(self, name: str) -> Roi | None:
        """Return the region of that name, or None."""
        return next((roi for roi in self.rois if roi.name == name), None)

    def free_name(self, stem: str) -> str:
        """Return `stem`, with a number where a region is called so already."""
        names = {roi.name for roi in self.rois}
        numbered = (f"{stem} {n}" for n in range(2, len(names) + 3))
        return next(name for name in (stem, *numbered) if name not in names)

    # -- voxels ------------------------------------------------------------------------------

    def sphere(self, centre: Sequence[float], radius: float) -> IntArray:
        """Return the voxels within `radius` mm of `centre` (3,) in mm; none without positions."""
        subject = self._subject
        return _NONE if subject is None or subject.ijk is None else sphere(subject, centre, radius)

    def between(self, overlay: Overlay, low: float, high: float) -> IntArray:
        """Return the voxels at which an overlay's value lies from `low` to `high`."""
        return between(self._values(overlay), low, high)

    def combined(self, first: str, how: str, second: str) -> IntArray:
        """Return the union, intersection or difference of two regions."""
        one, other = self.find(first), self.find(second)
        return (
            _NONE if one is None or other is None else COMBINATIONS[how](one.voxels, other.voxels)
        )

    def _values(self, overlay: Overlay) -> FloatArray:
        """Return an overlay's value at every voxel of the response."""
        subject = self._subject
        if overlay.values is not None:
            return overlay.values
        if overlay.volume is None or subject is None or subject.ijk is None:
            return np.zeros(0, dtype=np.float32)
        assert subject.affine is not None
        shape = subject.ijk.max(axis=0) + 1
        sampler = GridSampler(overlay.volume, subject.affine, (shape[0], shape[1], shape[2]))
        return sampler.values(subject.ijk)

    # -- making and changing -----------------------------------------------------------------

    def add(self, name: str, voxels: IntArray, made: str) -> bool:
        """Add a region; whether that was possible."""
        return self._try(
            f"new region {name}", lambda: (*self.rois, make_region(name, voxels, made, self.rois))
        )

    def rename(self, name: str, new: str) -> bool:
        """Give a region that was made another name; whether that was possible."""
        roi = self._made(name)
        if roi is None or name == new:
            return False
        others = [each for each in self.rois if each is not roi]
        if self.brush is not None and self.brush.region == name:
            self.set_brush(None)
        return self._try(
            f"rename {name}",
            lambda: self._with(
                roi, replace(make_region(new, roi.voxels, roi.made, others), colour=roi.colour)
            ),
        )

    def delete(self, name: str) -> None:
        """Take a region that was made off the list."""
        roi = self._made(name)
        if roi is not None:
            self.set_brush(None)
            self._push(f"delete {name}", tuple(each for each in self.rois if each is not roi))

    def duplicate(self, name: str) -> None:
        """Copy a region under another name, so that the copy can be changed."""
        roi = self.find(name)
        if roi is not None:
            self.add(self.free_name(f"{name} copy"), roi.voxels, f"copy of {name}")

    def recolour(self, name: str, colour: str) -> None:
        """Draw a region in `colour`, ``#rrggbb``."""
        roi = self.find(name)
        if roi is not None and roi.colour != colour:
            self._push(f"colour of {name}", self._with(roi, replace(roi, colour=colour)))

    def _made(self, name: str) -> Roi | None:
        roi = self.find(name)
        if roi is not None and not roi.made:
            self.problem.emit(
                f"{name} came with the subject and stays as it is; duplicate it and change the copy"
            )
            return None
        return roi

    def _with(self, old: Roi, new: Roi) -> tuple[Roi, ...]:
        return tuple(new if each is old else each for each in self.rois)

    def _try(self, text: str, change: Callable[[], tuple[Roi, ...]]) -> bool:
        try:
            rois = change()
        except DataError as error:
            self.problem.emit(str(error))
            return False
        self._push(text, rois)
        return True

    def _push(self, text: str, rois: tuple[Roi, ...]) -> None:
        self._undo_stack.push(Change(text, self.rois, rois, self._set))

    def _set(self, rois: tuple[Roi, ...]) -> None:
        self.rois = rois
        self.edited.emit()

    # -- painting ----------------------------------------------------------------------------

    def set_brush(self, brush: Brush | None) -> None:
        """Begin to paint with `brush`; None ends it."""
        if brush is not None and self.find(brush.region) and self._made(brush.region) is None:
            return
        if brush != self.brush:
            self.brush = brush
            self.brush_changed.emit()

    def begin_stroke(self, *, erase: bool) -> None:
        """Begin to add voxels, or to take them away."""
        self._erasing = erase
        self.set_preview(_NONE)

    def extend_stroke(self, voxels: IntArray) -> None:
        """Let the stroke run over `voxels` (n,)."""
        self.set_preview(np.union1d(self.preview, voxels))

    def end_stroke(self) -> None:
        """Give the region the voxels of the stroke, or take them away: one step to undo."""
        voxels = self.preview
        self.set_preview(_NONE)
        if self.brush is None or not voxels.size:
            return
        name = self.brush.region
        roi = self.find(name)
        if roi is None:
            if not self._erasing:
                self.add(name, voxels, "painted")
            return
        combine = COMBINATIONS["difference" if self._erasing else "union"]
        after = combine(roi.voxels, voxels)
        if not after.size:
            self.problem.emit(f"region {name} would have no voxel left; delete it instead")
        elif after.size != roi.voxels.size:
            painted = replace(roi, voxels=read_only(after.astype(np.int64)))
            self._push(f"paint {name}", self._with(roi, painted))

    def set_preview(self, voxels: IntArray) -> None:
        """Light up voxels (n,) in the brain."""
        if not np.array_equal(voxels, self.preview):
            self.preview = voxels
            self.preview_changed.emit()

    # -- files -------------------------------------------------------------------------------

    def load(self, path: Path) -> None:
        """Add the regions of a label image, read in the background."""
        subject = self._subject
        if subject is None:
            return

        def take(read: tuple[list[Roi], list[str]]) -> None:
            # Otherwise another subject was opened meanwhile; after a preparation it is the same.
            if self._subject is not None and self._subject.ijk is subject.ijk:
                self._take(*read)

        self._jobs.run(lambda: _read(path, subject), f"Opening {path.name}", take)

    def _take(self, rois: list[Roi], missed: list[str]) -> None:
        taken = list(self.rois)
        for roi in rois:
            taken.append(replace(roi, name=self.free_name(roi.name)))
        self._push(f"load {counted(len(rois), 'region')}", tuple(taken))
        left = f"; no voxel of the response lies in {', '.join(missed)}" if missed else ""
        self.message.emit(f"{counted(len(rois), 'region')} loaded{left}")

    def save(self, names: frozenset[str], path: Path) -> None:
        """Write the regions of these names as a label image."""
        from mindvis_gui.data.region_image import write_label_image  # brings nibabel and SciPy

        if self._subject is None:
            return
        rois = [roi for roi in self.rois if roi.name in names]
        try:
            write_label_image(self._subject, rois, path)
        except MindVisError as error:
            self.problem.emit(str(error))
        else:
            self.message.emit(f"{counted(len(rois), 'region')} written to {path.name}")


def _read(path: Path, subject: Subject) -> tuple[list[Roi], list[str]]:
    from mindvis_gui.data.region_image import read_label_image  # brings nibabel and SciPy

    return read_label_image(path, subject)
