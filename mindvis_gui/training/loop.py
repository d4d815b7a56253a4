"""The training loop that all stages share: schedule, processes, metrics, exact resumption."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Generator, Tensor, nn

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.decoding.device import choose_precision
from mindvis_gui.errors import TrainingError
from mindvis_gui.training.checkpoint import CHECKPOINT, Stateful, load_checkpoint, save_checkpoint
from mindvis_gui.training.interruption import stop_request
from mindvis_gui.training.metrics import MetricLog
from mindvis_gui.training.plots import write_plot
from mindvis_gui.training.randomness import step_generator
from mindvis_gui.training.report import Report

Batch = Mapping[str, Tensor]  # every tensor has one row a sample
Values = Mapping[str, Tensor]  # by name; the one named "loss" is minimised

PICTURES = "pictures"


def accelerator_on(device: str, precision: str = "auto") -> Accelerator:
    """Return what trains on a `device` of ``"cpu"`` or ``"cuda"``.

    A `precision` of ``"auto"`` is the one the device is fast at.
    """
    if precision == "auto":
        precision = choose_precision("auto", device)
    return Accelerator(
        cpu=device == "cpu", mixed_precision="no" if precision == "fp32" else precision
    )


def _one_process() -> Accelerator:
    return accelerator_on("cpu")


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, how fast and on what a stage is trained.

    Attributes
    ----------
    folder : pathlib.Path
        Where checkpoint, metrics and pictures are kept.
    steps : int
        Optimisation steps in all.
    rate : callable
        Step (0-based) → learning rate.
    clip : float
        Largest norm of the gradient.
    seed : int
        Of everything that is drawn at random.
    checkpoint_every, validate_every, log_every, picture_every : int
        In steps; pictures are only drawn if `picture_every` is above 0.
    accumulate : int
        Batches whose gradients make one step.
    accelerator : accelerate.Accelerator
        Device, precision and processes; by default one CPU process, in the precision it is fast at.
    settings : mapping
        What a checkpoint must agree on to be gone on from.
    tensorboard : bool
        Write the metrics for TensorBoard too.
    name : str
        Of what is trained, for the progress; the folder's by default.
    record : callable
        Writes down what the run is; called once a checkpoint has proved to be of this run.
    """

    folder: Path
    steps: int
    rate: Callable[[int], float]
    clip: float = 1.0
    seed: int = 0
    checkpoint_every: int = 500
    validate_every: int = 500
    log_every: int = 50
    picture_every: int = 0
    accumulate: int = 1
    accelerator: Accelerator = field(default_factory=_one_process)
    settings: Mapping[str, Any] = field(default_factory=dict)
    tensorboard: bool = False
    name: str = ""
    record: Callable[[], object] = lambda: None

    def whole(self, batch: int) -> int:
        """Return the samples a step, where each process computes `batch` at a time."""
        return batch * self.accumulate * int(self.accelerator.num_processes)

    def is_due(self, every: int, done: int) -> bool:
        """Whether it is time, after `done` steps, for what comes `every` so many; 0 is never.

        After the last step it always is.
        """
        return every > 0 and (done % every == 0 or done == self.steps)


def warmup_cosine(position: float, peak: float, warmup: float, length: float) -> float:
    """Learning rate of the paper's stages A: linear warm-up, then half a cosine to 0.

    `position`, `warmup` and `length` share a unit (epochs or steps).
    """
    if position < warmup:
        return peak * position / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (position - warmup) / (length - warmup)))


def decay_groups(
    parameters: Iterable[tuple[str, nn.Parameter]], weight_decay: float
) -> list[dict[str, Any]]:
    """Split named parameters: those with more than one axis decay, the others do not."""
    trained = [parameter for _, parameter in parameters if parameter.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": weight_decay},
    ]


def train(
    draw: Callable[[int, Generator], Batch],
    loss: Callable[[Batch], Values],
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    parts: Mapping[str, Stateful],
    plan: Plan,
    *,
    after_step: Callable[[int, Generator], None] | None = None,
    validate: Callable[[int], Mapping[str, float]] | None = None,
    illustrate: Callable[[int], ImageArray] | None = None,
) -> None:
    """Train for `plan.steps` steps, from the checkpoint in `plan.folder` if there is one.

    A run that was interrupted and resumed on the same machine gives the same numbers as
    one that was not: what is drawn depends on seed and step only, and torch's global
    random numbers are seeded by the step. Interrupted by Ctrl+C or SIGTERM, it finishes
    the step and writes a checkpoint.

    Parameters
    ----------
    draw : callable
        (step, generator) → the batch of a step, with everything that is random about it. All
        processes draw the same one.
    loss : callable
        Some samples of the batch → values, each a mean over them. The weights that are
        trained see the mean over all processes and over `plan.accumulate` parts.
    network : nn.Module
        Holds everything that is trained.
    optimiser : torch.optim.Optimizer
    parts : mapping of str to Stateful
        What a checkpoint must hold besides the optimiser.
    plan : Plan
    after_step : callable, optional
        Called with (step, generator) after each update (weight averages, codebook care).
    validate : callable, optional
        Step → values by name; called every `plan.validate_every` steps by every process.
    illustrate : callable, optional
        Step → a picture of how well it does, for the folder; called by one process.

    Raises
    ------
    TrainingError
        If the loss is not finite, or the checkpoint is of another run.
    ExportError
        If a file cannot be written.
    KeyboardInterrupt
        If it was interrupted; the checkpoint is written.
    """
    accelerator = plan.accelerator
    writes = accelerator.is_main_process
    if accelerator.device.type == "cuda" or accelerator.mixed_precision == "no":
        # Convolutions are faster so; in bf16 on a CPU those of few channels are slower.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    log = MetricLog(plan.folder if writes else None, tensorboard=plan.tensorboard)
    objective = accelerator.prepare(_Objective(network, loss))
    stepper = accelerator.prepare(optimiser)
    parts = {**parts, "optimiser": optimiser, "metrics": log}
    if accelerator.scaler is not None:
        parts["scaler"] = accelerator.scaler
    checkpoint = plan.folder / CHECKPOINT
    start = saved = load_checkpoint(checkpoint, parts, plan.settings)
    if writes:
        plan.record()
    log.cut(start)
    update = _Update(objective, optimiser, stepper, plan)
    report = Report(plan.name or plan.folder.name, plan.steps, start, shown=writes)
    show = _Watch(plan, log, report, validate, illustrate if writes else None)
    if start:
        report.say(f"{checkpoint}: going on after step {start}")
    with closing(log), report, stop_request() as stop:
        for step in range(start, plan.steps):
            generator = step_generator(plan.seed, step)
            torch.manual_seed(generator.initial_seed())
            batch = draw(step, generator)
            try:
                values, stopped = update(step, batch, stop=stop.made)
            except _NotFiniteError as error:
                raise TrainingError(_advice(step, error, checkpoint, saved)) from error
            if after_step is not None:
                after_step(step, generator)
            done = step + 1
            log.add(values)
            show(done, _size(batch))
            if stopped or plan.is_due(plan.checkpoint_every, done):
                if writes:
                    save_checkpoint(checkpoint, done, parts, plan.settings)
                saved = done
            report.advance(done)
            if stopped and done < plan.steps:
                raise KeyboardInterrupt
    accelerator.wait_for_everyone()
    accelerator.free_memory()


def mean_values(loss: Callable[[Batch], Values], batch: Batch, at_a_time: int) -> dict[str, float]:
    """Return the values of a batch too large for one call, for the validation."""
    n, sums = _size(batch), dict[str, float]()
    for first in range(0, n, at_a_time):
        part = {name: rows[first : first + at_a_time] for name, rows in batch.items()}
        for name, value in loss(part).items():
            sums[name] = sums.get(name, 0.0) + float(value) * _size(part)
    return {name: total / n for name, total in sums.items()}


class _Objective(nn.Module):
    """What a data-parallel wrapper can call: the loss, and the network whose weights it trains."""

    def __init__(self, network: nn.Module, loss: Callable[[Batch], Values]) -> None:
        super().__init__()
        self.network = network
        self._loss = loss

    def forward(self, share: Batch) -> Values:
        return self._loss(share)


@dataclass(frozen=True, eq=False, slots=True)
class _Watch:
    """What is seen of a run while it goes on: metrics, the validation, pictures; see `train`."""

    plan: Plan
    log: MetricLog
    report: Report
    validate: Callable[[int], Mapping[str, float]] | None
    illustrate: Callable[[int], ImageArray] | None

    def __call__(self, done: int, n_samples: int) -> None:
        """Write down and show what is due after `done` steps of `n_samples` each."""
        plan, log = self.plan, self.log
        if plan.is_due(plan.log_every, done):
            means = log.take_means()
            speed = self.report.measure(done, means, n_samples)
            log.write(done, "train", means)
            log.write(done, "speed", {"samples_per_second": speed})
        if self.validate is not None and plan.is_due(plan.validate_every, done):
            found = self.validate(done)
            self.report.update(found)
            log.write(done, "validation", found)
        if self.illustrate is not None and plan.is_due(plan.picture_every, done):
            picture = self.illustrate(done)
            write_plot(picture, plan.folder / PICTURES / f"step-{done:07d}.png")


class _NotFiniteError(Exception):
    """A loss or gradient is NaN or infinite; the weights were not changed."""


class _Update:
    """One step of the optimiser on a batch, over processes and accumulated parts."""

    def __init__(
        self, objective: nn.Module, optimiser: torch.optim.Optimizer, stepper: Any, plan: Plan
    ) -> None:
        self._objective = objective
        self._optimiser, self._stepper, self._plan = optimiser, stepper, plan
        self._trained = [p for group in optimiser.param_groups for p in group["params"]]

    def __call__(self, step: int, batch: Batch, *, stop: bool) -> tuple[dict[str, float], bool]:
        """Return the values of the whole batch, and whether any process was asked to stop."""
        plan, accelerator = self._plan, self._plan.accelerator
        for group in self._optimiser.param_groups:
            group["lr"] = plan.rate(step) * group.get("rate_factor", 1.0)
        self._stepper.zero_grad()
        found: list[Values] = []
        for share in self._shares(batch):
            last = len(found) + 1 == plan.accumulate
            with nullcontext() if last else accelerator.no_sync(self._objective):
                values = self._objective(share)
                accelerator.backward(values["loss"] / plan.accumulate)
            found.append({name: value.detach() for name, value in values.items()})
        means, stopped = self._means(found, stop)
        if not math.isfinite(means["loss"]):
            raise _NotFiniteError(f"the loss is {means['loss']}")
        norm = float(accelerator.clip_grad_norm_(self._trained, plan.clip))
        if accelerator.scaler is None and not math.isfinite(norm):
            raise _NotFiniteError(f"the norm of the gradient is {norm}")
        self._stepper.step()
        return {**means, "gradient_norm": norm}, stopped

    def _shares(self, batch: Batch) -> Iterator[Batch]:
        """Yield the parts of a batch that this process computes, one after the other."""
        accelerator, accumulate = self._plan.accelerator, self._plan.accumulate
        size, rest = divmod(_size(batch), accumulate * accelerator.num_processes)
        if rest:
            raise ValueError(f"{_size(batch)} samples cannot be shared out evenly")
        first = accelerator.process_index * accumulate
        for part in range(first, first + accumulate):
            yield {name: rows[part * size : (part + 1) * size] for name, rows in batch.items()}

    def _means(self, found: list[Values], stop: bool) -> tuple[dict[str, float], bool]:
        names = list(found[0])
        stacked = torch.stack([torch.stack([v[name].float() for name in names]) for v in found])
        with_stop = torch.cat([stacked.mean(dim=0), stacked.new_tensor([float(stop)])])
        means: list[float] = self._plan.accelerator.reduce(with_stop, "mean").tolist()
        return dict(zip(names, means, strict=False)), means[-1] > 0


def _size(batch: Batch) -> int:
    return len(next(iter(batch.values())))


def _advice(step: int, error: _NotFiniteError, checkpoint: Path, saved: int) -> str:
    kept = f"{checkpoint} holds step {saved}" if saved else "no checkpoint was written yet"
    return (
        f"step {step + 1}: {error}; stopped, {kept}. Train with a lower learning rate, "
        "or in fp32, in another folder"
    )
