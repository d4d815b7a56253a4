"""What a figure can show of the session: the newest decodes, the brain, the mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mindvis_gui.analysis.comparison import compare
from mindvis_gui.analysis.decoded_trial import DecodedTrial
from mindvis_gui.analysis.figures.content import (
    BrainScene,
    FigureContent,
    GridCell,
    GridRow,
    GridScene,
    LesionScene,
    MaskScene,
    Regions,
)
from mindvis_gui.analysis.figures.style import GRID, MAX_PICTURES
from mindvis_gui.data.subject import Trial
from mindvis_gui.decoding.versions import installed_versions
from mindvis_gui.session.axes import OPTIONS
from mindvis_gui.session.collection import Drawn, Score
from mindvis_gui.session.keeping import recalled

if TYPE_CHECKING:
    from mindvis_gui.session.session import Session


class Figures:
    """Gathers the content of figures.

    Attributes
    ----------
    all_trials : bool
        Whether every trial decoded like the chosen one is drawn, or that one alone.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.all_trials = False

    def content(self, template: str = "comparison") -> Callable[[], FigureContent]:
        """Return a function that draws up the content as it is now; it may run in any thread.

        The grid's pictures, hundreds maybe, are read for its own template alone.
        """
        session = self._session
        subject, normalisation = session.subject, session.normalisation
        chosen = session.results.result
        grid = self._grid() if template == GRID else None
        if subject is None or normalisation is None or chosen is None:
            return lambda: FigureContent((), grid=None if grid is None else grid())
        scored = session.results.comparison_of(chosen)
        others: list[list[Drawn]] = []
        if self.all_trials:
            groups = session.collection.alike(chosen.request.to_json())
            others = [each for each in groups if each[0].options.trial != chosen.request.trial]
        brain, mask = self._brain(), self._mask()
        study, decoded = session.lesions.study, session.lesions.decoded()

        def gather() -> FigureContent:
            read = (recalled(group, subject, normalisation) for group in others)
            comparisons = [scored or compare(chosen, subject)]
            comparisons += [compare(result, subject) for result in read if result is not None]
            comparisons.sort(key=lambda each: each.result.request.trial)
            trials = tuple(DecodedTrial.of(each, subject) for each in comparisons)
            lesion = None
            if study is not None and study.trials and decoded is not None:
                lesion = LesionScene.of(study, subject.rois, decoded)
            return FigureContent(trials, brain, mask, lesion, None if grid is None else grid())

        return gather

    def _grid(self) -> Callable[[], GridScene] | None:
        """Return a function that reads the grid's pictures; None while it has no sample."""
        session, subject, grid = self._session, self._session.subject, self._session.grid
        if subject is None or session.trial is None:
            return None
        rows, columns = grid.axis(grid.rows), grid.axis(grid.columns)
        drawn: list[tuple[str, Trial, list[tuple[Drawn, Score | None] | None]]] = []
        for value in rows.values:
            if grid.rows == "trial" and not session.collection.newest(value):
                continue  # most of thousands
            trial = subject.trials[value] if grid.rows == "trial" else session.trial
            label = f"{value} {trial.label}".rstrip() if grid.rows == "trial" else rows.label(value)
            cells: list[tuple[Drawn, Score | None] | None] = []
            for column in columns.values:
                options = grid.cell(value, column).options
                sample = None if options is None else session.collection.get(options)
                score = None if options is None else session.collection.score(options)
                cells.append(None if sample is None else (sample, score))
            if any(cells):
                drawn.append((label, trial, cells))
        if not drawn:
            return None
        too_many = len(drawn) * (1 + len(columns.values)) > MAX_PICTURES  # drawing will say so
        axes = {
            "rows": grid.rows,
            "columns": grid.columns,
            "values": {axis.option: list(map(str, axis.values)) for axis in (rows, columns)},
        }
        differ = (OPTIONS[grid.rows], OPTIONS[grid.columns])
        labels = tuple(columns.label(value) for value in columns.values)

        def read() -> GridScene:
            made = tuple(
                GridRow(
                    label,
                    None if too_many else subject.stimulus(trial),
                    tuple(None if too_many else _read(cell) for cell in cells),
                )
                for label, trial, cells in drawn
            )
            versions = installed_versions()
            return GridScene(differ, labels, made, axes, subject.simulated, versions)

        return read

    def _brain(self) -> BrainScene | None:
        subject, state = self._session.subject, self._session.brain
        if subject is None or state.grid is None:
            return None
        shown = tuple(roi for roi in subject.rois if roi.name in state.visible_rois)
        every = Regions.of(subject.rois, subject.n_voxels)
        regions = Regions.of(shown, subject.n_voxels)
        # A region keeps its colour when others are hidden.
        colours = dict(zip(every.names, every.colours, strict=True))
        kept = tuple(colours[name] for name in regions.names)
        return BrainScene(
            state.grid, state.crosshair, Regions(regions.names, kept, regions.number_at)
        )

    def _mask(self) -> MaskScene | None:
        session, masking = self._session, self._session.masking
        if session.subject is None or session.vector is None:
            return None
        if masking.mask is None or masking.recovery is None:
            return None
        kept = masking.mask.kept_voxels(masking.patch_size, session.subject.n_voxels)
        return MaskScene.of(session.vector, kept, masking.recovery, session.subject.rois)


def _read(cell: tuple[Drawn, Score | None] | None) -> GridCell | None:
    """Read the picture of a cell; None where there is none, or none any more."""
    if cell is None:
        return None
    drawn, score = cell
    image = drawn.picture()
    if image is None:
        return None
    scores = None if score is None else score.scores
    candidates = 0 if score is None else score.n_candidates
    return GridCell(image, drawn.request, drawn.options.seed, scores, candidates)
