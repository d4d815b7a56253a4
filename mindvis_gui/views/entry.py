"""One row of the table of actions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One action: what it is called, where it is found, and what does it.

    Attributes
    ----------
    slot : str
        ``"commands.method"``: which commands (see `views.commands`) and which of their methods.
    argument : str
        What the method gets first; none if empty. A checkable action then gives its state.
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
