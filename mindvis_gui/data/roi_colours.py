"""One colour a region, the same in the window and in figures."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

from mindvis_gui.data.subject import Roi

# Okabe & Ito (2008), safe for colour-blind eyes; black is left out, it cannot be seen on a brain.
ROI_COLOURS = ("#0072b2", "#56b4e9", "#009e73", "#f0e442", "#e69f00", "#d55e00", "#cc79a7")
# Each is the colour of a grid over RGB that is told best from all before it and from grey: by
# CIEDE2000, in normal vision and, at twice the weight, without red, green or blue cones (Machado,
# Oliveira & Fernandes 2009, severity 1).
_MORE = (
    "#695a2d", "#873c78", "#9669ff", "#96e196", "#4b0fff", "#00e1f0", "#d2003c", "#b4a569",
    "#5a784b", "#d200c3", "#a52d00", "#87b496", "#2d5af0", "#7896ff", "#c36969", "#78963c",
    "#ffb478", "#9696c3", "#876996", "#0f694b", "#e1b4d2", "#b43c69", "#96c34b", "#5a4b96",
    "#c369d2", "#a55a00", "#ff96b4", "#f04b87", "#f08787", "#ff69d2", "#b49600", "#870fc3",
    "#f0c300",
)  # fmt: skip
_ALL = (*ROI_COLOURS, *_MORE)
_SHADES = (1.0, 1.35, 0.65)  # of the lightness, of regions beyond these


def roi_colours(rois: Sequence[Roi]) -> dict[str, str]:
    """Return the colour of every region as ``#rrggbb``, by name: its own, or by its place."""
    return {roi.name: roi.colour or _colour(i) for i, roi in enumerate(rois)}


def _colour(number: int) -> str:
    turn, which = divmod(number, len(_ALL))
    code = _ALL[which]
    red, green, blue = (int(code[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    shaded = min(0.92, lightness * _SHADES[turn % len(_SHADES)])
    channels = colorsys.hls_to_rgb(hue, shaded, saturation)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)
