"""One colour a region, the same in the window and in figures."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

from mindvis_gui.data.subject import Roi

# Okabe & Ito (2008), safe for colour-blind eyes; black is left out, it cannot be seen on a brain.
ROI_COLOURS = ("#0072b2", "#56b4e9", "#009e73", "#f0e442", "#e69f00", "#d55e00", "#cc79a7")
_SHADES = (1.0, 1.35, 0.65)  # of the lightness, from the eighth region on


def roi_colours(rois: Sequence[Roi]) -> dict[str, str]:
    """Return the colour of every region as ``#rrggbb``, by name: its own, or by its place."""
    return {roi.name: roi.colour or _colour(i) for i, roi in enumerate(rois)}


def _colour(number: int) -> str:
    turn, which = divmod(number, len(ROI_COLOURS))
    code = ROI_COLOURS[which]
    red, green, blue = (int(code[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    shaded = min(0.92, lightness * _SHADES[turn % len(_SHADES)])
    channels = colorsys.hls_to_rgb(hue, shaded, saturation)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in channels)
