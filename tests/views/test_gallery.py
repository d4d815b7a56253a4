import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication, QPainter
from PySide6.QtWidgets import QScrollArea, QWidget

from mindvis_gui.data.at_hand import check_may_wait
from mindvis_gui.decoding.request import Sample
from mindvis_gui.errors import DataError, ExportError
from mindvis_gui.session.shown import shown_sample
from mindvis_gui.views.gallery import GalleryView
from mindvis_gui.views.picture import Picture, PictureTile, title_within
from mindvis_gui.views.trial_pictures import stimulus_picture


@pytest.fixture
def window(qtbot):
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(940, 400)
    return made


@pytest.fixture
def gallery(qtbot, window, ready):
    made = GalleryView(ready, window)
    made.resize(940, 240)
    window.show()
    qtbot.waitExposed(window)
    return made


@pytest.fixture
def decoded(qtbot, gallery, ready):
    with qtbot.waitSignals(
        [
            ready.results.result_changed,
            ready.results.comparison_changed,
            ready.results.comparison_changed,
        ]
    ):
        ready.decode()
    qtbot.waitUntil(lambda: ready.results.comparison is not None)
    return gallery


def titles(gallery):
    return [picture.title for picture in gallery.pictures]


def images(gallery):
    return [picture.image is not None for picture in gallery.pictures]


def images_of(gallery):
    return [picture.image for picture in gallery.pictures]


def test_before_decoding_the_stimulus_stands_beside_places_for_the_samples(gallery, ready):
    assert titles(gallery) == ["seen", "seed 0", "seed 1", "seed 2", "seed 3"]
    assert images(gallery) == [True, False, False, False, False]
    assert "Ctrl+Return" in gallery.sentence.text()
    ready.set_seeds(5, 2)
    assert titles(gallery) == ["seen", "seed 5", "seed 6"]


def test_a_decode_that_waits_is_not_asked_for_again(qtbot, gallery, ready, decoder):
    ready.queue.pause()
    ready.decode()
    assert "press P" in gallery.sentence.text()
    ready.set_trial(1)
    assert "Ctrl+Return" in gallery.sentence.text()
    decoder.hold()
    ready.queue.pause(False)
    ready.decode()
    assert gallery.sentence.text() == "This trial waits for its turn"
    ready.queue.remove(ready.queue.waiting)
    assert "Ctrl+Return" in gallery.sentence.text()
    decoder.release()
    qtbot.waitUntil(lambda: ready.idle)


def test_without_a_model_it_says_what_to_do_first(qtbot, window, opened):
    gallery = GalleryView(opened, window)
    assert "model" in gallery.sentence.text()


def test_without_a_subject_it_says_so(window, session):
    gallery = GalleryView(session, window)
    assert "Open a subject" in gallery.sentence.text()
    assert not gallery.tiles


def test_previews_are_shown_while_decoding(qtbot, gallery, ready, decoder):
    decoder.hold()
    ready.decode()
    qtbot.waitUntil(lambda: "step 2 of 10" in gallery.pictures[1].notes[0])
    assert images(gallery) == [True] * 5
    assert gallery.pictures[1].image.shape == (8, 8, 3)
    assert gallery.pictures[1].seed is None  # nothing to save yet
    assert not gallery.sentence.isVisible()
    with qtbot.waitSignal(ready.results.result_changed):
        decoder.release()
    assert gallery.pictures[1].image.shape == (32, 32, 3)


def test_a_preview_stays_through_steps_without_one(qtbot, gallery, ready, decoder):
    from mindvis_gui.decoding.request import Step

    decoder.hold()
    ready.decode()
    qtbot.waitUntil(lambda: images(gallery) == [True] * 5)
    ready.queue.progressed.emit(Step(3, 10))
    assert images(gallery) == [True] * 5
    assert "step 3" in gallery.pictures[1].notes[0]
    decoder.release()
    qtbot.waitUntil(lambda: ready.results.result is not None)


def test_previews_of_another_trial_are_not_shown_beside_this_stimulus(
    qtbot, gallery, ready, decoder
):
    decoder.hold()
    ready.decode()
    qtbot.waitUntil(lambda: images(gallery) == [True] * 5)
    ready.set_trial(1)
    assert images(gallery) == [True, False, False, False, False]
    ready.set_trial(0)
    assert images(gallery) == [True] * 5
    decoder.release()
    qtbot.waitUntil(lambda: ready.results.result is not None)


def test_a_result_that_arrives_after_the_trial_was_changed_waits_for_its_trial(
    qtbot, gallery, ready, decoder
):
    decoder.hold()
    ready.decode()
    qtbot.waitUntil(lambda: images(gallery) == [True] * 5)
    ready.set_trial(1)
    with qtbot.waitSignal(ready.results.result_changed):
        decoder.release()
    assert images(gallery) == [True, False, False, False, False]
    assert ready.results.result is None
    ready.set_trial(0)
    assert images(gallery) == [True] * 5


def test_each_trial_keeps_its_result_and_scores(qtbot, decoded, ready):
    notes = [picture.notes for picture in decoded.pictures]
    ready.set_trial(1)
    assert images(decoded) == [True, False, False, False, False]
    assert ready.results.comparison is None
    ready.set_trial(0)
    assert images(decoded) == [True] * 5
    assert [picture.notes for picture in decoded.pictures] == notes


def test_scores_stand_beneath_with_chance_in_the_tool_tip(decoded):
    sample = decoded.pictures[1]
    assert sample.notes[0].startswith("r ")
    assert "rank" in sample.notes[0]
    assert "chance 3.5" in sample.hint
    assert "other stimuli" in sample.hint


def test_a_cell_of_the_grid_that_was_drawn_again_leaves_the_samples_of_the_trial(
    qtbot, decoded, ready
):
    qtbot.waitUntil(lambda: ready.idle)
    before = images_of(decoded)
    cell = replace(ready.request(), seeds=(7,))
    ready.queue.add(ready.decoder, cell)
    assert titles(decoded) == ["seen", "seed 7"]
    qtbot.waitUntil(lambda: ready.idle)
    assert titles(decoded) == ["seen", "seed 0", "seed 1", "seed 2", "seed 3"]
    assert all(a is b for a, b in zip(before, images_of(decoded), strict=True))


def test_stopping_shows_the_places_again(qtbot, gallery, ready, decoder):
    decoder.hold()
    ready.decode()
    qtbot.waitUntil(lambda: images(gallery) == [True] * 5)
    ready.queue.stop()
    with qtbot.waitSignal(ready.results.result_changed):
        decoder.release()
    assert images(gallery) == [True, False, False, False, False]


def test_a_missing_stimulus_is_said_to_be_missing(qtbot, window, session, subject, monkeypatch):
    first = replace(subject.trials[0], stimulus_id="lost")
    broken = replace(subject, trials=(first, *subject.trials[1:]))
    monkeypatch.setattr("mindvis_gui.session.opening.open_subject", lambda path: broken)
    gallery = GalleryView(session, window)
    with qtbot.waitSignal(session.trial_changed):
        session.open("broken.h5")
    assert gallery.pictures[0].image is None
    assert gallery.pictures[0].instead == "no stimulus in this file"


@pytest.fixture
def drive(subject, monkeypatch):
    """Return what a network drive waits for before it gives a stimulus; at first it is quick."""
    gate, read = threading.Event(), subject.recording.stimulus
    gate.set()

    def slowly(stimulus_id):
        check_may_wait()
        assert gate.wait(10)
        return read(stimulus_id)

    monkeypatch.setattr(subject.recording, "stimulus", slowly)
    yield gate
    gate.set()


def test_a_stimulus_that_a_drive_gives_in_a_moment_is_shown_at_once(gallery, ready, drive, subject):
    ready.set_trial(3)
    assert np.array_equal(gallery.pictures[0].image, subject.stimulus(subject.trials[3]))


def test_a_stimulus_that_takes_long_to_read_is_shown_when_it_is_there(
    qtbot, gallery, ready, drive, subject
):
    drive.clear()
    ready.set_trial(3)
    ready.set_trial(4)
    ready.trial_changed.emit()  # its response is there
    assert gallery.pictures[0].instead == "the stimulus is being read"
    drive.set()
    qtbot.waitUntil(lambda: gallery.pictures[0].image is not None)
    qtbot.waitUntil(lambda: ready.idle)
    assert np.array_equal(gallery.pictures[0].image, subject.stimulus(subject.trials[4]))


def test_a_damaged_stimulus_is_reported_and_the_rest_is_shown(
    qtbot, gallery, ready, subject, monkeypatch
):
    def damaged(stimulus_id):
        raise DataError("crab.png: not a readable picture; replace it")

    monkeypatch.setattr(subject.recording, "stimulus", damaged)
    with qtbot.waitSignal(ready.problem) as said:
        ready.set_trial(1)
    assert "crab.png" in said.args[0]
    assert gallery.pictures[0].instead == "the stimulus cannot be read"
    assert len(gallery.pictures) == 5


def test_holding_space_lays_the_stimulus_over_the_samples(qtbot, decoded):
    tile = decoded.tiles[2]
    before = tile.shown.copy()
    qtbot.keyPress(tile, Qt.Key.Key_Space)
    assert tile.shown.size() == decoded.tiles[0].shown.size() != before.size()
    qtbot.keyRelease(tile, Qt.Key.Key_Space)
    assert tile.shown == before


def test_a_click_shows_a_sample_large_beside_the_stimulus_and_keys_walk_on(qtbot, decoded):
    qtbot.mouseClick(decoded.tiles[2], Qt.MouseButton.LeftButton)
    large = decoded.large
    assert large.isVisible()
    assert large.geometry() == decoded.window().rect()
    assert (large.stimulus.title, large.current.title) == ("seen", "seed 1")
    qtbot.keyClick(large, Qt.Key.Key_Right)
    assert large.current.title == "seed 2"
    for _ in range(3):
        qtbot.keyClick(large, Qt.Key.Key_Left)
    assert large.current.title == "seed 3"  # around the end, past the stimulus
    qtbot.keyPress(large, Qt.Key.Key_Space)
    assert large.covered
    qtbot.keyRelease(large, Qt.Key.Key_Space)
    assert not large.covered
    qtbot.keyClick(large, Qt.Key.Key_W)
    assert large.wiping
    qtbot.keyClick(large, Qt.Key.Key_Escape)
    assert not large.isVisible()


def test_a_stimulus_that_is_no_square_says_that_it_is_squeezed(decoded, ready, monkeypatch):
    square = stimulus_picture(ready, np.zeros((48, 48, 3), np.uint8), "")
    assert square.heading == "seen"
    assert "squeezed" not in square.hint
    wide = stimulus_picture(ready, np.zeros((48, 64, 3), np.uint8), "")
    assert wide.heading == "seen, squeezed from 64 × 48"
    assert wide.hint.endswith("\nHere squeezed from 64 × 48, as the model learns it")
    written = []
    monkeypatch.setattr(QPainter, "drawText", lambda *given: written.append(given[-1]))
    decoded.large.open([wide, replace(wide, title="seed 1", image=square.image, seen=False)], 1)
    decoded.large.grab()
    assert {"seen, squeezed from 64 × 48", "seed 1"} < set(written)


def test_the_large_view_takes_escape_from_the_window(qtbot, decoded):
    from PySide6.QtGui import QAction, QKeySequence

    stopped = []
    action = QAction("Stop", decoded.window())
    action.setShortcut(QKeySequence("Esc"))
    action.triggered.connect(lambda: stopped.append(1))
    decoded.window().addAction(action)
    qtbot.keyClick(decoded.tiles[1], Qt.Key.Key_Return)
    qtbot.keyClick(decoded.large, Qt.Key.Key_Escape)
    assert not decoded.large.isVisible()
    assert not stopped


def test_the_wipe_follows_the_mouse(qtbot, decoded):
    qtbot.keyClick(decoded.tiles[1], Qt.Key.Key_Return)
    large = decoded.large
    qtbot.keyClick(large, Qt.Key.Key_W)
    box = large._box(0, 1)
    for share in (0.25, 0.75):
        point = box.topLeft() + (box.bottomRight() - box.topLeft()) * share
        qtbot.mouseClick(large, Qt.MouseButton.LeftButton, pos=point.toPoint())
        assert large._divider == pytest.approx(share, abs=0.01)


def test_the_menu_copies_and_asks_for_an_export(qtbot, decoded):
    menu = decoded.menu(decoded.pictures[3])
    copy, save = menu.actions()
    copy.trigger()
    assert QGuiApplication.clipboard().image().size().toTuple() == (32, 32)
    with qtbot.waitSignal(decoded.export_requested) as asked:
        save.trigger()
    assert asked.args[0].options.seed == 2
    assert len(decoded.menu(decoded.pictures[0]).actions()) == 1  # the stimulus is not ours to save


def test_of_a_decode_that_runs_its_own_sample_is_saved_not_that_of_the_one_before(
    qtbot, decoded, ready
):
    before, image = ready.results.result, np.full((32, 32, 3), 9, np.uint8)
    request = replace(before.request, sampling=replace(before.request.sampling, steps=7))
    ready.queue.together, ready.queue.samples = (request,), (Sample(image, 1),)
    decoded._refresh()
    _, save = decoded.menu(decoded.pictures[2]).actions()
    with qtbot.waitSignal(decoded.export_requested) as asked:
        save.trigger()
    (drawn,) = asked.args
    assert (drawn.options.seed, drawn.options.sampling.steps) == (1, 7)
    assert np.array_equal(drawn.picture(), image)
    ready.queue.together = (replace(request, seeds=(90,)),)
    assert shown_sample(ready, 2) is None


def test_a_sample_that_cannot_be_taken_out_is_one_line(qtbot, decoded, ready, monkeypatch):
    def full(*_):
        raise ExportError("a.png: cannot be written: No space left on device")

    monkeypatch.setattr("mindvis_gui.views.drag_out.write_drawn", full)
    with qtbot.waitSignal(ready.problem) as problem:
        decoded._drag(decoded.tiles[1])
    assert "No space left" in problem.args[0]


def test_maps_are_shown_with_the_samples(decoded, ready):
    before = decoded.pictures[1].image
    ready.results.set_maps(frozenset({"consistency", "difference"}))
    assert titles(decoded)[-1] == "consistency"
    assert titles(decoded)[1] == "seed 0 − seen"
    assert not np.array_equal(decoded.pictures[1].image, before)
    ready.results.set_maps(frozenset())
    assert decoded.pictures[1].image is before


@pytest.mark.parametrize(("count", "size"), [(4, (940, 240)), (9, (940, 300)), (20, (500, 240))])
def test_tiles_are_equal_squares_that_do_not_overlap(gallery, ready, count, size):
    ready.set_seeds(0, count)
    gallery.resize(*size)
    boxes = [tile.geometry() for tile in gallery.tiles]
    assert len({box.size().toTuple() for box in boxes}) == 1
    assert boxes[0].width() >= 100
    assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[:i])
    assert max(box.right() for box in boxes) < size[0]


def test_tiles_can_be_reached_by_keys_and_have_names(qtbot, decoded):
    decoded.tiles[0].setFocus()
    qtbot.keyClick(decoded.tiles[0], Qt.Key.Key_Right)
    assert decoded.tiles[1].hasFocus()
    names = [tile.accessibleName() for tile in decoded.tiles]
    assert names[0] == "seen, cactus"
    assert names[1].startswith("seed 0, r ")


def test_labels_and_n_way_accuracy_follow_once_a_classifier_has_looked(
    qtbot, gallery, ready, classifier
):
    ready.results._load_classifiers = lambda subject, model: {"concept": classifier}
    ready.decode()
    qtbot.waitUntil(lambda: ready.results.recognitions is not None)
    seen, sample = gallery.pictures[:2]
    assert "10-way" in sample.details[0]
    assert "twelve" in sample.hint
    assert seen.details[0].startswith("seen as class ")
    ready.set_trial(1)
    assert gallery.pictures[0].details == ()


def test_samples_drawn_otherwise_than_is_set_say_so(qtbot, decoded, ready):
    assert decoded.note.isHidden()
    ready.masking.set_applied(True)
    ready.masking.draw_mask(0.95, 3)
    assert decoded.note.text() == "Decoded without a mask, not as set now"
    assert decoded.note.isVisible()
    assert decoded._scroll.geometry().top() > decoded.note.geometry().bottom()
    ready.set_used_rois(ready.used_rois - {"V1"})
    text = "Decoded without a mask, with all regions, not as set now"
    assert decoded.note.text() == text
    ready.set_used_rois(ready.used_rois | {"V1"})
    ready.decode()
    assert decoded.note.isHidden()  # no samples are shown while others are drawn
    qtbot.waitUntil(lambda: ready.idle)
    assert decoded.note.isHidden()
    ready.masking.draw_mask(0.5, 3)
    assert decoded.note.text() == "Decoded with 95 % masked, not as set now"
    ready.masking.set_applied(False)
    ready.set_seeds(2, 2)
    ready.set_sampling(replace(ready.sampling, steps=20, guidance=2.0))
    assert decoded.note.text() == (
        "Decoded with 95 % masked, with seeds 0–3, with DPM++ 2M in 10 steps, with guidance 1, "
        "not as set now"
    )


def test_samples_drawn_as_is_set_come_back(qtbot, decoded, ready):
    whole = ready.results.result
    ready.masking.set_applied(True)
    ready.decode()
    qtbot.waitUntil(lambda: ready.idle)
    assert ready.results.result.request.mask is not None
    ready.masking.set_applied(False)
    qtbot.waitUntil(lambda: ready.results.result.request.mask is None)
    assert ready.results.result.request.to_json() == whole.request.to_json()
    assert decoded.note.isHidden()
    qtbot.waitUntil(lambda: ready.idle)
    ready.set_trial(1)
    ready.masking.set_applied(True)
    qtbot.waitUntil(lambda: ready.idle)
    ready.set_trial(0)
    qtbot.waitUntil(lambda: ready.results.result.request.mask is not None)
    assert decoded.note.isHidden()
    qtbot.waitUntil(lambda: ready.idle)


def test_more_rows_than_fit_are_scrolled_only_downwards(qtbot, window, gallery, ready):
    window.show()
    ready.set_seeds(0, 20)
    gallery.resize(500, 130)
    scroll = gallery.findChild(QScrollArea)
    qtbot.waitUntil(scroll.verticalScrollBar().isVisible)
    assert not scroll.horizontalScrollBar().isVisible()


def test_a_map_that_is_asked_for_is_scrolled_to(qtbot, decoded, ready):
    decoded.resize(730, 240)  # room for all but the map in one row
    bar = decoded._scroll.verticalScrollBar()
    qtbot.waitUntil(lambda: decoded._scroll.width() == 730)
    assert bar.maximum() < 10  # frames
    ready.results.set_maps(frozenset({"consistency"}))
    assert bar.maximum() > 10
    view = decoded._scroll.viewport()
    tile = decoded.tiles[-1]
    assert view.rect().contains(tile.rect().translated(tile.mapTo(view, QPoint())))
    bar.setValue(0)
    ready.set_seeds(0, 5)  # whatever else changes, nothing is scrolled
    assert bar.value() == 0


def test_captions_of_the_first_row_are_seen_however_low_the_gallery_is(qtbot, decoded, ready):
    ready.set_seeds(7, 4)  # a note stands above
    qtbot.waitUntil(decoded.note.isVisible)
    decoded.resize(730, decoded.minimumHeight())
    view = decoded._scroll.viewport()
    for tile in decoded.tiles[:3]:
        assert view.rect().contains(tile.rect().translated(tile.mapTo(view, QPoint())))


def test_where_a_title_has_no_room_the_number_of_the_seed_stays(qtbot):
    metrics = QFontMetrics(QGuiApplication.font())
    whole = metrics.horizontalAdvance("seed 12")
    assert title_within("seed 12", metrics, whole) == "seed 12"
    assert title_within("seed 12", metrics, whole - 1) == "12"
    assert title_within("consistency", metrics, whole).endswith("…")


def test_a_small_tile_writes_the_number_of_its_seed(qtbot, monkeypatch):
    written = []
    draw = QPainter.drawText
    monkeypatch.setattr(
        QPainter, "drawText", lambda *args: (written.append(args[-1]), draw(*args))[1]
    )
    tile = PictureTile()
    qtbot.addWidget(tile)
    tile.show_picture(Picture("seed 12"))
    for side, title in ((160, "seed 12"), (30, "12")):
        written.clear()
        tile.resize(side, side + 50)
        tile.grab()
        assert title in written
