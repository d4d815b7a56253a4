"""Work as generators: every item is progress and a point to stop at."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

_Item = TypeVar("_Item")
_T = TypeVar("_T")


def finish(steps: Generator[_Item, Any, _T], report: Callable[[_Item], object] | None = None) -> _T:
    """Do work in one go, telling `report` every item; returns what it returns."""
    while True:
        try:
            item = next(steps)
        except StopIteration as stop:
            result: _T = stop.value
            return result
        if report is not None:
            report(item)
