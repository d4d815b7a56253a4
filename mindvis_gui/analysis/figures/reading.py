"""From a file back to what it says of its samples: pictures, figures, the JSON beside a figure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from PIL.TiffImagePlugin import TiffImageFile

from mindvis_gui.analysis.export import read_record
from mindvis_gui.analysis.figures.record import FORMAT, record_path
from mindvis_gui.analysis.figures.style import FORMATS
from mindvis_gui.errors import DataError

_DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"  # of an SVG, Dublin Core
_DESCRIBED = 270  # tag of TIFF 6.0


def holds_record(path: Path) -> bool:
    """Whether a file has the name of a picture or a figure that may hold its requests."""
    return path.suffix.lower() in FORMATS or _beside_a_figure(path)


def read_drawn_record(path: Path) -> dict[str, Any]:
    """Return what a sample's PNG, a figure or the JSON file beside a figure holds.

    A PDF is looked up in its JSON file.

    Raises
    ------
    DataError
        If the file cannot be read, or this application did not write it.
    """
    suffix = path.suffix.lower()
    if suffix == ".png":
        return read_record(path)
    if suffix == ".pdf":
        beside = record_path(path)
        if not beside.exists():
            raise DataError(
                f"{path}: the requests of a PDF are in {beside.name}, which is not beside it; "
                "put it there, or drop that file"
            )
        return read_drawn_record(beside)
    try:
        text = _TEXT[suffix](path)
        record = json.loads(text)
    except (OSError, ValueError, SyntaxError) as error:  # SyntaxError: of XML and of Pillow
        raise DataError(
            f"{path}: no decode request inside ({error}); only figures exported by this "
            "application hold one"
        ) from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise DataError(f"{path}: is not the record of a figure of this application")
    return record


def _beside_a_figure(path: Path) -> bool:
    return path.suffix.lower() == ".json" and Path(path.stem).suffix.lower() in FORMATS


def _svg_text(path: Path) -> str:
    for _, element in ElementTree.iterparse(path):  # the description stands before the pictures
        if element.tag == _DESCRIPTION:
            return element.text or ""
    return ""


def _tiff_text(path: Path) -> str:
    with TiffImageFile(path) as image:  # of any size, as no pixel is read
        tags: Any = getattr(image, "tag_v2", {})
        return str(tags.get(_DESCRIBED, ""))


def _json_text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


_TEXT = {".svg": _svg_text, ".tif": _tiff_text, ".tiff": _tiff_text, ".json": _json_text}
