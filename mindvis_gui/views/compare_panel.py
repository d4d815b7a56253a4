"""The scores of all samples with their chance levels, and the maps that explain them."""

from __future__ import annotations

import statistics

from PySide6.QtCore import QEvent, QSignalBlocker, Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from mindvis_gui.analysis.comparison import ChanceLevels, Comparison
from mindvis_gui.session import Session
from mindvis_gui.views.numerals import coefficient
from mindvis_gui.views.theme import MARGIN, label, muted

_PIXEL = (
    "Pearson's correlation of all pixel values of sample and stimulus, mean ± SD over samples.\n"
    "Chance: the same samples against the other test stimuli."
)
_RANK = (
    "Place of the own stimulus among all test stimuli by pixel correlation, mean over samples; "
    "1 is best.\nChance: (n + 1) / 2."
)
_CONSISTENCY = (
    "Pixel correlation of the samples with each other, mean over all pairs.\n"
    "It says how much the response determines, not whether it is right."
)


class ComparePanel(QWidget):
    """Shows the comparison of the chosen trial, and chooses the maps shown with the samples."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.decoded = QLabel()
        self.pixel = QLabel()
        self.rank = QLabel()
        self.consistency = QLabel()
        self.note = label("", "caption")
        self.pixel.setToolTip(_PIXEL)
        self.rank.setToolTip(_RANK)
        self.consistency.setToolTip(_CONSISTENCY)
        self.consistency_map = self._toggle(
            "consistency", "Consistency", "Show where the samples agree, as one more picture"
        )
        self.difference_map = self._toggle(
            "difference",
            "Difference",
            "Show the samples' difference to the stimulus in their place",
        )

        row = QHBoxLayout(self)
        row.setContentsMargins(MARGIN, 4, MARGIN, 4)
        row.setSpacing(14)
        for widget in (self.decoded, self.pixel, self.rank, self.consistency, self.note):
            widget.setTextFormat(Qt.TextFormat.RichText)
            row.addWidget(widget)
        row.addStretch(1)
        maps = QHBoxLayout()
        maps.setSpacing(6)
        maps.addWidget(self.consistency_map)
        maps.addWidget(self.difference_map)
        row.addLayout(maps)

        for signal in (
            session.results.result_changed,
            session.results.comparison_changed,
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
        texts = (self.decoded, self.pixel, self.rank, self.consistency, self.note)
        for widget in texts:
            widget.clear()
        if result is None:
            self.note.setText("Scores stand here once this trial is decoded")
        else:
            count = len(result.samples)
            self.decoded.setText(f"decoded <b>{count} of {len(result.request.seeds)}</b>")
        if result is not None and comparison is None:
            self.note.setText("scoring…")
        elif comparison is not None:
            self._show(comparison)
        for widget in texts:
            widget.setVisible(bool(widget.text()))

    def _show(self, comparison: Comparison) -> None:
        chance = comparison.chance
        r = [s.pixel_correlation for s in comparison.scores if s.pixel_correlation is not None]
        ranks = [s.rank for s in comparison.scores if s.rank is not None]
        if r:
            spread = f" ± {coefficient(statistics.stdev(r))}" if len(r) > 1 else ""
            self.pixel.setText(
                f"pixel r <b>{coefficient(statistics.fmean(r))}{spread}</b>{self._chance_r(chance)}"
            )
        if ranks and chance is not None:
            self.rank.setText(
                f"rank <b>{statistics.fmean(ranks):.1f}</b> of {comparison.n_candidates}"
                + self._small(f"chance {chance.rank:g}")
            )
        if comparison.agreement is not None:
            self.consistency.setText(f"consistency <b>{coefficient(comparison.agreement)}</b>")
        self.note.setText(" ".join(comparison.notes))

    def _chance_r(self, chance: ChanceLevels | None) -> str:
        return (
            "" if chance is None else self._small(f"chance {coefficient(chance.pixel_correlation)}")
        )

    def _small(self, text: str) -> str:
        size = self.font().pointSizeF() * 0.85
        return f' <span style="color:{muted(self).name()};font-size:{size:.1f}pt">{text}</span>'

    def changeEvent(self, event: QEvent) -> None:
        """Write the chance levels in the new theme's colour."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "difference_map"):
            self._refresh()
