"""Figures for papers: choose what is drawn and how, with a preview, then write or copy it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDialog,
    QFontComboBox,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from mindvis_gui.analysis.figures.style import FONT, WIDTHS, FigureStyle
from mindvis_gui.analysis.figures.templates import TEMPLATES
from mindvis_gui.errors import MindVisError
from mindvis_gui.job import Job
from mindvis_gui.session import Session
from mindvis_gui.settings import Settings
from mindvis_gui.views import exports, file_dialogs
from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.fields import DecimalField
from mindvis_gui.views.fitting import fit_screen
from mindvis_gui.views.paper_view import PaperView
from mindvis_gui.views.sentences import sentence
from mindvis_gui.views.theme import GAP, MARGIN, label, label_of

_SIZE = QSize(1040, 680)
_OPTIONS_WIDTH = 250
_PREVIEW_DPI = 150
_AUTOMATIC, _CUSTOM = "as large as the pictures", "custom"


class FigureDialog(QDialog):
    """Edits template and style of a figure; the preview is drawn in the background."""

    previewed = Signal()

    def __init__(
        self,
        session: Session,
        settings: Settings,
        parent: QWidget | None = None,
        template: str = "comparison",
    ) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self._job: Job | None = None
        self._stale = False
        self._closed = False
        self.setWindowTitle("Export figure")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        fit_screen(self, _SIZE)
        self.preview = PaperView()
        self.problem = label(kind="problem")
        self.problem.setWordWrap(True)
        self.copy = push_button("Copy", "Copy the figure")
        self.copy.setToolTip("Put the figure into the clipboard as a picture")
        self.export = push_button("Export…", "Export the figure", "primary")
        self.export.setDefault(True)
        self._make_options()
        self.template.setCurrentIndex(self.template.findData(template))
        self._lay_out()
        self._connect()
        self._update()

    def _make_options(self) -> None:
        self.template = QComboBox()
        for name, template in TEMPLATES.items():
            self.template.addItem(template.title, name)
        self.trials = QComboBox()
        self.trials.addItem("the chosen one", False)
        self.trials.addItem("all decoded alike", True)
        self.trials.setCurrentIndex(int(self._session.figures.all_trials))
        self.width_kind = QComboBox()
        self.width_kind.addItem(_AUTOMATIC, None)
        for name, width in WIDTHS.items():
            self.width_kind.addItem(f"{name} column, {width:g} mm", width)
        self.width_kind.addItem(_CUSTOM, _CUSTOM)
        self.width_kind.setCurrentIndex(2)
        self.millimetres = DecimalField()
        self.millimetres.setRange(40, 1000)
        self.millimetres.setDecimals(0)
        self.millimetres.setSuffix(" mm")
        self.millimetres.setValue(120)
        self.dpi = QSpinBox()
        self.dpi.setRange(50, 1200)
        self.dpi.setValue(300)
        self.dpi.setSuffix(" dpi")
        self.font_family = QFontComboBox()
        self.font_family.setEditable(False)
        self.font_family.addItem(FONT)
        self.font_family.setCurrentText(FONT)
        self.font_size = DecimalField()
        self.font_size.setRange(4, 24)
        self.font_size.setSingleStep(0.5)
        self.font_size.setDecimals(1)
        self.font_size.setValue(6)
        self.font_size.setSuffix(" pt")
        self.captions = QCheckBox("Captions and protocol")
        self.seeds = QCheckBox("Seeds")
        self.scores = QCheckBox("Scores")
        for box in (self.captions, self.seeds, self.scores):
            box.setChecked(True)

    def _lay_out(self) -> None:
        form = QGridLayout()
        form.setVerticalSpacing(GAP)
        rows = (
            ("Figure", self.template),
            ("Trials", self.trials),
            ("Width", self.width_kind),
            ("", self.millimetres),
            ("Resolution", self.dpi),
            ("Font", self.font_family),
            ("Letters", self.font_size),
        )
        for row, (text, field) in enumerate(rows):
            if text:
                form.addWidget(label_of(field, text), row, 0)
            form.addWidget(field, row, 1)
            field.setAccessibleName(text or "Width in mm")
            long = field is self.font_family  # as any font's name may be
            policy = QSizePolicy.Policy.Ignored if long else QSizePolicy.Policy.Preferred
            field.setSizePolicy(policy, QSizePolicy.Policy.Fixed)
            if isinstance(field, QAbstractSpinBox):
                field.setAlignment(Qt.AlignmentFlag.AlignRight)
        form.setColumnStretch(1, 1)
        choices = QWidget()
        left = QVBoxLayout(choices)
        left.setContentsMargins(0, 0, 0, 0)
        left.addLayout(form)
        left.addSpacing(GAP)
        for box in (self.captions, self.seeds, self.scores):
            box.setAccessibleName(box.text())
            left.addWidget(box)
        left.addSpacing(GAP)
        left.addWidget(self.problem)
        left.addStretch()
        note = label("The file carries the request of every sample; dropping it on the "
                     "window brings them back.", "caption")  # fmt: skip
        note.setWordWrap(True)
        left.addWidget(note)
        buttons = QHBoxLayout()
        close = push_button("Close", "Close")
        close.clicked.connect(self.reject)
        for button in (close, self.copy, self.export):
            button.setAutoDefault(button is self.export)
            buttons.addWidget(button)
        area = QScrollArea()  # or the buttons would leave a small screen
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(choices)
        options = QWidget()
        column = QVBoxLayout(options)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(area, 1)
        column.addLayout(buttons)
        bar = area.verticalScrollBar().sizeHint().width()
        options.setFixedWidth(max(_OPTIONS_WIDTH, form.sizeHint().width() + bar))
        page = QHBoxLayout(self)
        page.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        page.setSpacing(MARGIN)
        page.addWidget(options)
        page.addWidget(self.preview, 1)

    def _connect(self) -> None:
        for choice in (self.template, self.trials, self.width_kind):
            choice.currentIndexChanged.connect(self._update)
        self.font_family.currentFontChanged.connect(self._update)
        for number in (self.millimetres, self.dpi, self.font_size):
            number.valueChanged.connect(self._update)
        for box in (self.captions, self.seeds, self.scores):
            box.toggled.connect(self._update)
        self.copy.clicked.connect(self._copy)
        self.export.clicked.connect(self._export)

    # -- what is chosen ----------------------------------------------------------------------

    @property
    def style_chosen(self) -> FigureStyle:
        """The style as the fields say."""
        width = self.width_kind.currentData()
        return FigureStyle(
            width=self.millimetres.value() if width == _CUSTOM else width,
            dpi=self.dpi.value(),
            font=self.font_family.currentFont().family(),
            font_size=self.font_size.value(),
            captions=self.captions.isChecked(),
            seeds=self.seeds.isChecked(),
            scores=self.scores.isChecked(),
        )

    @property
    def template_chosen(self) -> str:
        """Name of the template."""
        return str(self.template.currentData())

    # -- preview -----------------------------------------------------------------------------

    def _update(self) -> None:
        """Draw the preview; while one is drawn, only the newest choice counts."""
        self.millimetres.setVisible(self.width_kind.currentData() == _CUSTOM)
        self._session.figures.all_trials = bool(self.trials.currentData())
        if self._job is not None:
            self._stale = True
            return
        self._stale = False
        self.preview.say("Drawing …")  # the first time matplotlib looks through all fonts
        self._job = self._session.jobs.run(
            self._render(round(_PREVIEW_DPI * self.devicePixelRatioF())),
            "",
            self._show,
            ended=self._end,
        )

    def _render(self, dpi: int) -> Callable[[], bytes | str]:
        """Return what draws the figure as PNG, or a sentence that says why it cannot."""
        name = self.template_chosen
        gather = self._session.figures.content(name)
        style = replace(self.style_chosen, dpi=dpi)

        def render() -> bytes | str:
            # Says on stderr that it looks through the fonts; nobody reads that here.
            logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
            from mindvis_gui.analysis.figures.writing import render_png  # brings matplotlib

            try:
                return render_png(gather(), name, style)
            except MindVisError as error:
                return str(error)

        return render

    def _show(self, drawn: bytes | str) -> None:
        if self._closed:
            return
        possible = isinstance(drawn, bytes)
        self.problem.setText("" if isinstance(drawn, bytes) else sentence(drawn))
        self.preview.show_image(QImage.fromData(drawn) if isinstance(drawn, bytes) else QImage())
        self.copy.setEnabled(possible)
        self.export.setEnabled(possible)

    def _end(self) -> None:
        self._job = None
        if self._closed:
            return
        if self._stale:
            self._update()
        else:
            self.previewed.emit()

    def done(self, result: int) -> None:
        """Close, and want no further preview (called by Qt)."""
        self._closed = True
        if self._job is not None:
            self._job.cancel()
        super().done(result)

    # -- what is done with it ----------------------------------------------------------------

    def _copy(self) -> None:
        self._session.jobs.run(
            self._render(self.dpi.value()), "Drawing the figure", _put_into_clipboard
        )

    def _export(self) -> None:
        result = self._session.results.result
        if result is None:
            return
        suggested = self._settings.folder / exports.figure_name(
            result.request, self.template_chosen
        )
        path: Path | None = file_dialogs.ask_figure_file(self, suggested)
        if path is not None:
            self._settings.folder = path.parent
            exports.start_figure(self._session, path, self.template_chosen, self.style_chosen)
            self.accept()


def _put_into_clipboard(drawn: bytes | str) -> None:
    if isinstance(drawn, bytes):
        QGuiApplication.clipboard().setImage(QImage.fromData(drawn))
