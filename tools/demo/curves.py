"""How the stages of the demo model were trained: their curves, and the hours they took."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import matplotlib.ticker
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mindvis_gui.files import atomic_path
from mindvis_gui.training.metrics import METRICS

Curve = list[tuple[int, float]]  # step, value
Curves = Mapping[tuple[str, str], Curve]  # by kind and name

_COLUMNS, _DPI = 3, 110
_TRAINED, _VALIDATED = "#9aa3ad", ("#c2571a", "#2d6fc4", "#3c8c4a", "#8250a8")
# What is watched in the validation; scores get an axis of their own, the others are losses.
_LABELS = {
    "loss": "validation",
    "psnr": "PSNR / dB",
    "correlation": "r of masked voxels",
    "label": "label",
    "layout": "layout",
    "time": "time condition",
}
_SCORES = ("psnr", "correlation")


def read_curves(folder: Path) -> Curves:
    """Read the metrics of a stage: (kind, name) → its values by step."""
    curves: dict[tuple[str, str], Curve] = defaultdict(list)
    with (folder / METRICS).open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            curves[row["kind"], row["name"]].append((int(row["step"]), float(row["value"])))
    return curves


def hours(curves: Curves, batch: int) -> float:
    """Return how long a stage of `batch` samples a step was computed, stops left out."""
    seconds, before = 0.0, 0
    for step, speed in curves["speed", "samples_per_second"]:
        seconds += (step - before) * batch / speed
        before = step
    return seconds / 3600


def write_curves(stages: Mapping[str, Path], path: Path) -> None:
    """Draw loss and validation of each stage.

    Parameters
    ----------
    stages : mapping of str to pathlib.Path
        Title → folder of a training.
    path : pathlib.Path
        PNG to write.
    """
    n_rows = -(-len(stages) // _COLUMNS)
    figure = Figure(figsize=(3.6 * _COLUMNS, 2.5 * n_rows), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(n_rows, _COLUMNS, squeeze=False).flat)
    for axes, (title, folder) in zip(panels, stages.items(), strict=False):
        _draw(axes, title, read_curves(folder))
    for axes in panels[len(stages) :]:
        axes.set_axis_off()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=_DPI)


def _draw(axes: Axes, title: str, curves: Curves) -> None:
    axes.set_title(title, fontsize=9)
    axes.plot(*zip(*curves["train", "loss"], strict=True), color=_TRAINED, lw=0.8)
    axes.set_ylabel("loss", color=_TRAINED, fontsize=8)
    axes.set_yscale("log")
    # Powers of ten would leave most losses, which stay within one, without a number.
    axes.yaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4))
    axes.yaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_locator(matplotlib.ticker.NullLocator())
    validated = {name: curve for (kind, name), curve in curves.items() if kind == "validation"}
    scales = {axes}
    for name, colour in zip(
        [name for name in _LABELS if name in validated], _VALIDATED, strict=False
    ):
        scale = axes.twinx() if name in _SCORES else axes
        scales.add(scale)
        x, y = zip(*validated[name], strict=True)
        scale.plot(x, y, color=colour, lw=1.2, marker=".", ms=3, label=_LABELS[name])
        scale.legend(fontsize=7, frameon=False)
    axes.set_xlabel("step", fontsize=8)
    for each in scales:
        each.tick_params(labelsize=7)
