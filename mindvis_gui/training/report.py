"""How far a training is: a progress bar on a terminal, plain lines elsewhere; on stderr."""

from __future__ import annotations

import math
from collections.abc import Mapping
from time import perf_counter
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_SHOWN = ("loss", "correlation", "psnr")  # of all values, those worth a glance


class Report:
    """Shows step, loss, correlation, samples a second and the time left.

    Parameters
    ----------
    name : str
        Of what is trained.
    steps, done : int
        In all, and before this start.
    shown : bool
        False is silent: only one process of a run speaks.
    """

    def __init__(self, name: str, steps: int, done: int, *, shown: bool) -> None:
        self._console = Console(stderr=True, quiet=not shown, highlight=False, soft_wrap=True)
        self._name, self._steps = name, steps
        self._values: dict[str, float] = {}
        self._since, self._done = perf_counter(), done
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[values]}", markup=False),
            TimeRemainingColumn(),
        )
        self._bar = Progress(
            *columns,
            console=self._console,
            transient=True,
            disable=not (shown and self._console.is_terminal),
        )
        self._task = self._bar.add_task(name, total=steps, completed=done, values="")

    def __enter__(self) -> Report:
        self._bar.start()
        self._since = perf_counter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def advance(self, done: int) -> None:
        """Say how many steps are done."""
        self._bar.update(self._task, completed=done, values=self._text())

    def measure(self, done: int, values: Mapping[str, float], batch: int) -> float:
        """Take in new values; return samples a second since the last call, at `batch` a step."""
        now = perf_counter()
        seconds_a_step = (now - self._since) / max(1, done - self._done)
        self._since, self._done = now, done
        speed = batch / seconds_a_step
        self.update({**values, "speed": speed})
        if self._bar.disable:
            left = _duration((self._steps - done) * seconds_a_step)
            self._console.print(
                f"{self._name}: step {done}/{self._steps}  {self._text()}  {left} left",
                markup=False,
            )
        return speed

    def update(self, values: Mapping[str, float]) -> None:
        """Take in values to show from now on."""
        self._values |= values

    def say(self, text: str) -> None:
        """Show one line that stays."""
        self._console.print(text, markup=False)

    def _text(self) -> str:
        shown = [f"{name} {self._values[name]:.4f}" for name in _SHOWN if name in self._values]
        if "speed" in self._values:
            shown.append(f"{self._values['speed']:.3g} samples/s")
        return "  ".join(shown)


def _duration(seconds: float) -> str:
    minutes, hours = seconds / 60, seconds / 3600
    if hours >= 1:
        return f"{math.floor(hours)} h {math.floor(minutes % 60):02d} min"
    return f"{minutes:.0f} min" if minutes >= 1 else f"{seconds:.0f} s"
