"""The window: toolbar, welcome page or workspace, status bar, and what every action does."""

from __future__ import annotations

import random
from pathlib import Path

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget, QWidget

from mindvis_gui.analysis.export import read_request
from mindvis_gui.errors import MindVisError
from mindvis_gui.paths import model_dirs
from mindvis_gui.session import Session
from mindvis_gui.settings import Settings
from mindvis_gui.views import exports, file_dialogs
from mindvis_gui.views.actions import make_actions
from mindvis_gui.views.command_palette import CommandPalette
from mindvis_gui.views.import_dialog import ImportDialog, ModelImporter
from mindvis_gui.views.restore import restore_request
from mindvis_gui.views.shortcuts_dialog import ShortcutsDialog
from mindvis_gui.views.status_bar import ActivityBar
from mindvis_gui.views.theme import apply_theme, is_dark
from mindvis_gui.views.toolbar import MainToolBar
from mindvis_gui.views.welcome import WelcomePage
from mindvis_gui.views.workspace import Workspace

_SIZE = QSize(1440, 900)
_SEEDS = 10_000  # first seeds are drawn below it: short enough to read and to type again
_PANELS = ("subject", "brain", "mask", "images", "decode", "compare")


class MainWindow(QMainWindow):
    """Turns actions into calls of the session's setters, and shows the session's state.

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
        self._import_model = import_model
        self.setWindowTitle("mindvis")
        self.resize(_SIZE)
        self.setAcceptDrops(True)
        self.status = ActivityBar(session)
        self.setStatusBar(self.status)
        self.actions_by_id = make_actions(self, first=self.status.forget_problem)
        self.toolbar = MainToolBar(self.actions_by_id, model_names, self.load_model)
        self.addToolBar(self.toolbar)
        actions = self.actions_by_id
        self.welcome = WelcomePage(actions["open"], actions["demo"], settings.recent)
        self.welcome.subject_chosen.connect(session.open)
        self.workspace = Workspace(session)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.welcome)
        self._pages.addWidget(self.workspace)
        self.setCentralWidget(self._pages)
        self._connect()
        self.workspace.restore_layout(
            settings.layout("docks"), settings.layout("centre"), settings.layout("closed")
        )
        self.restoreGeometry(settings.layout("window"))
        self._show_state()
        self._show_panels()
        self.welcome.demo.setFocus()

    def _connect(self) -> None:
        session = self._session
        session.subject_changed.connect(self._show_subject)
        session.subject_changed.connect(self.status.forget_problem)
        session.queue.started.connect(self.status.forget_problem)
        for signal in (
            session.trial_changed,
            session.model_changed,
            session.options_changed,
            session.results.result_changed,
            session.jobs.changed,
            session.queue.started,
            session.undo_stack.indexChanged,
        ):
            signal.connect(self._show_state)
        self.workspace.panel_toggled.connect(self._show_panels)
        self.workspace.decode_panel.new_seed_wanted.connect(self.new_seed)
        self.workspace.gallery.export_requested.connect(self.export_sample)

    # -- state -------------------------------------------------------------------------------

    def _show_subject(self) -> None:
        subject = self._session.subject
        if subject is not None:
            self.setWindowTitle(f"{subject.display_name} – mindvis")
            self._settings.add_recent(subject.source)
            if self._pages.currentWidget() is self.welcome:
                self._pages.setCurrentWidget(self.workspace)
                self.workspace.subject_panel.trials.setFocus()

    def _show_state(self) -> None:
        session, actions = self._session, self.actions_by_id
        has_trial = session.trial is not None
        enabled = {
            "decode": has_trial,
            "stop": session.queue.active,
            "import_model": self._import_model is not None,
            "next_trial": has_trial,
            "previous_trial": has_trial,
            "undo": session.undo_stack.canUndo(),
            "redo": session.undo_stack.canRedo(),
            "export_figure": session.results.result is not None,
            "export_samples": session.results.result is not None,
        }
        opened = session.subject is not None
        panels = ("compare", "default_layout", *(f"panel_{name}" for name in _PANELS[:-1]))
        enabled |= dict.fromkeys(panels, opened)
        for name, on in enabled.items():
            actions[name].setEnabled(on)
        self.toolbar.show_model(session.decoder.info.name if session.decoder else "")
        self.toolbar.show_seeds(session.first_seed, session.n_samples)

    def _show_panels(self) -> None:
        for name in _PANELS:
            action = "compare" if name == "compare" else f"panel_{name}"
            self.actions_by_id[action].setChecked(self.workspace.is_shown(name))

    # -- File --------------------------------------------------------------------------------

    def open_subject(self) -> None:
        """Ask for a subject file and open it."""
        self._open(file_dialogs.ask_subject_file(self, self._settings.folder))

    def open_subject_folder(self) -> None:
        """Ask for a subject's folder and open it."""
        self._open(file_dialogs.ask_subject_folder(self, self._settings.folder))

    def _open(self, path: Path | None) -> None:
        if path is not None:
            self._settings.folder = path.parent
            self._session.open(path)

    def open_demo(self) -> None:
        """Open the demo subject, and load the demo model unless a model is loaded."""
        self._session.open("demo")
        if self._session.decoder is None:
            self._session.load_model("demo")

    def open_model(self) -> None:
        """Ask for a model folder and load it."""
        folder = file_dialogs.ask_model_folder(self, self._settings.folder)
        if folder is not None:
            self._settings.folder = folder.parent
            self.load_model(str(folder))

    def import_model(self) -> None:
        """Ask for published checkpoint files, make a model folder of them and load it."""
        if self._import_model is not None:
            ImportDialog(self._session, self._settings, self._import_model, self).open()

    def load_model(self, name: str) -> None:
        """Load a model by name or folder."""
        self._session.load_model(name)

    def export_figure(self) -> None:
        """Ask where to, and write the comparison figure in the background."""
        result = self._session.results.result
        if result is None:
            return
        suggested = self._settings.folder / exports.figure_name(result.request)
        path = file_dialogs.ask_figure_file(self, suggested)
        if path is not None:
            self._settings.folder = path.parent
            exports.start_figure(self._session, path)

    def export_samples(self) -> None:
        """Ask for a folder, and write each sample into it in the background."""
        folder = file_dialogs.ask_sample_folder(self, self._settings.folder)
        if folder is not None:
            self._settings.folder = folder
            exports.start_samples(self._session, folder)

    def export_sample(self, seed: int) -> None:
        """Ask where to, and write the sample of one seed."""
        result = self._session.results.result
        if result is None:
            return
        name = exports.sample_name(result.request, seed)
        path = file_dialogs.ask_sample_file(self, self._settings.folder / name)
        if path is not None:
            self._settings.folder = path.parent
            exports.start_sample(self._session, seed, path)

    # -- Edit, Decode ------------------------------------------------------------------------

    def undo(self) -> None:
        """Take back the last change of mask or regions."""
        self._session.undo_stack.undo()

    def redo(self) -> None:
        """Do again what was taken back."""
        self._session.undo_stack.redo()

    def decode(self) -> None:
        """Decode the chosen trial, unless the options shown cannot be."""
        if self.workspace.decode_panel.complaint:
            self.status.show_problem(self.workspace.decode_panel.complaint)
        else:
            self._session.decode()

    def stop(self) -> None:
        """Stop decoding."""
        self._session.queue.stop()

    def new_seed(self) -> None:
        """Choose a first seed at random."""
        self._session.set_seeds(random.randrange(_SEEDS), self._session.n_samples)

    def next_trial(self) -> None:
        """Choose the next trial of those listed."""
        self.workspace.subject_panel.step_trial(1)

    def previous_trial(self) -> None:
        """Choose the previous trial of those listed."""
        self.workspace.subject_panel.step_trial(-1)

    # -- View, Help --------------------------------------------------------------------------

    def show_subject(self, shown: bool) -> None:
        """Open or close the subject panel."""
        self.workspace.show_panel("subject", shown)

    def show_brain(self, shown: bool) -> None:
        """Open or close the slices."""
        self.workspace.show_panel("brain", shown)

    def show_mask(self, shown: bool) -> None:
        """Open or close the mask."""
        self.workspace.show_panel("mask", shown)

    def show_images(self, shown: bool) -> None:
        """Open or close stimulus and samples."""
        self.workspace.show_panel("images", shown)

    def show_decode(self, shown: bool) -> None:
        """Open or close the decode options."""
        self.workspace.show_panel("decode", shown)

    def show_compare(self, shown: bool) -> None:
        """Open or close the scores."""
        self.workspace.show_panel("compare", shown)

    def restore_default_layout(self) -> None:
        """Put every panel back where it was at first, and forget the saved arrangement."""
        self._settings.forget_layout()
        self.workspace.restore_default()

    def toggle_theme(self) -> None:
        """Change between light and dark, now and for the next start."""
        self._settings.theme = "light" if is_dark(self) else "dark"
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        apply_theme(app, self._settings.theme)

    def toggle_full_screen(self) -> None:
        """Change between the full screen and a window."""
        self.setWindowState(self.windowState() ^ self.windowState().WindowFullScreen)

    def show_palette(self) -> None:
        """Find an action by its name."""
        palette = CommandPalette(self.actions_by_id.values(), self)
        left = (self.width() - palette.width()) // 2
        palette.move(self.mapToGlobal(QPoint(left, self.toolbar.height())))
        palette.open()

    def show_shortcuts(self) -> None:
        """Show every key."""
        ShortcutsDialog(self).open()

    # -- events ------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Show the stimulus over the samples while Space is held, wherever the focus is."""
        if event.key() == Qt.Key.Key_Space:
            self.workspace.gallery.show_stimulus(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Show the samples again."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self.workspace.gallery.show_stimulus(False)
        else:
            super().keyReleaseEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Take files that are dragged over the window."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Open what was dropped (called by Qt)."""
        self.status.forget_problem()
        for url in event.mimeData().urls():
            self._open_any(Path(url.toLocalFile()))
        event.acceptProposedAction()

    def _open_any(self, path: Path) -> None:
        """Load a model folder, go back to the request of an exported sample, or open a subject."""
        if (path / "model_index.json").is_file():
            self.load_model(str(path))
        elif path.suffix.lower() == ".png":
            try:
                restore_request(self._session, read_request(path))
            except MindVisError as error:
                self.status.show_problem(str(error))
        else:
            self._session.open(path)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember the layout, then cancel what runs and wait for it."""
        for name, state in self.workspace.layout_states().items():
            self._settings.set_layout(name, state)
        self._settings.set_layout("window", self.saveGeometry())
        self.hide()
        self._session.close()
        event.accept()


def model_names() -> list[str]:
    """Return the names of the model folders that can be found."""
    return sorted(
        {
            folder.name
            for parent in model_dirs()
            for folder in parent.iterdir()
            if (folder / "model_index.json").is_file()
        }
    )
