"""One axis of the grid: which option changes along it, and over which values."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QSizePolicy, QWidget

from mindvis_gui.decoding.sampling_settings import SAMPLERS
from mindvis_gui.session.axes import OPTIONS, Axis
from mindvis_gui.views.fields import choice, select
from mindvis_gui.views.theme import label_of, tight

_HINTS = {
    "trial": "Trial numbers, such as 0-9, 12; empty: the test trials",
    "seed": "Seeds, such as 0-4; empty: those of the decode options",
    "steps": "Numbers of steps, such as 10, 20, 50",
    "sampler": f"Samplers: {', '.join(SAMPLERS)}",
    "guidance": "Scales of guidance, such as 1, 1.5, 2; 1 is none",
    "mask": "Mask ratios, such as 0, 0.5, 75%",
    "roi": "Regions left out, such as none, V1, V2; together: V1+V2",
    "model": "Names or folders of models, such as demo, other",
}
_LEAST = 100  # pixels of the option: the list shows its whole name


class AxisField(QWidget):
    """Chooses an option and its values; the field is empty where the option has its own."""

    option_chosen = Signal(str)
    values_typed = Signal(str, str)  # option, text

    def __init__(self, title: str, options: tuple[str, ...]) -> None:
        super().__init__()
        texts = {key: OPTIONS[key] for key in options}
        self.option = choice(texts, f"Option of the {title.lower()}")
        self.option.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.option.setMinimumWidth(_LEAST)
        self.values = QLineEdit()
        self.values.setAccessibleName(f"Values of the {title.lower()}")
        self.values.setMinimumWidth(70)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        row = tight(QHBoxLayout(self), 6)
        row.addWidget(label_of(self.option, title, "muted"))
        row.addWidget(self.option)
        row.addWidget(self.values, 1)
        self.option.activated.connect(lambda _: self.option_chosen.emit(self.option.currentData()))
        self.values.editingFinished.connect(self._tell)
        self._told = ""

    def show_axis(self, axis: Axis, typed: str) -> None:
        """Show an axis, and what was typed for it if anything was."""
        select(self.option, axis.option)
        self._told = typed
        self.values.setText(typed)
        self.values.setPlaceholderText(_brief(axis))
        self.values.setToolTip(_HINTS[axis.option])

    def _tell(self) -> None:
        text = self.values.text().strip()
        if text != self._told:
            self._told = text
            self.values_typed.emit(self.option.currentData(), text)


def _brief(axis: Axis) -> str:
    """Return the values as one would type them; runs of numbers as ranges."""
    values = axis.values
    if axis.option in ("trial", "seed") and values:
        parts, start = [], 0
        for i in range(1, len(values) + 1):
            if i == len(values) or values[i] != values[i - 1] + 1:
                first, last = values[start], values[i - 1]
                parts.append(str(first) if first == last else f"{first}-{last}")
                start = i
        return ", ".join(parts)
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in values)
