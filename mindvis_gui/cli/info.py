"""``mindvis info``: what is in a subject or a model folder."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mindvis_gui.data.subject import Subject
    from mindvis_gui.decoding.request import ModelInfo


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe the command and add its options."""
    parser.description = "Say what is in a subject file or a model folder."
    parser.add_argument(
        "path", metavar="PATH", help="subject file, 'demo', a model folder or a model's name"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(args: argparse.Namespace) -> int:
    """Read what describes the subject or the model, and print it."""
    from mindvis_gui.cli.output import write, write_json
    from mindvis_gui.decoding.models import find_model, find_models, is_part, read_model_info

    path = Path(args.path)
    if args.path and (path / "model_index.json").is_file():
        facts = model_facts(read_model_info(path))
    elif args.path and is_part(path):
        facts = model_facts(read_model_info(find_model(path)))  # says what it is
    elif args.path != "demo" and not path.exists() and args.path in (models := find_models()):
        facts = model_facts(read_model_info(models[args.path]))
    else:
        from mindvis_gui.data import open_subject

        facts = subject_facts(open_subject(args.path))
    if args.json:
        write_json(facts)
    else:
        write("\n".join(_lines(facts)))
    return 0


def subject_facts(subject: Subject) -> dict[str, Any]:
    """Return what a subject holds, as JSON values."""
    stimuli = {trial.stimulus_id for trial in subject.trials if trial.stimulus_id}
    return {
        "kind": "subject",
        "name": subject.name,
        "simulated": subject.simulated,
        "source": str(subject.source),
        "origin": subject.origin,
        "licence": subject.licence,
        "voxels": subject.n_voxels,
        "unit": subject.unit,
        "trials": dict(Counter(trial.split for trial in subject.trials)),
        "stimuli": len(stimuli),
        "rois": {roi.name: len(roi.voxels) for roi in subject.rois},
        **_grid(subject),
        "anatomy": None if subject.anatomy is None else list(subject.anatomy.data.shape),
        "maps": list(subject.maps),
        "notes": list(subject.notes),
    }


def _grid(subject: Subject) -> dict[str, Any]:
    """Return extent and voxel size of the functional grid, None where positions are unknown."""
    if subject.ijk is None or subject.affine is None:
        return {"grid": None, "voxel_size_mm": None}
    import numpy as np

    extent = subject.ijk.max(axis=0) - subject.ijk.min(axis=0) + 1
    sizes = np.linalg.norm(subject.affine[:3, :3], axis=0)
    return {"grid": extent.tolist(), "voxel_size_mm": [round(float(size), 3) for size in sizes]}


def model_facts(info: ModelInfo) -> dict[str, Any]:
    """Return what a model is and needs, as JSON values."""
    return {
        "kind": "model",
        "name": info.name,
        "folder": info.folder,
        "dataset": info.dataset,
        "voxels": info.n_voxels or info.voxels,
        "patch_size": info.patch_size,
        "patches": info.n_patches,
        "image_size": info.image_size,
        "parameters": info.parameters,
        "masked_model": info.has_masked_model,
        "guidance": info.guidance,
        "test_use": list(info.test_use),
        "hash": info.hash,
    }


def _lines(facts: dict[str, Any]) -> list[str]:
    """Return one aligned line a fact, or several for a list of sentences."""
    width = max(len(name) for name in facts)
    lines = []
    for name, value in facts.items():
        texts = value if _is_sentences(value) else [_text(value)]
        for i, text in enumerate(texts):
            lines.append(f"{'' if i else name.replace('_', ' '):<{width}}  {text}")
    return lines


def _is_sentences(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], str)


def _text(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case _ if not value:
            return "none"
        case dict():
            return " · ".join(f"{name} {_text(each)}" for name, each in value.items())
        case list():
            return " × ".join(_text(each) for each in value)
        case _:
            return str(value)
