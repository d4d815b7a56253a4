"""How a cell of the grid is drawn: the picture through the lens, a caption beneath."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPalette, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from mindvis_gui.views.grid_model import CONTENT_ROLE, Content
from mindvis_gui.views.lens import Lens
from mindvis_gui.views.theme import smaller

PADDING = 4
_RADIUS = 4
_SCALED = 800  # pictures kept at the size of a cell
_Index = QModelIndex | QPersistentModelIndex


class GridDelegate(QStyledItemDelegate):
    """Draws `Content` as a square of `side` pixels.

    Attributes
    ----------
    side : int
    covered : bool
        Whether every sample is covered by the stimulus of its row.
    """

    def __init__(self, lens: Lens, parent: QWidget) -> None:
        super().__init__(parent)
        self._lens, self._widget = lens, parent
        self._scaled: OrderedDict[tuple[Hashable, int], QPixmap] = OrderedDict()
        self.side = 120
        self.covered = False

    def cell_size(self, widget: QWidget) -> QSize:
        """Return the size of a cell with its caption."""
        caption = widget.fontMetrics().height() + 2
        return QSize(self.side + 2 * PADDING, self.side + 3 * PADDING + caption)

    def picture_box(self, cell: QRect) -> QRect:
        """Return where the picture stands in a cell."""
        return QRect(cell.left() + PADDING, cell.top() + PADDING, self.side, self.side)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Draw a cell (called by Qt)."""
        content: Content | None = index.data(CONTENT_ROLE)
        if content is None:
            return
        shown = content
        if self.covered and content.image is not None and not content.seen:
            shown = index.sibling(index.row(), 0).data(CONTENT_ROLE) or content
        box = self.picture_box(QRect(option.rect))
        palette = self._widget.palette()  # the style sheet of tables has no colour of fields
        painter.save()
        painter.setRenderHints(
            QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform
        )
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(box), _RADIUS, _RADIUS)
        if shown.image is None:
            self._paint_place(painter, outline, box, content, palette)
        else:
            painter.save()
            painter.setClipPath(outline)
            self._paint_image(painter, box, shown.key, shown.image)
            painter.restore()
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen or shown.seen:
            colour = palette.color(QPalette.ColorRole.Accent)
            painter.setPen(QPen(colour, 2 if chosen or content.seen else 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPath(outline)
        self._paint_caption(painter, box, content, palette)
        painter.restore()

    def _paint_image(self, painter: QPainter, box: QRect, key: Hashable, image: QImage) -> None:
        if self._lens.scale > 1:
            painter.drawImage(QRectF(box), image, self._lens.part(QSizeF(image.size())))
            return
        ratio = painter.device().devicePixelRatioF()
        side = round(self.side * ratio)
        scaled = self._scaled.get((key, side))
        if scaled is None:
            small = image.scaled(
                side,
                side,
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            scaled = QPixmap.fromImage(small)
            scaled.setDevicePixelRatio(ratio)
            self._scaled[key, side] = scaled
            while len(self._scaled) > _SCALED:
                self._scaled.popitem(last=False)
        painter.drawPixmap(box.topLeft(), scaled)

    def _paint_place(
        self,
        painter: QPainter,
        outline: QPainterPath,
        box: QRect,
        content: Content,
        palette: QPalette,
    ) -> None:
        painter.fillPath(outline, palette.color(QPalette.ColorRole.Base))
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(box.adjusted(4, 4, -4, -4), flags, content.instead)

    def _paint_caption(
        self, painter: QPainter, box: QRect, content: Content, palette: QPalette
    ) -> None:
        painter.setFont(smaller(painter.font(), 0.85))
        metrics, align = painter.fontMetrics(), Qt.AlignmentFlag
        area = QRect(box.left(), box.bottom() + 4, box.width(), metrics.height() + 2)
        muted = palette.color(QPalette.ColorRole.PlaceholderText)
        accent = palette.color(QPalette.ColorRole.Accent)
        title, note = content.title, content.note
        room = area.width() - (metrics.horizontalAdvance(title) + 6 if title else 0)
        if metrics.horizontalAdvance(note) > room:
            note = note.partition(" · ")[0]
        painter.setPen(accent if content.seen else palette.color(QPalette.ColorRole.Text))
        # Regions of an atlas, left out row by row, begin alike.
        cut = Qt.TextElideMode.ElideMiddle if content.seen else Qt.TextElideMode.ElideRight
        elided = metrics.elidedText(title, cut, area.width())
        painter.drawText(area, align.AlignLeft | align.AlignTop, elided)
        if metrics.horizontalAdvance(note) <= room:
            painter.setPen(muted)
            side = align.AlignRight if title else align.AlignLeft
            painter.drawText(area, side | align.AlignTop, note)
