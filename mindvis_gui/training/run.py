"""One run of a stage: its processes, its folder, and the model that comes out of it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

import torch
from accelerate import Accelerator
from rich.console import Console
from safetensors import SafetensorError
from torch import Tensor

from mindvis_gui.analysis.decoded_trial import installed_versions
from mindvis_gui.data.focus import Focus
from mindvis_gui.data.subject import Subject
from mindvis_gui.decoding.device import choose_device, ran_out_of_memory, stopped_working
from mindvis_gui.errors import ExportError, RequestError, TrainingError
from mindvis_gui.files import check_writable, follow_umask, only_writer, remove_unfinished
from mindvis_gui.training.checkpoint import CHECKPOINT
from mindvis_gui.training.configuration import CONFIG, save_settings
from mindvis_gui.training.loop import Plan, accelerator_on
from mindvis_gui.training.settings import Settings

_NEW = ".new-"  # a model that is not complete yet
RUN_FOLDER = "training"  # in the folder of the model that comes out
_INDEX = ("config.json", "model_index.json")  # moved last: without it a folder is no model
_HELD = (*_INDEX, "unet/config.json", "vqvae/config.json")  # any of them: there is a model
_NAMES = {"no": "fp32", "bf16": "bf16", "fp16": "fp16"}  # accelerate's → ours
_OF_LAUNCH = "ACCELERATE_MIXED_PRECISION"


@dataclass(frozen=True, slots=True)
class Run:
    """Where a stage is trained and on what.

    Attributes
    ----------
    out : pathlib.Path
        Folder of the model; the run's own is in it.
    settings : Settings
    accelerator : accelerate.Accelerator
    resume : bool
        Whether to go on with the run that the folder holds.
    """

    out: Path
    settings: Settings
    accelerator: Accelerator
    resume: bool
    _held: ExitStack = field(default_factory=ExitStack, init=False)  # the folder, once planned

    @classmethod
    def open(cls, out: Path, settings: Settings, *, resume: bool) -> Run:
        """Join the other processes, if there are any, and look at the folder.

        Raises
        ------
        TrainingError
            If the folder holds a checkpoint and the run is not to be resumed, or a model and no
            checkpoint.
        ExportError
            If nothing can be written there: encoding the pictures first may take an hour.
        """
        _check_free(out, resume=resume)
        check_writable(out / RUN_FOLDER)
        return cls(out, settings, _accelerator(settings), resume)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._held:
            if error is None:  # else the others may wait for this process, and must see it end
                self.accelerator.end_training()
            elif said := _failure_of(error, self.settings, self.accelerator.device.type):
                raise TrainingError(said) from error

    @property
    def folder(self) -> Path:
        """Where checkpoint, metrics, configuration and pictures go."""
        return self.out / RUN_FOLDER

    @property
    def writes(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return bool(self.accelerator.is_main_process)

    def say(self, text: str) -> None:
        """Show one line on stderr."""
        if self.writes:
            Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False)

    def seed(self) -> None:
        """Let the first weights of all networks depend on the seed alone."""
        torch.manual_seed(self.settings.seed)

    def plan(
        self,
        rate: Callable[[int], Callable[[int], float]],
        sources: Sequence[str],
        *data: Tensor | bytes,
        settings: Settings | None = None,
    ) -> Plan:
        """Plan the training, which saves the configuration when it starts; keep the folder.

        Parameters
        ----------
        rate : callable
            Steps in all → (step → learning rate).
        sources : sequence of str
            Where the data came from.
        data : Tensor or bytes
            What is learned from, the first with one row a sample: their number makes the steps.
            Then what the validation looks at. The digest of all tells these data from others, so
            it must be the same on every machine.
        settings : Settings, optional
            Those of the run with what nobody gave filled in, if anything was left open.

        Raises
        ------
        ExportError
            If another run writes into the folder.
        TrainingError
            As in `open`, if one has done so meanwhile.
        """
        settings = settings or self.settings
        if self.writes:
            self._held.enter_context(only_writer(self.folder))
            _check_free(self.out, resume=self.resume)
            _remove_unfinished(self.folder)
        n_samples = len(data[0])
        whole = settings.batch * settings.accumulate * self.accelerator.num_processes
        steps = settings.steps or max(1, round(settings.epochs * n_samples / whole))
        facts = {
            "samples_a_step": whole,
            "steps_in_all": steps,
            "arithmetic": _NAMES.get(self.accelerator.mixed_precision, "fp32"),
            "data_sha256": fingerprint(*data),
        }
        run = {
            "sources": list(sources),
            "samples": n_samples,
            "processes": self.accelerator.num_processes,
            **facts,
        }
        self.say(f"{n_samples:,} samples, {whole} a step, {steps:,} steps")
        return Plan(
            self.folder,
            steps,
            rate(steps),
            clip=settings.clip,
            seed=settings.seed,
            checkpoint_every=settings.checkpoint_every,
            validate_every=settings.validate_every,
            log_every=settings.log_every,
            picture_every=settings.picture_every,
            accumulate=settings.accumulate,
            accelerator=self.accelerator,
            settings={**settings.deciding(), **facts},
            tensorboard=settings.tensorboard,
            name=settings.STAGE,
            record=partial(
                save_settings, self.folder / CONFIG, settings, run, installed_versions()
            ),
        )

    def publish(self, save: Callable[[Path], object]) -> None:
        """Let `save` write a model into an empty folder, and move that into place.

        Raises
        ------
        ExportError
            If it cannot be written; a model that was there before stays.
        """
        if self.writes:
            try:
                with TemporaryDirectory(dir=self.folder, prefix=_NEW) as name:
                    save(Path(name))
                    follow_umask(Path(name))
                    for made in sorted(Path(name).iterdir(), key=lambda each: each.name in _INDEX):
                        _replace(made, self.out / made.name)
            except (OSError, SafetensorError) as error:
                reason = getattr(error, "strerror", None) or error
                raise ExportError(f"{self.out}: cannot be written: {reason}") from error
        self.accelerator.wait_for_everyone()


def _check_free(out: Path, *, resume: bool) -> None:
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


def _accelerator(settings: Settings) -> Accelerator:
    device = choose_device(settings.device)
    if os.environ.get("ACCELERATE_USE_CPU", "").lower() == "true":
        device = "cpu"
    precision = settings.precision
    if precision == "auto":
        of_launch = os.environ.get(_OF_LAUNCH, "")
        precision = "fp32" if of_launch == "no" else of_launch or "auto"
    if precision == "fp16" and device == "cpu":
        raise RequestError("precision: fp16 needs a GPU; choose bf16 or fp32")
    return accelerator_on(device, precision)


def _failure_of(error: BaseException, settings: Settings, device: str) -> str:
    """Say in one sentence that memory ran out, or that the GPU is lost; empty for anything else."""
    if ran_out_of_memory(error):
        if settings.batch == 1:
            return (
                f"not even a batch of 1 fits into the memory of '{device}'; close what else uses "
                "it, or train smaller networks"
            )
        return (
            f"batches of {settings.batch} do not fit into the memory of '{device}'; take a smaller "
            "--batch and as much more to --accumulate, or close what else uses it"
        )
    if device == "cuda" and stopped_working(error):
        return (
            f"the GPU stopped working ({str(error).splitlines()[0]}); go on from the last "
            "checkpoint with --resume"
        )
    return ""


def _remove_unfinished(folder: Path) -> None:
    """Remove what a killed run left: a checkpoint and a model are gigabytes each."""
    remove_unfinished(folder)
    for path in folder.glob(f"{_NEW}*"):
        shutil.rmtree(path, ignore_errors=True)


def _replace(made: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    made.replace(target)


def fingerprint(*parts: Tensor | bytes) -> str:
    """Return a SHA-256 of tensors and bytes."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, bytes):
            digest.update(part)
        else:
            digest.update(str(tuple(part.shape)).encode())
            digest.update(part.cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def constant_rate(peak: float, warmup: float) -> Callable[[int], Callable[[int], float]]:
    """Learning rate that rises over a share `warmup` of the steps and stays."""

    def of(steps: int) -> Callable[[int], float]:
        rising = max(1, round(warmup * steps))
        return lambda step: peak * (min(1.0, (step + 1) / rising) if warmup else 1.0)

    return of


def focus_of(
    text: str, rate: float, subjects: Sequence[Subject], patch_size: int, n_patches: int
) -> Focus | None:
    """Return the focus that the words of a setting mean: a range of voxels, or regions.

    Voxels of regions that cutting leaves out of the `n_patches` of a model are not in it.

    Raises
    ------
    RequestError
        If regions are named for more than one subject, or the range is none.
    DataError
        If there is no such region.
    """
    if not text.strip():
        return None
    first, dash, last = text.partition("-")
    if dash and first.strip().isdecimal() and last.strip().isdecimal():
        return Focus.on_range(int(first), int(last), patch_size, rate)
    if len(subjects) > 1:
        raise RequestError(
            "focus: regions lie elsewhere in each subject's vector; give a range of voxels, or "
            "one subject"
        )
    names = [name.strip() for name in text.split(",") if name.strip()]
    voxels = [voxel for name in names for voxel in subjects[0].roi(name).voxels.tolist()]
    return Focus.on_voxels(voxels, patch_size, rate, n_patches)
