"""Colour maps as tables of 256 colours, and the colours of values.

Colours to be laid over each other are *packed*: 0xAARRGGBB in one uint32, each channel times the
opacity, as Qt draws fastest. A transparent one is 0.
"""

from __future__ import annotations

from functools import cache, lru_cache

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

from mindvis_gui.data.subject import FloatArray, ImageArray
from mindvis_gui.session.overlays import Look

_N = 256
# Blue below zero, orange above, dark in the middle: told apart by any eye, and zero stays calm.
_STOPS = (-1.0, -0.55, 0.0, 0.55, 1.0)
_COLOURS = ((178, 224, 255), (45, 125, 210), (28, 31, 36), (214, 92, 24), (255, 222, 150))
_PLAIN = {
    "white": (255, 255, 255),
    "red": (230, 72, 60),
    "green": (70, 190, 120),
    "blue": (76, 150, 255),
    "yellow": (240, 228, 66),
}
# Shown name → pyqtgraph's; all but the last are perceptually uniform.
_UNIFORM = {
    "blue-white-red": "CET-D1",
    "viridis": "viridis",
    "inferno": "inferno",
    "cividis": "cividis",
    "hot": "CET-L3",
    "turbo": "turbo",
}


@cache
def colour_table(name: str) -> ImageArray:
    """Return the colours (256, 3) of a map, from its low to its high end."""
    places = np.linspace(-1, 1, _N)
    if name in _PLAIN:
        table = np.tile(np.array(_PLAIN[name]), (_N, 1))
    elif name == "grey":
        table = np.repeat(np.arange(_N)[:, None], 3, axis=1)
    elif name == "blue-orange":
        channels = [np.interp(places, _STOPS, channel) for channel in zip(*_COLOURS, strict=True)]
        table = np.stack(channels, axis=-1)
    else:
        table = pg.colormap.get(_UNIFORM[name]).getLookupTable(nPts=_N)[:, :3]
    made = np.ascontiguousarray(table, dtype=np.uint8)
    made.setflags(write=False)
    return made


def packed_colours(values: FloatArray, look: Look) -> NDArray[np.uint32]:
    """Return the colours (…) of `values` (…), packed; transparent ones are 0.

    Colours end at `look.low` and `look.high`; values beyond have the colours of the ends. What
    `look` hides, and NaN, is transparent.
    """
    width = look.high - look.low
    scaled = (values - np.float32(look.low)) * np.float32(_N / width if width > 0 else 0)
    np.clip(scaled, 0, _N - 1, out=scaled)
    with np.errstate(invalid="ignore"):  # NaN gets some colour, and is transparent below
        index = scaled.astype(np.int32)
    shown = np.abs(values) >= look.threshold  # False for NaN
    if np.isfinite(look.clip_low) or np.isfinite(look.clip_high):
        shown &= (values >= look.clip_low) & (values <= look.clip_high)
    # Twice as fast as indexing and `where`, and every pixel of every layer comes by here.
    return _packed_table(look.colour_map, look.opacity).take(index, mode="clip") * shown


def value_colours(values: FloatArray, look: Look) -> ImageArray:
    """Return the colours (…, 4) of `values` (…), R, G and B times A, see `packed_colours`."""
    return unpacked(packed_colours(values, look))


@lru_cache(maxsize=64)
def _packed_table(name: str, opacity: float) -> NDArray[np.uint32]:
    opaque = np.full((_N, 1), round(255 * opacity), dtype=np.uint8)
    return packed(np.hstack([colour_table(name), opaque]))


def packed(rgba: ImageArray) -> NDArray[np.uint32]:
    """Return RGBA colours (…, 4) packed (…)."""
    wide = rgba.astype(np.uint32)
    alpha = wide[..., 3]
    colours = (wide[..., :3] * wide[..., 3:] + 127) // 255
    shifts = np.array([16, 8, 0], dtype=np.uint32)
    return alpha << np.uint32(24) | np.bitwise_or.reduce(colours << shifts, axis=-1)


def unpacked(colours: NDArray[np.uint32]) -> ImageArray:
    """Return packed colours (…) as bytes (…, 4): R, G and B times A, and A."""
    return np.stack([(colours >> shift).astype(np.uint8) for shift in (16, 8, 0, 24)], axis=-1)
