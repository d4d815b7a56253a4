"""A request to stop a training takes effect at the end of the step that it finds."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether Ctrl+C, or a scheduler's request to terminate, has come."""

    def __init__(self) -> None:
        self.made = False

    def _take(self, number: int, frame: FrameType | None) -> None:
        # Ctrl+C once more: now. SIGTERM once more is the launcher's after the scheduler's.
        if self.made and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.made = True


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Collect SIGINT and SIGTERM during the block; outside the main thread none comes."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, request._take) for number in signals]
    try:
        yield request
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)
