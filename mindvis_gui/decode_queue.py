"""Decodes wait for each other: one runs, or a few together, the others queue behind it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from threading import Event, Thread
from time import perf_counter
from typing import TypeVar

from PySide6.QtCore import QObject, Signal

from mindvis_gui.decoding.cached_decoder import CachedDecoder, PartStep
from mindvis_gui.decoding.company import company
from mindvis_gui.decoding.request import (
    BatchDecoder,
    DecodeFailure,
    Decoder,
    DecodeRequest,
    DecodeResult,
    Sample,
    Step,
)
from mindvis_gui.decoding.sample_cache import SampleCache
from mindvis_gui.job import Job
from mindvis_gui.jobs import Jobs

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_POLL = 0.05  # s between two looks at whether a paused decode goes on
_NEWEST = 0.3  # weight of the newest decode in the measured speed


@dataclass(frozen=True, eq=False, slots=True)
class Waiting:
    """A request that waits, and the decoder it waits for."""

    decoder: Decoder
    request: DecodeRequest

    def goes_with(self, other: Waiting) -> bool:
        """Whether both can be drawn at once and gain from it."""
        one, two = self.request, other.request
        alike = one.sampling == two.sampling and len(one.seeds) == len(two.seeds)
        return alike and self.decoder is other.decoder


class DecodeQueue(QObject):
    """Runs one decode after the other; at once those in a row that gain from it.

    What is decoded at once has one decoder, sampling and number of seeds, see
    `mindvis_gui.decoding.company`; it has no previews.

    What is finished of a decode that is stopped or fails is handed over as a smaller result.

    Parameters
    ----------
    jobs : Jobs
    cache : SampleCache, optional
        Where samples are kept and looked up.

    Attributes
    ----------
    together : tuple of DecodeRequest
        All that are decoded now and have no result yet, `running` first.
    samples : tuple of Sample
        Those of `running` that are finished.
    step : Step or None
        The newest of `running`.
    paused : bool
        Whether the running decode rests between two steps, and none is started.
    """

    started = Signal(object)  # DecodeRequest
    progressed = Signal(object)  # Step
    decoded = Signal(object, object)  # DecodeResult, ModelInfo
    stopped = Signal()  # by hand; what was finished went to `decoded` before
    failed = Signal()  # likewise; `Jobs.failed` says why
    changed = Signal()  # what waits, or whether it is paused
    cleared = Signal()  # told to stop: nothing that waits is decoded
    problem = Signal(str)  # samples cannot be kept on disk

    def __init__(
        self, jobs: Jobs, parent: QObject | None = None, cache: SampleCache | None = None
    ) -> None:
        super().__init__(parent)
        self._jobs, self._cache = jobs, cache
        self._waiting: list[Waiting] = []
        self._work_waiting = 0  # network steps; summed as it changes, for it is asked every step
        self._job: Job | None = None
        self._decoder: CachedDecoder | None = None
        self._told_to_stop = False
        self._go_on = Event()
        self._go_on.set()
        self._began = 0.0  # what runs, by `perf_counter`; later by as much as it rested
        self._rests_since = 0.0
        self._speed: float | None = None  # s a network step and seed
        self._rested = False  # what runs was paused: how long it takes tells nothing of the next
        self._trouble = ""
        self.together: tuple[DecodeRequest, ...] = ()
        self.samples: tuple[Sample, ...] = ()
        self.step: Step | None = None
        self.paused = False

    @property
    def running(self) -> DecodeRequest | None:
        """What is decoded now; of several, the first without a result."""
        return self.together[0] if self.together else None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def waiting(self) -> tuple[Waiting, ...]:
        """What waits, in its order."""
        return tuple(self._waiting)

    @property
    def active(self) -> bool:
        """Whether a decode runs, one that was told to stop included."""
        return self._job is not None

    @property
    def empty(self) -> bool:
        """Whether nothing is decoded and nothing waits."""
        return not self.active and not self._waiting

    @property
    def stopping(self) -> bool:
        """Whether a decode runs that was told to stop: it does so before its next step."""
        return self.active and self._told_to_stop

    @property
    def seconds_left(self) -> float | None:
        """Seconds until all is decoded at the speed of the last decodes; None if not known yet."""
        if self._speed is None:
            return None
        work = float(self._work_waiting)
        done = self.step.index / self.step.total if self.step and self.step.total else 0.0
        work += sum(_work(each) for each in self.together) * (1 - done)
        return work * self._speed

    # -- what waits --------------------------------------------------------------------------

    def add(self, decoder: Decoder, request: DecodeRequest) -> None:
        """Decode `request` once those before it are done."""
        self.extend([Waiting(decoder, request)])

    def extend(self, items: Iterable[Waiting]) -> None:
        """Decode many requests once those before them are done."""
        more = list(items)
        self._waiting += more
        self._work_waiting += _work_of(more)
        self.changed.emit()
        self._start_next()

    def remove(self, items: Iterable[Waiting]) -> None:
        """Forget requests that wait."""
        gone = set(items)
        self._waiting = [each for each in self._waiting if each not in gone]
        self._work_waiting = _work_of(self._waiting)
        self.changed.emit()

    def move(self, items: Sequence[Waiting], place: int) -> None:
        """Put waiting requests together before the one that is at `place` now."""
        moved = set(items)
        before = [each for each in self._waiting[:place] if each not in moved]
        after = [each for each in self._waiting[place:] if each not in moved]
        chosen = [each for each in self._waiting if each in moved]
        self._waiting = [*before, *chosen, *after]
        self.changed.emit()

    def pause(self, paused: bool = True) -> None:
        """Rest between two steps, or go on."""
        if paused == self.paused:
            return
        self._count_rest()
        self.paused = paused
        self._rested = self._rested or paused
        if paused:
            self._go_on.clear()
        else:
            self._go_on.set()
        self.changed.emit()
        self._start_next()

    def skip(self) -> None:
        """Stop the running decode before its next step; those that wait come next."""
        if self._job is not None:
            self._told_to_stop = True
            self._job.cancel()
            self._go_on.set()

    def stop(self) -> None:
        """Stop the running decode before its next step and forget those that wait."""
        gone, self._waiting = self._waiting, []
        Thread(target=_let_go, args=(gone,)).start()
        self._work_waiting = 0
        self.skip()
        self._count_rest()
        self.paused = False
        self._go_on.set()
        self.cleared.emit()
        self.changed.emit()

    def abandon(self) -> None:
        """Stop as `stop` does, and want no result of the running decode even if it gets done."""
        self.together = ()
        self.stop()

    # -- what runs ---------------------------------------------------------------------------

    def _start_next(self) -> None:
        if self._job is not None or not self._waiting or self.paused:
            return
        items = self._company()
        del self._waiting[: len(items)]
        self._work_waiting -= _work_of(items)
        self.together = tuple(item.request for item in items)
        self.samples, self.step = (), None
        self._told_to_stop = self._rested = False
        self._began = perf_counter()
        self._decoder = decoder = CachedDecoder(items[0].decoder, self._cache)
        first, more = self.together[0], len(items) - 1
        self._job = self._jobs.start(
            self._held(decoder.decode_many(self.together) if more else decoder.decode(first)),
            f"Decoding trial {first.trial}" + (f" and {more} more" if more else ""),
            self._finish,
            progress=self._report,
            ended=self._end,
        )
        self.started.emit(first)
        self.changed.emit()

    def _company(self) -> list[Waiting]:
        """Return the first that waits, with those behind it that gain from being drawn with it."""
        first = self._waiting[0]
        if not isinstance(first.decoder, BatchDecoder):
            return [first]
        most = company(first.decoder.info, len(first.request.seeds))
        return list(takewhile(first.goes_with, self._waiting[:most]))

    def _held(self, steps: Generator[_Item, None, _Result]) -> Generator[_Item, None, _Result]:
        """Wait between two steps while the queue is paused; runs in the job's thread."""
        while True:
            try:
                step = next(steps)
            except StopIteration as stop:
                result: _Result = stop.value
                return result
            yield step
            while not self._go_on.wait(_POLL):
                pass

    def _report(self, item: Step | DecodeResult | DecodeFailure) -> None:
        if self.running is None:
            return
        if isinstance(item, DecodeResult):
            self._finish(item)
        elif isinstance(item, DecodeFailure):
            self._leave_out(item)
        else:
            if isinstance(item, PartStep):
                self.samples = item.samples
            self.step = item
            self.progressed.emit(item)

    def _finish(self, result: DecodeResult | None) -> None:
        if result is None or result.request is not self.running:
            return  # of several each was handed over, or nobody wants it any more
        assert self._decoder is not None
        if not result.found and not self._rested:
            self._measure(result)
        self.together = self.together[1:]
        self.decoded.emit(result, self._decoder.info)
        if self.together:
            self.started.emit(self.together[0])

    def _leave_out(self, failure: DecodeFailure) -> None:
        self.together = tuple(each for each in self.together if each is not failure.request)
        self._jobs.failed.emit(failure.error)
        self.failed.emit()

    def _count_rest(self) -> None:
        now = perf_counter()
        if self.paused:
            self._began += now - self._rests_since
        self._rests_since = now

    def _measure(self, result: DecodeResult) -> None:
        speed = result.seconds / _work(result.request)
        before = speed if self._speed is None else self._speed
        self._speed = before + _NEWEST * (speed - before)

    def _end(self) -> None:
        # The queue keeps none: its memory would be kept when another model is loaded.
        decoder, self._decoder = self._decoder, None
        assert decoder is not None
        self._job = None
        self._count_rest()
        request, samples = self.running, self.samples
        self.together, self.samples, self.step = (), (), None
        if request is not None:
            if samples:
                done = replace(request, seeds=tuple(sample.seed for sample in samples))
                result = DecodeResult(done, samples, perf_counter() - self._began)
                self.decoded.emit(result, decoder.info)
            (self.stopped if self._told_to_stop else self.failed).emit()
        if decoder.trouble and not self._trouble:  # say it once, not for every trial
            self.problem.emit(decoder.trouble)
        self._trouble = decoder.trouble
        self._start_next()
        self.changed.emit()


def _let_go(waiting: list[Waiting]) -> None:
    """Forget them one after the other: where vectors lie in files, that takes a tenth of a second.

    Runs in a thread of its own, which no window waits for.
    """
    while waiting:
        waiting.pop()


def _work_of(items: Iterable[Waiting]) -> int:
    return sum(_work(each.request) for each in items)


def _work(request: DecodeRequest) -> int:
    return request.sampling.steps * len(request.seeds)
