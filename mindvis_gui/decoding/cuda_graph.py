"""A U-Net call recorded once and replayed: a GPU that need not wait for Python.

A call of the full-size U-Net launches more than a thousand kernels. For a few latents that takes
longer than computing them does.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

import torch
from torch import Tensor

if TYPE_CHECKING:
    from mindvis_gui.decoding.denoiser import Conditions

_log = logging.getLogger(__name__)

Denoise = Callable[[Tensor, Tensor, "Conditions"], Tensor]
_CALLS_BEFORE = 2  # they warm up, and the first preview does not wait for a recording
_MOST_GRAPHS = 4  # each keeps the memory of a call


class Recording(Protocol):
    """What was recorded, as `torch.cuda.CUDAGraph`."""

    def replay(self) -> None:
        """Compute everything again, from the same memory into the same memory."""
        ...


class GraphedDenoiser:
    """Calls `denoise`, from the third call with a batch size on by replaying a recording.

    Parameters
    ----------
    denoise : callable
        (latents, step, conditions) → noise.
    record : callable, optional
        Runs a function without arguments; returns the recording and what the function returned.
    """

    def __init__(
        self,
        denoise: Denoise,
        record: Callable[[Callable[[], Tensor]], tuple[Recording, Tensor]] | None = None,
    ) -> None:
        self._denoise = denoise
        self._record = record or _record
        self._warmed = _Warmed()
        self._graphs: dict[torch.Size, _Graph | None] = {}  # None where memory was too short
        _all.add(self)

    def __call__(self, latents: Tensor, step: Tensor, conditions: Conditions) -> Tensor:
        """Predict the noise in latents (rows, channels, h, w)."""
        shape = latents.shape
        if shape not in self._graphs:
            self._warmed.calls[shape] += 1
            if self._warmed.calls[shape] <= _CALLS_BEFORE:
                return self._denoise(latents, step, conditions)
            if len(self._graphs) == _MOST_GRAPHS:
                del self._graphs[next(iter(self._graphs))]
            self._graphs[shape] = self._recorded(latents, step, conditions)
        graph = self._graphs.get(shape)  # another thread may have made this one forget it
        if graph is None:
            return self._denoise(latents, step, conditions)
        return graph.replay(latents, step, conditions)

    def forget(self) -> bool:
        """Give back the memory of what was recorded; return whether anything was."""
        recorded = [shape for shape, graph in list(self._graphs.items()) if graph is not None]
        for shape in recorded:
            self._graphs.pop(shape, None)  # another thread may run out of memory, too
        return bool(recorded)

    def _recorded(self, latents: Tensor, step: Tensor, conditions: Conditions) -> _Graph | None:
        try:
            return _Graph(self._denoise, self._record, latents, step, conditions)
        except RuntimeError as error:
            # A recording keeps memory of its own. What else may be wrong the plain call will say.
            _log.warning("batches of %d run unrecorded: %s", len(latents), error)
            return None


_all: WeakSet[GraphedDenoiser] = WeakSet()


def forget_recordings() -> bool:
    """Give back the memory of all recordings, which are made again; return whether there were any.

    Each keeps the memory of a call, also while calls of another size, in another precision or of
    another network have too little.
    """
    forgotten = [denoiser.forget() for denoiser in list(_all)]
    return any(forgotten)


class _Warmed(threading.local):
    """Calls by shape of this thread: each has handles of its own to the libraries of the GPU."""

    def __init__(self) -> None:
        self.calls: Counter[torch.Size] = Counter()


class _Graph:
    """One recording, and the memory that it reads and writes."""

    def __init__(
        self,
        denoise: Denoise,
        record: Callable[[Callable[[], Tensor]], tuple[Recording, Tensor]],
        latents: Tensor,
        step: Tensor,
        conditions: Conditions,
    ) -> None:
        self._latents = latents.clone()
        self._step = torch.empty((), dtype=torch.int64, device=latents.device)
        self._step.fill_(int(step))
        self._conditions = conditions.clone()
        self._bound = conditions
        self._recording, self._noise = record(
            lambda: denoise(self._latents, self._step, self._conditions)
        )

    def replay(self, latents: Tensor, step: Tensor, conditions: Conditions) -> Tensor:
        self._latents.copy_(latents)
        self._step.fill_(int(step))
        if conditions is not self._bound:  # one and the same during a walk
            self._conditions.copy_(conditions)
            self._bound = conditions
        self._recording.replay()
        return self._noise.clone()


def _record(compute: Callable[[], Tensor]) -> tuple[Recording, Tensor]:
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    try:
        # Other threads (SC-MBM's recovery) may go on using the GPU meanwhile.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            result = compute()
    finally:
        torch.cuda.set_stream(stream)  # torch goes on in another one if a recording was spoilt
    return graph, result
