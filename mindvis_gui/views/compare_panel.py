"""The scores of all samples with their chance levels, and the maps that explain them."""

from __future__ import annotations

import math
import statistics

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt
from PySide6.QtGui import QResizeEvent, QTextDocument
from PySide6.QtWidgets import QBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from mindvis_gui.analysis.comparison import Comparison
from mindvis_gui.session import Session
from mindvis_gui.session.results import Recognitions
from mindvis_gui.views.numerals import coefficient
from mindvis_gui.views.score_captions import way_protocol
from mindvis_gui.views.theme import MARGIN, label, muted
from mindvis_gui.views.wrap_layout import WrapLayout, keep_height

_PIXEL = (
    "Pearson's correlation of all pixel values of sample and stimulus, mean ± SD over samples.\n"
    "Chance: the same samples against the other test stimuli."
)
_SSIM = (
    "Structural similarity of sample and stimulus, 7 × 7 window, mean over R, G and B, then over "
    "samples.\nChance: the same samples against a few of the other test stimuli."
)
_RANK = (
    "Place of the own stimulus among all test stimuli by pixel correlation, mean over samples; "
    "1 is best.\nChance: (n + 1) / 2."
)
_AGREEMENT = (
    "Pixel correlation of the samples with each other, mean over all pairs.\n"
    "It says how much the response determines, not whether it is right."
)

_NARROW = 600  # pixels: below, the scores need the width more than the height


class ComparePanel(QWidget):
    """Shows the comparison of the chosen trial, and chooses the maps shown with the samples."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.decoded = QLabel()
        self.pixel = QLabel()
        self.ssim = QLabel()
        self.rank = QLabel()
        self.ways = _WrappedLabel()
        self.agreement = QLabel()
        self.note = label("", "caption")
        self.pixel.setToolTip(_PIXEL)
        self.ssim.setToolTip(_SSIM)
        self.rank.setToolTip(_RANK)
        self.agreement.setToolTip(_AGREEMENT)
        self.consistency_map = self._toggle(
            "consistency", "Consistency", "Show where the samples agree, as one more picture"
        )
        self.difference_map = self._toggle(
            "difference",
            "Difference",
            "Show the samples' difference to the stimulus in their place",
        )

        rows = QVBoxLayout()
        rows.setSpacing(2)
        first = (self.decoded, self.pixel, self.ssim, self.rank)
        second = (self.agreement, self.ways, self.note)
        self._texts = (*first, *second)
        for widgets in (first, second):
            row = WrapLayout(14)
            for widget in widgets:
                widget.setTextFormat(Qt.TextFormat.RichText)
                row.addWidget(widget)
            rows.addLayout(row)
        self._whole = whole = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        whole.setContentsMargins(MARGIN, 4, MARGIN, 4)
        whole.setSpacing(6)
        whole.addLayout(rows, 1)
        self._scores = rows
        self._maps = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._maps.setSpacing(6)
        self._maps.addWidget(self.consistency_map)
        self._maps.addWidget(self.difference_map)
        whole.addLayout(self._maps)

        for signal in (
            session.results.result_changed,
            session.results.comparison_changed,
            session.results.recognitions_changed,
            session.queue.started,
            session.results.maps_changed,
        ):
            signal.connect(self._refresh)
        self._refresh()

    def _toggle(self, name: str, text: str, hint: str) -> QPushButton:
        button = QPushButton(text)
        button.setCheckable(True)
        button.setToolTip(hint)
        button.setAccessibleDescription(hint)
        button.toggled.connect(
            lambda on: self._session.results.set_maps(
                self._session.results.maps | {name} if on else self._session.results.maps - {name}
            )
        )
        return button

    def _refresh(self) -> None:
        session = self._session
        result, comparison = session.results.result, session.results.comparison
        for name, button in (
            ("consistency", self.consistency_map),
            ("difference", self.difference_map),
        ):
            with QSignalBlocker(button):
                button.setChecked(name in session.results.maps)
        self.difference_map.setEnabled(comparison is not None and comparison.stimulus is not None)
        self.consistency_map.setEnabled(
            comparison is not None and comparison.consistency is not None
        )
        for widget in self._texts:
            widget.clear()
        self.note.setToolTip("")
        if result is None:
            self.note.setText("Scores stand here once this trial is decoded")
        else:
            count = len(result.samples)
            self.decoded.setText(f"decoded <b>{count} of {len(result.request.seeds)}</b>")
        if result is not None and comparison is None:
            self.note.setText("scoring…")
        elif comparison is not None:
            self._show(comparison)
            self._show_recognitions(session.results.recognitions)
        for widget in self._texts:
            widget.setVisible(bool(widget.text()))
        self._arrange()
        keep_height(self)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the rows that the scores need (called by Qt)."""
        super().resizeEvent(event)
        self._arrange()
        keep_height(self)

    def _arrange(self) -> None:
        """Put the buttons beside each other, one above the other, or beneath the scores."""
        across, down = QBoxLayout.Direction.LeftToRight, QBoxLayout.Direction.TopToBottom
        buttons = (self.consistency_map, self.difference_map)
        button = max(each.sizeHint().width() for each in buttons)
        beside = 2 * MARGIN + self._scores.minimumSize().width() + self._whole.spacing() + button
        beneath = self.width() < beside
        narrow = self.width() < _NARROW and not beneath
        self._whole.setDirection(down if beneath else across)
        self._maps.setDirection(down if narrow else across)

    def _show(self, comparison: Comparison) -> None:
        chance = comparison.chance
        r = [s.pixel_correlation for s in comparison.scores if s.pixel_correlation is not None]
        ranks = [s.rank for s in comparison.scores if s.rank is not None]
        ssim = [s.ssim for s in comparison.scores if s.ssim is not None]
        if r:
            spread = f" ± {coefficient(statistics.stdev(r))}" if len(r) > 1 else ""
            self.pixel.setText(
                f"pixel r <b>{coefficient(statistics.fmean(r))}{spread}</b>"
                + self._chance(None if chance is None else chance.pixel_correlation)
            )
        if ssim:
            self.ssim.setText(
                f"SSIM <b>{coefficient(statistics.fmean(ssim))}</b>"
                + self._chance(None if chance is None else chance.ssim)
            )
        if ranks and chance is not None:
            self.rank.setText(
                f"rank <b>{statistics.fmean(ranks):.1f}</b> of {comparison.n_candidates}"
                + self._small(f"chance {chance.rank:g}")
            )
        if comparison.agreement is not None:
            self.agreement.setText(f"agreement r <b>{coefficient(comparison.agreement)}</b>")
        for note in comparison.notes:
            self._add_note(note)
        if self._session.results.test_use:
            self._add_note("training used test trials", "; ".join(self._session.results.test_use))

    def _show_recognitions(self, recognitions: Recognitions | None) -> None:
        if recognitions is None:
            return
        found = recognitions.found
        self.ways.setText(
            " &nbsp; ".join(
                f"{each.n}-way {each.names} <b>{coefficient(statistics.fmean(each.accuracy))}</b>"
                + self._chance(each.chance)
                for each in found
            )
        )
        self.ways.setToolTip(
            "\n".join(
                f"{each.n}-way {each.names}: {way_protocol(each)}; mean over samples"
                for each in found
            )
        )
        if recognitions.missing:
            self._add_note("no n-way accuracy", recognitions.missing)

    def _add_note(self, text: str, hint: str = "") -> None:
        for put, parts in (
            (self.note.setText, (self.note.text(), text)),
            (self.note.setToolTip, (self.note.toolTip(), hint)),
        ):
            put(" · ".join(filter(None, parts)))

    def _chance(self, level: float | None) -> str:
        return "" if level is None else self._small(f"chance {coefficient(level)}")

    def _small(self, text: str) -> str:
        size = self.font().pointSizeF() * 0.85
        return f' <span style="color:{muted(self).name()};font-size:{size:.1f}pt">{text}</span>'

    def changeEvent(self, event: QEvent) -> None:
        """Write the chance levels in the new theme's colour."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "difference_map"):
            self._refresh()


class _WrappedLabel(QLabel):
    """Asks for one line, and takes more where that is wider than the panel."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)

    def sizeHint(self) -> QSize:
        document = QTextDocument()
        document.setDocumentMargin(0)
        document.setDefaultFont(self.font())
        document.setHtml(self.text())
        return QSize(math.ceil(document.idealWidth()) + 1, self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.fontMetrics().height())
