"""The folder of a model that is trained: what it may hold before, and how the model comes in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors import SafetensorError

from mindvis_gui.errors import ExportError, TrainingError
from mindvis_gui.files import follow_umask, remove_unfinished, replace
from mindvis_gui.training.checkpoint import CHECKPOINT

RUN_FOLDER = "training"  # in the folder of the model that comes out
_NEW = ".new-"  # a model that is not complete yet
_INDEX = ("config.json", "model_index.json")  # moved last: without it a folder is no model
_HELD = (*_INDEX, "unet/config.json", "vqvae/config.json")  # any of them: there is a model


def check_free(out: Path, *, resume: bool) -> None:
    """Refuse a folder that holds a model which this run did not make.

    Raises
    ------
    TrainingError
        If it holds a checkpoint and the run is not to be resumed, or a model and no checkpoint.
    """
    checkpoint = out / RUN_FOLDER / CHECKPOINT
    if not checkpoint.exists():
        held = next((name for name in _HELD if (out / name).exists()), None)
        if held is not None:  # it may be the only copy, and no run here can make it anew
            raise TrainingError(
                f"{out / held}: a model is there already, and no run to go on with; choose "
                "another folder"
            )
    elif not resume:
        raise TrainingError(
            f"{checkpoint}: a run is there already; add --resume to go on with it, or choose "
            "another folder"
        )


def clear_left_over(folder: Path) -> None:
    """Remove what a killed run left in its folder: a checkpoint and a model are gigabytes each."""
    remove_unfinished(folder)
    for path in folder.glob(f"{_NEW}*"):
        shutil.rmtree(path, ignore_errors=True)


def write_model(out: Path, save: Callable[[Path], object]) -> None:
    """Let `save` write a model into an empty folder, and move that into place.

    Raises
    ------
    ExportError
        If it cannot be written; a model that was there before stays.
    """
    try:
        # What cannot be removed, as somebody maps it on Windows, is left to `clear_left_over`.
        with TemporaryDirectory(
            dir=out / RUN_FOLDER, prefix=_NEW, ignore_cleanup_errors=True
        ) as name:
            save(Path(name))
            follow_umask(Path(name))
            for made in sorted(Path(name).iterdir(), key=lambda each: each.name in _INDEX):
                _replace(made, out / made.name)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ExportError(f"{out}: cannot be written: {reason}") from error


def _replace(made: Path, target: Path) -> None:
    # Never removed before the new one is there: on Windows it stays if somebody has it open, and
    # must then be whole.
    before = made.with_name(f"{made.name}.before")
    if target.is_dir():
        replace(target, before)
    try:
        replace(made, target)
    except BaseException:
        if before.exists():
            replace(before, target)
        raise
    shutil.rmtree(before, ignore_errors=True)
