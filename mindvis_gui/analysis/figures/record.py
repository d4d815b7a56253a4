"""The record of a figure: requests and scores of what it shows, inside and as JSON beside it."""

from __future__ import annotations

from pathlib import Path

FORMAT = "mindvis figure"


def record_path(path: Path) -> Path:
    """Return the name of the JSON file beside a figure."""
    return path.with_name(f"{path.name}.json")
