"""Networks are built by one thread at a time."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from threading import RLock

_LOCK = RLock()


@contextmanager
def building() -> Generator[None, None, None]:
    """Wait until no other thread builds or loads networks, then keep others from it.

    While diffusers loads one, torch itself is changed: what any thread makes then has no
    weights, and two that load at once leave torch so for good.
    """
    with _LOCK:
        yield
