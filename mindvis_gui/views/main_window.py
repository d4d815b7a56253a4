"""The window: toolbar, welcome page or workspace, status bar; what actions do is in `commands`."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QWidget

from mindvis_gui.paths import demo_subject_path, model_dirs
from mindvis_gui.session import Session
from mindvis_gui.session.autosave import Autosave
from mindvis_gui.settings import Settings
from mindvis_gui.views.actions import ACTIONS, make_actions
from mindvis_gui.views.arrangement import LAYOUT_PARTS
from mindvis_gui.views.commands import Commands
from mindvis_gui.views.commands.brain_commands import BrainCommands
from mindvis_gui.views.commands.compare_commands import CompareCommands
from mindvis_gui.views.commands.decode_commands import DecodeCommands
from mindvis_gui.views.commands.export_commands import ExportCommands
from mindvis_gui.views.commands.file_commands import FileCommands
from mindvis_gui.views.commands.lesion_commands import LesionCommands
from mindvis_gui.views.commands.queue_commands import QueueCommands
from mindvis_gui.views.commands.region_commands import REGION_ENTRIES, RegionCommands
from mindvis_gui.views.commands.session_commands import SessionCommands
from mindvis_gui.views.commands.view_commands import PANEL_ENTRIES, ViewCommands
from mindvis_gui.views.drops import dropped_paths
from mindvis_gui.views.fitting import fit_screen
from mindvis_gui.views.import_dialog import ModelImporter
from mindvis_gui.views.recent_menu import RecentMenu, gone
from mindvis_gui.views.status_bar import ActivityBar
from mindvis_gui.views.toolbar import MainToolBar
from mindvis_gui.views.welcome import WelcomePage
from mindvis_gui.views.workspace import Workspace

_SIZE = QSize(1440, 900)


class MainWindow(QMainWindow):
    """Puts the parts together and shows which actions the session's state allows.

    Where no `import_model` is given, published checkpoints cannot be imported.
    """

    def __init__(
        self,
        session: Session,
        settings: Settings,
        import_model: ModelImporter | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._settings = session, settings
        self._autosave: Autosave | None = None
        self.setWindowTitle("mindvis")
        self.resize(_SIZE)
        self.setAcceptDrops(True)
        self.status = ActivityBar(session)
        self.setStatusBar(self.status)
        self._pages = QStackedWidget()
        self.setCentralWidget(self._pages)
        self.workspace = Workspace(session, self._pages)
        self._export = ExportCommands(self, session, settings, lambda: self.workspace.comparing)
        self._lesion = LesionCommands(self, session, settings, self.workspace)
        self._saved = SessionCommands(self, session, settings, self.workspace)
        self._file = FileCommands(self, session, settings, import_model, self._saved.way_to_open)
        brain = BrainCommands(self, session, settings)
        regions = RegionCommands(self, session, settings)
        self._commands: dict[str, Commands] = {
            "file": self._file,
            "export": self._export,
            "session": self._saved,
            "brain": brain,
            "regions": regions,
            "decode": DecodeCommands(session, self.workspace),
            "lesion": self._lesion,
            "queue": QueueCommands(session, self.workspace),
            "compare": CompareCommands(session, self.workspace),
            "view": ViewCommands(self, session, settings, self.workspace, ACTIONS),
        }
        self.actions_by_id = actions = make_actions(
            self, {**self._commands, "window": self}, first=self.status.forget_problem
        )
        recent = RecentMenu(lambda: settings.recent, self._file.open_any, session.jobs, self)
        self.toolbar = MainToolBar(actions, model_names, session.load_model, recent)
        self.addToolBar(self.toolbar)
        self.welcome = WelcomePage(actions, known := settings.recent)
        if known:  # on drives that may take long to answer
            session.jobs.run(lambda: gone(known), "", self.welcome.leave_out)
        self.welcome.chosen.connect(self._file.open_any)
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(self.workspace)
        self._connect(brain, regions)
        self.workspace.restore_layout({name: settings.layout(name) for name in LAYOUT_PARTS})
        self.restoreGeometry(settings.layout("window"))
        self._show_state()
        self._show_panels()
        self.welcome.demo.setFocus()

    def _connect(self, brain: BrainCommands, regions: RegionCommands) -> None:
        session = self._session
        session.subject_changed.connect(self._show_subject)
        session.subject_changed.connect(self.status.forget_problem)
        session.queue.started.connect(self.status.forget_problem)
        self.workspace.axes_accepted.connect(self.status.forget_problem)
        for signal in (
            session.trial_changed,
            session.model_changed,
            session.loading.changed,
            session.options_changed,
            session.results.result_changed,
            session.jobs.changed,
            session.queue.started,
            session.queue.changed,
            session.undo_stack.indexChanged,
            session.lesions.progressed,
            session.lesions.changed,
            session.attributions.progressed,
            session.attributions.changed,
        ):
            signal.connect(self._show_state)
        self._saved.leaving.found.connect(self._show_state)
        self.workspace.panel_toggled.connect(self._show_panels)
        self.workspace.page_changed.connect(self._show_panels)
        self.workspace.decode_missing_wanted.connect(self.actions_by_id["decode_missing"].trigger)
        trials = self.workspace.subject_panel.trials
        trials.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        for name in ("decode", "decode_selected", "decode_listed"):
            trials.addAction(self.actions_by_id[name])
        self.workspace.restore_wanted.connect(self._saved.restorer.open_entry)
        self.workspace.grid_save_wanted.connect(self._export.export_drawn)
        self.workspace.decode_panel.new_seed_wanted.connect(self.actions_by_id["new_seed"].trigger)
        self.workspace.overlay_file_wanted.connect(brain.add_overlay)
        panel = self.workspace.subject_panel
        panel.new_region.menu().addActions(
            [self.actions_by_id[entry.id] for entry in REGION_ENTRIES]
        )
        panel.rois.menu.rename_wanted.connect(regions.rename)
        panel.rois.menu.colour_wanted.connect(regions.recolour)
        self.workspace.study_export_wanted.connect(self._lesion.export_study)
        self.workspace.map_export_wanted.connect(self._lesion.export_attribution)
        self.workspace.brain_view.regions.file_wanted.connect(self._file.add_positions)
        self.status.import_wanted.connect(self._file.import_source)
        self.workspace.gallery.export_requested.connect(self._export.export_sample)

    # -- state -------------------------------------------------------------------------------

    def _show_subject(self) -> None:
        subject = self._session.subject
        if subject is not None:
            if subject.source != demo_subject_path():  # which has a button of its own
                self._settings.add_recent(subject.source)
            if self._pages.currentWidget() is self.welcome:
                self._pages.setCurrentWidget(self.workspace)
                self.workspace.subject_panel.trials.setFocus()

    def _show_state(self) -> None:
        session = self._session
        if session.subject is not None:
            of_file = "" if self._saved.file is None else f"{self._saved.file.name} – "
            self.setWindowTitle(f"{of_file}{session.subject.display_name} – mindvis")
        for commands in self._commands.values():
            for name, on in commands.enabled().items():
                self.actions_by_id[name].setEnabled(on)
        self.actions_by_id["pause"].setChecked(session.queue.paused)
        name = session.decoder.info.name if session.decoder else ""
        self.toolbar.show_model(name, session.loading.name)
        self.toolbar.show_seeds(session.first_seed, session.n_samples)

    def _show_panels(self) -> None:
        for entry in PANEL_ENTRIES:
            self.actions_by_id[entry.id].setChecked(self.workspace.is_shown(entry.argument))
        self.actions_by_id["compare"].setChecked(self.workspace.comparing)

    # -- events ------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Show the stimulus over the samples while Space is held, wherever the focus is."""
        if event.key() == Qt.Key.Key_Space:
            self.workspace.show_stimulus(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Show the samples again."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.workspace.show_stimulus(False)
        else:
            super().keyReleaseEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files that are dragged over the window."""
        if dropped_paths(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped (called by Qt)."""
        self.status.forget_problem()
        self._file.open_together(dropped_paths(event))
        event.acceptProposedAction()

    def open(self, path: str, trial: int | None = None) -> None:
        """Open a subject, and row `trial` of it, or a saved session."""
        if not self._saved.open_any(Path(path)):
            self._session.open(path, trial)

    def fit_screen(self) -> None:
        """Become no larger than the screen has room for."""
        if not self.isMaximized() and not self.isFullScreen():
            fit_screen(self, self.size())

    def save_by_itself(self, folder: Path) -> None:
        """Save the session in `folder` from now on, and offer what the last one has left there."""
        self._autosave = Autosave(self._session, folder, self._saved.layout, self._saved.leaving)
        self._autosave.start()
        left_over = self._autosave.left_over
        if left_over is not None:
            self._saved.left_over = left_over
            self._saved.left_before = before = self._autosave.left_before
            self.welcome.offer(left_over, self.actions_by_id["restore_session"], before)
            self._show_state()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the layout and what is undone, then cancel what runs and wait for it."""
        if self._autosave is not None:
            self._autosave.note_undone(self._saved.in_file)
        for name, state in self.workspace.layout_states().items():
            self._settings.set_layout(name, state)
        self._settings.set_layout("window", self.saveGeometry())
        self.hide()
        self._session.close()
        if self._autosave is not None:
            self._autosave.close()
        event.accept()


def model_names() -> list[str]:
    """Return the names of the model folders that can be found."""
    found = (index for parent in model_dirs() for index in parent.glob("*/model_index.json"))
    return sorted({index.parent.name for index in found})
