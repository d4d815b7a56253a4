"""The toolbar: open, model, decode, seeds; and at the right compare, export, theme, menu."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QResizeEvent
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

from mindvis_gui.views.actions import ACTIONS
from mindvis_gui.views.buttons import icon_button
from mindvis_gui.views.icons import icon
from mindvis_gui.views.recent_menu import RecentMenu
from mindvis_gui.views.theme import ICON

_LETTERS = 4  # of a name that is cut


class MainToolBar(QToolBar):
    """Shows the actions of the table, the model's name and the seeds.

    Parameters
    ----------
    actions : mapping of str to QAction
        By id.
    model_names : callable
        Names of the models that were found, asked each time the menu opens.
    choose_model : callable
        Called with the name of the model chosen.
    recent : RecentMenu
        Beside what opens a file, and in the menu File.
    """

    def __init__(
        self,
        actions: Mapping[str, QAction],
        model_names: Callable[[], list[str]],
        choose_model: Callable[[str], None],
        recent: RecentMenu,
    ) -> None:
        super().__init__("Toolbar")
        self.setObjectName("toolbar")
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.setIconSize(QSize(ICON, ICON))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._actions, self._model_names, self._choose = actions, model_names, choose_model
        self._recent = recent
        self._open = self._button("open")
        self._open.setMenu(recent)
        self._open.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self._button("demo")
        self.addSeparator()
        self.model = QToolButton()
        self.model.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.model.setToolTip("Choose the trained model")
        self.model.setMenu(QMenu(self.model))
        self.model.menu().aboutToShow.connect(self._fill_model_menu)
        self.addWidget(self.model)
        self._button("decode").setProperty("kind", "primary")
        self.stop = self._button("stop")
        self.seeds = self._button("new_seed")
        self._seeds = self.seeds.text()
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(gap)
        self._button("compare")
        self.export = self._button("export_figure")
        self._button("theme").setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.menu_button = self._menu_button()
        self.addWidget(self.menu_button)
        self.show_model("")

    def show_model(self, name: str, loading: str = "") -> None:
        """Show the name of the loaded model, none for an empty one, or of the one on its way."""
        text = f"Loading {loading} …" if loading else f"Model: {name or 'none'}"
        self.model.setAccessibleName(text)
        self.model.setToolTip(f"{text}\nChoose the trained model")
        self._fit()

    def show_seeds(self, first: int, count: int) -> None:
        """Show which seeds the next decode uses."""
        last = first + count - 1
        self._seeds = f"Seed {first}" if count == 1 else f"Seeds {first}–{last}"
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say as much of the model's name as there is room for (called by Qt)."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Cut words, the model's name, then the seeds, where the menu would have no room.

        Qt hides what has none, and the menu's key with it.
        """
        parts = ((self.model, self.model.accessibleName(), " ▾"), (self.seeds, self._seeds, ""))
        for button, text, end in parts:
            button.setText(text + end)
        self._open.setText(self._actions["open"].text())
        self.export.setText(self._actions["export_figure"].text())
        self.stop.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        if self.sizeHint().width() > self.width():
            self.export.setText("Export…")
            self.stop.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        for button, text, end in parts:
            missing = self.sizeHint().width() - self.width()
            if missing > 0:
                metrics, cut = button.fontMetrics(), Qt.TextElideMode.ElideMiddle
                least = metrics.averageCharWidth() * _LETTERS
                room = max(metrics.horizontalAdvance(text) - missing, least)
                button.setText(metrics.elidedText(text, cut, room) + end)
        if self.sizeHint().width() > self.width():
            self.seeds.setText("")  # the tip of its icon says what it does
            self._open.setText("Open")

    def _button(self, name: str) -> QToolButton:
        self.addAction(self._actions[name])
        button = self.widgetForAction(self._actions[name])
        assert isinstance(button, QToolButton)
        button.setAccessibleName(self._actions[name].text().rstrip("…"))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _menu_button(self) -> QToolButton:
        """Return the button with the whole table of actions as menus."""
        menu = QMenu(self)
        for title in dict.fromkeys(entry.menu for entry in ACTIONS):
            part = menu.addMenu(title)
            for entry in ACTIONS:
                if entry.menu == title:
                    part.addAction(self._actions[entry.id])
                    if entry.id == "open":
                        part.addMenu(self._recent)
        button = icon_button(icon("menu"), "Menu", "Menu  (F10)")
        button.setProperty("kind", "")
        button.setShortcut("F10")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setMenu(menu)
        return button

    def _fill_model_menu(self) -> None:
        menu = self.model.menu()
        menu.clear()
        for name in self._model_names():
            menu.addAction(name).triggered.connect(partial(self._choose, name))
        if menu.isEmpty():
            menu.addAction("No model found").setEnabled(False)
        menu.addSeparator()
        menu.addAction(self._actions["open_model"])
        menu.addAction(self._actions["import_model"])
