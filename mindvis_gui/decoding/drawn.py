"""Outcomes of requests that were drawn together, delivered once their pictures are there."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import islice
from time import perf_counter
from typing import TypeVar

from mindvis_gui.data.subject import ImageArray
from mindvis_gui.decoding.device import failures_said
from mindvis_gui.decoding.finite import check_finite
from mindvis_gui.decoding.pictures import Pictures
from mindvis_gui.decoding.request import (
    DecodeFailure,
    DecodeRequest,
    DecodeResult,
    ModelInfo,
    Sample,
    Step,
)
from mindvis_gui.errors import MindVisError, ModelError

_T = TypeVar("_T")


class Stopwatch:
    """Tells apart the seconds of what a GPU does one after the other, and Python long before."""

    def __init__(self) -> None:
        self._before = perf_counter()

    def lap(self, start: float) -> float:
        """Return the seconds since `start`, or since what was before had ended if that is later."""
        now = perf_counter()
        seconds, self._before = now - max(start, self._before), now
        return seconds


def worked(steps: Generator[Step, None, _T]) -> Generator[Step, None, tuple[_T, float]]:
    """Take the steps of a walk; return what it returns, and the seconds of the walk alone.

    Whoever takes a step may rest before the next one.
    """
    seconds = 0.0
    with closing(steps):
        while True:
            began = perf_counter()
            try:
                step = next(steps)
            except StopIteration as stop:
                result: _T = stop.value
                return result, seconds + perf_counter() - began
            seconds += perf_counter() - began
            yield step


class DrawnTogether:
    """The outcomes of requests that were drawn together; pictures may still be on the way.

    Parameters
    ----------
    entries : sequence of DecodeRequest or DecodeFailure
        In the order of the requests: those that were drawn, and the failures of others.
    pictures : Pictures or None
        Of every request that was drawn one a seed; None if none was.
    start : float
        When it was begun, by ``perf_counter``; later by as much as was rested between its steps.
    watch : Stopwatch
        Of everything that is drawn one after the other.
    info : ModelInfo
        Of the model, for messages.
    """

    def __init__(
        self,
        entries: Sequence[DecodeRequest | DecodeFailure],
        pictures: Pictures | None,
        start: float,
        watch: Stopwatch,
        info: ModelInfo,
    ) -> None:
        self._entries, self._pictures = list(entries), pictures
        self._start, self._watch = start, watch
        self._info = info

    @property
    def ready(self) -> bool:
        """Whether outcomes can be had without waiting."""
        return self._pictures is None or self._pictures.ready

    def outcomes(self) -> Generator[DecodeResult | DecodeFailure]:
        """Yield one outcome a request, in their order, the first time; waits for the pictures."""
        entries, self._entries = self._entries, []
        n_drawn = sum(isinstance(entry, DecodeRequest) for entry in entries)
        images: Iterator[ImageArray] = iter(())
        finite: Iterator[bool] = iter(())
        lost: MindVisError | None = None
        if n_drawn and self._pictures is not None:
            try:
                with failures_said(self._info.name, self._info.device):
                    images = iter(self._pictures.finished())
                    finite = iter(self._pictures.finite())
            except MindVisError as error:
                lost = error
        seconds = self._watch.lap(self._start) if entries else 0.0
        for entry in entries:
            if isinstance(entry, DecodeFailure):
                yield entry
            elif lost is not None:
                yield DecodeFailure(entry, lost)
            else:
                samples = tuple(Sample(next(images), seed) for seed in entry.seeds)
                try:
                    check_finite(entry, list(islice(finite, len(samples))), self._info)
                except ModelError as error:
                    yield DecodeFailure(entry, error)
                else:
                    yield DecodeResult(entry, samples, seconds / n_drawn)


def delivered_meanwhile(
    before: DrawnTogether | None, walk: Generator[Step, None, _T]
) -> Generator[Step | DecodeResult | DecodeFailure, None, _T]:
    """Take the steps of `walk`, and between them the outcomes of `before` once they are ready.

    Returns what `walk` returns.
    """
    while True:
        try:
            yield next(walk)
        except StopIteration as stop:
            result: _T = stop.value
            return result
        if before is not None and before.ready:
            yield from before.outcomes()
