"""The table of a lesion study: one row a lesion, one column a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
)

from mindvis_gui.analysis.lesion import Effect, LesionStudy
from mindvis_gui.analysis.lesion_scores import LesionScore
from mindvis_gui.views.numerals import coefficient
from mindvis_gui.views.theme import muted

_ROW = 22
_WIDEST = 92  # pixels of the names: scores are to be seen, too
_ALIGNED = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class EffectTable(QTableWidget):
    """Changes of the scores; what the interval tells apart from no change is bright."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._names: list[str] = []  # of the lesions, by row
        self.setAccessibleName("What each lesion changes")
        self.setShowGrid(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setTabKeyNavigation(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names of an atlas begin alike
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_ROW)
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setMinimumSectionSize(20)
        self.itemSelectionChanged.connect(self._choose)

    def show_study(
        self,
        study: LesionStudy,
        effects: Mapping[tuple[str, str], Effect],
        colours: Mapping[str, QColor],
        chosen: str,
    ) -> None:
        """Show a study: the scores of the intact response first, then the changes."""
        with QSignalBlocker(self):
            self.clear()
            self._names = ["", *(lesion.name for lesion in study.lesions), ""]
            self.setColumnCount(1 + len(study.scores))
            self.setRowCount(2 + len(study.lesions))
            self.setHorizontalHeaderItem(0, QTableWidgetItem("left out"))
            self._set(0, 0, "nothing", "Scores of the intact response")
            for column, score in enumerate(study.scores, 1):
                head = QTableWidgetItem(_short(score.name))
                head.setToolTip(f"{score.name}: {score.definition}")
                head.setTextAlignment(_ALIGNED)
                self.setHorizontalHeaderItem(column, head)
                self._set(0, column, coefficient(study.intact(score.key)), _chance(score))
            self._set_chance(study.scores)
            for row, lesion in enumerate(study.lesions, 1):
                first = self._set(
                    row, 0, lesion.name, f"{lesion.name}: {lesion.voxels.size:,} voxels"
                )
                if lesion.name in colours:
                    first.setData(Qt.ItemDataRole.DecorationRole, colours[lesion.name])
                for column, score in enumerate(study.scores, 1):
                    self._set_effect(row, column, effects.get((lesion.name, score.key)))
                if lesion.name == chosen:
                    self.selectRow(row)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        self.setColumnWidth(0, min(self.sizeHintForColumn(0), _WIDEST))
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + _ROW * self.rowCount())

    def _set(self, row: int, column: int, text: str, tip: str) -> QTableWidgetItem:
        item = QTableWidgetItem(text)
        item.setToolTip(tip)
        item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, tip)  # what grey says, among others
        if column:
            item.setTextAlignment(_ALIGNED)
        self.setItem(row, column, item)
        return item

    def _set_chance(self, scores: Sequence[LesionScore]) -> None:
        last = self.rowCount() - 1
        self._set(last, 0, "chance", "Scores of a guess").setForeground(muted(self))
        for column, score in enumerate(scores, 1):
            text = coefficient(score.chance)
            self._set(last, column, text, _chance(score)).setForeground(muted(self))

    def _set_effect(self, row: int, column: int, effect: Effect | None) -> None:
        if effect is None:
            self._set(row, column, "–", "no trial has this score")
            return
        tip = f"{coefficient(effect.mean)} in {effect.n_trials} trials"
        certain = False
        if effect.interval is not None:
            low, high = effect.interval
            certain = low > 0 or high < 0
            interval = f"{coefficient(low)} to {coefficient(high)}"
            tip += f"\nchange {coefficient(effect.change)}, 95 % interval {interval}"
            tip += "" if certain else ", which holds 0"
        item = self._set(row, column, _change(effect.change), tip)
        if not certain:
            item.setForeground(muted(self))

    def _choose(self) -> None:
        rows = {index.row() for index in self.selectedIndexes()}
        if rows and self._names[min(rows)]:
            self.chosen.emit(self._names[min(rows)])


def _short(name: str) -> str:
    """Return a name that fits a narrow column."""
    return {"Pixel r": "pixel", "Identified": "ident.", "Category": "categ."}.get(
        name, name.lower()
    )


def _change(value: float) -> str:
    """Write a change; with decimals the one to nothing is wider than a column."""
    return coefficient(value).replace("−1.00", "−1")


def _chance(score: LesionScore) -> str:
    return score.definition + (f"; chance {score.chance:.3g}" if score.chance is not None else "")
