"""Opening subjects and models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtWidgets import QWidget

from mindvis_gui.files import is_there
from mindvis_gui.session import Session
from mindvis_gui.settings import Settings
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.entry import Entry
from mindvis_gui.views.import_dialog import ImportDialog, ModelImporter

FILE_ENTRIES = (
    Entry("open", "Open…", "file.open_subject", "File", "Ctrl+O",
          "Open a subject, or a session, sample or figure that was saved"),
    Entry("open_folder", "Open folder…", "file.open_subject_folder", "File", "Ctrl+Shift+O",
          "Open a subject that is a folder, such as NIfTI betas"),
    Entry("import_subject", "Import subject…", "file.import_subject", "File", "Ctrl+I",
          "Make a subject of arrays, images or tables, step by step"),
    Entry("add_positions", "Add positions…", "file.add_positions", "File", "",
          "Join a BData, mask or surface file that knows where this subject's voxels lie"),
    Entry("demo", "Demo", "file.open_demo", "File", "", "Open the simulated demo subject"),
    Entry("open_model", "Open model folder…", "file.open_model", "File", "Ctrl+M",
          "Load a trained model from any folder", mac="Ctrl+Alt+M"),
    Entry("import_model", "Import published checkpoint…", "file.import_model", "File", "",
          "Turn the published files of MinD-Vis into a model folder"),
)  # fmt: skip


class FileCommands:
    """Opens what is chosen in a dialog or dropped on the window.

    Where no `import_model` is given, published checkpoints cannot be imported. `open_saved` opens
    what this application wrote, and returns whether it was that.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        settings: Settings,
        import_model: ModelImporter | None,
        open_saved: Callable[[Path], bool],
    ) -> None:
        self._window, self._session, self._settings = window, session, settings
        self._open_saved = open_saved
        self._import_model = import_model

    def enabled(self) -> dict[str, bool]:
        """Return whether checkpoints can be imported, and whether positions are missing."""
        subject = self._session.subject
        return {
            "import_model": self._import_model is not None,
            "add_positions": subject is not None and subject.ijk is None,
        }

    def open_subject(self) -> None:
        """Ask for a subject file and open it."""
        self._open(file_dialogs.ask_subject_file(self._window, self._settings.folder))

    def open_subject_folder(self) -> None:
        """Ask for a subject's folder and open it."""
        self._open(file_dialogs.ask_subject_folder(self._window, self._settings.folder))

    def _open(self, path: Path | None) -> None:
        if path is not None:
            self._settings.folder = path.parent
            self.open_any(path)

    def import_subject(self) -> None:
        """Ask which file, and what is what in it, and make a subject of it."""
        self.import_source(None)

    def import_source(self, source: Path | None, more: Sequence[Path] = ()) -> None:
        """Show the wizard, with a source and what is joined to it, if there is one."""
        from mindvis_gui.views.import_wizard import ImportWizard  # brings the readers

        wizard = ImportWizard(self._session, self._settings, source, self._window, more=more)
        wizard.open()

    def add_positions(self) -> None:
        """Ask for a file of the same voxels, and draw them where it says they lie."""
        path = file_dialogs.ask_any_file(self._window, "Add positions", self._settings.folder)
        if path is not None:
            self._settings.folder = path.parent
            self._session.preparation.add_positions(path)

    def open_demo(self) -> None:
        """Open the demo subject, and load the demo model unless one that fits is loaded."""
        self._session.open_demo()

    def open_model(self) -> None:
        """Ask for a model folder and load it."""
        folder = file_dialogs.ask_model_folder(self._window, self._settings.folder)
        if folder is not None:
            self._settings.folder = folder.parent
            self._session.load_model(str(folder))

    def import_model(self) -> None:
        """Ask for published checkpoint files, make a model folder of them and load it."""
        if self._import_model is not None:
            ImportDialog(self._session, self._settings, self._import_model, self._window).open()

    def open_together(self, paths: Sequence[Path]) -> None:
        """Open what was dropped at once; files of one subject become one in the wizard."""

        def look() -> bool:
            from mindvis_gui.data.source_kind import can_be_joined  # brings the readers

            return can_be_joined(paths)

        def go_on(joined: bool) -> None:
            if joined:
                first, *more = sorted(paths)
                self.import_source(first, more)
            else:
                for path in paths:
                    self.open_any(path)

        if len(paths) > 1:
            self._session.jobs.run(look, "", go_on)
        else:
            go_on(joined=False)

    def open_any(self, path: Path) -> None:
        """Open what was saved, load a model folder, or open a subject."""
        if self._open_saved(path):
            return
        if is_there(path / "model_index.json"):
            self._session.load_model(str(path))
        else:
            self._session.open(path)
