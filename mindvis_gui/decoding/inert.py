"""What stands in for the objects of a checkpoint that are no weights; nothing of them is run.

A checkpoint of a training holds more than weights: its configuration, settings of Lightning and
OmegaConf, loggers, numbers of numpy. Such an object becomes an `Inert` one, which keeps the
attributes that the file gives it and has no code of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

# Whole packages that trainings leave objects of, and single names of others.
_KNOWN = re.compile(
    r"(config|pytorch_lightning|lightning|lightning_fabric|omegaconf|wandb|fsspec|pathlib)\.[\w.]+"
    r"|argparse\.Namespace|types\.SimpleNamespace|typing\.Any"
    r"|builtins\.(bool|int|float|str|tuple|list|dict|object)"
    r"|numpy\.ndarray|numpy\._?core\.multiarray\._reconstruct"
)
_NUMBER = re.compile(r"[biuf][1248]")


class Inert:
    """An object of a known class: attributes, no code."""

    def __init__(self, *_: Any) -> None:
        """Take what the file would have made the object of, and forget it."""

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, dict):
            vars(self).update(state)


class _Dtype(Inert):
    """A type of numpy, of which single numbers need the name and the order of bytes."""

    def __init__(self, name: Any = "", *_: Any) -> None:
        self.name, self.order = name, "<"

    def __setstate__(self, state: Any) -> None:
        if isinstance(state, tuple) and len(state) > 1 and state[1] == ">":
            self.order = ">"


def _number(dtype: Any = None, content: Any = b"") -> Any:
    """Return a single number of numpy as Python's, or something inert if it is none."""
    if not isinstance(dtype, _Dtype) or not _NUMBER.fullmatch(str(dtype.name)):
        return Inert()
    kind = np.dtype(dtype.order + dtype.name)
    if not isinstance(content, bytes) or len(content) != kind.itemsize:
        return Inert()
    return np.frombuffer(content, kind)[0].item()


def _table(*_: Any) -> dict[Any, Any]:
    """Return what a ``defaultdict`` is filled into."""
    return {}


_USUAL: list[Any] = [
    (_Dtype, "numpy.dtype"),
    (_number, "numpy.core.multiarray.scalar"),
    (_number, "numpy._core.multiarray.scalar"),
    (_table, "collections.defaultdict"),
    # Lightning up to 1.5 names this one in every checkpoint, as key of a table.
    (Inert, "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint"),
    (Inert, "config.Config_MBM_fMRI"),
    (Inert, "config.Config_MAE_fMRI"),
    (Inert, "config.Config_MBM_finetune"),
    (Inert, "config.Config_Generative_Model"),
]


def stand_ins(names: Iterable[str] = ()) -> list[Any]:
    """Return pairs of what to read in place of a class or function and its name.

    They are for ``torch.serialization.safe_globals``.

    Parameters
    ----------
    names : iterable of str
        Dotted names in a file that PyTorch does not read of its own accord. Those of known
        packages are stood in for, besides the usual ones.
    """
    usual = {name for _, name in _USUAL}
    known = [name for name in names if name not in usual and _KNOWN.fullmatch(name)]
    return [*_USUAL, *((Inert, name) for name in known)]
