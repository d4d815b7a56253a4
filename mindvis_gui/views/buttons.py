"""Buttons with a name that screen readers say, in the kinds of the style sheet."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QToolButton

from mindvis_gui.views.theme import ICON

_LEAST = 160  # pixels that an elided button gets by with


def icon_button(image: QIcon, name: str, tip: str = "", size: int = ICON) -> QToolButton:
    """Make a button that is no more than its icon until the mouse or the focus is on it."""
    button = QToolButton()
    button.setIcon(image)
    button.setIconSize(QSize(size, size))
    button.setProperty("kind", "quiet")
    button.setAccessibleName(name)
    button.setToolTip(tip or name)
    return button


def push_button(text: str, name: str, kind: str = "", *, checkable: bool = False) -> QPushButton:
    """Make a button with a text; `kind` is one of the style sheet's."""
    button = QPushButton(text)
    button.setProperty("kind", kind)
    button.setAccessibleName(name)
    button.setCheckable(checkable)
    return button


class ElidedButton(QPushButton):
    """A button that says as much of a long text as there is room for; the tooltip has all of it."""

    def __init__(self, text: str, name: str, kind: str = "") -> None:
        super().__init__()
        self._whole = ""
        self.setProperty("kind", kind)
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Say something else, as far as there is room."""
        self._whole = text
        self.setToolTip(text)
        self._elide()
        self.updateGeometry()

    def text(self) -> str:
        """Return the whole text."""
        return self._whole

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the text anew (called by Qt)."""
        super().resizeEvent(event)
        self._elide()

    def sizeHint(self) -> QSize:
        """Ask for room for the whole text (called by Qt)."""
        hint = super().sizeHint()
        return QSize(self._frame() + self._wide(_escaped(self._whole)), hint.height())

    def minimumSizeHint(self) -> QSize:
        """Get by with a part of it (called by Qt)."""
        hint = self.sizeHint()
        return hint.boundedTo(QSize(_LEAST, hint.height()))

    def _elide(self) -> None:
        width = self.width() - self._frame()
        cut = self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideMiddle, width)
        super().setText(_escaped(cut))

    def _frame(self) -> int:
        return super().sizeHint().width() - self._wide(super().text())

    def _wide(self, text: str) -> int:
        return self.fontMetrics().size(Qt.TextFlag.TextShowMnemonic, text).width()


def _escaped(text: str) -> str:
    """Return a text that a button shows as it is; an ampersand would underline what follows it."""
    return text.replace("&", "&&")
