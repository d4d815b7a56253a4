"""One row of the table of actions."""

from __future__ import annotations

import sys
from dataclasses import dataclass

_ON_MAC = sys.platform == "darwin"


@dataclass(frozen=True, slots=True)
class Entry:
    """One action: what it is called, where it is found, and what does it.

    Attributes
    ----------
    slot : str
        ``"commands.method"``: which commands (see `views.commands`) and which of their methods.
    argument : str
        What the method gets first; none if empty. A checkable action then gives its state.
    mac : str
        The key on macOS, where the system keeps `shortcut` for itself.
    also : str
        A second key.
    """

    id: str
    text: str
    slot: str
    menu: str
    shortcut: str = ""
    tip: str = ""
    icon: str = ""
    checkable: bool = False
    argument: str = ""
    mac: str = ""
    also: str = ""

    @property
    def keys(self) -> list[str]:
        """The keys on this system; the first is the one that is shown."""
        first = self.mac if self.mac and _ON_MAC else self.shortcut
        return [key for key in (first, self.also) if key]
