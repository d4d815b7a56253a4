"""Panels, layout, theme and help."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QMainWindow

from mindvis_gui.session import Session
from mindvis_gui.settings import Settings
from mindvis_gui.views.command_palette import CommandPalette
from mindvis_gui.views.entry import Entry
from mindvis_gui.views.shortcuts_dialog import ShortcutsDialog
from mindvis_gui.views.theme import apply_theme, is_dark
from mindvis_gui.views.workspace import Workspace


def _panel(name: str, text: str, shortcut: str, tip: str = "") -> Entry:
    slot = "view.show_panel"
    return Entry(f"panel_{name}", text, slot, "View", shortcut, tip, checkable=True, argument=name)


PANEL_ENTRIES = (
    _panel("subject", "Subject", "Ctrl+1"),
    _panel("brain", "Brain", "Ctrl+2"),
    _panel("mask", "Mask", "Ctrl+3"),
    _panel("images", "Images", "Ctrl+4"),
    _panel("decode", "Decode options", "Ctrl+5"),
    _panel("overlays", "Overlays", "Ctrl+7", "What is laid over the brain, and how it is drawn"),
    _panel("lesion", "Lesion", "Ctrl+Shift+L", "Leave regions out and measure what is lost"),
    _panel("attribution", "Attribution", "Ctrl+Shift+G", "Which voxels a sample rests on"),
    _panel("compare", "Scores", "Ctrl+6", "Show the scores beneath the samples"),
    _panel("queue", "Queue", "Ctrl+8", "Show what is decoded now and what waits"),
    _panel("history", "History", "Ctrl+9", "Show what was decoded before"),
)
VIEW_ENTRIES = (
    *PANEL_ENTRIES,
    Entry("next_panel", "Next panel", "view.next_panel", "View", "F6",
          "Give the keyboard to the next panel that is seen"),
    Entry("previous_panel", "Previous panel", "view.previous_panel", "View", "Shift+F6"),
    Entry("default_layout", "Default layout", "view.restore_default_layout", "View", "Ctrl+Shift+D",
          "Put every panel back where it was at first"),
    Entry("theme", "Light or dark", "view.toggle_theme", "View", "Ctrl+T",
          "Switch between the light and the dark theme", "theme"),
    Entry("full_screen", "Full screen", "view.toggle_full_screen", "View", "F11"),
    Entry("palette", "Find an action…", "view.show_palette", "Help", "Ctrl+Shift+P"),
    Entry("shortcuts", "Keyboard shortcuts", "view.show_shortcuts", "Help", "F1"),
)  # fmt: skip


class ViewCommands:
    """Arranges the window, and lists the keys of all `entries`."""

    def __init__(
        self,
        window: QMainWindow,
        session: Session,
        settings: Settings,
        workspace: Workspace,
        entries: Iterable[Entry],
    ) -> None:
        self._window, self._session = window, session
        self._settings, self._workspace = settings, workspace
        self._entries = entries

    def enabled(self) -> dict[str, bool]:
        """Return whether there are panels to arrange."""
        opened = self._session.subject is not None
        names = ("next_panel", "previous_panel", "default_layout")
        return dict.fromkeys((*names, *(entry.id for entry in PANEL_ENTRIES)), opened)

    def show_panel(self, name: str, shown: bool) -> None:
        """Open or close a panel; one that nobody sees comes to the front instead of closing."""
        self._workspace.show_panel(name, shown or self._workspace.is_behind(name))

    def next_panel(self) -> None:
        """Give the keyboard to the next panel."""
        self._workspace.go_round(1)

    def previous_panel(self) -> None:
        """Give the keyboard to the panel before."""
        self._workspace.go_round(-1)

    def restore_default_layout(self) -> None:
        """Put every panel back where it was at first, and forget the saved arrangement."""
        self._settings.forget_layout()
        self._workspace.restore_default()

    def toggle_theme(self) -> None:
        """Change between light and dark, now and for the next start."""
        self._settings.theme = "light" if is_dark(self._window) else "dark"
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply_theme(app, self._settings.theme)

    def toggle_full_screen(self) -> None:
        """Change between the full screen and a window."""
        window = self._window
        window.setWindowState(window.windowState() ^ window.windowState().WindowFullScreen)

    def show_palette(self) -> None:
        """Find an action by its name."""
        window = self._window
        palette = CommandPalette(window.actions(), window)
        palette.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        left = (window.width() - palette.width()) // 2
        top = self._workspace.mapTo(window, QPoint()).y()  # beneath the toolbar
        palette.move(window.mapToGlobal(QPoint(left, top)))
        palette.open()

    def show_shortcuts(self) -> None:
        """Show every key."""
        dialog = ShortcutsDialog(self._entries, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
