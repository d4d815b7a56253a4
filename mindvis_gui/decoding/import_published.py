"""Published checkpoint files → a model folder with its card, whole or not at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from mindvis_gui.decoding.base_model import read_base_model
from mindvis_gui.decoding.checkpoint import Checkpoint
from mindvis_gui.decoding.convert import convert
from mindvis_gui.decoding.models import INDEX, read_model_info
from mindvis_gui.decoding.pipeline import MindVisPipeline
from mindvis_gui.decoding.request import ModelInfo
from mindvis_gui.errors import ExportError
from mindvis_gui.files import atomic_folder
from mindvis_gui.version import __version__

_CARD = """# {name}

A MinD-Vis model, imported from checkpoint files by mindvis-gui {version} on {date}.

## Files

| what | file | SHA-256 |
|---|---|---|
{files}

## What it is

- **Trained on**: {dataset}
- **Response**: {voxels} voxels, {patches} patches of {patch_size}
- **Pictures**: {size} × {size} pixels
- **Parameters**: {parameters:,}
- **Recovers masked voxels**: {recovers}

The published training adapts the encoder to the fMRI of the test trials too, and keeps the
checkpoint that scored best on the test set: unless this one was trained otherwise, its scores on
that test set are too good.

{settings}## Licence

Not in the files. Write here who trained the model, on whose data, and on what terms it may be used,
before you pass it on.
"""


@dataclass(frozen=True, slots=True)
class _Source:
    """A file, or folder, that is imported."""

    what: str
    path: Path
    sha256: str


def importing_published(
    ldm: Path,
    finetuned: Path,
    encoder: Path | None,
    folder: Path,
    *,
    n_voxels: int | None = None,
    overwrite: bool = False,
) -> Generator[tuple[float, str], None, Path]:
    """Import published checkpoint files as a model folder.

    Parameters
    ----------
    ldm, finetuned, encoder, n_voxels
        As in `mindvis_gui.decoding.convert.convert_published`.
    folder : Path
        To write; it appears when it is complete.
    overwrite : bool
        Whether a model folder may be replaced.

    Yields
    ------
    done : float
        From 0 to 1.
    what : str
        What is done next. Closing the generator leaves nothing behind.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ModelError
        If a file cannot be read safely, is another one, or does not convert completely.
    ExportError
        If the folder exists or cannot be written.
    """
    _check_free(folder, overwrite)
    sources = []
    yield 0.0, f"Reading {ldm.name}"
    base = read_base_model(ldm)
    sources.append(_Source("label-to-image model", ldm, _sha256(ldm)))
    yield 0.2, f"Reading {finetuned.name}"
    tuned = Checkpoint(finetuned, "model_state_dict")
    sources.append(_Source("fine-tuned model, stage B", finetuned, _sha256(finetuned)))
    stage_a = None
    if encoder is not None:
        yield 0.4, f"Reading {encoder.name}"
        stage_a = Checkpoint(encoder, "model")
        sources.append(_Source("fMRI encoder, stage A", encoder, _sha256(encoder)))
    yield 0.5, "Converting"
    pipeline = convert(base, tuned, stage_a, n_voxels)
    yield 0.8, f"Writing {folder.name}"
    with atomic_folder(folder, overwrite=overwrite) as made:
        _save(pipeline, made)
        yield 0.95, "Checking"
        settings = {each.path.name: each.settings for each in (tuned, stage_a) if each is not None}
        card = _card(read_model_info(made), sources, settings)
        (made / "README.md").write_text(card, encoding="utf-8")
    return folder


def _check_free(folder: Path, overwrite: bool) -> None:
    if not folder.exists():
        return
    if not overwrite:
        raise ExportError(f"{folder}: exists already; choose another name or allow --overwrite")
    if not (folder / INDEX).is_file():
        raise ExportError(f"{folder}: is no model folder, so it is not overwritten")


def _save(pipeline: MindVisPipeline, folder: Path) -> None:
    try:
        pipeline.save_pretrained(folder, safe_serialization=True)
    except SafetensorError as error:  # a full disk is not an OSError there
        raise ExportError(f"{folder.name}: cannot be written: {error}") from error


def _sha256(path: Path) -> str:
    """Return the hash of a file, or of a folder's weights one after the other."""
    files = sorted(path.rglob("*.safetensors")) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for each in files:
        with each.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _card(
    info: ModelInfo, sources: list[_Source], settings: Mapping[str, Mapping[str, Any]]
) -> str:
    files = [f"| {each.what} | {_cell(each.path.name)} | `{each.sha256}` |" for each in sources]
    return _CARD.format(
        name=info.name,
        version=__version__,
        date=datetime.now(UTC).date(),
        files="\n".join(files),
        dataset=_cell(info.dataset) or "not said in the files",
        voxels=info.voxels,
        patches=info.n_patches,
        patch_size=info.patch_size,
        size=info.image_size,
        parameters=info.parameters,
        recovers="yes" if info.has_masked_model else "no, it was imported without its SC-MBM",
        settings="".join(_table(name, values) for name, values in settings.items()),
    )


def _table(file: str, values: Mapping[str, Any]) -> str:
    """Return the configuration of one file as a section; paths are nobody's business."""
    rows = [
        f"| {_cell(name)} | {_cell(json.dumps(value))} |"
        for name, value in values.items()
        if not name.endswith("_path")
    ]
    return "\n".join(
        [f"## Configuration in {_cell(file)}\n", "| setting | value |", "|---|---|"]
    ) + ("\n" + "\n".join(rows) + "\n\n")


def _cell(text: str) -> str:
    """Return text that stays in its cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")[:200]
