"""The card of a trained model: what it is, from whose data, and what it has seen of the test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mindvis_gui.data.subject import Subject
from mindvis_gui.training.common_settings import Settings
from mindvis_gui.version import __version__


def write_card(
    folder: Path, facts: Mapping[str, Any], subject: Subject, settings: Settings, steps: int
) -> None:
    """Write README.md into the folder of a model that stage B made.

    Parameters
    ----------
    folder : pathlib.Path
    facts : mapping
        Configuration of the pipeline.
    subject : Subject
        Whose trials it was trained on.
    settings : Settings
    steps : int
        Updates of the weights.
    """
    n_train = sum(trial.split == "train" for trial in subject.trials)
    test_use = facts.get("test_use") or ["training made no use of test trials"]
    rows = {
        "trained with": f"`mindvis train {settings.STAGE}` of mindvis-gui {__version__}",
        "subject": f"{subject.display_name}, {subject.n_voxels:,} voxels",
        "training trials": f"{n_train:,}",
        "origin of the data": subject.origin or "not told by the file",
        "licence of the data": subject.licence or "not told by the file",
        "pictures": f"{facts['image_size']} × {facts['image_size']} pixels",
        "updates": f"{steps:,}",
        "test trials": "; ".join(test_use),
    }
    chosen = {f"`{name}`": value for name, value in settings.deciding().items()}
    text = f"""# {facts["dataset"]}

A MinD-Vis model (DC-LDM). It decodes responses of this subject only; `mindvis evaluate` scores it.

{_table(rows)}

## Settings

{_table(chosen)}
"""
    (folder / "README.md").write_text(text, encoding="utf-8")


def _table(rows: Mapping[str, Any]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {rows[name]} |" for name in rows)])
