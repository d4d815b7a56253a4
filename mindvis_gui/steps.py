"""Work as generators: every item is progress and a point to stop at."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

_T = TypeVar("_T")


def finish(steps: Generator[Any, Any, _T]) -> _T:
    """Do work in one go; returns what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            result: _T = stop.value
            return result
