"""Decodes wait for each other: one runs, the others queue behind it."""

from __future__ import annotations

from collections import deque

from PySide6.QtCore import QObject, Signal

from mindvis_gui.decoding.request import Decoder, DecodeRequest, DecodeResult, Step
from mindvis_gui.job import Job
from mindvis_gui.jobs import Jobs


class DecodeQueue(QObject):
    """Runs one decode after the other.

    Attributes
    ----------
    running : DecodeRequest or None
        What is decoded now.
    """

    started = Signal(object)  # DecodeRequest
    progressed = Signal(object)  # Step
    decoded = Signal(object)  # DecodeResult
    stopped = Signal()  # by hand, without a result
    failed = Signal()  # without a result; `Jobs.failed` says why

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._waiting: deque[tuple[Decoder, DecodeRequest]] = deque()
        self._job: Job | None = None
        self._told_to_stop = False
        self.running: DecodeRequest | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def active(self) -> bool:
        """Whether a decode runs, one that was told to stop included."""
        return self._job is not None

    def add(self, decoder: Decoder, request: DecodeRequest) -> None:
        """Decode `request` once those before it are done."""
        self._waiting.append((decoder, request))
        self._start_next()

    def stop(self) -> None:
        """Stop the running decode before its next step and forget those that wait."""
        self._waiting.clear()
        if self._job is not None:
            self._told_to_stop = True
            self._job.cancel()

    def abandon(self) -> None:
        """Stop as `stop` does, and want no result of the running decode even if it gets done."""
        self.stop()
        self.running = None

    def _start_next(self) -> None:
        if self._job is not None or not self._waiting:
            return
        decoder, request = self._waiting.popleft()
        self.running = request
        self._told_to_stop = False
        self._job = self._jobs.start(
            decoder.decode(request),
            f"Decoding trial {request.trial}",
            self._finish,
            progress=self._report,
            ended=self._end,
        )
        self.started.emit(request)

    def _report(self, step: Step) -> None:
        if self.running is not None:
            self.progressed.emit(step)

    def _finish(self, result: DecodeResult) -> None:
        if result.request is self.running:
            self.running = None
            self.decoded.emit(result)

    def _end(self) -> None:
        self._job = None
        if self.running is not None:
            self.running = None
            (self.stopped if self._told_to_stop else self.failed).emit()
        self._start_next()
