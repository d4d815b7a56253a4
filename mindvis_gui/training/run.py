"""One run of a stage: its processes, its folder, and the model that comes out of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType

import torch
from accelerate import Accelerator
from rich.console import Console
from torch import Tensor

from mindvis_gui.decoding.device import choose_device, ran_out_of_memory, stopped_working
from mindvis_gui.decoding.versions import installed_versions
from mindvis_gui.errors import RequestError, TrainingError
from mindvis_gui.files import check_writable, only_writer
from mindvis_gui.training.common_settings import Settings
from mindvis_gui.training.configuration import CONFIG, save_settings
from mindvis_gui.training.loop import Plan, accelerator_on
from mindvis_gui.training.run_folder import RUN_FOLDER, check_free, clear_left_over, write_model

_NAMES = {"no": "fp32", "bf16": "bf16", "fp16": "fp16"}  # accelerate's → ours
_OF_LAUNCH = "ACCELERATE_MIXED_PRECISION"
_LARGEST_UPDATE = 1_000_000  # samples; the rows of far more would be drawn for hours, or forever


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
        RequestError
            If one update would take far more samples than there can be.
        TrainingError
            If the folder holds a checkpoint and the run is not to be resumed, or a model and no
            checkpoint.
        ExportError
            If nothing can be written there: encoding the pictures first may take an hour.
        """
        check_free(out, resume=resume)
        check_writable(out / RUN_FOLDER)
        run = cls(out, settings, _accelerator(settings), resume)
        if run.samples > _LARGEST_UPDATE:
            raise RequestError(
                f"batch: {run.samples:,} samples would make one update (batch × accumulate × "
                f"processes), at most {_LARGEST_UPDATE:,} can; take a smaller --batch or "
                "--accumulate"
            )
        return run

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
    def samples(self) -> int:
        """Samples that make one update, over all processes."""
        processes = int(self.accelerator.num_processes)
        return self.settings.batch * self.settings.accumulate * processes

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
            check_free(self.out, resume=self.resume)
            clear_left_over(self.folder)
        n_samples = len(data[0])
        steps = settings.steps or max(1, round(settings.epochs * n_samples / self.samples))
        facts = {
            "samples_a_step": self.samples,
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
        self.say(f"{n_samples:,} samples, {self.samples} a step, {steps:,} steps")
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
            write_model(self.out, save)
        self.accelerator.wait_for_everyone()


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
