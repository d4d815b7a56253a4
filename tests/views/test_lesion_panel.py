from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from mindvis_gui.analysis.lesion import Effect
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.lesion_panel import LesionPanel
from mindvis_gui.views.theme import muted


@pytest.fixture
def telling(ready, telling_decoder):
    ready.take_decoder(telling_decoder)
    ready.set_seeds(0, 2)
    return ready


@pytest.fixture
def panel(qtbot, telling):
    made = LesionPanel(telling)
    qtbot.addWidget(made)
    made.resize(300, 800)
    made.show()
    qtbot.waitExposed(made)
    return made


def run(qtbot, panel, session):
    panel.run.click()
    assert session.lesions.running
    qtbot.waitUntil(lambda: not session.lesions.running, timeout=20_000)


def cells(panel, row):
    return [panel.table.item(row, column).text() for column in range(panel.table.columnCount())]


def test_before_a_study_there_is_nothing_to_see_or_export(panel):
    assert panel.run.isVisible()
    assert not panel.stop.isVisible()
    assert not panel.export.isEnabled()
    assert not panel._found.isVisible()
    assert [panel.trials.itemText(i) for i in range(panel.trials.count())] == [
        "this trial", "all 6 test trials",
    ]  # fmt: skip


def test_long_names_leave_the_scores_in_view(qtbot, panel, telling, subject):
    for each in subject.rois:
        object.__setattr__(each, "name", "left_inferior_temporal_gyrus_posterior_" + each.name)
    object.__setattr__(subject, "trials", tuple(replace(t, label="x" * 99) for t in subject.trials))
    with qtbot.waitSignal(telling.trial_changed):
        telling.open("tiny.h5")
    run(qtbot, panel, telling)
    assert panel.widget().width() == panel.viewport().width()
    table = panel.table
    assert table.columnWidth(0) < table.width() / 2
    assert min(table.columnWidth(column) for column in range(1, table.columnCount())) > 30


def test_what_grey_says_of_a_change_is_said_in_words_too(qtbot, panel, telling):
    panel.trials.setCurrentIndex(1)
    run(qtbot, panel, telling)
    grey, said = [], []
    for row in range(1, panel.table.rowCount() - 1):
        item = panel.table.item(row, 1)
        words = item.data(Qt.ItemDataRole.AccessibleDescriptionRole)
        assert "95 % interval" in words
        grey.append(item.foreground().color() == muted(panel.table))
        said.append("which holds 0" in words)
    assert grey == said
    assert len(set(grey)) == 2  # V1 tells, the others do not


def test_a_study_fills_table_bars_and_samples(qtbot, panel, telling):
    panel.trials.setCurrentIndex(1)
    run(qtbot, panel, telling)
    assert panel.table.rowCount() == 9
    assert cells(panel, 8) == ["chance", "–", ".50", ".50", ".50"]
    assert cells(panel, 0)[0] == "nothing"
    v1, v2 = cells(panel, 1), cells(panel, 2)
    assert v1[0] == "V1"
    assert v1[1].startswith("−")
    assert v2[1] == ".00"
    assert [bar.name for bar in panel.plot.bars][:2] == ["V1", "V2"]
    assert panel.plot.bars[0].interval[1] < 0
    assert "6 trials" in panel.plot.getPlotItem().getAxis("bottom").labelText
    assert panel.samples.title.text() == "trial 5 train, intact"
    assert panel.samples.without.text() == "without V1, same seeds"
    shown = [tile for tile in panel.samples.lesioned.tiles if tile.isVisible()]
    assert [tile.picture.title for tile in shown] == ["seed 0", "seed 1"]


def test_the_notes_of_a_study_stand_beneath_its_table(qtbot, panel, telling):
    run(qtbot, panel, telling)
    assert "was not left out" not in panel.notes.text()
    telling.regions.add("all", np.arange(telling.subject.n_voxels), "sphere")
    panel.method.setCurrentIndex(2)
    run(qtbot, panel, telling)
    assert "all holds all 700 voxels and was not left out." in panel.notes.text()
    assert panel.notes.isVisible()


def test_intervals_of_few_stimuli_are_said_to_be_too_narrow(qtbot, panel, telling):
    run(qtbot, panel, telling)
    assert "narrower" not in panel.notes.text()  # one stimulus has no interval
    panel.trials.setCurrentIndex(1)
    run(qtbot, panel, telling)
    assert "a bootstrap of so few makes intervals narrower" in panel.notes.text()


def test_the_largest_change_is_written_narrowly(qtbot, panel, telling):
    run(qtbot, panel, telling)
    study = telling.lesions.study
    key = study.lesions[0].name, study.scores[0].key
    panel.table.show_study(study, {key: Effect(0.0, -1.0, None, 1)}, {}, "")
    assert cells(panel, 1)[1] == "−1"


def test_choosing_a_lesion_shows_its_samples(qtbot, panel, telling):
    run(qtbot, panel, telling)
    panel.table.selectRow(3)
    assert panel.samples.without.text() == "without V3, same seeds"
    panel.plot.chosen.emit("PPA")
    assert panel.samples.without.text() == "without PPA, same seeds"
    assert panel.table.selectedIndexes()[0].row() == 7


def test_another_score_draws_other_bars(qtbot, panel, telling):
    run(qtbot, panel, telling)
    before = panel.plot.bars
    panel.score.setCurrentText("Colour")
    assert panel.plot.bars != before
    assert "Dashed: where the score falls to chance" in panel.plot.toolTip()


def test_stop_ends_a_study(qtbot, panel, ready, decoder):
    ready.take_decoder(decoder)
    decoder.hold()
    panel.trials.setCurrentIndex(1)
    panel.run.click()
    qtbot.waitUntil(lambda: "trial 0" in panel.what.text())
    assert panel.stop.isVisible()
    panel.stop.click()
    decoder.release()
    qtbot.waitUntil(lambda: not ready.lesions.running)
    assert panel.run.isVisible()


def test_a_study_that_waits_for_a_paused_decode_says_so(qtbot, panel, telling, decoder):
    telling.take_decoder(decoder)
    decoder.hold()
    telling.decode()
    qtbot.waitUntil(lambda: telling.queue.step is not None)
    telling.queue.pause()
    decoder.release()
    panel.run.click()
    assert panel.what.text() == "paused with the queue (P goes on)"
    telling.queue.pause(False)
    assert "paused" not in panel.what.text()
    qtbot.waitUntil(lambda: not telling.lesions.running, timeout=20_000)
    assert panel.run.isVisible()


def test_a_study_is_exported_from_the_window(qtbot, monkeypatch, ready_window, telling, tmp_path):
    actions = ready_window.actions_by_id
    assert not actions["export_lesions"].isEnabled()
    actions["run_lesions"].trigger()
    assert ready_window.workspace.is_shown("lesion")
    qtbot.waitUntil(lambda: not telling.lesions.running, timeout=20_000)
    monkeypatch.setattr(file_dialogs, "ask_lesion_folder", lambda *_: tmp_path / "out")
    with qtbot.waitSignal(telling.message):
        actions["export_lesions"].trigger()
    assert (tmp_path / "out/summary.csv").is_file()
