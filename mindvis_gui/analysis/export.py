"""Pictures as PNG files that say how they were made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.decoding.request import DecodeRequest, Sample
from mindvis_gui.decoding.sample_record import CHUNK, request_of_seed
from mindvis_gui.errors import DataError, ExportError
from mindvis_gui.files import atomic_path, is_there


def write_sample(sample: Sample, request: DecodeRequest, path: Path) -> None:
    """Write a sample as PNG with its request embedded; the same sample gives the same bytes.

    Raises
    ------
    ExportError
        If the file cannot be written; an existing one stays as it was.
    """
    write_drawn(sample.image, request.to_json(), sample.seed, path)


def write_drawn(image: ImageArray, request: Mapping[str, Any], seed: int, path: Path) -> None:
    """Write the sample (h, w, 3) of one `seed` of a request (as JSON values), as `write_sample`.

    Raises
    ------
    ExportError
        If the file cannot be written; an existing one stays as it was.
    """
    info = PngInfo()
    text = json.dumps(request_of_seed(request, seed), ensure_ascii=False, sort_keys=True)
    info.add_itxt(CHUNK, text)
    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary, "PNG", pnginfo=info)


def check_replaceable(path: Path, sample: Sample, request: DecodeRequest) -> None:
    """Refuse to write a sample where another file lies, such as a sample of another decode.

    Raises
    ------
    ExportError
        If there is a file that does not hold this very sample.
    """
    if not is_there(path):
        return
    try:
        there = read_request(path)
    except DataError:
        there = {}
    mine = json.loads(json.dumps(request_of_seed(request.to_json(), sample.seed)))
    if {**there, "versions": None} != {**mine, "versions": None}:
        raise ExportError(
            f"{path}: is there already and holds no sample of this decode; choose another folder"
        )


def write_stimulus(picture: ImageArray, path: Path) -> None:
    """Write a stimulus (h, w, 3) uint8 as PNG.

    Raises
    ------
    ExportError
        If the file cannot be written; an existing one stays as it was.
    """
    with atomic_path(path) as temporary:
        Image.fromarray(picture).save(temporary, "PNG")


def read_request(path: Path) -> dict[str, Any]:
    """Return the request embedded in the picture of a sample, as `sample_request` made it.

    Raises
    ------
    DataError
        If the file is no PNG picture or none that this application wrote.
    """
    record = read_record(path)
    if not isinstance(record.get("seed"), int):
        raise _no_request(path)
    return record


def read_record(path: Path) -> dict[str, Any]:
    """Return what this application embedded in a PNG: of a sample or of a figure.

    Raises
    ------
    DataError
        If the file is no PNG picture or none that this application wrote.
    """
    try:
        # Only its text is read: what `Image.open` would refuse by its size may be a large figure.
        with PngImageFile(path) as image:
            text = image.info.get(CHUNK)
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises on damaged files
        raise DataError(f"{path}: not a readable PNG picture ({error})") from error
    try:
        record = json.loads(text or "")
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise _no_request(path)
    return record


def _no_request(path: Path) -> DataError:
    return DataError(
        f"{path}: no decode request inside; only pictures exported by this application hold one"
    )
