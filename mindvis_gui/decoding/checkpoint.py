"""Published checkpoint files: pickles, read without running any code of theirs."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mindvis_gui.decoding.published_keys import renamed
from mindvis_gui.errors import ModelError

_CONFIG_CLASSES = (
    "Config_MBM_fMRI",
    "Config_MAE_fMRI",
    "Config_MBM_finetune",
    "Config_Generative_Model",
)


class _Config:
    """Stands in for every configuration class of the published code: attributes, no methods."""


class Checkpoint:
    """The contents of one file.

    Raises
    ------
    ModelError
        If the file is missing or cut off, or holds objects other than tensors, plain
        values and the known configuration classes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        known: list[Any] = [(_Config, f"config.{name}") for name in _CONFIG_CLASSES]
        try:
            with torch.serialization.safe_globals(known):
                contents = torch.load(path, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            reason = str(error).partition("\n")[0]
            raise ModelError(
                f"{path}: refused: no checkpoint, or it holds more than weights ({reason})"
            ) from error
        except (OSError, EOFError, RuntimeError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
            raise ModelError(f"{path}: cannot be read as a checkpoint: {reason}") from error
        if not isinstance(contents, Mapping):
            raise ModelError(f"{path}: holds a {type(contents).__name__}, not a checkpoint")
        self._contents = contents

    def weights(self, section: str) -> Weights:
        """Return the named tensors of a section."""
        found = self._contents.get(section)
        if not isinstance(found, Mapping) or not all(map(torch.is_tensor, found.values())):
            raise ModelError(
                f"{self.path}: has no weights under '{section}'; is this the right file?"
            )
        return Weights(found, self.path)

    def setting(self, name: str) -> Any:
        """Return a setting of the configuration that was saved with the weights."""
        try:
            return getattr(self._contents["config"], name)
        except (KeyError, AttributeError):
            raise ModelError(f"{self.path}: its configuration lacks '{name}'") from None


class Weights(dict[str, Tensor]):
    """Named tensors and the file that they came from."""

    def __init__(self, weights: Mapping[str, Tensor], path: Path) -> None:
        super().__init__(weights)
        self.path = path

    def __missing__(self, name: str) -> Tensor:
        raise ModelError(f"{self.path}: weight '{name}' is missing; is this the right file?")

    def take(self, prefix: str) -> Weights:
        """Take out the weights under `prefix`, which their names then lack."""
        names = [name for name in self if name.startswith(prefix)]
        return Weights({name.removeprefix(prefix): self.pop(name) for name in names}, self.path)

    def count(self, template: str) -> int:
        """Count from 0 how many of ``template.format(number)`` some name starts with."""
        number = 0
        while any(name.startswith(template.format(number)) for name in self):
            number += 1
        return number

    def fill(self, network: nn.Module, table: Mapping[str, str]) -> None:
        """Copy all weights into `network`, which calls them by other names.

        Raises
        ------
        ModelError
            If a weight is left over, missing or of another shape.
        """
        theirs = {ours: name for name, ours in renamed(self, table).items()}
        wanted = network.state_dict()
        missing = wanted.keys() - theirs.keys()
        extra = [theirs[name] for name in theirs.keys() - wanted.keys()]
        if missing or extra:
            raise ModelError(
                f"{self.path}: not the published layout of {type(network).__name__}; "
                f"missing: {_listed(missing)}; left over: {_listed(extra)}"
            )
        values = {}
        for name, target in wanted.items():
            value = self[theirs[name]]
            if value.shape == (*target.shape, 1, 1):  # a 1x1 convolution there, linear here
                value = value[:, :, 0, 0]
            if value.shape != target.shape:
                raise ModelError(
                    f"{self.path}: weight '{theirs[name]}' has shape {tuple(value.shape)} "
                    f"where {tuple(target.shape)} is needed"
                )
            values[name] = value.to(target.dtype)
        network.load_state_dict(values)


def _listed(names: Collection[str]) -> str:
    shown = sorted(names)[:5]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return (", ".join(shown) or "nothing") + more
