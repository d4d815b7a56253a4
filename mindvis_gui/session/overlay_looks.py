"""How the overlays are drawn, kept over other steps of preparation and in session files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from math import inf, isfinite
from pathlib import Path
from typing import Any

from mindvis_gui.session.overlays import ATTRIBUTION, COLOUR_MAPS, Look, Overlay, Overlays

_FILE = "file "  # begins the keys of overlays that were added


def keep_looks(overlays: Overlays, before: Sequence[Overlay]) -> None:
    """Draw the overlays as those `before` of the same voxels, with their files.

    One whose unit is another now has its own range and thresholds.
    """
    looks = {each.key: each.look for each in before if each.key != ATTRIBUTION}
    for old in before:
        new = overlays.find(old.key)
        if new is not None and new.unit != old.unit:
            look = old.look
            looks[old.key] = replace(
                new.look, colour_map=look.colour_map, opacity=look.opacity, visible=look.visible
            )
    overlays.take_up(looks, [each for each in before if each.volume is not None])


def looks_to_json(overlays: Iterable[Overlay]) -> list[dict[str, Any]]:
    """Return keys and looks, the lowest first, as JSON values: null is no limit."""
    return [
        {
            "key": each.key,
            **{
                name: None if isinstance(value, float) and not isfinite(value) else value
                for name, value in asdict(each.look).items()
            },
        }
        for each in overlays
        if each.key != ATTRIBUTION  # the map is not kept, and another is to be seen
    ]


def take_up_looks(overlays: Overlays, saved: Sequence[Mapping[str, Any]]) -> None:
    """Draw the overlays as `looks_to_json` says, and open the files among them.

    Raises
    ------
    KeyError, TypeError, ValueError
        If that is incomplete, or has a colour map that does not exist.
    """
    looks = {str(each["key"]): _look(each) for each in saved}
    overlays.take_up(looks)
    for key in looks:
        if key.startswith(_FILE) and overlays.find(key) is None:
            overlays.open(Path(key.removeprefix(_FILE)))


def _look(saved: Mapping[str, Any]) -> Look:
    if saved["colour_map"] not in COLOUR_MAPS:
        raise ValueError(f"there is no colour map {saved['colour_map']}")
    low, high = saved["clip_low"], saved["clip_high"]
    return Look(
        str(saved["colour_map"]),
        float(saved["low"]),
        float(saved["high"]),
        -inf if low is None else float(low),
        inf if high is None else float(high),
        float(saved["threshold"]),
        float(saved["opacity"]),
        bool(saved["visible"]),
        bool(saved["outlined"]),
    )
