"""Models on their way: what they are called, and whether a decode waits for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from mindvis_gui.jobs import Jobs


class Loading(QObject):
    """Loads models in the background; of several at once, the one asked for last counts.

    Attributes
    ----------
    decode_wanted : bool
        Whether to decode once nothing is loaded any more.
    """

    changed = Signal()
    awaited = Signal()  # all is loaded, and a decode was asked for meanwhile

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._names: dict[int, str] = {}
        self._asked = 0
        self.decode_wanted = False

    @property
    def name(self) -> str:
        """Name of the model that is being loaded; empty for none."""
        return list(self._names.values())[-1] if self._names else ""

    def start(self, load: Callable[[], Any], name: str, done: Callable[[Any], None]) -> None:
        """Load a model by name or path; `done` gets what `load` returns.

        Which of those that wait for each other is loaded next is chance: what comes after a model
        that was asked for later is dropped.
        """
        self._asked += 1
        turn = self._asked

        def take(made: Any) -> None:
            if turn not in self._names:
                return
            # Listeners of the new model see that it is there, and that no older one is awaited.
            self._names = {each: name for each, name in self._names.items() if each > turn}
            done(made)
            self.changed.emit()
            if self.decode_wanted and not self._names:
                self.decode_wanted = False
                self.awaited.emit()

        def end() -> None:
            if self._names.pop(turn, None) is not None:  # it could not be loaded
                self.decode_wanted = self.decode_wanted and bool(self._names)
                self.changed.emit()

        self._names[turn] = Path(name).name
        self._jobs.run(load, f"Loading model {name}", take, ended=end)
        self.changed.emit()

    def want_decode(self, wanted: bool = True) -> None:
        """Decode once all is loaded, or do not after all."""
        if wanted != self.decode_wanted:
            self.decode_wanted = wanted
            self.changed.emit()
