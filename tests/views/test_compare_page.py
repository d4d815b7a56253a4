import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt, QTimer
from PySide6.QtGui import QImage, QPainter, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel

from mindvis_gui.analysis.comparison import SampleScores
from mindvis_gui.analysis.export import read_request
from mindvis_gui.data.subject import Subject
from mindvis_gui.errors import DataError
from mindvis_gui.session.collection import Drawn, Score
from mindvis_gui.views import compare_page
from mindvis_gui.views.compare_header import GRIDS
from mindvis_gui.views.drag_out import sample_data
from mindvis_gui.views.grid_model import Content


@pytest.fixture
def page(qtbot, ready_window, ready):
    """Return the page on screen, all test trials decoded with four seeds."""
    ready_window.actions_by_id["compare"].trigger()
    ready_window.actions_by_id["decode_missing"].trigger()
    qtbot.waitUntil(lambda: ready.idle, timeout=20_000)
    made = ready_window.workspace.compare_page
    scores = ready.collection.score
    qtbot.waitUntil(lambda: all(scores(each) for row in options(made) for each in row))
    qtbot.waitUntil(lambda: ready.idle)
    made._show_state()
    return made


def options(page):
    model = page.model
    return [[model.cell(row, column).options for column in model.columns] for row in model.rows]


def header(page):
    return [
        page.model.headerData(i, Qt.Orientation.Horizontal) for i in range(page.model.columnCount())
    ]


def test_stimulus_is_pinned_and_every_seed_has_a_column(page):
    assert header(page) == ["seen", "seed 0", "seed 1", "seed 2", "seed 3"]
    assert page.view.samples.isColumnHidden(0)
    assert [page.view.stimuli.isColumnHidden(i) for i in range(3)] == [False, True, True]
    assert page.model.content(page.model.index(1, 0)).title == "1 crab"
    assert page.model.content(page.model.index(1, 0)).seen
    assert page.header.count.text() == "6 rows · 24 of 24 decoded"
    assert not page.header.decode.isEnabled()


def test_scores_stand_beneath_with_their_chance(page):
    content = page.model.content(page.model.index(2, 3))
    assert content.note.startswith("r ")
    assert content.note.endswith("/6")
    assert "chance" in content.hint


def test_both_tables_scroll_together(qtbot, page):
    page.view.set_side(300)
    page.view.samples.verticalScrollBar().setValue(120)
    assert page.view.stimuli.verticalScrollBar().value() == 120


def test_stimuli_stay_beside_their_samples_when_a_filter_is_emptied(qtbot, page, ready):
    view = page.view
    view.set_side(300)
    view.go_to(4, 1)
    qtbot.waitUntil(lambda: ready.trial.index == 4)
    page.header.filter.setText("violin")
    assert page.model.rows == [4]
    qtbot.waitUntil(lambda: view.stimuli.verticalScrollBar().maximum() == 0)
    page.header.filter.setText("")
    QApplication.processEvents()
    assert view.samples.verticalScrollBar().value() > 0
    assert view.stimuli.verticalScrollBar().value() == view.samples.verticalScrollBar().value()
    tops = [
        table.visualRect(page.model.index(4, column)).top()
        for table, column in ((view.stimuli, 0), (view.samples, 1))
    ]
    assert tops[0] == tops[1]


def test_stimuli_scroll_as_far_as_samples_above_a_scroll_bar(qtbot, page):
    page.view.set_side(300)
    qtbot.waitUntil(page.view.samples.horizontalScrollBar().isVisible)
    QApplication.processEvents()
    bar = page.view.samples.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert page.view.stimuli.verticalScrollBar().value() == bar.maximum()


def test_rows_are_sorted_and_filtered_by_score(qtbot, page, ready):
    scores = dict(ready.collection._scores)  # plain colours all correlate alike
    for key, score in scores.items():
        r = ((key.trial * 37) % 6 + key.seed / 10) / 10
        scores[key] = replace(score, scores=replace(score.scores, pixel_correlation=r))
    ready.collection._keep_scores((ready.subject, scores))
    page.header.order.setCurrentIndex(page.header.order.findData("r"))
    page.header.order.activated.emit(page.header.order.currentIndex())
    means = [
        np.mean([ready.collection.score(each).scores.pixel_correlation for each in row])
        for row in options(page)
    ]
    assert means == sorted(means, reverse=True)
    assert len(set(means)) == 6
    page.header.filter.setText(f"r>{(means[1] + means[2]) / 2}")
    assert len(page.model.rows) == 2
    page.header.filter.setText("crab")
    assert page.model.rows == [1]
    page.header.filter.setText("nothing like it")
    assert "No row matches" in page.empty.text()


def test_a_filter_of_words_asks_for_no_score(qtbot, page, ready, monkeypatch):
    scores_of, asked = ready.collection.scores_of, []

    def note(blocks):
        found = scores_of(blocks)
        asked.extend(score for scores in found.values() for score in scores)
        return found

    monkeypatch.setattr(ready.collection, "scores_of", note)
    page.header.filter.setText("crab")
    assert page.model.rows == [1]
    assert not asked
    page.header.filter.setText("crab r>-1")
    assert len(asked) == 24


def test_a_long_grid_is_counted_once_typing_has_ended(qtbot, page, ready, monkeypatch):
    monkeypatch.setattr(compare_page, "_AT_ONCE", 8)
    missing, counted = ready.grid.missing, []
    monkeypatch.setattr(ready.grid, "missing", lambda: counted.append(1) or missing())
    for text in ("v", "vi", "vio", "nothing like it"):
        page.header.filter.setText(text)
    assert "No row matches" in page.empty.text()
    page.header.filter.setText("violin")
    assert not counted
    qtbot.waitUntil(lambda: page.header.count.text() == "1 row · 4 of 4 decoded")
    assert len(counted) == 1


def test_condition_without_a_number_is_one_line(qtbot, page, ready):
    with qtbot.assertNotEmitted(ready.problem):  # half a condition is no failure yet
        page.header.filter.setText("r>x")
    assert "no number" in page.header.count.text()
    page.header.filter.setText("crab")
    assert "decoded" in page.header.count.text()


def test_row_chosen_is_the_trial_chosen(qtbot, page, ready):
    page.take_focus()
    page.view.go_to(0, 1)
    for _ in range(3):
        qtbot.keyClick(page.view.samples, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: ready.trial.index == page.model.rows[3])
    qtbot.waitUntil(lambda: ready.idle)


def test_consistency_of_the_chosen_row(qtbot, page, ready):
    page.view.go_to(0, 1)
    page.header.consistency.click()
    qtbot.waitUntil(lambda: page.strip.consistency is not None)
    found = page.strip.consistency
    assert found.similarity.shape == (4, 4)
    assert found.spread.max() > 0
    assert found.mean.shape == (32, 32, 3)
    qtbot.waitUntil(lambda: ready.idle)


def test_return_opens_large_and_keys_compare(qtbot, page):
    page.take_focus()
    page.view.go_to(1, 2)
    qtbot.keyClick(page.view.samples, Qt.Key.Key_Return)
    large = page.large
    assert large.isVisible()
    assert (large.stimulus.title, large.current.title) == ("seen", "seed 1")
    qtbot.keyClick(large, Qt.Key.Key_D)
    assert large.mode == "difference"
    assert "seed 1 − seen" in large._difference(large.current).title
    qtbot.keyClick(large, Qt.Key.Key_B)
    assert large.mode == "blink"
    qtbot.waitUntil(lambda: large.covered, timeout=2000)
    qtbot.keyClick(large, Qt.Key.Key_B)
    assert (large.mode, large.covered) == ("beside", False)
    qtbot.keyClick(large, Qt.Key.Key_A)  # against another sample
    assert (large.reference.title, large.current.title) == ("seed 1", "seed 2")
    qtbot.keyClick(large, Qt.Key.Key_Left)
    qtbot.keyClick(large, Qt.Key.Key_Left)
    assert large.current.title == "seed 3"  # the reference is passed by
    qtbot.keyClick(large, Qt.Key.Key_S)
    assert large.reference.title == "seen"
    for _ in range(3):
        qtbot.keyClick(large, Qt.Key.Key_Plus)
    assert large.lens.scale == pytest.approx(1.2**3)
    large.grab()
    qtbot.keyClick(large, Qt.Key.Key_0)
    assert large.lens.scale == 1
    qtbot.keyClick(large, Qt.Key.Key_Escape)
    assert not large.isVisible()


def wheel(table, where, notches):
    event = QWheelEvent(
        QPointF(where),
        QPointF(table.viewport().mapToGlobal(where)),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.ControlModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(table.viewport(), event)


def test_zoom_and_pan_are_those_of_every_picture(qtbot, page):
    view, index = page.view, page.model.index(0, 2)
    box = view.delegate.picture_box(view.samples.visualRect(index))
    before = view.grab().toImage()
    wheel(view.samples, box.center(), 3)
    assert view.lens.scale == pytest.approx(1.2**3)
    assert view.grab().toImage() != before
    view.lens.pan(QPointF(10, 10))
    left = view.lens.part(view.size()).topLeft()
    assert (left.x(), left.y()) == (0, 0)  # not beyond the edge
    wheel(view.samples, box.center(), -5)
    assert view.lens.scale == 1


def test_space_covers_all_samples_by_their_stimulus(qtbot, page, ready_window):
    before = page.view.grab().toImage()
    qtbot.keyPress(ready_window, Qt.Key.Key_Space)
    assert page.view.grab().toImage() != before
    qtbot.keyRelease(ready_window, Qt.Key.Key_Space)
    assert page.view.grab().toImage() == before


def test_cell_is_drawn_again_by_a_key(qtbot, page, ready, ready_window):
    page.view.go_to(2, 2)
    before = options(page)[2][1]
    ready_window.actions_by_id["draw_again"].trigger()
    qtbot.waitUntil(lambda: ready.idle)
    after = options(page)[2][1]
    assert after.seed != before.seed
    content = page.model.content(page.model.index(2, 2))
    assert content.title == f"seed {after.seed}"


def test_sample_taken_out_is_a_file_with_its_request(page, tmp_path):
    drawn = page.model.drawn_at(page.model.index(3, 1))
    data = sample_data(drawn)
    (url,) = data.urls()
    request = read_request(tmp_path / url.toLocalFile())
    assert (request["trial"], request["seed"]) == (3, 0)
    assert data.hasImage()


def test_menu_of_grids_chooses_rows_and_columns(page, ready):
    for action in page.header.grids.menu().actions():
        action.trigger()
        assert (ready.grid.rows, ready.grid.columns) == GRIDS[action.text()]
        assert page.header.rows.option.currentData() == ready.grid.rows


def test_grid_of_two_options_by_the_fields(qtbot, page, ready):
    page._choose_axes("steps", "roi")
    page.header.rows.values.setText("5, 7")
    page.header.rows.values.editingFinished.emit()
    page.header.columns.values.setText("none, V1")
    page.header.columns.values.editingFinished.emit()
    assert page.model.rows == [5, 7]
    assert header(page) == ["seen", "all regions", "without V1"]
    assert page.header.decode.text() == "Decode 4"
    page.header.decode.click()
    qtbot.waitUntil(lambda: ready.idle)
    qtbot.waitUntil(lambda: page.header.count.text() == "2 rows · 4 of 4 decoded")
    qtbot.waitUntil(lambda: ready.idle)


def test_values_that_make_no_sense_are_one_line(qtbot, page, ready):
    with qtbot.waitSignal(ready.problem) as problem:
        page.header.columns.values.setText("nonsense")
        page.header.columns.values.editingFinished.emit()
    assert "'nonsense' is no number" in problem.args[0]
    status = page.window().status
    assert status.problem.text()
    page.header.columns.values.setText("0-3")
    page.header.columns.values.editingFinished.emit()
    assert status.problem.text() == ""
    assert header(page)[1] == "seed 0"


def test_thousand_trials_cost_what_is_seen(
    qtbot, ready_window, ready, subject_factory, monkeypatch
):
    import mindvis_gui.session.opening as module

    many = subject_factory(n_trials=1000)
    monkeypatch.setattr(module, "open_subject", lambda path: many)
    with qtbot.waitSignal(ready.trial_changed):
        ready.open("many.h5")
    ready.grid.set_values("trial", "0-999")
    ready_window.actions_by_id["compare"].trigger()
    page = ready_window.workspace.compare_page
    read = []
    stimulus = type(many).stimulus
    monkeypatch.setattr(type(many), "stimulus", lambda *a: read.append(a[1]) or stimulus(*a))
    assert page.model.rowCount() == 1000
    page.view.grab()
    qtbot.waitUntil(lambda: ready.idle)
    bar = page.view.samples.verticalScrollBar()
    bar.setValue(bar.maximum())
    page.view.grab()
    qtbot.waitUntil(lambda: ready.idle)
    assert len(read) < 60


def test_count_follows_samples_that_come_without_a_pause(qtbot, page, ready, monkeypatch):
    qtbot.waitUntil(lambda: ready.idle)
    counts = []
    monkeypatch.setattr(page.header, "show_count", lambda *shown: counts.append(shown))
    busy = QTimer(page, interval=20)
    busy.timeout.connect(ready.grid.changed)
    busy.timeout.connect(lambda: ready.collection.added.emit([]))
    busy.start()
    qtbot.waitUntil(lambda: len(counts) > 1, timeout=5000)


def test_a_region_made_while_pictures_are_read_costs_none_of_them(qtbot, page, ready):
    pictures, stimulus = page.model._pictures, page.model.index(0, 0)
    pictures.forget()
    page.model.content(stimulus)
    pictures._soon.stop()
    pictures._read_wanted()
    for job in ready.jobs._receivers:
        assert job.wait(20_000)
    ready.regions.add("mine", np.array([3, 4]), "sphere")
    with qtbot.waitSignal(pictures.arrived):
        pass
    assert page.model.content(stimulus).image is not None


def test_rows_whose_names_differ_at_the_end_can_be_told_apart(page):
    def drawn(end):
        picture = QImage(120, 40, QImage.Format.Format_RGB32)
        picture.fill(0)
        painter = QPainter(picture)
        name = "without 7Networks_left_inferior_temporal_gyrus_posterior_division_" + end
        delegate = page.view.samples.itemDelegate()
        content = Content(None, None, name, seen=True)
        delegate._paint_caption(painter, QRect(0, 0, 120, 10), content, page.palette())
        painter.end()
        return picture

    assert drawn("1") == drawn("1")
    assert drawn("1") != drawn("2")


def test_a_long_grid_follows_other_seeds_without_a_call_a_cell(
    qtbot, ready_window, ready, calls_of
):
    object.__setattr__(ready.subject, "trials", ready.subject.trials * 125)
    ready_window.actions_by_id["compare"].trigger()
    page = ready_window.workspace.compare_page
    assert calls_of(lambda: ready.grid.set_values("trial", "0-2999")) < 12_000  # one a value typed
    assert calls_of(lambda: ready.set_seeds(8, 5)) < 3000
    assert calls_of(page._show_count) < 1000
    assert header(page)[1] == "seed 8"
    assert page.header.decode.text() == "Decode 15,000"
    qtbot.waitUntil(lambda: ready.idle)


def test_a_long_grid_is_filtered_and_sorted_without_naming_its_rows_anew(page, ready, calls_of):
    object.__setattr__(ready.subject, "trials", ready.subject.trials * 125)
    ready.grid.set_values("trial", "0-2999")
    page.header.filter.setText("c")
    assert calls_of(lambda: page.header.filter.setText("cra")) < 4000
    assert page.model.rowCount() == 500
    page.header.filter.setText("")
    page.header.order.setCurrentIndex(page.header.order.findData("label"))
    assert calls_of(lambda: page.header.order.activated.emit(0)) < 4000
    assert page.model.rowCount() == 3000
    page.header.filter.setText("r>-1")
    assert sorted(page.model.rows) == list(range(6))


def test_trials_are_sorted_by_label_and_not_by_the_digits_of_their_number(page, ready):
    ready.grid.set_values("trial", "0-11")
    page.header.order.setCurrentIndex(page.header.order.findData("label"))
    page.header.order.activated.emit(page.header.order.currentIndex())
    labels = [ready.subject.trials[row].label for row in page.model.rows]
    assert labels == sorted(labels)
    assert page.model.rows[:4] == [3, 9, 2, 8]  # beds, then birds


def test_thousands_of_decoded_trials_are_sorted_without_a_look_at_every_cell(page, ready, calls_of):
    n, seeds = 3000, (0, 1, 2, 3)
    object.__setattr__(ready.subject, "trials", ready.subject.trials * 125)
    ready.set_seeds(0, len(seeds))
    ready.grid.set_values("trial", f"0-{n - 1}")
    ready.collection.set_subject(ready.subject)
    scores = {
        options: Score(SampleScores(options.seed, (options.trial * 7 % n) / n, 0.5, 1), n, None)
        for block in ready.grid.samples(range(n))
        for options in block.options()
    }
    ready.collection._keep_scores((ready.subject, scores))
    page.header.order.setCurrentIndex(page.header.order.findData("r"))
    assert calls_of(lambda: page.header.order.activated.emit(0)) < 15 * n
    assert page.model.rows == sorted(range(n), key=lambda trial: -(trial * 7 % n))
    page.header.filter.setText("r<=0.5")
    assert page.model.rows == [
        trial for trial in sorted(range(n), key=lambda each: -(each * 7 % n))
        if trial * 7 % n <= n / 2
    ]  # fmt: skip


def test_a_count_without_room_ends_in_an_ellipsis(qtbot, page):
    assert QLabel.text(page.header.count) == page.header.count.text()
    page.resize(page.minimumSizeHint().width(), 400)
    page.header.show_count(12_345, "1,000 rows · 12,345 of 1,000,000 decoded")
    qtbot.waitUntil(lambda: QLabel.text(page.header.count).endswith("…"))
    assert page.header.count.toolTip() == "1,000 rows · 12,345 of 1,000,000 decoded"
    assert page.header.count.text() == page.header.count.toolTip()


@pytest.fixture
def slow_disk(monkeypatch):
    """Hold back the files of samples until the gate is opened; never in the window's thread."""
    gate = threading.Event()
    read = Drawn.picture

    def slowly(drawn):
        assert threading.current_thread() is not threading.main_thread()
        assert gate.wait(10)
        return read(drawn)

    monkeypatch.setattr(Drawn, "picture", slowly)
    yield gate
    gate.set()


def test_a_slow_disk_keeps_only_what_was_asked_for_last_waiting(qtbot, page, slow_disk):
    page.open_large(page.model.index(1, 2))
    page.open_large(page.model.index(2, 3))
    assert not page.large.isVisible()
    assert page._session.jobs.busy == "Reading samples"
    slow_disk.set()
    qtbot.waitUntil(lambda: page._session.idle)
    assert page.large.isVisible()
    assert page.large.current.title == "seed 2"
    np.testing.assert_array_equal(
        page.large.stimulus.image, page._session.subject.stimulus(page.model.trial(2))
    )


def test_what_comes_late_does_not_cover_another_page(qtbot, page, slow_disk, ready_window):
    page.open_large(page.model.index(1, 2))
    ready_window.workspace.compare(False)
    slow_disk.set()
    qtbot.waitUntil(lambda: page._session.idle)
    assert not page.large.isVisible()


def test_samples_are_large_without_a_stimulus_that_cannot_be_read(page, monkeypatch):
    def damaged(subject, trial):
        raise DataError("a.png: damaged")

    monkeypatch.setattr(Subject, "stimulus", damaged)
    page.open_large(page.model.index(1, 2))
    assert page.large.isVisible()
    assert (page.large.stimulus, page.large.current.title) == (None, "seed 1")


def test_a_sample_is_copied_once_its_file_is_read(qtbot, page, slow_disk):
    QApplication.clipboard().clear()
    index = page.model.index(1, 2)
    (copy,) = (each for each in page.menu(index).actions() if each.text() == "Copy")
    copy.trigger()
    assert QApplication.clipboard().image().isNull()
    slow_disk.set()
    qtbot.waitUntil(lambda: not QApplication.clipboard().image().isNull())
