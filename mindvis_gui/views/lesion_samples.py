"""Samples of one trial, intact above and lesioned beneath, from the same seeds."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from mindvis_gui.analysis.lesion import INTACT
from mindvis_gui.decoding.request import DecodeResult
from mindvis_gui.views.elided_label import ElidedLabel
from mindvis_gui.views.picture import Picture, PictureTile
from mindvis_gui.views.theme import tight

_COLUMNS = 4
_GAP = 4


class _Row(QWidget):
    """Tiles side by side, as wide as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self.tiles: list[PictureTile] = []
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def show_result(self, result: DecodeResult, without: str) -> None:
        samples = result.samples[:_COLUMNS]
        while len(self.tiles) < len(samples):
            self.tiles.append(PictureTile(self))
        for tile, sample in zip(self.tiles, samples, strict=False):
            hint = f"trial {result.request.trial}, {without}, seed {sample.seed}"
            picture = Picture(f"seed {sample.seed}", image=sample.image, hint=hint)
            tile.show_picture(picture)
        for i, tile in enumerate(self.tiles):
            tile.setVisible(i < len(samples))
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the tiles anew (called by Qt)."""
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        side = (self.width() - (_COLUMNS - 1) * _GAP) // _COLUMNS
        height = side + PictureTile.caption_height(self)
        for i, tile in enumerate(self.tiles):
            tile.setGeometry(i * (side + _GAP), 0, side, height)
        if self.height() != height and side > 0:
            self.setFixedHeight(height)


class LesionSamples(QWidget):
    """Shows what the lesion chosen changes in the trial that was finished last."""

    def __init__(self) -> None:
        super().__init__()
        self.title, self.without = ElidedLabel(), ElidedLabel()
        for each in (self.title, self.without):
            each.setProperty("kind", "caption")
        self.intact, self.lesioned = _Row(), _Row()
        column = tight(QVBoxLayout(self), 3)
        for widget in (self.title, self.intact, self.without, self.lesioned):
            column.addWidget(widget)

    def show_results(self, results: Mapping[str, DecodeResult], lesion: str) -> None:
        """Show the samples of one trial, by lesion; nothing where there are none."""
        intact, lesioned = results.get(INTACT), results.get(lesion)
        self.setVisible(intact is not None)
        if intact is None:
            return
        request = intact.request
        self.title.setText(f"trial {request.trial} {request.label}".rstrip() + ", intact")
        self.intact.show_result(intact, "intact")
        for widget in (self.without, self.lesioned):
            widget.setVisible(lesioned is not None)
        if lesioned is not None:
            self.without.setText(f"without {lesion}, same seeds")
            self.lesioned.show_result(lesioned, f"without {lesion}")
