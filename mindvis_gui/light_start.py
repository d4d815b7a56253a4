"""Imports of the window without the work that nobody sees the result of."""

from __future__ import annotations

import builtins
import gc


def begin_light_start() -> None:
    """Import PySide6 without its hook, and collect no garbage until `end_light_start`.

    PySide6 puts a function of its own in the place of ``__import__``, for ``from __feature__ import
    snake_case``. It reads the source of every module imported later: .05 s before the window is
    shown, .6 s when torch and diffusers come. Nothing here uses these features. Looking for
    garbage takes another .05 s: start-up makes much and drops next to nothing.
    """
    gc.disable()
    import PySide6.QtCore  # noqa: F401

    builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)


def end_light_start() -> None:
    """Collect garbage from now on, but never look through what start-up made."""
    gc.freeze()
    gc.enable()
