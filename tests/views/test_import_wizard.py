import shlex

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication

import mindvis_gui.data
from mindvis_gui.cli import main
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.import_pages import SplitPage, StimuliPage
from mindvis_gui.views.import_region_pages import EventsPage
from mindvis_gui.views.import_wizard import ImportWizard
from tests.data.makers import (
    SESSION_SIZES,
    make_arrays,
    make_bdata_halves,
    make_god,
    make_series,
    make_sessions,
    trial_arrays,
)


@pytest.fixture
def source(tmp_path):
    path = make_arrays(tmp_path / "data")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(12):
        Image.new("RGB", (8, 8), (20 * number, 9, 9)).save(pictures / f"{number}.png")
    return path


@pytest.fixture
def wizard(qtbot, window, monkeypatch, session):
    """Return the wizard as the action opens it; the session opens files for real."""
    monkeypatch.setattr("mindvis_gui.session.opening.open_subject", mindvis_gui.data.open_subject)
    window.actions_by_id["import_subject"].trigger()
    yield window.findChild(ImportWizard)
    qtbot.waitUntil(lambda: session.idle)


@pytest.fixture
def filled(qtbot, wizard, source):
    with qtbot.waitSignal(wizard.importing.previewed):
        wizard.source_page.source.choose(source)
    qtbot.waitUntil(lambda: wizard.save.isEnabled())
    return wizard


def drop(widget, paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    widget.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, left, none))


def steps(wizard):
    items = [wizard.steps.item(row) for row in range(wizard.steps.count())]
    return [item.text() for item in items if not item.isHidden()]


def page_of(wizard, kind):
    return next(page for page in wizard.pages if isinstance(page, kind))


def choose(box, name):
    box.setCurrentIndex(box.findData(name))


def test_it_begins_with_the_source(wizard):
    assert steps(wizard) == ["Source"]
    assert not wizard.save.isEnabled()
    assert not wizard.forward.isEnabled()


def test_return_goes_on_to_the_next_step_and_saves_from_the_last(qtbot, filled, monkeypatch):
    asked = []
    monkeypatch.setattr(file_dialogs, "ask_subject_output", lambda *_: asked.append(True))
    last = len(steps(filled)) - 1
    for step in range(1, last + 1):
        qtbot.keyClick(filled.steps, Qt.Key.Key_Return)
        assert filled._shown().index(filled.steps.currentRow()) == step
    assert not asked
    qtbot.keyClick(filled.steps, Qt.Key.Key_Return)
    assert asked
    filled.steps.setCurrentRow(0)
    qtbot.keyClick(filled.source_page.source.line, Qt.Key.Key_Return)
    assert filled._shown().index(filled.steps.currentRow()) == 1
    assert len(asked) == 1


def test_no_key_leads_to_a_step_that_is_hidden(qtbot, wizard):
    """Qt looks for what is typed among hidden rows, too."""
    qtbot.keyClicks(wizard.steps, "regions")
    assert wizard.page is wizard.source_page
    assert wizard.steps.currentRow() == 0
    wizard.forward.click()
    wizard.back.click()
    assert wizard.page is wizard.source_page


def test_only_arrays_that_fit_are_offered(filled):
    page = filled.arrays_page
    assert steps(filled)[:3] == ["Source", "Arrays", "Stimuli  ?"]
    assert page.responses.currentText() == "responses   30 × 100"
    box = page.columns["stimulus"]
    assert [box.itemData(row) for row in range(box.count())] == ["", "image_ids", "is_test"]
    page.trials_last.setChecked(True)
    assert {box.itemData(row) for row in range(box.count())} == {"", "V1", "V2"}


def test_pictures_answer_what_was_open(qtbot, filled, tmp_path):
    with qtbot.waitSignal(filled.importing.previewed):
        page_of(filled, StimuliPage).pictures.choose(tmp_path / "pictures")
    assert "Stimuli" in steps(filled)
    pictures = filled.importing.preview.pictures
    assert [each[0, 0, 0] for each in pictures[:3]] == [0, 20, 40]
    assert f"--stimuli={tmp_path / 'pictures'}" in filled.command.line.text()


def test_regions_that_are_ticked(qtbot, filled):
    page = filled.region_arrays_page
    texts = {page.list.item(row).text(): page.list.item(row) for row in range(page.list.count())}
    assert [t for t, i in texts.items() if i.checkState() == Qt.CheckState.Checked] == ["V1", "V2"]
    with qtbot.waitSignal(filled.importing.previewed):
        texts["V2"].setCheckState(Qt.CheckState.Unchecked)
    assert [roi.name for roi in filled.importing.preview.subject.rois] == ["V1"]


def test_a_split_that_leaves_nothing_is_explained_in_place(qtbot, filled):
    page = page_of(filled, SplitPage)
    page.rule.setChecked(True)
    with qtbot.waitSignal(filled.importing.previewed):
        page.values_line.setText("0-29")
        page.values_line.editingFinished.emit()
    assert "tests 30 of the 30 trials" in filled.problem.text()
    assert not filled.save.isEnabled()
    page.values_line.setText("some")
    page.values_line.editingFinished.emit()
    assert "'some' is no number" in page.complaint.text()
    with qtbot.waitSignal(filled.importing.previewed):
        page.as_is.setChecked(True)
    qtbot.waitUntil(lambda: filled.save.isEnabled())
    assert filled.problem.text() == ""


def test_save_writes_what_the_command_writes_and_opens_it(
    qtbot, filled, session, tmp_path, monkeypatch
):
    with qtbot.waitSignal(filled.importing.previewed):
        choose(filled.arrays_page.columns["run"], "is_test")
    qtbot.waitUntil(lambda: filled.save.isEnabled())
    qtbot.mouseClick(filled.command.copy, Qt.MouseButton.LeftButton)
    command = QGuiApplication.clipboard().text()
    words = shlex.split(command.replace("\\", "/"))  # as they are read on Windows
    monkeypatch.setattr(file_dialogs, "ask_subject_output", lambda *_: tmp_path / "saved.h5")
    with qtbot.waitSignal(session.trial_changed):
        qtbot.mouseClick(filled.save, Qt.MouseButton.LeftButton)
    assert session.subject.source == tmp_path / "saved.h5"
    words[words.index("--out") + 1] = str(tmp_path / "by_command.h5")
    assert main(words[1:]) == 0
    other = mindvis_gui.data.open_subject(tmp_path / "by_command.h5")
    assert other.trials == session.subject.trials
    assert np.array_equal(other.responses(range(30)), trial_arrays()["responses"])


def test_images_have_other_pages(qtbot, wizard, tmp_path):
    folder = make_series(tmp_path / "series")
    with qtbot.waitSignal(wizard.importing.previewed):
        wizard.open_source(folder)
    assert [step.rstrip(" ?") for step in steps(wizard)] == [
        "Source", "Trials", "Stimuli", "Test set", "Regions", "Positions", "Preparation",
    ]  # fmt: skip
    before = wizard.importing.preview.responses
    with qtbot.waitSignal(wizard.importing.previewed):
        page_of(wizard, EventsPage).last.setValue(6)
    assert "--window=3-6" in wizard.command.line.text()
    assert not np.array_equal(wizard.importing.preview.responses, before)


def test_further_sessions_follow_the_source(qtbot, wizard, tmp_path, monkeypatch):
    folder = make_sessions(tmp_path / "sub-07")
    (folder / "trials.tsv").unlink()
    first, *more = sorted(folder.glob("*_betas.nii.gz"))
    with qtbot.waitSignal(wizard.importing.previewed):
        wizard.open_source(first)
    page = page_of(wizard, EventsPage)
    monkeypatch.setattr(file_dialogs, "ask_any_files", lambda *_: more)
    with qtbot.waitSignal(wizard.importing.previewed):
        page.more.add.click()
    assert sum(wizard.importing.preview.counts.values()) == sum(SESSION_SIZES)
    assert page.more.line.text() == ", ".join(path.name for path in more)
    assert f"{first} {more[0]} {more[1]} --out" in wizard.command.line.text()
    with qtbot.waitSignal(wizard.importing.previewed):
        page.more.clear.click()
    assert sum(wizard.importing.preview.counts.values()) == SESSION_SIZES[0]


def test_images_that_are_dropped_together_are_joined(qtbot, wizard, tmp_path):
    folder = make_sessions(tmp_path / "sub-07")
    paths = sorted(folder.glob("*_betas.nii.gz"))
    with qtbot.waitSignal(wizard.importing.previewed):
        drop(wizard, reversed(paths))
    assert (wizard.importing.plan.source, *wizard.importing.plan.more) == tuple(paths)
    assert page_of(wizard, EventsPage).more.paths == tuple(paths[1:])


def test_training_and_test_files_that_are_dropped_together_are_one_subject(qtbot, wizard, tmp_path):
    one, two = make_bdata_halves(tmp_path)
    with qtbot.waitSignal(wizard.importing.previewed):
        drop(wizard, (one, two))
    assert wizard.importing.preview.counts == {"train": 6, "test-single": 6, "test": 3}
    page = page_of(wizard, SplitPage)
    with qtbot.waitSignal(wizard.importing.previewed):
        page.repeated.setChecked(True)
    assert f"{two} {one} --out" in wizard.command.line.text()


@pytest.mark.parametrize("kind", ["bdata", "images"])
def test_files_of_one_subject_that_are_dropped_on_the_window_are_joined(
    qtbot, window, session, tmp_path, monkeypatch, kind
):
    monkeypatch.setattr("mindvis_gui.session.opening.open_subject", mindvis_gui.data.open_subject)
    if kind == "bdata":
        paths = sorted(make_bdata_halves(tmp_path))
    else:
        paths = sorted(make_sessions(tmp_path / "sub-07").glob("*_betas.nii.gz"))
    drop(window, reversed(paths))
    qtbot.waitUntil(lambda: window.findChild(ImportWizard) is not None)
    importing = window.findChild(ImportWizard).importing
    qtbot.waitUntil(lambda: importing.preview is not None)
    assert (importing.plan.source, *importing.plan.more) == tuple(paths)
    assert session.subject is None
    window.findChild(ImportWizard).reject()
    qtbot.waitUntil(lambda: session.idle)


def test_subjects_that_are_dropped_together_are_opened(qtbot, window, session, tmp_path):
    for name in ("one.h5", "two.h5"):
        (tmp_path / name).touch()
    with qtbot.waitSignal(session.subject_changed):
        drop(window, [tmp_path / "one.h5", tmp_path / "two.h5"])
    qtbot.waitUntil(lambda: session.idle)
    assert window.findChild(ImportWizard) is None


def test_a_file_that_is_no_subject_offers_the_wizard(qtbot, window, session, source, monkeypatch):
    monkeypatch.setattr("mindvis_gui.session.opening.open_subject", mindvis_gui.data.open_subject)
    with qtbot.waitSignal(session.import_offered):
        session.open(source)
    assert "neither a GOD subject" in window.status.problem.text()
    qtbot.mouseClick(window.status.import_file, Qt.MouseButton.LeftButton)
    wizard = window.findChild(ImportWizard)
    qtbot.waitUntil(lambda: wizard.save.isEnabled())
    assert wizard.source_page.source.path == source
    assert not window.status.import_file.isVisible()
    wizard.reject()


def test_a_file_without_arrays_offers_nothing(qtbot, window, session):
    with qtbot.waitSignal(session.problem):
        session.open("missing.h5")
    assert not window.status.import_file.isVisible()


def test_positions_are_added_to_what_is_open(qtbot, window, session, tmp_path, monkeypatch):
    import nibabel as nib

    monkeypatch.setattr("mindvis_gui.session.opening.open_subject", mindvis_gui.data.open_subject)
    with qtbot.waitSignal(session.trial_changed):
        session.open(make_god(tmp_path / "god"))
    action = window.actions_by_id["add_positions"]
    assert action.isEnabled()
    n = session.subject.n_voxels
    mask = np.zeros((n + 3, 2, 2), np.int16)
    mask[:n, 0, 0] = 1
    nib.save(nib.Nifti1Image(mask, np.diag([2.0, 2, 2, 1])), tmp_path / "mask.nii")
    session.set_trial(1)
    monkeypatch.setattr(file_dialogs, "ask_any_file", lambda *_: tmp_path / "mask.nii")
    with qtbot.waitSignal(session.subject_changed):
        action.trigger()
    qtbot.waitUntil(lambda: session.idle)
    assert session.brain.grid is not None
    assert not action.isEnabled()
    with qtbot.waitSignal(session.problem):
        session.preparation.add_positions(tmp_path / "gone.nii")
    assert session.brain.grid is not None


def test_the_keyboard_is_in_the_field_of_the_source_at_first(wizard):
    assert wizard.focusWidget() is wizard.source_page.source.line
