"""Checkpoints of a training: everything that going on needs, in one file, whole or not there."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from mindvis_gui.errors import TrainingError, reason_of
from mindvis_gui.files import atomic_path

CHECKPOINT = "checkpoint.pt"
_ABSENT = "not there"


class Stateful(Protocol):
    """A network, an optimiser or an average: whatever a checkpoint must hold."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Take over a state."""
        ...


def save_checkpoint(
    path: Path, step: int, parts: Mapping[str, Stateful], settings: Mapping[str, Any]
) -> None:
    """Write the state after `step` steps in place of the one before.

    Raises
    ------
    ExportError
        If it cannot be written, to a full disk for example; the one before stays.
    """
    state = {
        "step": step,
        "settings": dict(settings),
        "parts": {name: part.state_dict() for name, part in parts.items()},
    }
    with atomic_path(path) as temporary:
        try:
            torch.save(state, temporary)
        except RuntimeError as error:
            # torch's writer does not say why it failed: what is wrong shows in a plain write.
            _probe(temporary)
            raise OSError(errno.EIO, str(error).partition("\n")[0]) from error


def load_checkpoint(path: Path, parts: Mapping[str, Stateful], settings: Mapping[str, Any]) -> int:
    """Take over the state in `path`; return the number of steps done, 0 without a file.

    Raises
    ------
    TrainingError
        If the file is damaged, or of a run with other parts or other settings.
    """
    if not path.is_file():
        return 0
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        step, saved, states = int(state["step"]), state.get("settings", {}), state["parts"]
    except Exception as error:  # torch.load has no error of its own
        reason = str(error).strip().partition("\n")[0]
        raise TrainingError(
            f"{path}: is no checkpoint, or damaged ({reason}); choose an empty folder"
        ) from error
    if states.keys() != parts.keys():
        raise TrainingError(
            f"{path}: holds {', '.join(states)} but this stage has {', '.join(parts)}; "
            "it is of another kind of training, choose an empty folder"
        )
    _compare(path, saved, settings)
    try:
        for name, part in parts.items():
            part.load_state_dict(states[name])
    except (RuntimeError, ValueError, KeyError) as error:
        raise TrainingError(
            f"{path}: is of other networks ({reason_of(error)}); choose an empty folder"
        ) from error
    return step


def _compare(path: Path, saved: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    differing = [
        f"{name} was {saved.get(name, _ABSENT)}, now {settings.get(name, _ABSENT)}"
        for name in {**saved, **settings}
        if saved.get(name, _ABSENT) != settings.get(name, _ABSENT)
    ]
    if differing:
        raise TrainingError(
            f"{path}: is of another configuration: {'; '.join(differing)}. "
            "Go on with the one before, or choose an empty folder"
        )


def _probe(path: Path) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(bytes(1 << 20))
        os.fsync(file.fileno())
