"""What there is to draw: decoded trials, and what the window or a file knows of them besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mindvis_gui.analysis.comparison import SampleScores
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.lesion import Effects, LesionStudy
from mindvis_gui.analysis.recovery import interpolation_baseline
from mindvis_gui.data.grid import DisplayGrid
from mindvis_gui.data.lesion import MEANING
from mindvis_gui.data.roi_colours import roi_colours
from mindvis_gui.data.subject import FloatArray, ImageArray, Roi, Subject
from mindvis_gui.decoding.request import Recovery
from mindvis_gui.wording import counted


@dataclass(frozen=True, eq=False, slots=True)
class Regions:
    """Regions along the response vector.

    Attributes
    ----------
    names, colours : tuple of str
        In the same order; ``#rrggbb``.
    number_at : (n_voxels,) int16
        Which of them a voxel is in, from 1; 0 for none. Where they overlap the first counts.
    """

    names: tuple[str, ...]
    colours: tuple[str, ...]
    number_at: NDArray[np.int16]

    @classmethod
    def of(cls, rois: tuple[Roi, ...], n_voxels: int) -> Regions:
        """Give every region of a subject a number and a colour."""
        names = tuple(roi.name for roi in rois)
        number_at = np.zeros(n_voxels, dtype=np.int16)
        for number, roi in reversed(list(enumerate(rois, start=1))):
            number_at[roi.voxels] = number
        return cls(names, tuple(roi_colours(rois).values()), number_at)

    def size(self, number: int) -> int:
        """Return how many voxels are drawn in the colour of a region."""
        return int((self.number_at == number).sum())


@dataclass(frozen=True, eq=False, slots=True)
class BrainScene:
    """Where the voxels lie: `grid`, the point (i, j, k) of it that the slices go through."""

    grid: DisplayGrid
    crosshair: tuple[int, int, int]
    regions: Regions

    @classmethod
    def of(cls, subject: Subject) -> BrainScene:
        """Look at the middle of a subject's voxels.

        Raises
        ------
        DataError
            If the subject has no voxel positions.
        """
        grid = DisplayGrid.of(subject)
        return cls(grid, grid.centre, Regions.of(subject.rois, subject.n_voxels))


@dataclass(frozen=True, eq=False, slots=True)
class MaskScene:
    """A masked response and its recovery by SC-MBM.

    Attributes
    ----------
    vector, recovered : (n_voxels,) float32
        Normalised response, and the model's prediction of it.
    kept : (n_voxels,) bool
        Voxels that the model got.
    correlation, baseline : float
        Pearson's r over the masked voxels: of the recovery, and of straight lines
        between the kept ones.
    regions : Regions
    """

    vector: FloatArray
    recovered: FloatArray
    kept: NDArray[np.bool_]
    correlation: float
    baseline: float
    regions: Regions

    @classmethod
    def of(
        cls, vector: FloatArray, kept: NDArray[np.bool_], recovery: Recovery, rois: tuple[Roi, ...]
    ) -> MaskScene:
        """Take a response, the voxels kept of it, and what a model made of them."""
        baseline = interpolation_baseline(vector, kept)
        regions = Regions.of(rois, vector.size)
        return cls(vector, recovery.recovered, kept, recovery.correlation, baseline, regions)


@dataclass(frozen=True, slots=True)
class IntactScore:
    """A score of a lesion study: its mean with nothing left out, and its chance level."""

    key: str
    name: str
    intact: float
    chance: float | None


@dataclass(frozen=True, eq=False, slots=True)
class LesionScene:
    """What a lesion study has found so far.

    Attributes
    ----------
    lesions : tuple of str
    scores : tuple of IntactScore
    effects : mapping of (str, str) to Effect
        By lesion and key of the score.
    colours : mapping of str to str
        Of lesions that are regions, ``#rrggbb``.
    caption : str
        How it was measured, in a sentence.
    decoded : DecodedTrial
        How its samples were decoded; it has none itself.
    """

    lesions: tuple[str, ...]
    scores: tuple[IntactScore, ...]
    effects: Effects
    colours: Mapping[str, str]
    caption: str
    decoded: DecodedTrial

    @classmethod
    def of(cls, study: LesionStudy, rois: tuple[Roi, ...], decoded: DecodedTrial) -> LesionScene:
        """Take a study that has a trial at least, and how it was decoded."""
        scores = tuple(
            IntactScore(each.key, each.name, study.intact(each.key), each.chance)
            for each in study.scores
        )
        methods = dict.fromkeys(MEANING[lesion.method] for lesion in study.lesions)
        caption = (
            f"Lesioned minus intact samples of the same {counted(len(study.seeds), 'seed')}, mean "
            f"over {counted(len(study.trials), 'trial')}; whiskers: 95 % bootstrap interval over "
            "stimuli. "
            f"Voxels left out are {'; or '.join(methods)}."
        )
        names = tuple(lesion.name for lesion in study.lesions)
        return cls(names, scores, study.effects(), roi_colours(rois), caption, decoded)


@dataclass(frozen=True, eq=False, slots=True)
class GridCell:
    """A sample in a grid of two options.

    Attributes
    ----------
    image : (h, w, 3) uint8
    request : mapping
        ``DecodeRequest.to_json()``.
    seed : int
    scores : SampleScores or None
    n_candidates : int
        Stimuli that its rank is among.
    """

    image: ImageArray
    request: Mapping[str, Any]
    seed: int
    scores: SampleScores | None = None
    n_candidates: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class GridRow:
    """A row of a grid: its label, what was seen, and a cell a column; None where none was drawn."""

    label: str
    stimulus: ImageArray | None
    cells: tuple[GridCell | None, ...]


@dataclass(frozen=True, eq=False, slots=True)
class GridScene:
    """Samples over two options.

    Attributes
    ----------
    differ : (str, str)
        What differs along the rows and along the columns.
    columns : tuple of str
        Labels.
    rows : tuple of GridRow
    axes : mapping
        The two options and their values as JSON values, to bring the grid back.
    simulated : bool
    versions : mapping of str to str
        Package → version.
    """

    differ: tuple[str, str]
    columns: tuple[str, ...]
    rows: tuple[GridRow, ...]
    axes: Mapping[str, Any]
    simulated: bool
    versions: Mapping[str, str]

    @property
    def cells(self) -> list[GridCell]:
        """The samples there are, row by row."""
        return [cell for row in self.rows for cell in row.cells if cell is not None]


@dataclass(frozen=True, eq=False, slots=True)
class FigureContent:
    """Everything that a figure may be drawn from; parts that lack theirs cannot be drawn."""

    trials: tuple[DecodedTrial, ...]
    brain: BrainScene | None = None
    mask: MaskScene | None = None
    lesion: LesionScene | None = None
    grid: GridScene | None = None
