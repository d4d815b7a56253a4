"""What can be taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtGui import QUndoCommand


class Change(QUndoCommand):
    """Sets one value, and the old one on undo; those of one gesture are undone together."""

    def __init__(
        self, text: str, old: Any, new: Any, setter: Callable[[Any], None], gesture: int = -1
    ) -> None:
        super().__init__(text)
        self._old, self._new, self._setter, self._gesture = old, new, setter, gesture

    def id(self) -> int:
        """Return the gesture; -1 never merges (called by Qt)."""
        return self._gesture

    def mergeWith(self, later: QUndoCommand) -> bool:
        """Take over the value of a later change of the same gesture (called by Qt)."""
        if not isinstance(later, Change):
            return False
        self._new = later._new
        return True

    def redo(self) -> None:
        """Set the new value (called by Qt)."""
        self._setter(self._new)

    def undo(self) -> None:
        """Set the old value (called by Qt)."""
        self._setter(self._old)
