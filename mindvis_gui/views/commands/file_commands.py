"""Opening subjects and models."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget

from mindvis_gui.session import Session
from mindvis_gui.settings import Settings
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.entry import Entry
from mindvis_gui.views.import_dialog import ImportDialog, ModelImporter

FILE_ENTRIES = (
    Entry("open", "Open…", "file.open_subject", "File", "Ctrl+O", "Open a subject file or folder"),
    Entry("open_folder", "Open folder…", "file.open_subject_folder", "File", "Ctrl+Shift+O",
          "Open a subject that is a folder, such as NIfTI betas"),
    Entry("demo", "Demo", "file.open_demo", "File", "", "Open the simulated demo subject"),
    Entry("open_model", "Open model folder…", "file.open_model", "File", "Ctrl+M",
          "Load a trained model from any folder"),
    Entry("import_model", "Import published checkpoint…", "file.import_model", "File", "",
          "Turn the published files of MinD-Vis into a model folder"),
)  # fmt: skip


class FileCommands:
    """Opens what is chosen in a dialog or dropped on the window.

    Where no `import_model` is given, published checkpoints cannot be imported.
    """

    def __init__(
        self,
        window: QWidget,
        session: Session,
        settings: Settings,
        import_model: ModelImporter | None,
    ) -> None:
        self._window, self._session, self._settings = window, session, settings
        self._import_model = import_model

    def enabled(self) -> dict[str, bool]:
        """Return whether checkpoints can be imported."""
        return {"import_model": self._import_model is not None}

    def open_subject(self) -> None:
        """Ask for a subject file and open it."""
        self._open(file_dialogs.ask_subject_file(self._window, self._settings.folder))

    def open_subject_folder(self) -> None:
        """Ask for a subject's folder and open it."""
        self._open(file_dialogs.ask_subject_folder(self._window, self._settings.folder))

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
        folder = file_dialogs.ask_model_folder(self._window, self._settings.folder)
        if folder is not None:
            self._settings.folder = folder.parent
            self._session.load_model(str(folder))

    def import_model(self) -> None:
        """Ask for published checkpoint files, make a model folder of them and load it."""
        if self._import_model is not None:
            ImportDialog(self._session, self._settings, self._import_model, self._window).open()

    def open_any(self, path: Path) -> None:
        """Load a model folder or open a subject."""
        if (path / "model_index.json").is_file():
            self._session.load_model(str(path))
        else:
            self._session.open(path)
