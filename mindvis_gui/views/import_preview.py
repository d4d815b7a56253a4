"""What an import makes, seen by its first trials and by its regions."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from mindvis_gui.data.subject import Trial
from mindvis_gui.session.importing import ImportPreview
from mindvis_gui.views.picture import to_qimage
from mindvis_gui.views.roi_slices import RoiSlices
from mindvis_gui.views.roi_strip import RoiStrip, draw_band
from mindvis_gui.views.theme import GAP, label, muted
from mindvis_gui.views.trial_model import caption

_ROW, _SIDE, _BAND = 36, 30, 10  # pixels
_LEAST = 220  # pixels of width


class ImportPreviewView(QWidget):
    """Shows an `ImportPreview`; empty while there is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facts = label(kind="caption")
        self.facts.setWordWrap(True)
        self.trials = _TrialRows()
        self.slices = RoiSlices()
        self.strip = RoiStrip()
        self.bars = label(kind="caption")
        regions = QScrollArea()
        regions.setWidgetResizable(True)
        regions.setAccessibleName("Responses region by region")  # the keys scroll it
        regions.setWidget(self.strip)
        regions.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._parts = QWidget()
        column = QVBoxLayout(self._parts)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.facts)
        column.addWidget(self.trials)
        column.addSpacing(GAP)
        column.addWidget(label("Regions", "heading"))
        column.addWidget(self.slices)
        column.addWidget(self.bars)
        column.addWidget(regions, 1)
        self.empty = label(kind="caption")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.bars.setWordWrap(True)
        self._area = QScrollArea()  # or the buttons of the wizard would leave a small screen
        self._area.setWidgetResizable(True)
        self._area.setMinimumWidth(_LEAST)
        self._area.setAccessibleName("Preview of the subject")  # the keys scroll it
        self._area.setWidget(self._parts)
        for area in (self._area, regions):
            area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            area.verticalScrollBar().rangeChanged.connect(partial(_take_keys, area))
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(label("First trials", "heading"))
        outer.addWidget(self._area, 1)
        outer.addWidget(self.empty, 1)
        self.show_preview(None)

    def show_preview(self, made: ImportPreview | None, instead: str = "") -> None:
        """Show another preview, or a sentence in its place."""
        self.empty.setText(instead)
        self._area.setVisible(made is not None)
        self.empty.setVisible(made is None)
        if made is None:
            return
        parts = [f"{count:,} {split}" for split, count in made.counts.items()]
        total = sum(made.counts.values())
        shown = " + ".join(parts) if len(parts) > 1 else f"all {parts[0].split()[-1]}"
        self.facts.setText(f"{total:,} trials ({shown}) × {made.subject.n_voxels:,} voxels")
        self.trials.show_preview(made)
        self.slices.setVisible(made.grid is not None)
        unknown = "Positions are not known. " if made.grid is None else ""
        self.bars.setText(f"{unknown}Bars: the response of the first trial.")
        if made.grid is not None:
            self.slices.show_regions(made.subject, made.grid)
        self.strip.show_response(made.subject, made.responses[0], made.look)


def _take_keys(area: QScrollArea, low: int, high: int) -> None:
    """Have Tab come to an area while there is something to scroll."""
    policy = Qt.FocusPolicy
    area.setFocusPolicy(policy.StrongFocus if high > low else policy.NoFocus)


class _TrialRows(QWidget):
    """One row a trial: the picture, what it is called, and the whole response as a band."""

    def __init__(self) -> None:
        super().__init__()
        self._made: ImportPreview | None = None
        self._pictures: list[QImage | None] = []
        self.setAccessibleName("First trials")

    def show_preview(self, made: ImportPreview) -> None:
        self._made = made
        self._pictures = [None if each is None else to_qimage(each) for each in made.pictures]
        self.setFixedHeight(_ROW * len(self._pictures))
        names = [f"{trial.label or trial.stimulus_id}, {trial.split}" for trial in self._trials]
        self.setAccessibleDescription("; ".join(names))
        self.update()

    @property
    def _trials(self) -> tuple[Trial, ...]:
        return () if self._made is None else self._made.subject.trials

    def sizeHint(self) -> QSize:
        return QSize(320, _ROW * len(self._pictures))

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._made is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        half = self.width() // 2
        text = QRectF(_SIDE + GAP, 0, half - _SIDE - 2 * GAP, _ROW / 2)
        for row, (trial, picture) in enumerate(zip(self._trials, self._pictures, strict=True)):
            top = row * _ROW
            square = QRectF(0, top + (_ROW - _SIDE) / 2, _SIDE, _SIDE)
            if picture is None:
                painter.fillRect(square, self.palette().color(QPalette.ColorRole.Mid))
            else:
                painter.drawImage(square, picture, _square(picture))
            name = trial.label or trial.stimulus_id or "stimulus unknown"
            known = bool(trial.label or trial.stimulus_id)
            colour = self.palette().windowText().color() if known else muted(self)
            self._write(painter, text.translated(0, top), name, colour, low=True)
            below = text.translated(0, top + _ROW / 2)
            self._write(painter, below, caption(trial), muted(self), low=False)
            band = QRectF(half, top + (_ROW - _BAND) / 2, self.width() - half, _BAND)
            draw_band(painter, band, self._made.responses[row], self._made.look)

    def _write(
        self, painter: QPainter, room: QRectF, text: str, colour: QColor, *, low: bool
    ) -> None:
        font = self.font()
        if not low:
            font.setPointSizeF(font.pointSizeF() * 0.88)
        painter.setFont(font)
        painter.setPen(colour)
        vertical = Qt.AlignmentFlag.AlignBottom if low else Qt.AlignmentFlag.AlignTop
        shown = painter.fontMetrics().elidedText(
            text, Qt.TextElideMode.ElideRight, int(room.width())
        )
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | vertical, shown)


def _square(picture: QImage) -> QRectF:
    """Return the largest square in the middle of a picture."""
    side = min(picture.width(), picture.height())
    return QRectF((picture.width() - side) / 2, (picture.height() - side) / 2, side, side)
