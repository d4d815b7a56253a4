"""Laying packed colours over each other, see `colour_maps`."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Colours: TypeAlias = NDArray[np.uint32]
_ONE, _THREE = np.uint32(8), np.uint32(24)  # bytes, in bits
_PAIR, _ROUND = np.uint32(0x00FF00FF), np.uint32(0x00800080)


def over(upper: Colours, lower: Colours) -> Colours:
    """Lay the colours `upper` (…) over `lower` (…): upper + lower · (1 - opacity of upper).

    Two channels at a time lie 16 bits apart in one number, where 8 bits times 8 bits have room.
    """
    keep = ~upper >> _THREE
    odd = _by_255((lower & _PAIR) * keep)
    even = _by_255((lower >> _ONE & _PAIR) * keep)
    return upper + (odd | even << _ONE)


def _by_255(pair: Colours) -> Colours:
    """Divide the two 16-bit halves of each number by 255, to the nearest."""
    pair = pair + _ROUND
    return ((pair + (pair >> _ONE & _PAIR)) >> _ONE) & _PAIR
