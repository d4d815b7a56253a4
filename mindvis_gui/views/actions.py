"""The one table of actions: menus, toolbar, command palette and help are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtGui import QAction, QKeySequence, QPalette
from PySide6.QtWidgets import QWidget

from mindvis_gui.views.icons import icon


@dataclass(frozen=True, slots=True)
class Entry:
    """One action: what it is called, where it is found, and the window's method that does it."""

    id: str
    text: str
    slot: str
    menu: str
    shortcut: str = ""
    tip: str = ""
    icon: str = ""
    checkable: bool = False


ACTIONS = (
    Entry("open", "Open…", "open_subject", "File", "Ctrl+O", "Open a subject file or folder"),
    Entry("open_folder", "Open folder…", "open_subject_folder", "File", "Ctrl+Shift+O",
          "Open a subject that is a folder, such as NIfTI betas"),
    Entry("demo", "Demo", "open_demo", "File", "", "Open the simulated demo subject"),
    Entry("open_model", "Open model folder…", "open_model", "File", "Ctrl+M",
          "Load a trained model from any folder"),
    Entry("import_model", "Import published checkpoint…", "import_model", "File", "",
          "Turn the published files of MinD-Vis into a model folder"),
    Entry("export_figure", "Export figure…", "export_figure", "File", "Ctrl+E",
          "Write stimulus, samples and scores as PNG, SVG or PDF"),
    Entry("export_samples", "Export samples…", "export_samples", "File", "Ctrl+Shift+E",
          "Write each sample as PNG with the request that made it"),
    Entry("quit", "Quit", "close", "File", "Ctrl+Q"),
    Entry("undo", "Undo", "undo", "Edit", "Ctrl+Z", "Take back a mask or a choice of regions"),
    Entry("redo", "Redo", "redo", "Edit", "Ctrl+Y"),
    Entry("decode", "Decode", "decode", "Decode", "Ctrl+Return",
          "Decode the chosen trial in the background", "play"),
    Entry("stop", "Stop", "stop", "Decode", "Esc", "Stop before the next step", "stop"),
    Entry("new_seed", "New seeds", "new_seed", "Decode", "R",
          "Draw other samples: choose a first seed at random", "dice"),
    Entry("next_trial", "Next trial", "next_trial", "Decode", "PgDown"),
    Entry("previous_trial", "Previous trial", "previous_trial", "Decode", "PgUp"),
    Entry("panel_subject", "Subject", "show_subject", "View", "Ctrl+1", checkable=True),
    Entry("panel_brain", "Brain", "show_brain", "View", "Ctrl+2", checkable=True),
    Entry("panel_mask", "Mask", "show_mask", "View", "Ctrl+3", checkable=True),
    Entry("panel_images", "Images", "show_images", "View", "Ctrl+4", checkable=True),
    Entry("panel_decode", "Decode options", "show_decode", "View", "Ctrl+5", checkable=True),
    Entry("compare", "Compare", "show_compare", "View", "Ctrl+6",
          "Show the scores beneath the samples", checkable=True),
    Entry("default_layout", "Default layout", "restore_default_layout", "View", "Ctrl+Shift+D",
          "Put every panel back where it was at first"),
    Entry("theme", "Light or dark", "toggle_theme", "View", "Ctrl+T",
          "Switch between the light and the dark theme", "theme"),
    Entry("full_screen", "Full screen", "toggle_full_screen", "View", "F11"),
    Entry("palette", "Find an action…", "show_palette", "Help", "Ctrl+Shift+P"),
    Entry("shortcuts", "Keyboard shortcuts", "show_shortcuts", "Help", "F1"),
)  # fmt: skip

# Keys that work only where the mouse or the focus is; the help page lists them, too.
OTHER_KEYS = (
    ("Space, held", "Show the stimulus over the samples"),
    ("Arrow keys", "Move the crosshair in a slice, or through the trials"),
    ("Shift + wheel, Shift + up or down", "Go through the slices"),
    ("Ctrl + wheel", "Zoom a slice or the signal"),
    ("Return, on a picture", "Show it large; then W wipes between stimulus and sample"),
)


_ON_ACCENT = QPalette.ColorRole.Base  # the colour of fields stands out on the accent


def make_actions(window: QWidget, first: Callable[[], None]) -> dict[str, QAction]:
    """Make every action of the table, by id, wired to the methods of `window`.

    `first` is called before whatever the action does.
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
        if entry.shortcut:
            action.setShortcut(QKeySequence(entry.shortcut))
        keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{entry.tip or entry.text.rstrip('…')}{f'  ({keys})' * bool(keys)}")
        action.triggered.connect(first)
        action.triggered.connect(getattr(window, entry.slot))
        window.addAction(action)
        made[entry.id] = action
    return made
