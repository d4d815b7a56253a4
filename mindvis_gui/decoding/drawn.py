"""Results of requests that were drawn together, delivered once their pictures are there."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

from mindvis_gui.decoding.device import failures_said
from mindvis_gui.decoding.pictures import Pictures
from mindvis_gui.decoding.request import (
    DecodeFailure,
    DecodeRequest,
    DecodeResult,
    ModelInfo,
    Sample,
    Step,
)
from mindvis_gui.errors import MindVisError

_T = TypeVar("_T")


class Drawn:
    """Requests whose samples are drawn, and their pictures, which may still be on the way.

    Parameters
    ----------
    requests : sequence of DecodeRequest
    pictures : Pictures
        Of every request one a seed.
    seconds : float
        That they took together.
    info : ModelInfo
        Of the model, for messages.
    """

    def __init__(
        self,
        requests: Sequence[DecodeRequest],
        pictures: Pictures,
        seconds: float,
        info: ModelInfo,
    ) -> None:
        self._requests, self._pictures = list(requests), pictures
        self._share = seconds / len(requests)
        self._info = info

    @property
    def ready(self) -> bool:
        """Whether results can be had without waiting."""
        return self._pictures.ready

    def results(self) -> Generator[DecodeResult | DecodeFailure]:
        """Yield one result a request, the first time; waits for the pictures."""
        requests, self._requests = self._requests, []
        if not requests:
            return
        try:
            with failures_said(self._info.name, self._info.device):
                images = iter(self._pictures.finished())
        except MindVisError as error:
            yield from (DecodeFailure(request, error) for request in requests)
            return
        for request in requests:
            samples = tuple(Sample(next(images), seed) for seed in request.seeds)
            yield DecodeResult(request, samples, self._share)


def delivered_meanwhile(
    before: Drawn | None, walk: Generator[Step | DecodeFailure, None, _T]
) -> Generator[Step | DecodeResult | DecodeFailure, None, _T]:
    """Draw the items of `walk`, and between them the results of `before` as soon as they are ready.

    Returns what `walk` returns.
    """
    while True:
        try:
            yield next(walk)
        except StopIteration as stop:
            result: _T = stop.value
            return result
        if before is not None and before.ready:
            yield from before.results()
