"""What the actions do, by area: each module has its rows of the table and the class behind them.

Commands ask in dialogs and call the session's setters. Each class has ``enabled()``, which says
what of it can be done now, by the action's id.
"""

from typing import Protocol


class Commands(Protocol):
    """What the window asks of every area."""

    def enabled(self) -> dict[str, bool]:
        """Return whether each action that is not always possible is possible now, by id."""
        ...
