"""Published checkpoint files into a model folder, from the window."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from mindvis_gui.files import is_there
from mindvis_gui.job import Job
from mindvis_gui.paths import new_models_dir
from mindvis_gui.session import Session
from mindvis_gui.settings import Settings
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.buttons import push_button
from mindvis_gui.views.progress_line import PARTS, progress_line
from mindvis_gui.views.sentences import sentence
from mindvis_gui.views.theme import GAP, MARGIN, label

ModelImporter = Callable[
    [Path, Path, Path | None, Path], Generator[tuple[float, str], None, Path]
]  # model.ckpt, finetuned.pth, fmri_encoder.pth, new folder → (done, what is done next) …, folder

_FILES = {
    "ldm": ("Label-to-image model", "model.ckpt", "model.ckpt, or a diffusers folder"),
    "finetuned": ("Fine-tuned model", "finetuned.pth", "finetuned.pth"),
    "encoder": ("fMRI encoder", "fmri_encoder.pth", "fmri_encoder.pth, recovers masked voxels"),
}
_WIDTH = 560


class ImportDialog(QDialog):
    """Asks for the files and a name; stays open until the import is done, and then loads it."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        import_model: ModelImporter,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._settings, self._import_model = session, settings, import_model
        self._job: Job | None = None
        self._imported = False
        self.setWindowTitle("Import published checkpoint")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(_WIDTH)
        self.files = {which: QLineEdit() for which in _FILES}
        self.browse = {
            which: push_button("Choose…", f"Choose {_FILES[which][1]}") for which in _FILES
        }
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the model")
        self.name.setPlaceholderText("such as god-sbj3")
        self.place = label(kind="muted")
        self.problem = label(kind="problem")
        for text in (self.place, self.problem):
            text.setWordWrap(True)
            text.setTextFormat(Qt.TextFormat.PlainText)
        self.bar = progress_line()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.cancel = buttons.button(QDialogButtonBox.StandardButton.Cancel)
        self.start = push_button("Import", "Import", "primary")
        self.start.setDefault(True)
        buttons.addButton(self.start, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        self.start.clicked.connect(self._import)
        session.problem.connect(self._explain)
        self._lay_out(buttons)
        self._check()

    def _lay_out(self, buttons: QDialogButtonBox) -> None:
        self._form = QWidget()
        form = QGridLayout(self._form)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(GAP)
        for row, (which, (text, name, hint)) in enumerate(_FILES.items()):
            field, button = self.files[which], self.browse[which]
            field.setPlaceholderText(hint)
            field.setAccessibleName(name)
            field.textChanged.connect(self._check)
            button.clicked.connect(lambda _, which=which: self._choose(which))
            button.setAutoDefault(False)
            form.addWidget(label(text if which != "encoder" else f"{text} (optional)"), row, 0)
            form.addWidget(field, row, 1)
            form.addWidget(button, row, 2)
        self.name.textChanged.connect(self._check)
        form.addWidget(label("Name"), len(_FILES), 0)
        form.addWidget(self.name, len(_FILES), 1)
        note = label("The files are read as data: no code in them is run.", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(GAP)
        for widget in (note, self._form, self.place, self.problem, self.bar):
            column.addWidget(widget)
        column.addStretch()
        column.addWidget(buttons)

    # -- before ------------------------------------------------------------------------------

    @property
    def target(self) -> Path:
        """Folder that the model will be in."""
        return new_models_dir() / self.name.text().strip()

    def _choose(self, which: str) -> None:
        path = file_dialogs.ask_checkpoint_file(self, _FILES[which][1], self._settings.folder)
        if path is None:
            return
        self._settings.folder = path.parent
        self.files[which].setText(str(path))
        if which == "finetuned" and not self.name.text():
            self.name.setText(re.sub(r"[^\w.-]+", "-", path.parent.name).strip("-."))

    def _check(self) -> None:
        """Allow the import once everything that it needs is given."""
        name = self.name.text().strip()
        usable = re.fullmatch(r"\w[\w. -]*", name) is not None
        taken = usable and is_there(self.target)
        self.place.setText(f"Will be written to {self.target}" if usable else "")
        if name and not usable:
            self.problem.setText("A name has letters, digits, spaces, dots and dashes.")
        else:
            self.problem.setText("A model of that name exists; choose another name." * taken)
        given = all(self.files[which].text().strip() for which in ("ldm", "finetuned"))
        self.start.setEnabled(given and usable and not taken)

    # -- while it runs -----------------------------------------------------------------------

    def _import(self) -> None:
        ldm, finetuned, encoder = (
            Path(text).expanduser() if (text := self.files[which].text().strip()) else None
            for which in _FILES
        )
        assert ldm is not None
        assert finetuned is not None
        self.problem.setText("")
        self._set_running(True)
        self._job = self._session.jobs.start(
            self._import_model(ldm, finetuned, encoder, self.target),
            f"Importing {self.target.name}",
            self._load,
            progress=self._show_progress,
            ended=self._end,
        )

    def _show_progress(self, item: tuple[float, str]) -> None:
        done, what = item
        self.bar.setValue(round(done * PARTS))
        self.place.setText(f"{what} …")

    def _explain(self, text: str) -> None:
        if self._job is not None:
            self.problem.setText(sentence(text))

    def _load(self, folder: Path) -> None:
        self._imported = True
        self._session.load_model(str(folder))

    def _end(self) -> None:
        self._job = None
        if self._imported:
            self.accept()
            return
        self._set_running(False)
        self.place.setText(f"Will be written to {self.target}")

    def _set_running(self, running: bool) -> None:
        self._form.setEnabled(not running)
        self.start.setEnabled(not running)
        self.bar.setValue(0)
        self.bar.setVisible(running)

    def reject(self) -> None:
        """Close; while an import runs, stop it instead."""
        if self._job is None:
            super().reject()
        else:
            self._job.cancel()
            self.place.setText("Stopping …")
