"""An axis whose numbers are written as everywhere else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pyqtgraph as pg


class NumberAxis(pg.AxisItem):
    """Writes −0.05 with a minus sign; correlations and their like as −.05.

    Attributes
    ----------
    of_coefficients : bool
        Whether the values are such.
    """

    def __init__(self, orientation: str, *, of_coefficients: bool = False, **options: Any) -> None:
        super().__init__(orientation, **options)
        self.of_coefficients = of_coefficients

    def tickStrings(self, values: Sequence[float], scale: float, spacing: float) -> list[str]:
        """Return what stands at some ticks (called by pyqtgraph)."""
        texts = (text.replace("-", "−") for text in super().tickStrings(values, scale, spacing))
        if not self.of_coefficients:
            return list(texts)
        return [re.sub(r"^(−?)0\.", r"\1.", text) for text in texts]
