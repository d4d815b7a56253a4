import threading

import pytest
import shiboken6
from PySide6.QtCore import Qt

from mindvis_gui.errors import ModelError
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.import_dialog import ImportDialog
from mindvis_gui.views.main_window import MainWindow


class FakeImporter:
    """Makes an empty folder in two steps; waits between them while `go_on` is not set."""

    def __init__(self):
        self.error = None
        self.given = None
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, *given):
        self.given = given
        yield 0.0, "Reading model.ckpt"
        assert self.go_on.wait(30)
        if self.error:
            raise self.error
        yield 0.5, "Writing"
        given[-1].mkdir(parents=True)
        return given[-1]


@pytest.fixture
def importer():
    made = FakeImporter()
    yield made
    made.go_on.set()


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("MINDVIS_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def dialog(qtbot, session, settings, importer, models):
    window = MainWindow(session, settings, importer)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.actions_by_id["import_model"].trigger()
    found = window.findChild(ImportDialog)
    assert found.isVisible()
    yield found
    shiboken6.delete(window)


@pytest.fixture
def filled(qtbot, dialog, monkeypatch, tmp_path):
    """Return the dialog with two files chosen by their buttons; the name is suggested."""
    for which, name in (("ldm", "model.ckpt"), ("finetuned", "finetuned.pth")):
        path = tmp_path / "GOD sbj 3" / name
        monkeypatch.setattr(file_dialogs, "ask_checkpoint_file", lambda *_, path=path: path)
        qtbot.mouseClick(dialog.browse[which], Qt.MouseButton.LeftButton)
    return dialog


def click(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_import_waits_for_files_and_name(qtbot, dialog):
    assert not dialog.start.isEnabled()
    qtbot.keyClicks(dialog.files["ldm"], "model.ckpt")
    qtbot.keyClicks(dialog.files["finetuned"], "finetuned.pth")
    assert not dialog.start.isEnabled()
    qtbot.keyClicks(dialog.name, "god")
    assert dialog.start.isEnabled()


def test_name_is_suggested_by_the_folder_of_the_files(filled, models):
    assert filled.name.text() == "GOD-sbj-3"
    assert str(models / "GOD-sbj-3") in filled.place.text()


@pytest.mark.parametrize("name", ["../elsewhere", ".hidden", "a/b"])
def test_names_that_are_no_names(qtbot, filled, name):
    filled.name.clear()
    qtbot.keyClicks(filled.name, name)
    assert not filled.start.isEnabled()
    assert "A name has letters" in filled.problem.text()


def test_name_that_is_taken(qtbot, filled, models):
    (models / "god").mkdir(parents=True)
    filled.name.clear()
    qtbot.keyClicks(filled.name, "god")
    assert not filled.start.isEnabled()
    assert "exists" in filled.problem.text()


def test_a_name_that_no_file_system_takes_is_no_crash(qtbot, filled, models):
    models.mkdir()
    with qtbot.capture_exceptions() as errors:
        filled.name.setText("x" * 300)
    assert not errors


def test_import_closes_the_dialog_and_loads_the_model(qtbot, session, filled, importer, models):
    with qtbot.waitSignal(session.model_changed):
        click(qtbot, filled.start)
    assert [path and path.name for path in importer.given] == [
        "model.ckpt",
        "finetuned.pth",
        None,
        "GOD-sbj-3",
    ]
    assert importer.given[-1].parent == models
    qtbot.waitUntil(lambda: not shiboken6.isValid(filled) or not filled.isVisible())
    assert session.decoder is not None


def test_failure_is_explained_and_the_files_stay(qtbot, session, filled, importer):
    importer.error = ModelError("model.ckpt: is a fine-tuned model, not …")
    with qtbot.waitSignal(session.problem):
        click(qtbot, filled.start)
    qtbot.waitUntil(lambda: filled.start.isEnabled())
    assert filled.problem.text() == "model.ckpt: is a fine-tuned model, not …"
    assert filled.files["finetuned"].text().endswith("finetuned.pth")
    assert filled.isVisible()


def test_cancel_stops_the_import_and_then_closes(qtbot, session, filled, importer, models):
    importer.go_on.clear()
    click(qtbot, filled.start)
    qtbot.waitUntil(lambda: "Reading model.ckpt" in filled.place.text())
    assert session.jobs.busy == "Importing GOD-sbj-3"
    assert not filled.files["ldm"].isEnabled()
    click(qtbot, filled.cancel)
    assert filled.isVisible()
    importer.go_on.set()
    qtbot.waitUntil(lambda: filled.start.isEnabled())
    assert not models.exists()
    assert session.decoder is None
    click(qtbot, filled.cancel)
    assert not filled.isVisible()


def test_window_that_cannot_import_says_so(window):
    assert not window.actions_by_id["import_model"].isEnabled()
