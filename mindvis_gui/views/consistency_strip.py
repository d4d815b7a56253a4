"""How far the samples of one row agree: their mean, their spread, and each with each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from mindvis_gui.analysis.consistency import Consistency, consistency
from mindvis_gui.data.subject import FloatArray
from mindvis_gui.session import Session
from mindvis_gui.session.collection import Drawn
from mindvis_gui.views.numerals import coefficient
from mindvis_gui.views.overlay import sequential_colours
from mindvis_gui.views.picture import Picture, PictureTile
from mindvis_gui.views.theme import GAP, MARGIN, label, muted, smaller, tight
from mindvis_gui.views.wrap_layout import WrapLayout, keep_height

_FULL_SPREAD = 64.0  # of 0–127.5: the brightest colour of the spread
_SIDE = 128
_WORDS = 150  # pixels that they get by with
_HINTS = {
    "mean": "Mean of every pixel over the samples of this row",
    "spread": f"Standard deviation of every pixel over the samples, from 0 (dark) to "
    f"{_FULL_SPREAD:g} of 255 or more (bright)",
}
_NOTE = "It says how much the response determines, not whether it is right."


class ConsistencyStrip(QWidget):
    """Shows the `Consistency` of samples; it is computed in the background."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._shown: list[Drawn] = []
        self.consistency: Consistency | None = None
        self.mean, self.spread = PictureTile(), PictureTile()
        for tile in (self.mean, self.spread):
            tile.setFixedSize(_SIDE, _SIDE + PictureTile.caption_height(tile))
            tile.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.matrix = _Matrix()
        self._title = label(kind="strong")
        self._facts = label(kind="muted", wrap=True)
        self._facts.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        words = QWidget()
        words.setMinimumWidth(_WORDS)
        words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        lines = tight(QVBoxLayout(words))
        lines.addWidget(self._title)
        lines.addWidget(self._facts)
        lines.addStretch()
        rows, whole = WrapLayout(MARGIN), QVBoxLayout(self)
        whole.setContentsMargins(MARGIN, GAP, MARGIN, GAP)
        whole.addLayout(rows)
        for widget in (self.mean, self.spread, self.matrix, words):
            rows.addWidget(widget)
        rows.setAlignment(words, Qt.AlignmentFlag.AlignTop)
        self.setProperty("kind", "strip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Consistency of the row")
        self._show("Consistency", None)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the rows that the width asks for (called by Qt)."""
        super().resizeEvent(event)
        keep_height(self)

    def show_row(self, title: str, drawn: Sequence[Drawn]) -> None:
        """Compare the samples of a row, unless they are shown already."""
        if [each.options for each in drawn] == [each.options for each in self._shown]:
            return
        self._shown = list(drawn)
        if len(drawn) < 2:
            self._show(title, None)
            return
        wanted = self._shown

        def work() -> Consistency | None:
            pictures = [each.picture() for each in wanted]
            return consistency([picture for picture in pictures if picture is not None])

        def show(found: Consistency | None) -> None:
            if wanted is self._shown:
                self._show(title, found)

        self._session.jobs.run(work, "", show)

    def _show(self, title: str, found: Consistency | None) -> None:
        self.consistency = found
        self._title.setText(title)
        if found is None:
            self.mean.show_picture(Picture("mean"))
            self.spread.show_picture(Picture("spread"))
            self.matrix.show_values(None, ())
            self._facts.setText("Choose a row with two samples or more.")
            return
        spread = found.spread
        self.mean.show_picture(Picture("mean", (), found.mean, hint=_HINTS["mean"]))
        self.spread.show_picture(
            Picture(
                "spread",
                (f"SD {spread.mean():.0f} of 255",),
                sequential_colours(spread / _FULL_SPREAD),
                hint=_HINTS["spread"],
            )
        )
        seeds = tuple(str(each.options.seed) for each in self._shown)
        self.matrix.show_values(found.similarity, seeds)
        self._facts.setText(
            f"{len(seeds)} samples agree with r {coefficient(found.agreement)} on average over "
            f"all pairs.\n{_NOTE}"
        )


class _Matrix(QWidget):
    """The similarity of each sample with each, as coloured squares with numbers."""

    def __init__(self) -> None:
        super().__init__()
        self._values: FloatArray | None = None
        self._names: tuple[str, ...] = ()
        self.setFixedSize(_SIDE + 24, _SIDE + PictureTile.caption_height(self))
        self.setToolTip("Pixel correlation of each sample with each")

    def show_values(self, values: FloatArray | None, names: tuple[str, ...]) -> None:
        """Show another matrix (n, n) with the names of its rows."""
        self._values, self._names = values, names
        spoken = "" if values is None else f"; lowest {coefficient(float(values.min()))}"
        self.setAccessibleName(f"Similarity of {len(names)} samples{spoken}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the squares."""
        painter = QPainter(self)
        painter.setFont(smaller(painter.font(), 0.8))
        values = self._values
        painter.setPen(muted(self))
        foot = self.rect().adjusted(24, _SIDE + 2, 0, 0)
        painter.drawText(foot, Qt.AlignmentFlag.AlignLeft, "similarity (r)")
        if values is None:
            painter.fillRect(24, 2, _SIDE, _SIDE, self.palette().color(QPalette.ColorRole.Base))
            return
        side = _SIDE / len(values)
        colours = sequential_colours(np.clip(values, 0, 1))
        for i, row in enumerate(values):
            if side >= 10:
                painter.setPen(muted(self))
                name = painter.fontMetrics().elidedText(
                    self._names[i], Qt.TextElideMode.ElideLeft, 20
                )
                place = QRectF(0, 2 + i * side, 20, side)
                right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(place, right, name)
            for j, value in enumerate(row):
                box = QRectF(24 + j * side, 2 + i * side, side - 1, side - 1)
                colour = QColor(*(int(channel) for channel in colours[i, j]))
                painter.fillRect(box, colour)
                if side >= 22:
                    dark = colour.lightness() < 128
                    painter.setPen(QPen(QColor("white") if dark else QColor("black")))
                    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, coefficient(float(value)))
