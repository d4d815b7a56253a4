"""A generator that runs in a thread of its own."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from PySide6.QtCore import QObject, QThread, Signal

# macOS gives secondary threads 512 KiB, too little for deep network graphs.
_STACK_BYTES = 16 * 1024 * 1024


class Job(QThread):
    """Draws the items of a generator; each item is progress and a point to stop at.

    Signals arrive on the thread of the receiver. Exactly one of `succeeded`,
    `failed` and `cancelled` is sent, after the last `progressed`.
    """

    progressed = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()

    def __init__(
        self, items: Generator[Any, None, Any], title: str, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.title = title
        self._items = items
        self.setStackSize(_STACK_BYTES)

    def cancel(self) -> None:
        """Stop before the next item."""
        self.requestInterruption()

    def run(self) -> None:
        """Draw the items (called by Qt in the new thread)."""
        try:
            while True:
                if self.isInterruptionRequested():
                    self._items.close()
                    self.cancelled.emit()
                    return
                self.progressed.emit(next(self._items))
        except StopIteration as stop:
            self.succeeded.emit(stop.value)
        except Exception as error:  # the receiver decides what is expected
            self.failed.emit(error)
