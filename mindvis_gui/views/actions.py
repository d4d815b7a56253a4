"""The one table of actions: menus, toolbar, command palette and help are made from it.

Its rows stand beside what they do, in `views.commands`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtGui import QAction, QKeySequence, QPalette
from PySide6.QtWidgets import QWidget

from mindvis_gui.views.commands.brain_commands import BRAIN_ENTRIES
from mindvis_gui.views.commands.compare_commands import COMPARE_ENTRIES
from mindvis_gui.views.commands.decode_commands import DECODE_ENTRIES, EDIT_ENTRIES
from mindvis_gui.views.commands.export_commands import EXPORT_ENTRIES
from mindvis_gui.views.commands.file_commands import FILE_ENTRIES
from mindvis_gui.views.commands.lesion_commands import LESION_ENTRIES
from mindvis_gui.views.commands.queue_commands import QUEUE_ENTRIES
from mindvis_gui.views.commands.region_commands import REGION_ENTRIES
from mindvis_gui.views.commands.session_commands import SESSION_ENTRIES
from mindvis_gui.views.commands.view_commands import VIEW_ENTRIES
from mindvis_gui.views.entry import Entry
from mindvis_gui.views.icons import icon

# The order of the menus and of what is in them.
ACTIONS = (
    *FILE_ENTRIES,
    *SESSION_ENTRIES,
    *EXPORT_ENTRIES,
    Entry("quit", "Quit", "window.close", "File", "Ctrl+Q"),
    *EDIT_ENTRIES,
    *DECODE_ENTRIES,
    *LESION_ENTRIES,
    *BRAIN_ENTRIES,
    *REGION_ENTRIES,
    *QUEUE_ENTRIES,
    *COMPARE_ENTRIES,
    *VIEW_ENTRIES,
)

_ON_ACCENT = QPalette.ColorRole.Base  # the colour of fields stands out on the accent


def make_actions(
    window: QWidget, commands: Mapping[str, object], first: Callable[[], None]
) -> dict[str, QAction]:
    """Make every action of the table, by id, as an action of `window`.

    Parameters
    ----------
    window : QWidget
    commands : mapping of str to object
        What the slots' names begin with.
    first : callable
        Called before whatever an action does.
    """
    made = {}
    for entry in ACTIONS:
        action = QAction(entry.text, window)
        action.setIconText(entry.text)  # Qt would drop the dots
        action.setObjectName(entry.id)
        action.setCheckable(entry.checkable)
        if entry.icon:
            role = _ON_ACCENT if entry.id == "decode" else QPalette.ColorRole.ButtonText
            action.setIcon(icon(entry.icon, role))
            action.setIconVisibleInMenu(False)
        action.setShortcuts([QKeySequence(key) for key in entry.keys])
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{entry.tip or entry.text.rstrip('…')}{f'  ({keys})' * bool(keys)}")
        action.triggered.connect(first)
        action.triggered.connect(_slot(entry, commands))
        window.addAction(action)
        made[entry.id] = action
    return made


def _slot(entry: Entry, commands: Mapping[str, object]) -> Callable[[bool], object]:
    area, method = entry.slot.split(".")
    given = (entry.argument,) if entry.argument else ()
    does = partial(getattr(commands[area], method), *given)
    return (lambda checked: does(checked)) if entry.checkable else (lambda checked: does())
