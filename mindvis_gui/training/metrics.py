"""The numbers of a training, as CSV and for TensorBoard."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mindvis_gui.errors import ExportError, RequestError, refusal_reported
from mindvis_gui.files import atomic_path

METRICS = "metrics.csv"
TENSORBOARD = "tensorboard"
_HEAD = ["step", "kind", "name", "value"]


class MetricLog:
    """Rows (step, kind, name, value) of a CSV file; training values are means since the last.

    Values are written with all their digits: two runs are the same if their files are.

    Parameters
    ----------
    folder : pathlib.Path, optional
        None writes nothing: only one process of a run does.
    tensorboard : bool
        Write the same for TensorBoard too.

    Raises
    ------
    RequestError
        If TensorBoard is asked for and not installed.
    """

    def __init__(self, folder: Path | None, *, tensorboard: bool = False) -> None:
        self._folder = folder
        self._sums: dict[str, float] = {}
        self._count = 0
        self._writer: Any = None
        if folder is not None and tensorboard:
            self._writer_class = _tensorboard_writer()
        self._tensorboard = tensorboard

    def cut(self, step: int) -> None:
        """Keep the rows up to `step`; later ones will be written again."""
        if self._folder is None:
            return
        path = self._folder / METRICS
        rows = [_HEAD]
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                # A row that a kill cut short is of a later step than the checkpoint.
                rows += [
                    row
                    for row in list(csv.reader(file))[1:]
                    if len(row) == len(_HEAD) and int(row[0]) <= step
                ]
        with (
            atomic_path(path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            csv.writer(file).writerows(rows)
        if self._tensorboard:
            self._writer = self._writer_class(self._folder / TENSORBOARD, purge_step=step + 1)

    def state_dict(self) -> dict[str, Any]:
        """Return the sums since the last row."""
        return {"sums": dict(self._sums), "count": self._count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over sums since the last row."""
        self._sums, self._count = dict(state["sums"]), int(state["count"])

    def add(self, values: Mapping[str, float]) -> None:
        """Take in the values of one step."""
        self._count += 1
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    def take_means(self) -> dict[str, float]:
        """Return the means since the last call."""
        means = {name: total / self._count for name, total in self._sums.items()}
        self._sums, self._count = {}, 0
        return means

    def write(self, step: int, kind: str, values: Mapping[str, float]) -> None:
        """Append one row a value.

        Raises
        ------
        ExportError
            If the file cannot be written.
        """
        if self._folder is None:
            return
        path = self._folder / METRICS
        with (
            refusal_reported(ExportError, path, "written"),
            path.open("a", newline="", encoding="utf-8") as file,
        ):
            rows = ([step, kind, name, repr(float(value))] for name, value in values.items())
            csv.writer(file).writerows(rows)
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Write what TensorBoard's writer still holds."""
        if self._writer is not None:
            self._writer.close()


def _tensorboard_writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise RequestError(
            "TensorBoard is not installed; pip install 'mindvis-gui[tensorboard]', or train "
            f"without it: {METRICS} has the same numbers"
        ) from error
    return SummaryWriter
