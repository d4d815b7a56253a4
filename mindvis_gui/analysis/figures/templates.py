"""What may stand on a page together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mindvis_gui.analysis.figures.brain_panel import draw_brain
from mindvis_gui.analysis.figures.comparison_grid import draw_comparison
from mindvis_gui.analysis.figures.consistency_panel import draw_consistency
from mindvis_gui.analysis.figures.content import FigureContent
from mindvis_gui.analysis.figures.lesion_panel import draw_lesion
from mindvis_gui.analysis.figures.mask_panel import draw_mask
from mindvis_gui.analysis.figures.option_grid import draw_grid
from mindvis_gui.analysis.figures.page import Page
from mindvis_gui.errors import ExportError

Part = Callable[[Page, float, FigureContent], float]


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of figure: its `title` in menus, and its `parts` from top to bottom."""

    title: str
    parts: tuple[Part, ...]


TEMPLATES = {
    "comparison": Template("Seen and decoded", (draw_comparison,)),
    "brain": Template("Brain, regions and samples", (draw_brain, draw_comparison)),
    "mask": Template("Masking and recovery", (draw_mask, draw_comparison)),
    "consistency": Template("Consistency over seeds", (draw_consistency,)),
    "grid": Template("Grid of two options", (draw_grid,)),
    "lesion": Template("What each region contributes", (draw_lesion,)),
    "page": Template("One-page report", (draw_brain, draw_mask, draw_comparison, draw_consistency)),
}


# Attributes of `FigureContent`; all other parts need trials alone.
_SCENES: dict[Part, str] = {
    draw_brain: "brain",
    draw_mask: "mask",
    draw_lesion: "lesion",
    draw_grid: "grid",
}


def template(name: str) -> Template:
    """Return the template of that name.

    Raises
    ------
    ExportError
        If there is none.
    """
    if name not in TEMPLATES:
        raise ExportError(f"there is no figure '{name}'; choose one of {', '.join(TEMPLATES)}")
    return TEMPLATES[name]


def scenes(name: str) -> set[str]:
    """Return which attributes of `FigureContent` a template is drawn from, besides trials."""
    return {_SCENES[part] for part in template(name).parts if part in _SCENES}


def missing(name: str, content: FigureContent) -> str:
    """Return what a template lacks to be drawn, as the end of a sentence; empty if nothing."""
    parts = template(name).parts
    if draw_grid in parts and (content.grid is None or not content.grid.cells):
        return "samples in the grid of the page Compare; decode them there"
    if draw_brain in parts and content.brain is None:
        return "the subject's voxel positions, which its file does not have"
    if draw_mask in parts and content.mask is None:
        return "a masked response and its recovery; mask some patches with a model that has SC-MBM"
    if draw_lesion in parts and content.lesion is None:
        return "a lesion study; run one in the panel Lesion, or with 'mindvis lesion'"
    if draw_consistency in parts and any(len(trial.samples) < 2 for trial in content.trials):
        return "two samples or more of every trial; decode with more seeds"
    return ""
