"""What lies at a point of the brain, in words."""

from __future__ import annotations

import numpy as np

from mindvis_gui.session import Session
from mindvis_gui.session.overlays import RESPONSE, Overlay, value_at


def regions_at(session: Session, voxel: int) -> list[str]:
    """Return the names of the regions that hold a voxel of the response."""
    assert session.subject is not None
    return [roi.name for roi in session.subject.rois if np.any(roi.voxels == voxel)]


def overlay_value(session: Session, overlay: Overlay, point: tuple[int, int, int]) -> str:
    """Return the value of an overlay at a point with its unit; empty where it has none."""
    if session.brain.grid is None or not overlay.has_values:
        return ""
    value = value_at(overlay, session.brain.grid, point)
    return "" if np.isnan(value) else f"{value:.3g} {overlay.unit}".rstrip().replace("-", "−")


def describe(session: Session, point: tuple[int, int, int]) -> str:
    """Return position, value, regions and voxel number of a point of the grid, on one line."""
    grid = session.brain.grid
    assert grid is not None
    parts = [position(grid.to_mm(point).tolist())]
    shown = session.overlays.topmost or session.overlays.find(RESPONSE)
    value = overlay_value(session, shown, point) if shown is not None else ""
    voxel = int(grid.voxel_at[point])
    if voxel >= 0:
        parts += regions_at(session, voxel)
    if value:
        parts.append(value)
    if voxel >= 0:
        parts.append(f"voxel {voxel:,}")
    return "  ".join(parts)


def position(mm: list[float]) -> str:
    """Write a position in mm, without decimals where there are none, with true minus signs."""
    texts = (f"{value:.1f}".removesuffix(".0") for value in mm)
    return " ".join("0" if text == "-0" else text.replace("-", "−") for text in texts)
