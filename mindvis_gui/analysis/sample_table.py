"""Samples as arrays, and their scores as a table, each row with how it was decoded."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mindvis_gui.analysis.caption import response_texts
from mindvis_gui.data.subject import FloatArray, ImageArray
from mindvis_gui.decoding.sampling_settings import NO_GUIDANCE
from mindvis_gui.errors import ExportError
from mindvis_gui.files import atomic_path

Row = Mapping[str, str | int | float | None]


def request_row(request: Mapping[str, Any], seed: int) -> dict[str, str | int | float | None]:
    """Return how one sample was decoded, in columns; `request` is in JSON values."""
    mask, rois = request["mask"], request["rois"]
    done = response_texts(request)
    return {
        "subject": request["subject"],
        "trial": request["trial"],
        "stimulus_id": request["stimulus_id"],
        "label": request["label"],
        "seed": seed,
        "sampler": request["sampler"],
        "steps": request["steps"],
        "precision": request["precision"],
        "guidance": request.get("guidance", NO_GUIDANCE),
        "rois": None if rois is None else " ".join(rois),
        "mask_ratio": None if mask is None else len(mask["masked"]) / mask["n_patches"],
        "lesion": done["lesion"] or None,
        "preparation": done["preparation"] or None,
        "model": request["model"],
        "model_hash": request["model_hash"],
    }


def write_table(rows: Sequence[Row], path: Path) -> None:
    """Write a table as CSV, or as Parquet if `path` ends so; all rows have the same columns.

    Raises
    ------
    ExportError
        If the file cannot be written, there is no row, or no library writes Parquet here.
    """
    if not rows:
        raise ExportError(f"{path.name}: there is no sample to write; decode one first")
    if path.suffix.lower() == ".parquet":
        _write_parquet(rows, path)
        return
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _write_parquet(rows: Sequence[Row], path: Path) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ExportError(
            f"{path.name}: Parquet needs the package pyarrow; install it or choose CSV"
        ) from error
    with atomic_path(path) as temporary:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), temporary)


def write_arrays(
    samples: Sequence[ImageArray] | Sequence[FloatArray], rows: Sequence[Row], path: Path
) -> None:
    """Write pictures (h, w, 3) uint8 or latents (channels, h, w) float32 as one NumPy array.

    Their rows lie beside it as JSON.

    Raises
    ------
    ExportError
        If a file cannot be written, would replace one of something else, or the samples differ
        in size.
    """
    check_array_name(path)
    shapes = {sample.shape for sample in samples}
    if len(shapes) != 1:
        what = "there is no sample" if not shapes else "the samples differ in size"
        raise ExportError(f"{path.name}: {what}; nothing is written")
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, np.stack(samples))
    with atomic_path(_rows_path(path)) as temporary:
        text = json.dumps({"array": path.name, "rows": list(rows)}, ensure_ascii=False, indent=1)
        temporary.write_text(text + "\n", encoding="utf-8")


def check_array_name(path: Path) -> None:
    """Check that the rows of an array would replace no file but those of an older one.

    Raises
    ------
    ExportError
        If they would: only the array's name was asked for.
    """
    rows = _rows_path(path)
    try:
        there = json.loads(rows.read_bytes())
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        there = None
    if not isinstance(there, dict) or there.keys() != {"array", "rows"}:
        raise ExportError(
            f"{rows}: the rows beside the array would replace this file, which is of something "
            "else; give the array another name"
        )


def _rows_path(path: Path) -> Path:
    return path.with_suffix(".json")
