import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shiboken6
from PIL import Image
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, QRect, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QScreen
from PySide6.QtWidgets import QPushButton, QToolButton

import mindvis_gui.session.opening
from mindvis_gui.analysis.export import write_sample
from mindvis_gui.data.subject import Roi, Volume
from mindvis_gui.job import Job
from mindvis_gui.paths import demo_subject_path
from mindvis_gui.session.brain import Arrangement
from mindvis_gui.views import file_dialogs, recent_menu
from mindvis_gui.views import main_window as module
from mindvis_gui.views.actions import ACTIONS
from mindvis_gui.views.buttons import ElidedButton
from mindvis_gui.views.command_palette import CommandPalette
from mindvis_gui.views.commands import file_commands, session_commands
from mindvis_gui.views.figure_dialog import FigureDialog
from mindvis_gui.views.import_wizard import ImportWizard
from mindvis_gui.views.main_window import model_names
from mindvis_gui.views.shortcuts_dialog import ShortcutsDialog
from mindvis_gui.views.theme import is_dark


def button(window, name):
    found = window.toolbar.widgetForAction(window.actions_by_id[name])
    assert isinstance(found, QToolButton)
    return found


def drop(window, *paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, left, none)
    window.dragEnterEvent(enter)
    assert enter.isAccepted()
    window.dropEvent(QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, left, none))


def test_first_window_fits_the_screen(session, settings, monkeypatch):
    room = QRect(0, 27, 1440, 873)
    monkeypatch.setattr(QScreen, "availableGeometry", lambda screen: room)
    made = module.MainWindow(session, settings)
    made.fit_screen()
    assert (made.width(), made.height()) == (1436, 833)
    made.resize(1200, 700)
    made.fit_screen()
    assert (made.width(), made.height()) == (1200, 700)
    shiboken6.delete(made)  # before the session that it listens to


def test_welcome_first_then_the_workspace(qtbot, window, session):
    assert window.welcome.isVisible()
    assert not window.actions_by_id["decode"].isEnabled()
    assert not window.actions_by_id["panel_mask"].isEnabled()
    with qtbot.waitSignal(session.trial_changed):
        session.open("tiny.h5")
    assert window.workspace.isVisible()
    assert window.windowTitle().startswith("tiny (simulated)")
    assert window.actions_by_id["decode"].isEnabled()
    assert window.actions_by_id["panel_mask"].isEnabled()


def test_closed_panels_are_built_when_first_seen(qtbot, ready_window, ready):
    workspace = ready_window.workspace
    late = {"overlays", "lesion", "attribution", "queue", "history"}
    built = {name for name in late if f"{name.removesuffix('s')}_panel" in vars(workspace)}
    assert built == set()
    for name in late:
        workspace.show_panel(name, True)
    assert workspace.history_panel.isVisibleTo(workspace)
    workspace.show_panel("overlays", True)
    qtbot.waitUntil(lambda: workspace.overlay_panel.list.count() == len(ready.overlays.items))
    assert workspace.lesion_panel.run.isEnabled()  # it knows of the subject that was there before


def smaller(subject, n_voxels=384):
    """Return part of a subject, on a grid of another shape."""
    responses = subject.responses([trial.index for trial in subject.trials])[:, :n_voxels]
    stimuli = {trial.stimulus_id: subject.stimulus(trial) for trial in subject.trials}
    assert subject.anatomy is not None
    return replace(
        subject,
        name="small",
        rois=(Roi("V1", np.arange(100)), Roi("V2", np.arange(100, n_voxels))),
        n_voxels=n_voxels,
        recording=type(subject.recording)(responses, stimuli),
        ijk=subject.ijk[:n_voxels],
        anatomy=Volume(subject.anatomy.data[:25, :29, :27], subject.anatomy.affine),
    )


@pytest.mark.parametrize("applied", [False, True])
def test_another_subject_of_another_size_and_back(
    qtbot, ready_window, ready, subject, monkeypatch, applied
):
    subjects = {"tiny.h5": subject, "small.h5": smaller(subject)}
    monkeypatch.setattr(mindvis_gui.session.opening, "open_subject", subjects.__getitem__)
    ready_window.workspace.show_panel("overlays", True)
    ready_window.workspace.show_panel("lesion", True)
    ready.masking.set_applied(applied)
    for name in ("small.h5", "tiny.h5"):
        with qtbot.waitSignal(ready.trial_changed):
            ready.open(name)
        qtbot.waitUntil(lambda: ready.idle)  # an error in a slot would fail the test
        assert ready.subject is subjects[name]
        shown = ready.overlays.find("mask")
        assert shown.look.visible == applied
        hidden = ~ready.masking.mask.kept_voxels(ready.masking.patch_size, ready.subject.n_voxels)
        np.testing.assert_array_equal(shown.values == 1, hidden)
        grids = {view.picture._grid.shape for view in ready_window.workspace.brain_view.slices}
        assert grids == {ready.brain.grid.shape}


def test_demo_button_opens_subject_and_model(qtbot, window, session):
    with qtbot.waitSignals([session.trial_changed, session.model_changed]):
        qtbot.mouseClick(window.welcome.demo, Qt.MouseButton.LeftButton)


def test_the_first_page_leads_to_folders_and_to_the_wizard(window, session, monkeypatch, tmp_path):
    opened = []
    assert window.welcome.open_folder.isVisible()
    assert window.welcome.import_data.isVisible()
    monkeypatch.setattr(session, "open", opened.append)
    monkeypatch.setattr(file_dialogs, "ask_subject_folder", lambda *_: tmp_path / "sub-01")
    window.welcome.open_folder.click()
    assert opened == [tmp_path / "sub-01"]
    window.welcome.import_data.click()
    assert window.findChild(ImportWizard).isVisible()


def test_return_presses_the_button_of_the_first_page(qtbot, window, session):
    window.welcome.demo.setFocus()
    with qtbot.waitSignal(session.trial_changed):
        qtbot.keyClick(window.welcome.demo, Qt.Key.Key_Return)


def test_demo_keeps_the_model_that_is_loaded(qtbot, ready_window, ready, decoder):
    loaded = []
    ready.model_changed.connect(lambda: loaded.append(ready.decoder))
    with qtbot.waitSignal(ready.trial_changed):
        ready_window.actions_by_id["demo"].trigger()
    qtbot.waitUntil(lambda: ready.idle)
    assert loaded == []
    assert ready.decoder is decoder


def test_demo_brings_its_model_where_the_one_that_is_loaded_does_not_fit(
    qtbot, ready_window, ready, decoder
):
    ready.take_decoder(type(decoder)(10 * ready.subject.n_voxels))
    problems = []
    ready.problem.connect(problems.append)
    with qtbot.waitSignal(ready.model_changed):
        ready_window.actions_by_id["demo"].trigger()
    qtbot.waitUntil(lambda: ready.idle)
    assert ready.decoder is decoder
    assert problems == []


def test_open_by_a_dialog(qtbot, window, session, settings, monkeypatch, tmp_path):
    monkeypatch.setattr(
        file_dialogs, "ask_subject_file", lambda parent, folder: tmp_path / "tiny.h5"
    )
    with qtbot.waitSignal(session.trial_changed):
        qtbot.mouseClick(button(window, "open"), Qt.MouseButton.LeftButton)
    assert settings.folder == tmp_path


def test_cancelled_dialog_changes_nothing(window, session, monkeypatch):
    monkeypatch.setattr(file_dialogs, "ask_subject_file", lambda parent, folder: None)
    window.actions_by_id["open"].trigger()
    assert session.idle


def test_recent_subjects_can_be_opened_again(qtbot, session, settings, tmp_path, subject):
    object.__setattr__(subject, "source", tmp_path / "tiny.h5")
    subject.source.touch()
    first = module.MainWindow(session, settings)
    qtbot.addWidget(first)
    with qtbot.waitSignal(session.trial_changed):
        session.open("tiny.h5")
    assert settings.recent == [subject.source]
    second = module.MainWindow(session, settings)
    qtbot.addWidget(second)
    with qtbot.waitSignal(session.trial_changed):
        second.welcome.chosen.emit(settings.recent[0])


def test_the_demo_takes_no_place_of_what_was_opened_last(qtbot, window, session, settings, subject):
    object.__setattr__(subject, "source", demo_subject_path())
    with qtbot.waitSignal(session.trial_changed):
        session.open("demo")
    assert not settings.recent


def listed(window):
    """Return what the menu beside Open lists, as it is opened."""
    menu = button(window, "open").menu()
    menu.aboutToShow.emit()
    return menu.actions()


def test_open_lists_what_was_opened_last(window, session, settings, monkeypatch, tmp_path):
    assert [action.isEnabled() for action in listed(window)] == [False]
    opened = []
    monkeypatch.setattr(session, "open", opened.append)
    deep = tmp_path / ("a & b" * 30)
    deep.mkdir()
    for name in ("one.h5", "two.h5"):
        (deep / name).touch()
        settings.add_recent(deep / name)
    newest, older = listed(window)
    assert newest.text().startswith("two.h5  –  …")
    assert "&&" in newest.text()
    assert newest.toolTip() == str(deep / "two.h5")
    older.trigger()
    assert opened == [deep / "one.h5"]


def test_what_is_gone_is_not_listed_and_may_come_back(window, settings, tmp_path):
    for name in ("gone.h5", "there.h5"):
        settings.add_recent(tmp_path / name)
    (tmp_path / "there.h5").touch()
    assert [a.toolTip() for a in listed(window) if a.isVisible()] == [str(tmp_path / "there.h5")]
    (tmp_path / "there.h5").unlink()
    (only,) = (action for action in listed(window) if action.isVisible())
    assert (only.text(), only.isEnabled()) == ("What was opened last is gone", False)
    (tmp_path / "gone.h5").touch()  # a drive that is there again
    assert [a.toolTip() for a in listed(window) if a.isVisible()] == [str(tmp_path / "gone.h5")]


def test_a_drive_that_does_not_answer_holds_neither_the_menu_nor_what_is_opened_from_it(
    qtbot, window, session, settings, tmp_path, monkeypatch
):
    answers, opened = threading.Event(), []

    def answer(path):
        assert threading.current_thread() is not threading.main_thread()
        if "share" in path.parts:
            assert answers.wait(10)
        return path.name in ("subject.h5", "here.h5")

    for each in (recent_menu, file_commands, session_commands):
        monkeypatch.setattr(each, "is_there", answer)
    monkeypatch.setattr(session, "open", opened.append)
    settings.add_recent(tmp_path / "share" / "subject.h5")
    settings.add_recent(tmp_path / "here.h5")
    here, share = listed(window)
    assert here.isVisible()
    assert share.isVisible()
    share.trigger()
    assert not opened
    assert session.jobs.busy == "Opening subject.h5"
    here.trigger()
    assert opened == [tmp_path / "here.h5"]
    answers.set()
    qtbot.waitUntil(lambda: session.idle)
    assert opened == [tmp_path / "here.h5"]  # which was asked for last
    share.trigger()
    qtbot.waitUntil(lambda: opened[1:] == [tmp_path / "share" / "subject.h5"])


def test_recent_subjects_that_are_gone_are_left_out_once_their_disk_has_said_so(
    qtbot, session, settings, tmp_path, monkeypatch
):
    answers = threading.Event()

    def answer(path):
        assert answers.wait(5)
        return path.name == "there.h5"

    monkeypatch.setattr(recent_menu, "is_there", answer)
    settings.add_recent(tmp_path / "gone.h5")
    settings.add_recent(tmp_path / "there.h5")
    made = module.MainWindow(session, settings)
    qtbot.addWidget(made)
    gone, there = (made.welcome.recent[tmp_path / name] for name in ("gone.h5", "there.h5"))
    assert not gone.isHidden()
    answers.set()
    qtbot.waitUntil(gone.isHidden)
    assert not there.isHidden()
    assert not made.welcome.heading.isHidden()


def test_a_long_path_makes_no_wide_window(qtbot, session, settings, tmp_path):
    deep = tmp_path.joinpath(*["derivatives-of-a-pipeline-with-a-name"] * 6)
    deep.mkdir(parents=True)
    (deep / "sub-01 & sub-02.h5").touch()
    settings.add_recent(deep / "sub-01 & sub-02.h5")
    made = module.MainWindow(session, settings)
    qtbot.addWidget(made)
    left_over = {"subject": {"name": "a-long-name" * 20}}
    made.welcome.offer(left_over, made.actions_by_id["restore_session"])
    made.resize(1000, 700)
    made.show()
    assert made.width() == 1000
    buttons = made.welcome.findChildren(ElidedButton)
    assert len(buttons) == 2
    assert all(made.welcome.rect().contains(each.geometry()) for each in buttons)
    shown = QPushButton.text(buttons[1])
    assert shown.startswith("sub-01 && sub-02.h5")
    assert "…" in shown
    assert buttons[1].toolTip().endswith(str(deep))


def test_a_long_name_of_a_model_leaves_room_for_the_menu(qtbot, ready_window, ready, decoder):
    name = "nsd-subj01_sc-mbm-pretrained-on-hcp_dc-ldm-finetuned_2026-11-04_epoch-499" * 2
    decoder.info = replace(decoder.info, name=name)
    with qtbot.waitSignal(ready.model_changed):
        ready.load_model("fake")
    bar = ready_window.toolbar
    for width in (1280, 1000, 1440):
        ready_window.resize(width, 700)
        assert ready_window.width() == width
        qtbot.waitUntil(lambda: bar.rect().contains(bar.menu_button.geometry()))
        assert bar.menu_button.isVisible()
        assert "…" in bar.model.text()
        assert name in bar.model.toolTip()
    assert ready_window.status.model.text().startswith(name)


def test_models_are_listed_by_name(qtbot, window, monkeypatch, session, tmp_path):
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model_index.json").touch()
    (tmp_path / "no model").mkdir()
    monkeypatch.setattr(module, "model_dirs", lambda: [tmp_path])
    assert model_names() == ["a", "b"]
    menu = window.toolbar.model.menu()
    menu.aboutToShow.emit()
    offered = [a.text() for a in menu.actions() if a.text()]
    assert offered == ["a", "b", "Open model folder…", "Import published checkpoint…"]
    with qtbot.waitSignal(session.model_changed):
        menu.actions()[0].trigger()
    assert "fake" in window.toolbar.model.text()


def test_while_a_model_is_loaded_a_decode_waits_for_it(qtbot, opened_window, opened, decoder):
    go_on, load, said = threading.Event(), opened.load_decoder, []
    opened.problem.connect(said.append)

    def load_slowly(name):
        assert go_on.wait(30)
        return load(name)

    opened.load_decoder = load_slowly
    opened.load_model("folder/fake")
    workspace = opened_window.workspace
    assert opened_window.toolbar.model.text() == "Loading fake … ▾"
    assert workspace.mask_view.recovered.text() == "loading fake …"
    assert workspace.gallery.sentence.text() == "Loading fake …"
    opened_window.actions_by_id["decode_listed"].trigger()
    assert said.pop() == "model fake is being loaded; decode once it is there"
    opened_window.actions_by_id["decode"].trigger()
    assert said == []
    assert not opened.queue.active
    assert workspace.gallery.sentence.text() == "Loading fake …; this is decoded once it is there"
    go_on.set()
    qtbot.waitUntil(lambda: opened.results.result is not None)
    qtbot.waitUntil(lambda: opened.idle)
    assert opened_window.toolbar.model.text() == "Model: fake ▾"
    assert said == []


def test_a_model_that_cannot_be_loaded_takes_the_decode_with_it(qtbot, opened_window, opened):
    with qtbot.waitSignal(opened.problem) as said:
        opened.load_model("missing")
        opened.decode()
    qtbot.waitUntil(lambda: opened.idle)
    assert "no model of that name" in said.args[0]
    assert opened_window.toolbar.model.text() == "Model: none ▾"
    assert "Choose a model" in opened_window.workspace.gallery.sentence.text()
    with qtbot.waitSignal(opened.model_changed):
        opened.load_model("fake")
    qtbot.waitUntil(lambda: opened.idle)
    assert opened.results.result is None


def test_a_model_that_does_not_fit_says_so_where_samples_would_be(qtbot, opened_window, opened):
    opened.take_decoder(type(opened.load_decoder("fake"))(4643))
    said = opened_window.workspace.gallery.sentence.text()
    assert said.startswith("Model fake was trained on")
    assert "but tiny has 700" in said


def test_no_model_at_all_is_said_in_the_menu(window, monkeypatch):
    monkeypatch.setattr(module, "model_dirs", list)
    menu = window.toolbar.model.menu()
    menu.aboutToShow.emit()
    assert menu.actions()[0].text() == "No model found"
    assert not menu.actions()[0].isEnabled()


def test_what_is_dropped_is_opened(qtbot, window, session, tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    (model / "model_index.json").touch()
    with qtbot.waitSignals([session.trial_changed, session.model_changed]):
        drop(window, tmp_path / "tiny.h5", model)


def test_a_path_that_the_system_refuses_to_look_at_is_left_to_the_readers(qtbot, window, session):
    with qtbot.waitSignal(session.trial_changed):  # those of the tests open anything
        drop(window, Path("/" + "x" * 300))


@pytest.fixture
def exported(qtbot, ready, tmp_path):
    """Return the file of seed 3 of trial 2, while trial 0 is chosen."""
    ready.set_trial(2)
    with qtbot.waitSignal(ready.results.result_changed):
        ready.decode()
    path = tmp_path / "sample.png"
    write_sample(ready.results.result.samples[3], ready.results.result.request, path)
    ready.set_trial(0)
    return path


def test_exported_sample_dropped_brings_its_request_back(ready_window, ready, exported):
    drop(ready_window, exported)
    assert ready.trial.index == 2
    assert (ready.first_seed, ready.n_samples) == (3, 1)


def test_exported_sample_opened_as_a_subject_brings_its_request_back(
    qtbot, ready_window, ready, exported, monkeypatch
):
    monkeypatch.setattr(file_dialogs, "ask_subject_file", lambda *_: exported)
    ready_window.actions_by_id["open"].trigger()
    qtbot.waitUntil(lambda: ready.idle)
    assert ready.trial.index == 2
    assert (ready.first_seed, ready.n_samples) == (3, 1)


def test_other_picture_dropped_is_one_line(ready_window, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "holiday.png")
    drop(ready_window, tmp_path / "holiday.png")
    assert "no decode request inside" in ready_window.status.problem.text()


def test_bad_file_is_one_line_and_the_window_goes_on(qtbot, opened_window, session, subject):
    with qtbot.waitSignal(session.problem):
        drop(opened_window, Path("missing.h5"))
    assert opened_window.status.problem.text() == "missing.h5: no such file; check the path"
    assert session.subject is subject
    opened_window.actions_by_id["next_trial"].trigger()
    assert opened_window.status.problem.text() == ""
    assert session.trial.index == 1


def test_page_keys_choose_trials(qtbot, opened_window, session):
    qtbot.keyClick(opened_window, Qt.Key.Key_PageDown)
    qtbot.keyClick(opened_window, Qt.Key.Key_PageDown)
    qtbot.keyClick(opened_window, Qt.Key.Key_PageUp)
    assert session.trial.index == 1


def test_new_seeds(qtbot, opened_window, session):
    session.set_seeds(10**6, 3)
    qtbot.mouseClick(button(opened_window, "new_seed"), Qt.MouseButton.LeftButton)
    assert session.first_seed < 10**6
    assert session.n_samples == 3
    last = session.first_seed + 2
    assert button(opened_window, "new_seed").text() == f"Seeds {session.first_seed}–{last}"


def test_stop_is_there_only_while_decoding(qtbot, ready_window, ready, decoder):
    actions = ready_window.actions_by_id
    assert not actions["stop"].isEnabled()
    decoder.hold()
    with qtbot.waitSignal(ready.queue.progressed):
        qtbot.mouseClick(button(ready_window, "decode"), Qt.MouseButton.LeftButton)
    assert actions["stop"].isEnabled()
    qtbot.keyClick(ready_window, Qt.Key.Key_Escape)
    decoder.release()
    qtbot.waitUntil(lambda: not actions["stop"].isEnabled())


def test_stop_empties_a_paused_queue_of_which_nothing_runs(qtbot, ready_window, ready):
    actions, status = ready_window.actions_by_id, ready_window.status
    ready.queue.pause()
    ready.grid.decode_trials([1, 2, 3])
    qtbot.waitUntil(lambda: len(ready.queue) == 3 and ready.jobs.idle)
    assert not ready.queue.active
    assert status.activity.text().startswith("Paused, 3 waiting (P goes on)")
    assert actions["stop"].isEnabled()
    qtbot.keyClick(ready_window, Qt.Key.Key_Escape)
    assert len(ready.queue) == 0
    assert not ready.queue.paused
    assert not actions["stop"].isEnabled()
    assert "Paused" not in status.activity.text()


def test_what_was_told_to_stop_is_stopping_until_it_does(qtbot, ready_window, ready, decoder):
    workspace = ready_window.workspace
    workspace.show_panel("queue", True)
    decoder.hold()
    with qtbot.waitSignal(ready.queue.progressed):
        ready.decode()
    ready.grid.decode_trials([1, 2, 3])
    qtbot.waitUntil(lambda: len(ready.queue) == 3)
    ready_window.actions_by_id["compare"].trigger()
    ready_window.actions_by_id["stop"].trigger()
    page = workspace.compare_page
    cells = [page.model.index(row, column) for row in range(3) for column in range(1, 5)]
    assert {page.model.content(cell).instead for cell in cells} == {""}  # nothing waits any more
    assert ready_window.status.activity.text() == "Stopping …"
    assert workspace.gallery.pictures[1].notes == ("stopping…",)
    assert workspace.queue_panel.now.text() == "Trial 0 cactus · stopping"
    assert workspace.queue_panel.left.text() == ""
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle)
    assert ready_window.status.activity.text().startswith("Stopped")


def test_escape_stops_a_lesion_study_when_nothing_is_decoded(qtbot, ready_window, ready, decoder):
    actions, panel = ready_window.actions_by_id, ready_window.workspace.lesion_panel
    decoder.hold()
    panel.trials.setCurrentIndex(1)
    actions["run_lesions"].trigger()
    qtbot.waitUntil(lambda: "trial 0" in panel.what.text())
    assert actions["stop"].isEnabled()
    qtbot.keyClick(ready_window, Qt.Key.Key_Escape)
    assert panel.what.text() == "stopping…"
    assert not actions["stop"].isEnabled()
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle)
    assert not panel.what.isVisible()


def test_escape_stops_a_lesion_study_before_it_empties_a_paused_queue(
    qtbot, ready_window, ready, decoder
):
    actions = ready_window.actions_by_id
    ready.queue.pause()
    ready.decode()
    decoder.hold()
    actions["run_lesions"].trigger()
    qtbot.waitUntil(lambda: ready.lesions.running)
    actions["stop"].trigger()
    assert ready.lesions.stopping
    assert len(ready.queue) == 1
    decoder.release()
    qtbot.waitUntil(lambda: not ready.lesions.running)
    actions["stop"].trigger()
    assert len(ready.queue) == 0
    qtbot.waitUntil(lambda: ready.idle)


def test_escape_takes_back_a_decode_that_waits_for_a_model(qtbot, opened_window, opened):
    opened.load_model("fake")
    opened.decode()
    opened_window.actions_by_id["stop"].trigger()
    qtbot.waitUntil(lambda: opened.decoder is not None)
    qtbot.waitUntil(lambda: opened.idle)
    assert opened.results.result is None


def test_options_that_cannot_be_are_not_decoded(qtbot, ready_window, ready):
    panel = ready_window.workspace.decode_panel
    panel.sampler.setCurrentIndex(panel.sampler.findText("PLMS"))
    panel.steps.setValue(30)
    qtbot.keyClick(ready_window, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert not ready.queue.active
    assert "divides 1000" in ready_window.status.problem.text()


def test_panels_close_and_come_back(qtbot, opened_window):
    workspace, actions = opened_window.workspace, opened_window.actions_by_id
    for name in ("subject", "brain", "mask", "images", "decode"):
        actions[f"panel_{name}"].trigger()
        assert not workspace.is_shown(name)
        assert not actions[f"panel_{name}"].isChecked()
    actions["default_layout"].trigger()
    assert all(workspace.is_shown(name) for name in ("subject", "brain", "mask", "images"))
    assert actions["panel_mask"].isChecked()


def test_a_middle_of_which_all_is_closed_says_how_it_comes_back(
    qtbot, opened_window, session, settings
):
    actions, hint = opened_window.actions_by_id, opened_window.workspace._middle.hint
    for name in ("brain", "mask", "images"):
        assert not hint.isVisible()
        actions[f"panel_{name}"].trigger()
    assert hint.isVisible()
    assert opened_window.childAt(hint.mapTo(opened_window, hint.rect().center())) is hint
    assert actions["default_layout"].text() in hint.text()
    assert actions["default_layout"].shortcut().toString() in hint.text()
    opened_window.close()
    again = module.MainWindow(session, settings)
    qtbot.addWidget(again)
    assert not again.workspace._middle.hint.isHidden()
    opened_window.show()
    actions["panel_mask"].trigger()
    assert not hint.isVisible()
    assert opened_window.workspace.mask_view.isVisible()


def test_a_panel_behind_another_comes_to_the_front_instead_of_closing(qtbot, opened_window):
    workspace, actions = opened_window.workspace, opened_window.actions_by_id
    actions["panel_overlays"].trigger()
    actions["panel_lesion"].trigger()
    qtbot.waitUntil(lambda: workspace.is_behind("overlays"))
    actions["panel_overlays"].trigger()
    qtbot.waitUntil(lambda: not workspace.is_behind("overlays"))
    assert workspace.is_shown("overlays")
    assert actions["panel_overlays"].isChecked()
    actions["panel_overlays"].trigger()
    assert not workspace.is_shown("overlays")


def test_a_panel_behind_the_grid_comes_to_the_front_instead_of_closing(qtbot, opened_window):
    workspace, actions = opened_window.workspace, opened_window.actions_by_id
    actions["compare"].trigger()
    actions["panel_mask"].trigger()
    assert not workspace.comparing
    assert workspace.mask_view.isVisible()
    assert actions["panel_mask"].isChecked()


@pytest.mark.parametrize(
    "name", ["subject", "brain", "mask", "decode", "overlays", "lesion", "queue", "history"]
)
def test_a_panel_that_is_opened_has_the_keyboard(qtbot, ready_window, name):
    workspace, action = ready_window.workspace, ready_window.actions_by_id[f"panel_{name}"]
    workspace.show_panel(name, False)
    ready_window.toolbar.setFocus()
    action.trigger()
    panel = workspace._panels[name]
    qtbot.waitUntil(lambda: not workspace.is_behind(name))
    focus = ready_window.focusWidget()
    assert panel.isAncestorOf(focus)
    assert focus.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_a_study_that_is_run_leaves_the_keyboard_where_it_is(qtbot, ready_window, ready):
    trials = ready_window.workspace.subject_panel.trials
    trials.setFocus()
    ready_window.actions_by_id["run_lesions"].trigger()
    assert ready_window.workspace.is_shown("lesion")
    assert ready_window.focusWidget() is trials
    qtbot.waitUntil(lambda: ready.idle, timeout=20_000)


def test_cross_of_a_dock_unchecks_its_action(qtbot, opened_window):
    cross = next(
        b
        for b in opened_window.findChildren(QToolButton)
        if b.accessibleName() == "Close the panel Subject"
    )
    qtbot.mouseClick(cross, Qt.MouseButton.LeftButton)
    assert not opened_window.actions_by_id["panel_subject"].isChecked()


def test_the_window_outlives_its_pictures_after_a_panel_without_fields_was_opened(
    opened_window, opened
):
    for _ in range(2):  # closes the scores, and opens them
        opened_window.actions_by_id["panel_compare"].trigger()
    opened.set_seeds(0, 1)  # takes pictures away
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    opened.set_seeds(0, 2)
    buttons = opened_window.toolbar
    assert shiboken6.isValid(buttons.seeds)
    assert buttons.seeds.text() == "Seeds 0–1"


def test_the_menu_on_titles_and_the_menu_view_agree_on_what_is_open(opened_window):
    workspace = opened_window.workspace
    view = opened_window.actions_by_id["panel_overlays"]
    menu = workspace.createPopupMenu()  # Qt opens it on titles of docks
    title = next(each for each in menu.actions() if each.text() == "Overlays")
    title.trigger()
    assert workspace.is_shown("overlays")
    assert view.isChecked()
    title.trigger()
    assert not workspace.is_shown("overlays")
    assert not view.isChecked()
    menu.deleteLater()


def test_scores_can_be_hidden(qtbot, opened_window):
    assert opened_window.workspace.compare_panel.isVisible()
    opened_window.actions_by_id["panel_compare"].trigger()
    assert not opened_window.workspace.compare_panel.isVisible()


def test_theme_changes_and_is_remembered(qtbot, opened_window, settings):
    assert is_dark(opened_window)
    before = opened_window.grab().toImage()
    qtbot.mouseClick(button(opened_window, "theme"), Qt.MouseButton.LeftButton)
    assert not is_dark(opened_window)
    assert settings.theme == "light"
    assert opened_window.grab().toImage() != before


def test_layout_is_remembered(qtbot, opened_window, session, settings):
    opened_window.actions_by_id["panel_mask"].trigger()
    opened_window.actions_by_id["panel_decode"].trigger()
    opened_window.close()
    again = module.MainWindow(session, settings)
    qtbot.addWidget(again)
    assert not again.workspace.is_shown("mask")
    assert not again.workspace.is_shown("decode")
    again.actions_by_id["default_layout"].trigger()
    assert again.workspace.is_shown("decode")
    assert settings.layout("docks").isEmpty()


def test_widths_of_panels_are_remembered(qtbot, opened_window, session, settings):
    workspace = opened_window.workspace
    docks = workspace._docks
    workspace.resizeDocks([docks["subject"]], [330], Qt.Orientation.Horizontal)
    qtbot.waitUntil(lambda: docks["subject"].width() == 330)
    opened_window.close()
    again = module.MainWindow(session, settings)
    qtbot.addWidget(again)
    again.resize(opened_window.size())  # a small screen may have been in the way
    again.show()
    session.subject_changed.emit()  # only now does the page with the panels come up
    assert again.workspace.isVisible()
    qtbot.waitUntil(lambda: again.workspace._docks["subject"].width() == 330)


def restored(qtbot, session, settings, states):
    """Return another window with the arrangement of `states`."""
    window = module.MainWindow(session, settings)
    window.resize(1440, 900)
    window.show()
    session.subject_changed.emit()
    window.workspace.restore_layout(states)
    qtbot.waitUntil(lambda: window.workspace._docks["lesion"].widget() is not None)
    qtbot.wait(50)  # for the layout
    return window


def test_panels_behind_others_do_not_widen_their_place(qtbot, opened_window, session, settings):
    workspace = opened_window.workspace
    for name in ("history", "lesion"):
        workspace.show_panel(name, True)  # the last is before the others
    states = workspace.layout_states()
    for _ in range(2):  # those behind are seen in none of the windows
        window = restored(qtbot, session, settings, states)
        states = window.workspace.layout_states()
        width = window.workspace._docks["lesion"].width()
        shiboken6.delete(window)  # before the session that it listens to
    assert width < 300
    assert b"history" not in states["widths"].data()


def test_an_arrangement_that_is_taken_up_opens_and_closes_panels(opened_window):
    workspace, actions = opened_window.workspace, opened_window.actions_by_id
    whole = workspace.layout_states()
    for name in ("mask", "subject"):
        workspace.show_panel(name, False)
    part = workspace.layout_states()
    for states, shown in ((whole, True), (part, False)):
        workspace.restore_layout(states)
        for name in ("mask", "subject"):
            assert workspace.is_shown(name) is shown
            assert actions[f"panel_{name}"].isChecked() is shown


def test_palette_and_help_open(qtbot, opened_window):
    qtbot.keyClick(opened_window, Qt.Key.Key_F1)
    shortcuts = opened_window.findChild(ShortcutsDialog)
    assert shortcuts.isVisible()
    shortcuts.close()
    opened_window.actions_by_id["palette"].trigger()
    palette = opened_window.findChild(CommandPalette)
    qtbot.keyClicks(palette.line, "next trial")
    qtbot.keyClick(palette.line, Qt.Key.Key_Return)
    assert opened_window._session.trial.index == 1
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not opened_window.findChildren(ShortcutsDialog)
    assert not opened_window.findChildren(CommandPalette)


def test_full_screen_and_back(opened_window):
    opened_window.actions_by_id["full_screen"].trigger()
    assert opened_window.isFullScreen()
    opened_window.actions_by_id["full_screen"].trigger()
    assert not opened_window.isFullScreen()


def test_space_shows_the_stimulus_wherever_the_focus_is(qtbot, ready_window, ready, monkeypatch):
    calls = []
    monkeypatch.setattr(ready_window.workspace.gallery, "show_stimulus", calls.append)
    trials = ready_window.workspace.subject_panel.trials
    trials.setFocus()
    qtbot.keyPress(trials, Qt.Key.Key_Space)
    assert calls == [True]
    qtbot.keyRelease(trials, Qt.Key.Key_Space)
    assert calls == [True, False]


def test_closing_ends_the_jobs(qtbot, ready_window, ready, decoder):
    decoder.hold()
    with qtbot.waitSignal(ready.queue.progressed):
        ready.decode()
    decoder.release()
    ready_window.close()
    assert all(job.isFinished() for job in ready.findChildren(Job))


def test_f6_goes_round_the_panels_that_are_seen(qtbot, ready_window, ready):
    workspace, trigger = ready_window.workspace, ready_window.actions_by_id
    with qtbot.waitSignal(ready.results.result_changed):
        ready.decode()
    qtbot.waitUntil(lambda: ready.idle)
    ready_window.activateWindow()
    workspace.subject_panel.trials.setFocus()
    round_trip = [
        *(workspace.brain_view, workspace.mask_view, workspace.gallery, workspace.compare_panel),
        *(workspace.decode_panel, workspace.subject_panel),
    ]
    for panel in round_trip:
        trigger["next_panel"].trigger()
        assert panel.isAncestorOf(ready_window.focusWidget()), panel
    trigger["previous_panel"].trigger()
    assert workspace.decode_panel.isAncestorOf(ready_window.focusWidget())
    workspace.show_panel("mask", False)
    workspace.brain_view.header.rate.setFocus()
    trigger["next_panel"].trigger()
    assert workspace.gallery.isAncestorOf(ready_window.focusWidget())
    trigger["compare"].trigger()
    for panel in (workspace.decode_panel, workspace.subject_panel, workspace.compare_page):
        trigger["next_panel"].trigger()
        assert panel.isAncestorOf(ready_window.focusWidget()), panel


def test_window_gets_narrow_with_every_page_and_panel_built(qtbot, ready_window, ready):
    workspace = ready_window.workspace
    for name in ("lesion", "history"):
        workspace.show_panel(name, True)
    ready_window.actions_by_id["compare"].trigger()
    ready_window.actions_by_id["compare"].trigger()
    qtbot.waitUntil(lambda: ready_window.minimumSizeHint().width() <= 1024)
    ready_window.resize(1024, 700)
    mask = workspace.mask_view
    qtbot.waitUntil(lambda: mask.width() < 550)
    parts = (mask.ratio, mask.mode, mask.seed, mask.dice, mask.applied, mask.recovered)
    qtbot.waitUntil(lambda: mask.ratio.width() >= 90)
    assert all(mask.rect().contains(part.geometry()) for part in parts)
    assert mask.recovered.width() >= mask.recovered.sizeHint().width()


def test_window_fits_a_laptop_at_a_large_scale(qtbot, ready_window):
    """1366 x 768 at 125 %, less the frame and the task bar."""
    ready_window.resize(1092, 544)
    assert ready_window.height() == 544
    gallery = ready_window.workspace.gallery
    tile = gallery.tiles[0]
    qtbot.waitUntil(lambda: gallery.height() < 140)
    assert gallery.rect().contains(QRect(tile.mapTo(gallery, QPoint()), tile.size()))


@pytest.fixture
def room(request, monkeypatch):
    """Have the screen leave so much room to windows, of those that are made afterwards."""
    wide, high = request.param
    monkeypatch.setattr(QScreen, "availableGeometry", lambda screen: QRect(0, 0, wide, high))
    return request.param


def test_window_is_no_higher_than_a_small_screen(qtbot, ready_window):
    """1280 x 720 at 150 %, less frame and bars."""
    ready_window.resize(956, 400)
    assert ready_window.height() == 400
    assert ready_window.rect().contains(ready_window.status.geometry())
    ready_window.resize(1440, 900)
    rois = ready_window.workspace.subject_panel.rois
    # Where there is room all are shown.
    qtbot.waitUntil(lambda: rois.visibleRegion().boundingRect() == rois.rect())


@pytest.mark.parametrize("room", [(853, 440)], indirect=True)
def test_window_fits_a_small_screen(qtbot, room, ready_window):
    """1280 x 720 at 150 %, less frame and bars."""
    for part in ("panel_lesion", "panel_decode"):
        ready_window.actions_by_id[part].trigger()
        ready_window.resize(849, 400)
        assert (ready_window.width(), ready_window.height()) == (849, 400), part
    mask = ready_window.workspace.mask_view
    mask.seed.setFocus()
    qtbot.keyClick(mask.seed, Qt.Key.Key_Tab)
    qtbot.waitUntil(lambda: mask.dice.visibleRegion().boundingRect() == mask.dice.rect())


@pytest.mark.parametrize("room", [(853, 440), (960, 540)], indirect=True)
def test_the_menu_has_room_beside_long_seeds(qtbot, room, ready_window, ready):
    """Or Qt hid it, and its key did nothing."""
    toolbar = ready_window.toolbar
    ready_window.resize(room[0] - 4, 400)
    ready.set_seeds(2**32 - 5, 5)
    assert toolbar.sizeHint().width() <= toolbar.width()
    qtbot.waitUntil(toolbar.menu_button.isVisible)
    ready.set_seeds(0, 4)
    assert toolbar.seeds.text() == "Seeds 0–3"


@pytest.mark.parametrize("room", [(960, 540)], indirect=True)
def test_window_fits_a_projector_at_twice_the_size(qtbot, room, ready_window, ready):
    """1920 x 1080 at 200 %, less frame and bars; what has no room below is scrolled to."""
    with qtbot.waitSignal(ready.results.result_changed):
        ready.decode()
    qtbot.waitUntil(lambda: ready.idle)
    ready_window.resize(956, 480)
    assert (ready_window.width(), ready_window.height()) == (956, 480)
    assert ready_window.rect().contains(ready_window.status.geometry())
    panel = ready_window.workspace.compare_panel
    shown = panel.visibleRegion().boundingRect()
    assert shown.height() < panel.height()
    for name in ("panel_compare", "panel_compare"):  # closed, and opened again
        ready_window.actions_by_id[name].trigger()
    qtbot.waitUntil(lambda: panel.visibleRegion().boundingRect() == panel.rect())


@pytest.mark.parametrize("room", [(853, 480), (960, 540)], indirect=True)
def test_dialogs_fit_a_small_screen(qtbot, room, opened_window, settings):
    wide, high = room
    session = opened_window._session
    for made in (
        FigureDialog(session, settings, opened_window),
        ImportWizard(session, settings, None, opened_window),
        ShortcutsDialog(ACTIONS, opened_window),
    ):
        made.show()
        assert made.width() <= wide - 4, made
        assert made.height() <= high - 40, made
        for each in made.findChildren(QPushButton):
            if each.isVisible():
                assert made.rect().contains(QRect(each.mapTo(made, QPoint()), each.size()))
                assert each.visibleRegion().boundingRect() == each.rect(), each.text()
        made.close()
    qtbot.waitUntil(lambda: session.idle)


def test_all_keys_are_listed_without_scrolling_where_there_is_room(qtbot, window, monkeypatch):
    monkeypatch.setattr(QScreen, "availableGeometry", lambda screen: QRect(0, 0, 1920, 1080))
    made = ShortcutsDialog(ACTIONS, window)
    made.show()
    listed = made.area.widget()
    qtbot.waitUntil(lambda: made.area.viewport().size() == listed.size())


@pytest.mark.parametrize("size", [(1280, 800), (1920, 1080)])
def test_window_fits_common_screens(qtbot, ready_window, size):
    ready_window.resize(*size)
    assert (ready_window.width(), ready_window.height()) == size
    side = ready_window.workspace.subject_panel.width()
    assert 200 <= side < 300
    assert ready_window.workspace.brain_view.width() > size[0] // 2


def test_slices_are_arranged_as_they_were_last(qtbot, opened_window, opened, settings, session):
    for name in ("layout_one_two", "radiological", "crosshair"):
        opened_window.actions_by_id[name].trigger()
    assert opened.brain.arrangement == Arrangement("one_two", "axial", True, False)
    left, remembered = opened.brain.arrangement, settings.brain
    opened.brain.set_arrangement(Arrangement())
    settings.brain = remembered
    next_time = module.MainWindow(session, settings)
    assert session.brain.arrangement == replace(left, crosshair=True)
    qtbot.waitUntil(lambda: session.idle)  # what was opened last is looked for
    shiboken6.delete(next_time)  # before the session that it listens to


def test_what_is_known_of_slices_from_elsewhere_is_as_at_first():
    assert Arrangement.of({"layout": "four", "main": 3, "radiological": True}) == Arrangement(
        radiological=True
    )


def test_the_crosshair_goes_to_the_peak(opened_window, opened):
    peak = int(np.argmax(np.abs(opened.response)))
    opened_window.actions_by_id["peak"].trigger()
    assert opened.brain.grid.voxel_at[opened.brain.crosshair] == peak
    value = f"{opened.response[peak]:.3g}".replace("-", "−")
    assert opened_window.status.activity.text() == f"Peak of Response: {value} z"
