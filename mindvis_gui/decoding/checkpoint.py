"""Published checkpoint files: pickles, read without running any code of theirs."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mindvis_gui.decoding.inert import Inert, stand_ins
from mindvis_gui.decoding.published_keys import renamed
from mindvis_gui.errors import ModelError

# The section that holds the weights tells which of the published files a file is.
_KINDS = {
    "state_dict": "a latent diffusion model (model.ckpt)",
    "model_state_dict": "a fine-tuned model (finetuned.pth)",
    "model": "a pre-trained fMRI encoder (fmri_encoder.pth)",
}
_BARE = "state_dict"  # the one kind that also comes as its weights alone
_PLAIN = (bool, int, float, str)
_WRAPPED = "module."  # what DataParallel puts before every name


class Checkpoint:
    """The contents of one file.

    Parameters
    ----------
    path : Path
    section : {"state_dict", "model_state_dict", "model"}
        Where the weights are in a file of the kind that is wanted.

    Raises
    ------
    ModelError
        If the file is missing or cut off, is of another kind, or holds objects other than
        tensors, plain values and the known classes.
    """

    def __init__(self, path: Path, section: str) -> None:
        self.path = path
        try:
            contents = _read(path)
        except pickle.UnpicklingError as error:
            named = re.search(r"GLOBAL (\S+)", str(error))
            what = f"it holds {named[1]}, which is no weight" if named else "it is no checkpoint"
            raise ModelError(f"{path}: refused: {what}; nothing of it was run") from error
        except OSError as error:
            raise ModelError(f"{path}: cannot be read: {error.strerror or error}") from error
        except Exception as error:  # a damaged file makes torch's reader fail in any way
            reason = str(error).partition("\n")[0].partition(". ")[0]
            raise ModelError(f"{path}: is no checkpoint, or damaged: {reason}") from error
        if not isinstance(contents, Mapping):
            raise ModelError(f"{path}: holds a {type(contents).__name__}, not a checkpoint")
        if contents and all(map(_is_weight, contents.items())):
            if section != _BARE:
                raise ModelError(
                    f"{path}: holds weights alone, and no configuration; "
                    f"give the file that was saved as {_KINDS[section]}"
                )
            contents = {_BARE: contents}
        if section not in contents:
            kind = next((_KINDS[name] for name in _KINDS if name in contents), "something else")
            raise ModelError(f"{path}: is {kind}, not {_KINDS[section]}")
        self._weights, self._config = contents[section], contents.get("config")

    def take_weights(self) -> Weights:
        """Return the named tensors, which take gigabytes and are kept here no longer."""
        found, self._weights = self._weights, None
        if not isinstance(found, Mapping) or not all(map(_is_weight, found.items())):
            raise ModelError(f"{self.path}: holds more than weights among its weights")
        for name, value in found.items():
            if value.numel() * value.element_size() > value.untyped_storage().nbytes():
                raise ModelError(f"{self.path}: weight '{name}' claims more values than it has")
        return unwrapped(found, self.path)

    @property
    def settings(self) -> dict[str, Any]:
        """The configuration that was saved with the weights: plain values, and lists of them."""
        found = vars(self._config) if isinstance(self._config, Inert) else self._config
        if not isinstance(found, Mapping):
            return {}
        return {
            str(name): value
            for name, value in found.items()
            if isinstance(value, _PLAIN)
            or (isinstance(value, list | tuple) and all(isinstance(v, _PLAIN) for v in value))
        }

    def number(self, name: str) -> int:
        """Return a setting that is a whole number from 1."""
        value = self.settings.get(name)
        if value is None:
            if not self.settings:
                raise ModelError(f"{self.path}: lacks the configuration that tells '{name}'")
            raise ModelError(f"{self.path}: its configuration lacks '{name}'")
        if not isinstance(value, int) or value < 1:
            raise ModelError(f"{self.path}: its configuration has {value!r} as '{name}'")
        return value


class Weights(dict[str, Tensor]):
    """Named tensors, the file that they came from, and what that file calls them.

    Parameters
    ----------
    weights : mapping of str to Tensor
    path : Path
    theirs : mapping of str to str, optional
        What the file calls those that are called otherwise here.
    lent : mapping of str to Path, optional
        The files of those that another one stands in for.
    """

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        path: Path,
        theirs: Mapping[str, str] | None = None,
        lent: Mapping[str, Path] | None = None,
    ) -> None:
        super().__init__(weights)
        self.path = path
        self._theirs, self._lent = theirs or {}, lent or {}

    def __missing__(self, name: str) -> Tensor:
        raise ModelError(f"{self.path}: weight '{name}' is missing; is this the right file?")

    def shape(self, name: str, dimensions: int) -> tuple[int, ...]:
        """Return the shape of a weight that must have so many dimensions."""
        shape = tuple(self[name].shape)
        if len(shape) != dimensions or 0 in shape:
            raise ModelError(
                f"{self.file(name)}: weight '{self.called(name)}' has shape {shape}, "
                f"which is not {dimensions} sizes above 0"
            )
        return shape

    def called(self, name: str) -> str:
        """Return what the file calls a weight."""
        return self._theirs.get(name, name)

    def file(self, name: str) -> Path:
        """Return the file that a weight came from."""
        return self._lent.get(name, self.path)

    def renamed(self, table: Mapping[str, str]) -> Weights:
        """Return the weights by our names."""
        ours = renamed(self, table)
        return self._moved(ours, {ours[old]: value for old, value in self.items()})

    def without(self, unused: re.Pattern[str]) -> Weights:
        """Return the weights whose names do not match from their start."""
        used = {name: value for name, value in self.items() if not unused.match(name)}
        return self._moved({name: name for name in used}, used)

    def over(self, base: Weights) -> Weights:
        """Return these weights, and those of `base` that are not among them."""
        lent = {name: base.file(name) for name in base if name not in self}
        return Weights(base | self, self.path, {**base._theirs, **self._theirs}, lent)

    def take(self, prefix: str) -> Weights:
        """Take out the weights under `prefix`, which their names then lack."""
        names = {name: name.removeprefix(prefix) for name in self if name.startswith(prefix)}
        return self._moved(names, {short: self.pop(name) for name, short in names.items()})

    def _moved(self, names: Mapping[str, str], weights: Mapping[str, Tensor]) -> Weights:
        """Return weights of these under other names: old → new."""
        theirs = {new: self.called(old) for old, new in names.items()}
        lent = {new: self._lent[old] for old, new in names.items() if old in self._lent}
        return Weights(weights, self.path, theirs, lent)

    def count(self, template: str) -> int:
        """Count from 0 how many of ``template.format(number)`` some name starts with."""
        number = 0
        while any(name.startswith(template.format(number)) for name in self):
            number += 1
        return number

    def fill(self, network: nn.Module) -> None:
        """Copy all weights into `network`.

        Raises
        ------
        ModelError
            If a weight is left over, missing, of another shape or not finite.
        """
        wanted = network.state_dict()
        missing = wanted.keys() - self.keys()
        extra = sorted(self.keys() - wanted.keys())
        if missing or extra:
            path = self.file(extra[0]) if extra else self.path
            raise ModelError(
                f"{path}: not the published layout of {type(network).__name__}; "
                f"missing: {listed(missing)}; left over: {listed(map(self.called, extra))}"
            )
        values = {}
        for name, target in wanted.items():
            value = self[name]
            if value.shape == (*target.shape, 1, 1):  # a 1x1 convolution there, linear here
                value = value[:, :, 0, 0]
            if value.shape != target.shape:
                raise ModelError(
                    f"{self.file(name)}: weight '{self.called(name)}' has shape "
                    f"{tuple(value.shape)} where {tuple(target.shape)} is needed"
                )
            values[name] = value.to(target.dtype)
            if not values[name].isfinite().all():
                raise ModelError(
                    f"{self.file(name)}: weight '{self.called(name)}' holds numbers that are not "
                    "finite; take an earlier checkpoint of the training, or get the file anew"
                )
        network.load_state_dict(values)


def _read(path: Path) -> Any:
    """Read a file with inert objects in place of all that are neither tensors nor plain."""
    # What PyTorch wrote before version 1.6 is no zip, and does not tell beforehand what it names.
    told = zipfile.is_zipfile(path)
    names = torch.serialization.get_unsafe_globals_in_checkpoint(path) if told else []
    with torch.serialization.safe_globals(stand_ins(names)):
        return torch.load(path, map_location="cpu", weights_only=True)


def _is_weight(item: tuple[Any, Any]) -> bool:
    """Whether a name and a value are a name and an ordinary tensor that is really there."""
    name, value = item
    return (
        isinstance(name, str)
        and torch.is_tensor(value)
        and value.layout is torch.strided
        and value.device.type == "cpu"
    )


def unwrapped(weights: Mapping[str, Tensor], path: Path) -> Weights:
    """Return the weights of a file, without the prefix that DataParallel gives all of them."""
    if not all(name.startswith(_WRAPPED) for name in weights):
        return Weights(weights, path)
    theirs = {name.removeprefix(_WRAPPED): name for name in weights}
    return Weights({ours: weights[name] for ours, name in theirs.items()}, path, theirs)


def listed(names: Iterable[str]) -> str:
    """Return the first few names and how many more there are."""
    names = sorted(names)
    shown = names[:5]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return (", ".join(shown) or "nothing") + more
