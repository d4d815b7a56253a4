"""Work that comes faster than it is done: one job at a time goes through it in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from mindvis_gui.jobs import Jobs

_Item = TypeVar("_Item")
_Done = TypeVar("_Done")


class Backlog(Generic[_Item, _Done]):
    """Does `work` for every item in a background thread and hands each result to `done`.

    An item whose work fails is reported by `Jobs.failed`; those behind it are done all the same.
    """

    def __init__(
        self, jobs: Jobs, work: Callable[[_Item], _Done], done: Callable[[_Done], None]
    ) -> None:
        self._jobs, self._work, self._done = jobs, work, done
        self._waiting: deque[_Item] = deque()
        self._running = False

    def add(self, item: _Item) -> None:
        """Do this item once those before it are done."""
        self._waiting.append(item)
        self._start()

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()

    def _start(self) -> None:
        if not self._running and self._waiting:
            self._running = True
            self._jobs.start(
                self._go_through(), "", lambda _: None, progress=self._done, ended=self._end
            )

    def _go_through(self) -> Generator[_Done, None, Any]:
        while self._waiting:
            try:
                item = self._waiting.popleft()
            except IndexError:  # cleared meanwhile
                return
            yield self._work(item)

    def _end(self) -> None:
        self._running = False
        self._start()
