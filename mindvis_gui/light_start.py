"""Imports of the window without the work that nobody sees the result of."""

from __future__ import annotations

import builtins
import gc
import sys
from functools import partial
from importlib import import_module
from types import ModuleType

_MIRRORED = ("QtCore", "QtGui", "QtWidgets")


def begin_light_start() -> None:
    """Import PySide6 without its hook and pyqtgraph without its copies, and collect no garbage.

    PySide6 puts a function of its own in the place of ``__import__``, for ``from __feature__ import
    snake_case``. It reads the source of every module imported later: .05 s before the window is
    shown, .6 s when torch and diffusers come. Nothing here uses these features. Looking for
    garbage takes another .05 s: start-up makes much and drops next to nothing. It begins again with
    `end_light_start`.
    """
    gc.disable()
    import PySide6.QtCore  # noqa: F401

    builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)
    _import_pyqtgraph()


def _import_pyqtgraph() -> None:
    """Import pyqtgraph with modules of Qt that look names up, in the place of copies.

    It copies every name of three modules into its own, and PySide6 builds a class when it is first
    asked for: more than a thousand that nobody needs, .1 s.
    """
    if "pyqtgraph" in sys.modules:
        return
    sources = [import_module(f"PySide6.{name}") for name in _MIRRORED]
    for name, source in zip(_MIRRORED, sources, strict=True):
        mirror = ModuleType(f"pyqtgraph.Qt.{name}")
        mirror.__getattr__ = partial(getattr, source)  # type: ignore[method-assign]
        sys.modules[mirror.__name__] = mirror
        source.__dir__ = list  # type: ignore[method-assign]  # there is nothing to copy
    try:
        import_module("pyqtgraph")
    finally:
        for source in sources:
            del source.__dir__


def end_light_start() -> None:
    """Collect garbage from now on, but never look through what start-up made."""
    gc.freeze()
    gc.enable()
