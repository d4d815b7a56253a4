"""Three slices through the brain with the regions that were decoded from."""

from __future__ import annotations

import numpy as np

from mindvis_gui.analysis.figures.content import BrainScene, FigureContent
from mindvis_gui.analysis.figures.page import MARGIN, Page, greys, text_width, without_middle
from mindvis_gui.analysis.figures.style import INK
from mindvis_gui.data.plane import Plane, planes
from mindvis_gui.data.subject import ImageArray

_GAP = 12  # dots between slices
_SCALE_BAR = 20  # mm
_OPACITY = 0.75  # of the regions on the anatomy
_TALLEST = 720  # dots
_WHITE = "#ffffff"
_AXES = "xyz"


def draw_brain(page: Page, y: float, content: FigureContent) -> float:
    """Draw the slices at one scale, letters at their edges, a scale bar and the regions' names."""
    scene = content.brain
    assert scene is not None
    y = page.title(y, "Regions of interest")
    shown = planes(scene.grid.shape, scene.grid.affine)
    width = sum(plane.extent[0] for plane in shown)
    height = max(plane.extent[1] for plane in shown)
    dots_a_mm = min((page.inner - 2 * _GAP) / width, _TALLEST / height)
    left = MARGIN + (page.inner - 2 * _GAP - width * dots_a_mm) / 2
    at = scene.grid.to_mm(scene.crosshair)
    places = [
        f"{axis} = {round(mm)} mm".replace("-", "−") for axis, mm in zip(_AXES, at, strict=True)
    ]
    fit = all(
        text_width(where, page.style) <= plane.extent[0] * dots_a_mm
        for where, plane in zip(places, shown, strict=True)
    )
    for world, plane in enumerate(shown):
        wide, tall = plane.extent[0] * dots_a_mm, height * dots_a_mm
        page.box(left, y, wide, tall, facecolor="black")
        inside = y + (height - plane.extent[1]) / 2 * dots_a_mm
        page.picture(_slice(scene, plane), left, inside, wide, plane.extent[1] * dots_a_mm)
        _write_edges(page, plane, left, y, wide, tall)
        if fit:
            page.text(left + wide / 2, y + tall + 8, places[world], ha="center")
        left += wide + _GAP
    right = left - _GAP - 16
    bar = y + height * dots_a_mm - 24
    length, letter = f"{_SCALE_BAR} mm", text_width("P", page.style)
    if text_width(length, page.style) + letter / 2 + 26 > wide / 2:
        bar -= page.style.line  # above the letter at the edge
    page.line((right - _SCALE_BAR * dots_a_mm, right), (bar, bar), color=_WHITE, linewidth=1.2)
    # Below the letter in the middle of the edge, or else below the slices.
    inside = bar - 8 - page.style.line >= y + height * dots_a_mm / 2 + page.style.line / 2
    if inside:
        middle = right - max(_SCALE_BAR * dots_a_mm, text_width(length, page.style)) / 2
        page.text(middle, bar - 8, length, ha="center", va="bottom", color=_WHITE)
    y += height * dots_a_mm + (page.style.line + 20 if fit else 8)
    below = ([] if fit else places) + ([] if inside else [f"bar: {length}"])
    if below:
        whole = [where.replace(" ", "\N{NO-BREAK SPACE}") for where in below]
        y = page.paragraph(y, ", ".join(whole), INK)
    return _write_regions(page, y, scene) + 16


def _slice(scene: BrainScene, plane: Plane) -> ImageArray:
    """Return the anatomy with the regions on it, row 0 at the top."""
    at = scene.crosshair[plane.through]
    picture = greys(plane.slice(scene.grid.anatomy, at)).astype(np.float64)
    voxels = plane.slice(scene.grid.voxel_at, at)
    number = np.where(voxels >= 0, scene.regions.number_at[voxels], 0)
    for i, colour in enumerate(scene.regions.colours, start=1):
        here = number == i
        picture[here] = (1 - _OPACITY) * picture[here] + _OPACITY * _channels(colour)
    return picture[::-1].round().astype(np.uint8)


def _channels(colour: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], dtype=np.float64)


def _write_edges(
    page: Page, plane: Plane, left: float, top: float, wide: float, tall: float
) -> None:
    west, east, south, north = plane.edges
    middle, centre = top + tall / 2, left + wide / 2
    page.text(left + 10, middle, west, va="center", color=_WHITE)
    page.text(left + wide - 10, middle, east, va="center", ha="right", color=_WHITE)
    page.text(centre, top + 8, north, ha="center", color=_WHITE)
    page.text(centre, top + tall - 8, south, ha="center", va="bottom", color=_WHITE)


def _write_regions(page: Page, y: float, scene: BrainScene) -> float:
    """Write the regions with their colour and number of voxels, in as many lines as they need."""
    x, swatch = float(MARGIN), page.style.line * 0.6
    for number, (name, colour) in enumerate(
        zip(scene.regions.names, scene.regions.colours, strict=True), start=1
    ):
        count = f" {scene.regions.size(number):,}"
        room = page.inner - swatch - 10 - text_width(count, page.style)
        text = without_middle(name, room, page.style) + count
        wide = swatch + 10 + text_width(text, page.style) + 36
        if x + wide > page.width - MARGIN and x > MARGIN:
            x, y = MARGIN, y + page.style.line
        page.box(x, y + 4, swatch, swatch, facecolor=colour)
        page.text(x + swatch + 10, y, text)
        x += wide
    text = "voxels"
    x -= 24
    if x + text_width(text, page.style) > page.width - MARGIN:
        x, y = MARGIN, y + page.style.line
    page.text(x, y, text, color="#5f6670")
    return y + page.style.line
