"""Making a subject of a source that does not say everything, step by step, with a preview."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from mindvis_gui.session import Session
from mindvis_gui.session.importing import SubjectImport
from mindvis_gui.settings import Settings
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.command_line import CommandLine
from mindvis_gui.views.drops import dropped_paths
from mindvis_gui.views.fitting import fit_screen
from mindvis_gui.views.import_array_page import ArraysPage
from mindvis_gui.views.import_page import ImportPage
from mindvis_gui.views.import_pages import (
    PositionsPage,
    PreparationPage,
    SourcePage,
    SplitPage,
    StimuliPage,
)
from mindvis_gui.views.import_preview import ImportPreviewView
from mindvis_gui.views.import_region_pages import EventsPage, RegionArraysPage, RegionsPage
from mindvis_gui.views.progress_line import PARTS, progress_line
from mindvis_gui.views.sentences import sentence
from mindvis_gui.views.theme import GAP, MARGIN, label, separator

_SIZE = QSize(1200, 740)
_STEPS_WIDTH, _PREVIEW_WIDTH = 136, 400
_PAGE_WIDTH = 348  # at least, or what a page asks would be cut


class ImportWizard(QDialog):
    """Edits an `ImportPlan`; what it makes is shown at once, and written when it is right.

    Parameters
    ----------
    source : pathlib.Path, optional
        To begin with; without one the first page asks.
    more : sequence of pathlib.Path
        What is joined to it.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        source: Path | None = None,
        parent: QWidget | None = None,
        *,
        more: Sequence[Path] = (),
    ) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self.importing = SubjectImport(session.jobs)
        self.setWindowTitle("Import subject")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAcceptDrops(True)
        fit_screen(self, _SIZE)
        self.source_page = SourcePage(settings)
        self.arrays_page = ArraysPage()
        self.region_arrays_page = RegionArraysPage()
        self.pages: tuple[ImportPage, ...] = (
            self.source_page,
            self.arrays_page,
            EventsPage(settings),
            StimuliPage(settings),
            SplitPage(),
            RegionsPage(settings),
            self.region_arrays_page,
            PositionsPage(settings),
            PreparationPage(),
        )
        self._make_parts()
        self._lay_out()
        self._connect()
        self._show_contents()
        self.source_page.source.setFocus()
        if source is not None:
            self.open_source(source, more)

    def _make_parts(self) -> None:
        self.steps = QListWidget()
        self.steps.setAccessibleName("Steps")
        self.steps.setProperty("kind", "steps")
        self.steps.setFixedWidth(_STEPS_WIDTH)
        self._stack = QStackedWidget()
        for page in self.pages:
            QListWidgetItem(page.title, self.steps)
            area = QScrollArea()
            area.setWidgetResizable(True)
            area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            page.column.setContentsMargins(0, 0, GAP, 0)
            area.setWidget(page)
            self._stack.addWidget(area)
        self.preview = ImportPreviewView()
        self.preview.setMaximumWidth(_PREVIEW_WIDTH)
        self._stack.setMinimumWidth(_PAGE_WIDTH)
        self.command = CommandLine()
        self.problem = label(kind="problem")
        self.problem.setWordWrap(True)
        self.problem.setMinimumHeight(2 * self.fontMetrics().height())
        self.problem.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.bar = progress_line()
        self.back = push_button("Back", "Previous step")
        self.forward = push_button("Next", "Next step")
        self.cancel = push_button("Cancel", "Cancel")
        self.save = push_button("Save as…", "Save the subject", "primary")
        self.save.setToolTip("Write a subject file and open it")

    def _lay_out(self) -> None:
        middle = QHBoxLayout()
        middle.setSpacing(MARGIN)
        middle.addWidget(self.steps)
        middle.addWidget(separator(QFrame.Shape.VLine))
        middle.addWidget(self._stack, 1)
        middle.addWidget(separator(QFrame.Shape.VLine))
        middle.addWidget(self.preview, 100)  # all it may have, where the pages have room
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        buttons.addWidget(self.problem, 1)
        for button in (self.back, self.forward, self.cancel, self.save):
            buttons.addWidget(button)
        for button in (self.back, self.forward, self.cancel, self.save):
            button.setAutoDefault(False)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(GAP)
        column.addLayout(middle, 1)
        column.addWidget(separator(QFrame.Shape.HLine))
        column.addWidget(self.command)
        column.addWidget(self.bar)
        column.addLayout(buttons)

    def _connect(self) -> None:
        self.source_page.source_chosen.connect(lambda source: self.open_source(source))
        for page in self.pages:
            page.changed.connect(self._edit)
        self.steps.currentRowChanged.connect(self._show_page)
        self.back.clicked.connect(lambda: self._step(-1))
        self.forward.clicked.connect(lambda: self._step(1))
        self.cancel.clicked.connect(self.reject)
        self.save.clicked.connect(self._save)
        importing = self.importing
        importing.inspected.connect(self._show_contents)
        importing.previewed.connect(self._show_preview)
        importing.changed.connect(self._show_activity)
        importing.progressed.connect(self._show_progress)
        importing.written.connect(self._open)

    # -- steps -------------------------------------------------------------------------------

    def open_source(self, source: Path, more: Sequence[Path] = ()) -> None:
        """Look into another source; what was said of the one before is forgotten."""
        if not self.importing.writing:
            self.source_page.source.set_path(source)
            self.importing.inspect(source, more)

    @property
    def page(self) -> ImportPage:
        """The page in sight."""
        return self.pages[max(self.steps.currentRow(), 0)]

    def _shown(self) -> list[int]:
        return [row for row in range(len(self.pages)) if not self.steps.item(row).isHidden()]

    def _step(self, by: int) -> None:
        shown = self._shown()
        place = shown.index(self.steps.currentRow()) + by
        self.steps.setCurrentRow(shown[max(0, min(place, len(shown) - 1))])

    def _show_page(self, row: int) -> None:
        shown = self._shown()
        if row not in shown:  # Qt finds what is typed in hidden rows, too
            self.steps.setCurrentRow(max(each for each in shown if each < row))
            return
        self._stack.setCurrentIndex(row)
        self.back.setEnabled(row != shown[0])
        self.forward.setEnabled(row != shown[-1])
        (self.forward if self.forward.isEnabled() else self.save).setDefault(True)  # for Return

    def _show_contents(self) -> None:
        contents = self.importing.contents
        for row, page in enumerate(self.pages):
            fits = contents is not None and (not page.kinds or contents.kind in page.kinds)
            item = self.steps.item(row)
            item.setHidden(not fits and page is not self.source_page)
            if contents is not None:
                page.fill(contents)
        self._show_missing(() if contents is None else contents.missing)
        self.region_arrays_page.show_voxels(self.arrays_page.shape[1])
        source = "" if contents is not None else "Choose a source to see its first trials."
        self.preview.show_preview(None, source)
        self.steps.setCurrentRow(0)
        self._show_page(0)
        self._show_command()
        self._show_activity()

    def _show_missing(self, questions: tuple[str, ...]) -> None:
        for row, page in enumerate(self.pages):
            asked = page.question in questions
            self.steps.item(row).setText(f"{page.title}  ?" if asked else page.title)
            self.steps.item(row).setToolTip("Not known yet; it may be left open" if asked else "")
        self.source_page.show_missing(questions)

    # -- the plan ----------------------------------------------------------------------------

    def _edit(self) -> None:
        contents, plan = self.importing.contents, self.importing.plan
        if contents is None or plan is None:
            return
        self.region_arrays_page.show_voxels(self.arrays_page.shape[1])
        values: dict[str, Any] = {}
        for page in self.pages:
            if not page.kinds or contents.kind in page.kinds:
                values |= page.values()
        self.importing.change(replace(plan, **values))
        self._show_command()

    def _show_command(self) -> None:
        plan = self.importing.plan
        self.command.show_command("" if plan is None else plan.command(self._suggested().name))

    def _show_preview(self) -> None:
        made = self.importing.preview
        self.preview.show_preview(made, "No preview: what stands below comes first.")
        if made is not None:
            self.region_arrays_page.show_regions({roi.name for roi in made.subject.rois})
            self._show_missing(made.missing)
        self._show_activity()

    def _show_activity(self) -> None:
        importing = self.importing
        problem = importing.problem
        self.problem.setText(sentence(problem))
        self.save.setEnabled(importing.ready)
        self.bar.setVisible(importing.busy)
        self.bar.setRange(0, 0)  # how long reading takes is not known
        for part in (self._stack, self.steps):
            part.setEnabled(not importing.writing)

    # -- writing -----------------------------------------------------------------------------

    def _suggested(self) -> Path:
        plan = self.importing.plan
        stem = Path(str(plan.source)).name.partition(".")[0] if plan is not None else ""
        return self._settings.folder / f"{stem or 'subject'}-imported.h5"

    def _save(self) -> None:
        path = file_dialogs.ask_subject_output(self, self._suggested())
        if path is not None:
            self._settings.folder = path.parent
            self.importing.write(path)

    def _show_progress(self, done: float) -> None:
        self.bar.setRange(0, PARTS)
        self.bar.setValue(round(done * PARTS))

    def _open(self, path: Path) -> None:
        self._session.open(path)
        self.accept()

    def reject(self) -> None:
        """Close; while the file is written, stop that instead."""
        if self.importing.writing:
            self.importing.cancel()
        else:
            super().reject()

    def done(self, result: int) -> None:
        """Close, and want nothing more (called by Qt)."""
        self.importing.close()
        super().done(result)

    # -- files -------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take a file or folder that is dragged here (called by Qt)."""
        if dropped_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Begin anew with what was dropped (called by Qt)."""
        event.acceptProposedAction()
        source, *more = sorted(dropped_paths(event))
        self.open_source(source, more)
