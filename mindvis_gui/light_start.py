"""Imports of the window without the work that nobody sees the result of."""

from __future__ import annotations

import builtins
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

_MIRRORED = ("QtCore", "QtGui", "QtWidgets")
# Of pyqtgraph, what the window has no use for.
_ITEMS = (
    *("ArrowItem", "BoxplotItem", "ColorBarItem", "CurvePoint", "DateAxisItem", "ErrorBarItem"),
    *("FillBetweenItem", "GradientEditorItem", "GradientLegend", "GraphicsLayout", "GraphItem"),
    *("GridItem", "HistogramLUTItem", "IsocurveItem", "PColorMeshItem", "ROI", "ScaleBar"),
    *("TargetItem", "VTickGroup"),
)
_WIDGETS = (
    *("BusyCursor", "CheckTable", "ColorButton", "ColorMapWidget", "ComboBox", "DataFilterWidget"),
    *("DataTreeWidget", "DiffTreeWidget", "FeedbackButton", "GradientWidget"),
    *("GraphicsLayoutWidget", "HistogramLUTWidget", "JoystickButton", "LayoutWidget"),
    *("ProgressDialog", "RawImageWidget", "RemoteGraphicsView", "ScatterPlotWidget", "SpinBox"),
    *("TableWidget", "TreeWidget", "ValueLabel", "VerticalLabel"),
)
_LEFT_OUT = {
    "ImageView": "pyqtgraph.imageview",
    **{name: f"pyqtgraph.graphicsItems.{name}" for name in _ITEMS},
    **{name: f"pyqtgraph.widgets.{name}" for name in _WIDGETS},
}


class _Absent(ModuleType):
    """Stands for a module while others import it: each name in it is a class that nobody uses."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def begin_light_start() -> None:
    """Import PySide6 without its hook, pyqtgraph in part, and collect no garbage.

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
    """Import what the window needs of pyqtgraph, with modules of Qt that look names up.

    It copies every name of three modules of Qt into its own, and PySide6 builds a class when it is
    first asked for: more than a thousand that nobody needs, .1 s. And it imports all of its own
    modules: another .05 s. What is left out comes when it is asked for.
    """
    if "pyqtgraph" in sys.modules:
        return
    sources = [import_module(f"PySide6.{name}") for name in _MIRRORED]
    for name, source in zip(_MIRRORED, sources, strict=True):
        mirror = ModuleType(f"pyqtgraph.Qt.{name}")
        mirror.__getattr__ = partial(getattr, source)  # type: ignore[method-assign]
        sys.modules[mirror.__name__] = mirror
        source.__dir__ = list  # type: ignore[method-assign]  # there is nothing to copy
    sys.modules.update((module, _Absent(module)) for module in _LEFT_OUT.values())
    try:
        pyqtgraph = import_module("pyqtgraph")
    finally:
        for source in sources:
            del source.__dir__
        for module in _LEFT_OUT.values():
            del sys.modules[module]
    for name in _LEFT_OUT:  # what it imports by name, not with a *
        vars(pyqtgraph).pop(name, None)
    pyqtgraph.__getattr__ = _late  # type: ignore[method-assign]


def _late(name: str) -> Any:
    """Return a name of pyqtgraph's that was left out at the start."""
    if name not in _LEFT_OUT:
        raise AttributeError(f"module 'pyqtgraph' has no attribute {name!r}")
    return getattr(import_module(_LEFT_OUT[name]), name)


def end_light_start() -> None:
    """Collect garbage from now on, but never look through what start-up made."""
    gc.freeze()
    gc.enable()


@contextmanager
def torch_comes() -> Iterator[None]:
    """Look for no garbage while torch is imported for the first time, and never through it later.

    It brings a million objects, with those of diffusers. Each look takes .1 to .3 s, in which no
    thread of Python's goes on, the window's included: half a dozen times while they come, and later
    whenever many objects are made. What of them is garbage (8 MB, none of it tensors) stays.
    """
    if "torch" in sys.modules:
        yield
        return
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
