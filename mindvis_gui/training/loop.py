"""The training loop that all stages share: schedule, clipping, metrics, exact resumption."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Generator, Tensor, nn

from mindvis_gui.errors import ModelError
from mindvis_gui.files import atomic_path

CHECKPOINT = "checkpoint.pt"
METRICS = "metrics.csv"


class Stateful(Protocol):
    """A network, an optimiser or an average: whatever a checkpoint must hold."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Take over a state."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast a stage is trained.

    Attributes
    ----------
    folder : pathlib.Path
        Where the checkpoint and the metrics are kept.
    steps : int
        Optimisation steps in all.
    rate : callable
        Step (0-based) → learning rate.
    clip : float
        Largest norm of the gradient.
    seed : int
        Of everything that is drawn at random.
    checkpoint_every, validate_every, log_every : int
        In steps.
    """

    folder: Path
    steps: int
    rate: Callable[[int], float]
    clip: float = 1.0
    seed: int = 0
    checkpoint_every: int = 500
    validate_every: int = 500
    log_every: int = 50


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


class WeightAverage:
    """An exponential moving average of a network's weights, kept on the side.

    The decay grows with the number of updates up to `decay`, so that a short
    training is not held back by its first weights.
    """

    def __init__(self, network: nn.Module, decay: float = 0.999) -> None:
        self.decay = decay
        self.updates = 0
        self._network = network
        self._average = [p.detach().clone() for p in network.parameters()]

    @torch.no_grad()
    def update(self) -> None:
        """Take in the network's present weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        torch._foreach_lerp_(self._average, list(self._network.parameters()), 1 - decay)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the network's weights and the average; a second call undoes it."""
        for average, parameter in zip(self._average, self._network.parameters(), strict=True):
            held = parameter.detach().clone()
            parameter.copy_(average)
            average.copy_(held)

    def state_dict(self) -> dict[str, Any]:
        """Return the average and the number of updates."""
        return {"updates": self.updates, "average": self._average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over an average."""
        self.updates = int(state["updates"])
        for average, saved in zip(self._average, state["average"], strict=True):
            average.copy_(saved)


def train(
    loss: Callable[[int, Generator], Mapping[str, Tensor]],
    optimiser: torch.optim.Optimizer,
    parts: Mapping[str, Stateful],
    plan: Plan,
    *,
    after_step: Callable[[int, Generator], None] | None = None,
    validate: Callable[[int], Mapping[str, float]] | None = None,
) -> None:
    """Train for `plan.steps` steps, from the checkpoint in `plan.folder` if there is one.

    A run that was interrupted and resumed on the same machine gives the same
    numbers as one that was not: every random number comes from `generator` or
    from torch's global one, and both are part of the checkpoint.

    Parameters
    ----------
    loss : callable
        (step, generator) → values by name; the one named ``"loss"`` is minimised.
    optimiser : torch.optim.Optimizer
    parts : mapping of str to Stateful
        What a checkpoint must hold besides the optimiser.
    plan : Plan
    after_step : callable, optional
        Called with (step, generator) after each update (weight averages, codebook care).
    validate : callable, optional
        Step → values by name; called every `plan.validate_every` steps.
    """
    generator = Generator().manual_seed(plan.seed)
    torch.manual_seed(plan.seed)
    parts = {**parts, "optimiser": optimiser}
    log = _MetricLog(plan.folder / METRICS)
    start = _resume(plan.folder / CHECKPOINT, {**parts, "metrics": log}, generator)
    log.cut(start)
    trained = [p for group in optimiser.param_groups for p in group["params"]]
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task(plan.folder.name, total=plan.steps, completed=start)
        for step in range(start, plan.steps):
            for group in optimiser.param_groups:
                group["lr"] = plan.rate(step) * group.get("rate_factor", 1.0)
            values = loss(step, generator)
            optimiser.zero_grad(set_to_none=True)
            values["loss"].backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(trained, plan.clip)
            optimiser.step()
            if after_step is not None:
                after_step(step, generator)
            done = step + 1
            log.add(values, norm)
            if done % plan.log_every == 0 or done == plan.steps:
                log.write(done, "train")
            if validate is not None and (done % plan.validate_every == 0 or done == plan.steps):
                log.write(done, "validation", validate(done))
            if done % plan.checkpoint_every == 0 or done == plan.steps:
                _save(plan.folder / CHECKPOINT, {**parts, "metrics": log}, generator, done)
            progress.update(task, completed=done, description=f"{plan.folder.name} {log.last}")


def _save(path: Path, parts: Mapping[str, Stateful], generator: Generator, step: int) -> None:
    state = {
        "step": step,
        "generator": generator.get_state(),
        "torch_rng": torch.get_rng_state(),
        "parts": {name: part.state_dict() for name, part in parts.items()},
    }
    with atomic_path(path) as temporary:
        torch.save(state, temporary)


def _resume(path: Path, parts: Mapping[str, Stateful], generator: Generator) -> int:
    """Load the checkpoint at `path`; return the number of steps done, 0 without one."""
    if not path.is_file():
        return 0
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["parts"].keys() != parts.keys():
        raise ModelError(
            f"{path}: holds {', '.join(state['parts'])} but this stage has {', '.join(parts)}; "
            "it is of another kind of training, choose an empty folder"
        )
    for name, part in parts.items():
        part.load_state_dict(state["parts"][name])
    generator.set_state(state["generator"])
    torch.set_rng_state(state["torch_rng"])
    return int(state["step"])


class _MetricLog:
    """Rows (step, kind, name, value) of a CSV file; training values are means since the last."""

    def __init__(self, path: Path) -> None:
        self.last = ""
        self._path = path
        self._sums: dict[str, float] = {}
        self._count = 0

    def cut(self, step: int) -> None:
        """Keep the rows of the file up to `step`; later ones will be written again."""
        rows = [["step", "kind", "name", "value"]]
        if self._path.is_file():
            with self._path.open(newline="") as file:
                rows += [row for row in list(csv.reader(file))[1:] if int(row[0]) <= step]
        with atomic_path(self._path) as temporary, temporary.open("w", newline="") as file:
            csv.writer(file).writerows(rows)

    def state_dict(self) -> dict[str, Any]:
        """Return the sums since the last row."""
        return {"sums": dict(self._sums), "count": self._count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over sums since the last row."""
        self._sums, self._count = dict(state["sums"]), int(state["count"])

    def add(self, values: Mapping[str, Tensor], norm: Tensor) -> None:
        """Take in the values of one step."""
        self._count += 1
        for name, value in (*values.items(), ("gradient_norm", norm)):
            self._sums[name] = self._sums.get(name, 0.0) + float(value.detach())

    def write(self, step: int, kind: str, values: Mapping[str, float] | None = None) -> None:
        """Append `values`, or the means since the last call."""
        if values is None:
            values = {name: total / self._count for name, total in self._sums.items()}
            self._sums, self._count = {}, 0
            self.last = f"loss {values['loss']:.4f}"
        with self._path.open("a", newline="") as file:
            csv.writer(file).writerows(
                [step, kind, name, f"{value:.6g}"] for name, value in values.items()
            )
