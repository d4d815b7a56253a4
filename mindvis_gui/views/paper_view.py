"""A figure as it will be on paper."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from mindvis_gui.views.theme import muted, rule

_MARGIN = 16


class PaperView(QWidget):
    """A picture as a sheet of paper, as large as fits, or a few words while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.image = QImage()
        self.words = ""
        self.setAccessibleName("Preview of the figure")
        self.setMinimumSize(320, 240)

    def show_image(self, image: QImage) -> None:
        """Show another picture; none for an empty one."""
        self.image = image
        self.say("")

    def say(self, words: str) -> None:
        """Show these words until there is a picture, or none again."""
        self.words = words
        self.setAccessibleDescription(words)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the sheet (called by Qt)."""
        painter = QPainter(self)
        if self.image.isNull():
            painter.setPen(muted(self))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self.words)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        room = self.rect().adjusted(_MARGIN, 0, -_MARGIN, 0).size()
        size = self.image.size()
        ratio = self.devicePixelRatioF()
        fitting = size.scaled(room, Qt.AspectRatioMode.KeepAspectRatio)
        if size.width() / ratio < fitting.width():  # not larger than it was drawn
            fitting = QSize(round(size.width() / ratio), round(size.height() / ratio))
        left = (self.width() - fitting.width()) / 2
        target = QRectF(
            left, (self.height() - fitting.height()) / 2, fitting.width(), fitting.height()
        )
        # Scaled by hand: the painter's own scaling drops thin letters.
        shown = self.image.scaled(
            (target.size() * ratio).toSize(),
            Qt.AspectRatioMode.IgnoreAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        painter.drawImage(target, shown)
        painter.setPen(rule(self))
        painter.drawRect(target)
