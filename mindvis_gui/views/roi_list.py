"""The regions of interest: colour, name, voxel count, used for decoding, shown on the brain."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QEnterEvent,
    QIcon,
    QPainter,
    QPaintEvent,
    QPalette,
    QPixmap,
)
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from mindvis_gui.data.subject import Roi, Subject
from mindvis_gui.session import Session
from mindvis_gui.views.buttons import icon_button
from mindvis_gui.views.icons import icon
from mindvis_gui.views.roi_menu import RoiMenu
from mindvis_gui.views.tab_order import come_after
from mindvis_gui.views.theme import GAP, SWATCH, label, roi_colours, tight

_LEAST = 80  # pixels of tick, colour and name
_GAP = 6  # between colour and name, drawn by the style


class RoiList(QWidget):
    """One row a region; a tick says that decoding uses it, an eye that the brain shows it.

    While the mouse is on a row the brain outlines its region; a right click opens `menu`.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._uses: dict[str, QCheckBox] = {}
        self._eyes: dict[str, QToolButton] = {}
        self._column = tight(QVBoxLayout(self), 0)
        self._rows: dict[str, _Row] = {}
        self._words: list[str] = []
        self.menu = RoiMenu(session, self)
        session.rois_edited.connect(lambda: self.set_subject(session.subject))
        session.rois_changed.connect(self._show_used)
        session.brain.visible_rois_changed.connect(self._show_visible)

    def set_subject(self, subject: Subject | None) -> None:
        """Show the regions of another subject."""
        while item := self._column.takeAt(0):
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        self._rows.clear()
        self._uses.clear()
        self._eyes.clear()
        colours = roi_colours(subject) if subject else {}
        for roi in subject.rois if subject else ():
            self._add(roi, colours[roi.name])
        self.set_filter(" ".join(self._words))
        self._show_used()
        self._show_visible()

    def set_filter(self, words: str) -> None:
        """Show the regions whose names have every one of `words` in them."""
        self._words = words.lower().split()
        for name, row in self._rows.items():
            row.setVisible(all(word in name.lower() for word in self._words))

    @property
    def listed(self) -> frozenset[str]:
        """Names of the regions that pass the filter."""
        return frozenset(name for name, row in self._rows.items() if not row.isHidden())

    @property
    def row_height(self) -> int:
        """Height of a row in pixels."""
        return self.fontMetrics().height() + 10

    def _add(self, roi: Roi, colour: QColor) -> None:
        use = _Tick(roi.name)
        use.setIcon(_swatch(colour))
        use.setIconSize(QSize(SWATCH, SWATCH))
        use.setAccessibleName(f"Use {roi.name} for decoding")
        use.setToolTip(f"Use {roi.name} for decoding")
        use.toggled.connect(lambda on, name=roi.name: self._use(name, on))
        count = label(f"{roi.voxels.size:,}", "count")
        made = f"; {roi.made}" if roi.made else ""
        count.setToolTip(f"{roi.voxels.size:,} voxels{made}")
        eye = icon_button(QIcon(), f"Show {roi.name} on the brain")
        eye.setCheckable(True)
        eye.toggled.connect(lambda on, name=roi.name: self._see(name, on))
        line = _Row(use, count, eye)
        line.hovered.connect(lambda on: self._session.brain.set_hovered_roi(roi.name if on else ""))
        line.menu_wanted.connect(
            lambda where: self.menu.open_for(roi.name, colour, where, self.listed)
        )
        line.setFixedHeight(self.row_height)
        self._column.addWidget(line)
        come_after(list(self._eyes.values())[-1] if self._eyes else self, use)
        come_after(use, eye)
        self._rows[roi.name] = line
        self._uses[roi.name], self._eyes[roi.name] = use, eye

    def _use(self, name: str, on: bool) -> None:
        used = self._session.used_rois
        self._session.set_used_rois(used | {name} if on else used - {name})

    def _see(self, name: str, on: bool) -> None:
        visible = self._session.brain.visible_rois
        self._session.brain.set_visible_rois(visible | {name} if on else visible - {name})

    def _show_used(self) -> None:
        for name, box in self._uses.items():
            with QSignalBlocker(box):
                box.setChecked(name in self._session.used_rois)

    def _show_visible(self) -> None:
        for name, eye in self._eyes.items():
            visible = name in self._session.brain.visible_rois
            with QSignalBlocker(eye):
                eye.setChecked(visible)
            eye.setIcon(icon("eye" if visible else "eye-off", QPalette.ColorRole.PlaceholderText))


class _Tick(QCheckBox):
    """Gets by with the room there is for the name of its region; the tooltip has all of it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """Ask for a few letters (called by Qt)."""
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), _LEAST), hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw tick, colour, and what there is room for of the name (called by Qt)."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        part = QStyle.SubElement.SE_CheckBoxContents
        room = self.style().subElementRect(part, option, self).width() - SWATCH - _GAP
        # Names of an atlas begin alike and differ at the end.
        cut = Qt.TextElideMode.ElideMiddle
        option.text = self.fontMetrics().elidedText(self.text(), cut, room)
        QStylePainter(self).drawControl(QStyle.ControlElement.CE_CheckBox, option)


class _Row(QWidget):
    """One region; it says when the mouse is on it."""

    hovered = Signal(bool)
    menu_wanted = Signal(QPoint)

    def __init__(self, use: QCheckBox, count: QLabel, eye: QToolButton) -> None:
        super().__init__()
        row = tight(QHBoxLayout(self), GAP)
        row.addWidget(use, 1)
        row.addWidget(count)
        row.addWidget(eye)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Say that the mouse came (called by Qt)."""
        self.hovered.emit(True)

    def leaveEvent(self, event: QEvent) -> None:
        """Say that the mouse left (called by Qt)."""
        self.hovered.emit(False)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Ask for what can be done (called by Qt)."""
        self.menu_wanted.emit(event.globalPos())


def _swatch(colour: QColor) -> QIcon:
    pixmap = QPixmap(4 * SWATCH, 4 * SWATCH)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(pixmap.rect(), SWATCH, SWATCH)
    painter.end()
    return QIcon(pixmap)
