"""The middle of the workspace: views one above the other, which can all be closed."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollArea, QSplitter, QVBoxLayout, QWidget

from mindvis_gui.views.theme import MARGIN, label, tight

_HINT = (
    "Brain, mask and images are closed. The menu View brings each of them back, "
    "and Default layout (Ctrl+Shift+D) all panels."
)


class MiddleView(QWidget):
    """Views that are split by hand; where all are closed, a sentence says how they come back."""

    def __init__(self) -> None:
        super().__init__()
        self._views: list[QWidget] = []
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self._area = QScrollArea()  # or the window would be larger than a small screen
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(self.splitter)
        self.hint = label(_HINT, "muted", wrap=True)
        self.hint.setParent(self)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        self.hint.hide()
        column = tight(QVBoxLayout(self))
        column.addWidget(self._area)

    def add(self, view: QWidget, stretch: int) -> None:
        """Put a view beneath the others; `stretch` is its part of what the window gains."""
        self.splitter.addWidget(view)
        self.splitter.setStretchFactor(len(self._views), stretch)
        self._views.append(view)
        bar = self._area.verticalScrollBar().sizeHint().width()
        widest = max(each.minimumWidth() for each in self._views)
        self._area.setMinimumWidth(widest + bar)

    def bring(self, view: QWidget) -> None:
        """Scroll to one of the views, where there is no room for all."""
        across = self._area.horizontalScrollBar()
        at = across.value()
        self._area.ensureWidgetVisible(view, 0, 0)
        across.setValue(at)

    def follow(self) -> None:
        """Show the sentence if all views are closed."""
        self.hint.setVisible(all(view.isHidden() for view in self._views))
        self.hint.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the sentence in the middle (called by Qt)."""
        super().resizeEvent(event)
        self.hint.setGeometry(self.rect())
