"""Opening subjects and models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtWidgets import QWidget

from mindvis_gui.files import is_there
from mindvis_gui.session import Session
from mindvis_gui.settings import Settings
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.commands.session_commands import Opening
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

    Where no `import_model` is given, published checkpoints cannot be imported. `way_to_open_saved`
    returns what opens a file that this application wrote, and None for any other; from any thread.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        settings: Settings,
        import_model: ModelImporter | None,
        way_to_open_saved: Callable[[Path], Opening | None],
    ) -> None:
        self._window, self._session, self._settings = window, session, settings
        self._way_to_open_saved = way_to_open_saved
        self._asked: Sequence[Path] = ()  # what is looked at, newest
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

    def open_any(self, path: Path) -> None:
        """Open what was saved, load a model folder, or open a subject."""
        self.open_together([path])

    def open_together(self, paths: Sequence[Path]) -> None:
        """Open what was dropped at once; files of one subject become one in the wizard.

        What each of them is a disk has to say, which may take long to answer.
        """
        self._asked = paths

        def look() -> list[Opening] | None:
            from mindvis_gui.data.source_kind import can_be_joined  # brings the readers

            joined = len(paths) > 1 and can_be_joined(paths)
            return None if joined else [self._way_to_open(path) for path in paths]

        def go_on(ways: list[Opening] | None) -> None:
            if paths is not self._asked:
                return  # others were asked for meanwhile
            if ways is None:
                first, *more = sorted(paths)
                self.import_source(first, more)
                return
            for path, open_it in zip(paths, ways, strict=True):
                open_it(path)

        self._session.jobs.soon(look, f"Opening {paths[0].name}", go_on)

    def _way_to_open(self, path: Path) -> Opening:
        """Return what opens a file or a folder; runs in a job's thread."""
        saved = self._way_to_open_saved(path)
        if saved is not None:
            return saved
        if is_there(path / "model_index.json"):
            return lambda path: self._session.load_model(str(path))
        return self._session.open
