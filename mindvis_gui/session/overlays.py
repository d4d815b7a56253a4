"""What is laid over the brain: the list of overlays, from the lowest to the topmost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from mindvis_gui.data.checks import check_affine
from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.prepare import Normalisation
from mindvis_gui.data.sampling import GridSampler
from mindvis_gui.data.subject import FloatArray, IntArray, Subject, Volume, read_only
from mindvis_gui.errors import DataError
from mindvis_gui.files import image_stem
from mindvis_gui.jobs import Jobs

ANATOMY, REGIONS, RESPONSE, MASK = "anatomy", "regions", "response", "mask"
ERROR, ATTRIBUTION = "mask error", "attribution"
DIVERGING, SEQUENTIAL, GREY, SOLID = "blue-orange", "viridis", "grey", "white"
COLOUR_MAPS = (
    DIVERGING, "blue-white-red", SEQUENTIAL, "inferno", "cividis", "hot", "turbo",
    GREY, SOLID, "red", "green", "blue", "yellow",
)  # fmt: skip
_LIMIT = 3.0  # standard deviations at the ends of the response's colours, at first
_PERCENTILES = (2, 98)  # of a map or a volume, at the ends of its colours


@dataclass(frozen=True, slots=True)
class Look:
    """How an overlay is drawn.

    Attributes
    ----------
    colour_map : str
        One of `COLOUR_MAPS`.
    low, high : float
        Values at the ends of the colours.
    clip_low, clip_high : float
        Values outside are not drawn.
    threshold : float
        Values nearer to zero are not drawn.
    opacity : float
        0 to 1.
    outlined : bool
        Regions are drawn by their borders alone.
    """

    colour_map: str = DIVERGING
    low: float = -_LIMIT
    high: float = _LIMIT
    clip_low: float = -np.inf
    clip_high: float = np.inf
    threshold: float = 0.0
    opacity: float = 0.7
    visible: bool = True
    outlined: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class Overlay:
    """Something to draw on the brain: values of the response's voxels, or a volume.

    Attributes
    ----------
    key : str
        Tells overlays apart; one that is put later with the same key takes its place.
    name : str
        As the list shows it.
    values : (n_voxels,) float32 or None
        One a voxel of the response; NaN is transparent.
    volume : Volume or None
        A picture on a grid of its own, where there are no `values`. Anatomy and regions, which
        the session knows, have neither.
    unit : str
    look : Look
        At first; the user changes it.
    note : str
        One sentence that explains it.
    """

    key: str
    name: str
    values: FloatArray | None = None
    volume: Volume | None = None
    unit: str = ""
    look: Look = field(default_factory=Look)
    note: str = ""

    @property
    def has_values(self) -> bool:
        """Whether it has numbers, and so a range and a colour map."""
        return self.values is not None or self.volume is not None

    @property
    def removable(self) -> bool:
        """Whether it can be taken off the list: what the subject brings stays."""
        return bool(self.key) and self.key not in (ANATOMY, REGIONS, RESPONSE, MASK)

    @property
    def finite(self) -> FloatArray:
        """Its finite values (n,), a few hundred thousand of them at most."""
        if self.values is not None:
            found = np.asarray(self.values, dtype=np.float32)
        elif self.volume is not None:
            steps = tuple(slice(None, None, max(1, n // 64)) for n in self.volume.data.shape)
            found = np.asarray(self.volume.data[steps], dtype=np.float32).reshape(-1)
        else:
            found = np.zeros(0, dtype=np.float32)
        return found[np.isfinite(found)]


def value_at(overlay: Overlay, grid: DisplayGrid, point: tuple[int, int, int]) -> float:
    """Return the value that an overlay has at a point of the grid; NaN where it has none."""
    if overlay.volume is not None:
        return GridSampler(overlay.volume, grid.affine, grid.shape).at(point)
    voxel = int(grid.voxel_at[point])
    return float("nan") if overlay.values is None or voxel < 0 else float(overlay.values[voxel])


def peak_of(overlay: Overlay, grid: DisplayGrid) -> tuple[int, int, int] | None:
    """Return the grid point where an overlay is farthest from 0; None outside the grid, or if 0."""
    volume = overlay.volume
    values = overlay.values if volume is None else volume.data
    if values is None:
        return None
    sizes = np.nan_to_num(np.abs(values.astype(np.float32)), posinf=0)
    at = int(np.argmax(sizes))
    if not sizes.flat[at]:
        return None
    if volume is None:
        return grid.voxel_position(at)
    mm = volume.affine[:3, :3] @ np.unravel_index(at, sizes.shape) + volume.affine[:3, 3]
    point = grid.to_voxel((mm[0], mm[1], mm[2]))
    return point if all(0 <= v < n for v, n in zip(point, grid.shape, strict=True)) else None


class Overlays(QObject):
    """The overlays of the open subject.

    Attributes
    ----------
    items : tuple of Overlay
        From the lowest to the topmost.
    chosen : str
        Key of the one whose look is edited.
    """

    changed = Signal()

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._n_voxels = 0
        self._places: IntArray | None = None  # of the voxels: another subject has others
        self.items: tuple[Overlay, ...] = ()
        self._order: dict[str, int] = {}  # and looks, which were taken up, of those that may come
        self._awaited: dict[str, Look] = {}
        self.chosen = REGIONS

    def set_subject(self, subject: Subject, normalisation: Normalisation) -> None:
        """Begin with what another subject has: anatomy, response, its maps and its regions.

        `changed` is the session's to emit, once all that listeners ask for is the other subject's.
        """
        self._n_voxels, self._places = subject.n_voxels, subject.ijk
        self._awaited.clear()
        limit = _round_up(_LIMIT * normalisation.std)
        hidden = np.full(subject.n_voxels, np.nan, dtype=np.float32)
        response = Look(low=-limit, high=limit, opacity=0.9, visible=False)
        maps = [_map(name, values) for name, values in subject.maps.items()]
        masked = Look(GREY, 0.0, 2.0, opacity=0.8, visible=False)
        self.items = (
            Overlay(ANATOMY, "Anatomy", look=Look(GREY, 0, 255, opacity=0.8)),
            *maps,
            Overlay(RESPONSE, "Response", hidden, unit=subject.unit, look=response,
                    note="Response of the chosen trial"),
            Overlay(REGIONS, "Regions", note="Visible regions in their colours"),
            Overlay(MASK, "Mask", hidden, look=masked, note="Voxels of the masked patches"),
        )  # fmt: skip
        self.chosen = REGIONS

    def take_up(self, looks: Mapping[str, Look], volumes: Sequence[Overlay] = ()) -> None:
        """Draw the overlays, `volumes` among them, as `looks` say by key, and in their order.

        So are those that come later, until the user orders them.
        """
        here = (*self.items, *volumes)
        self._order = {key: place for place, key in enumerate(looks)}
        self._awaited = {key: looks[key] for key in looks.keys() - {each.key for each in here}}
        self.items = self._ordered(
            replace(each, look=looks.get(each.key, each.look)) for each in here
        )
        self.changed.emit()

    def _ordered(self, items: Iterable[Overlay]) -> tuple[Overlay, ...]:
        last = len(self._order)
        return tuple(sorted(items, key=lambda each: self._order.get(each.key, last)))

    def put(self, overlay: Overlay) -> None:
        """Add an overlay on top, or in the place and with the look of the one with its key.

        Raises
        ------
        DataError
            If its values are not one a voxel, or its affine maps no grid to mm.
        """
        if overlay.values is not None and overlay.values.shape != (self._n_voxels,):
            raise DataError(
                f"overlay {overlay.name} has values of shape {overlay.values.shape}, not one for "
                f"each of the {self._n_voxels:,} voxels"
            )
        if overlay.volume is not None:
            if overlay.volume.data.ndim != 3:
                raise DataError(
                    f"overlay {overlay.name} has {overlay.volume.data.ndim} axes, not 3"
                )
            check_affine(overlay.volume.affine, f"the affine of overlay {overlay.name}")
        old = self.find(overlay.key)
        if overlay.key in self._awaited:
            found = replace(overlay, look=self._awaited.pop(overlay.key))
            self.items = self._ordered((*self.items, found))
        elif old is None:
            self.items = (*self.items, overlay)
        else:
            new = replace(overlay, look=old.look)
            self.items = tuple(new if each is old else each for each in self.items)
        self.changed.emit()

    def open(self, path: Path) -> None:
        """Read a 3-D NIfTI image in the background and put it on top."""
        places = self._places

        def show(volume: Volume) -> None:
            if self._places is not places:
                return  # another subject was opened meanwhile
            name = image_stem(path)
            values = Overlay("", "", volume=volume).finite
            signed = bool(values.size) and values.min() < 0 < values.max()
            look = replace(spread(values, DIVERGING if signed else SEQUENTIAL), visible=True)
            if signed:
                limit = max(-look.low, look.high)
                look = replace(look, low=-limit, high=limit)
            elif values.size and values.min() == 0:
                look = replace(look, clip_low=float(np.nextafter(np.float32(0), np.float32(1))))
            self.put(Overlay(f"file {path}", name, volume=volume, look=look, note=str(path)))
            self.choose(f"file {path}")

        self._jobs.run(lambda: _read_volume(path), f"Opening {path.name}", show)

    def remove(self, key: str) -> None:
        """Take an overlay off the list."""
        if self.find(key) is not None:
            self.items = tuple(each for each in self.items if each.key != key)
            self.chosen = REGIONS if self.chosen == key else self.chosen
            self.changed.emit()

    def set_look(self, key: str, look: Look) -> None:
        """Draw an overlay in another way."""
        old = self.find(key)
        if old is not None and old.look != look:
            new = replace(old, look=look)
            self.items = tuple(new if each is old else each for each in self.items)
            self.changed.emit()

    def set_visible(self, key: str, visible: bool) -> None:
        """Show or hide an overlay."""
        found = self.find(key)
        if found is not None:
            self.set_look(key, replace(found.look, visible=visible))

    def set_order(self, keys: list[str]) -> None:
        """Draw the overlays in the order of `keys`, the topmost last; anatomy stays lowest."""
        if sorted(keys) != sorted(each.key for each in self.items):
            raise ValueError(f"{keys} are not the keys of all overlays")
        self._awaited.clear()
        order = sorted(keys, key=lambda key: (key != ANATOMY, keys.index(key)))
        found = {each.key: each for each in self.items}
        self.items = tuple(found[key] for key in order)
        self.changed.emit()

    def choose(self, key: str) -> None:
        """Choose the overlay whose look is edited."""
        if key != self.chosen and self.find(key) is not None:
            self.chosen = key
            self.changed.emit()

    @property
    def topmost(self) -> Overlay | None:
        """The uppermost visible overlay that has numbers, whose colour bar is shown."""
        shown = [each for each in self.items if each.look.visible and each.has_values]
        scaled = [each for each in shown if each.key != MASK and each.look.colour_map != SOLID]
        return scaled[-1] if scaled else None

    def find(self, key: str) -> Overlay | None:
        """Return the overlay with that key, or None."""
        return next((each for each in self.items if each.key == key), None)

    def set_values(self, key: str, values: FloatArray | None) -> None:
        """Give an overlay of voxel values new ones; None is none anywhere."""
        old = self.find(key)
        if old is not None:
            none = np.full(self._n_voxels, np.nan, dtype=np.float32)
            self.put(replace(old, values=read_only(none) if values is None else values))


def _map(name: str, values: FloatArray) -> Overlay:
    """Make an overlay of a map, whose name may end in its unit: ``"polar angle (deg)"``."""
    bare, _, unit = name.removesuffix(")").partition(" (")
    return Overlay(f"map {name}", bare, values, unit=unit, look=spread(values, SEQUENTIAL))


def _read_volume(path: Path) -> Volume:
    from mindvis_gui.data.nifti_file import read_volume  # brings nibabel and SciPy

    return read_volume(path)


def spread(values: FloatArray, colour_map: str) -> Look:
    """Return a look, hidden at first, whose colours run over all but the outermost `values`."""
    finite = values[np.isfinite(values)]
    low, high = np.percentile(finite, _PERCENTILES) if finite.size else (0.0, 1.0)
    if not high > low:
        low, high = float(low) - 0.5, float(low) + 0.5
    return Look(colour_map, float(low), float(high), opacity=0.9, visible=False)


def _round_up(value: float) -> float:
    """Round to one figure, upwards, for the end of a colour scale."""
    size = 10.0 ** np.floor(np.log10(value))
    return float(np.ceil(value / size - 0.05) * size)
