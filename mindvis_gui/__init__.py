"""Decode what a person saw from fMRI of the visual cortex, by the MinD-Vis method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mindvis_gui.data import open_subject
from mindvis_gui.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from mindvis_gui.decoding.request import Decoder

__all__ = ["__version__", "load_decoder", "open_subject"]


def load_decoder(
    folder: str | Path, device: str = "auto", precision: str = "auto", threads: int | None = None
) -> Decoder:
    """Load a model folder, given by path or by the name of one in a models folder.

    Parameters
    ----------
    folder : str or pathlib.Path
    device : {"auto", "cpu", "cuda"}
        ``"auto"`` takes a GPU if there is one.
    precision : {"auto", "fp32", "bf16", "fp16"}
        What a request's ``"auto"`` means; ``"auto"`` is bf16 where the device is fast at it.
    threads : int, optional
        CPU threads torch may use in this process.

    Raises
    ------
    ModelError
        If the folder is no complete model, the device is not available or cannot compute in the
        precision, or fewer than one thread is asked for.
    """
    # torch takes seconds to import: only when a model is really wanted.
    from mindvis_gui.decoding.models import load_decoder as load

    return load(folder, device, precision, threads)
