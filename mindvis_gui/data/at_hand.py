"""Reading only what takes no time: for threads that must not wait, such as the window's."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class NotAtHandError(Exception):
    """What was asked for has to be read or unpacked first, which may take seconds."""


class _Thread(threading.local):
    must_not_wait = False


_thread = _Thread()


@contextmanager
def only_at_hand() -> Iterator[None]:
    """Within the block, this thread raises `NotAtHandError` rather than read or unpack a file."""
    before = _thread.must_not_wait
    _thread.must_not_wait = True
    try:
        yield
    finally:
        _thread.must_not_wait = before


def check_may_wait() -> None:
    """Say that something slow comes next; raises `NotAtHandError` inside `only_at_hand`."""
    if _thread.must_not_wait:
        raise NotAtHandError
