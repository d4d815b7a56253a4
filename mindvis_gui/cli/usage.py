"""One rule for options: what cannot be whatever the files hold is wrong usage, exit code 2."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from mindvis_gui.errors import MindVisError

_T = TypeVar("_T")


class UsageError(Exception):
    """Options that cannot be; the message says which value, and what to do."""


def read_by(read: Callable[[str], _T]) -> Callable[[str], _T]:
    """Return `read` as the type of an option; argparse reports what it raises on purpose."""

    def reader(text: str) -> _T:
        try:
            return read(text)
        except MindVisError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return reader


@contextmanager
def usage_reported() -> Iterator[None]:
    """Raise a `UsageError` in place of what the block raises on purpose: it reads options alone."""
    try:
        yield
    except MindVisError as error:
        raise UsageError(str(error)) from error
