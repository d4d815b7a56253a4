"""How numbers are written."""

from __future__ import annotations

from math import isnan


def coefficient(value: float | None) -> str:
    """Write a correlation or similarity as papers do: .62, −.05, 1.00; a dash for none."""
    if value is None or isnan(value):
        return "–"
    text = f"{abs(value):.2f}".removeprefix("0")
    return f"−{text}" if value < 0 and text != ".00" else text


def duration(seconds: float) -> str:
    """Write how long something takes: 40 s, 12 min, 3 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
