import itertools
import re
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from mindvis_gui.views.compare_panel import ComparePanel


@pytest.fixture
def panel(qtbot, ready):
    made = ComparePanel(ready)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def scored(qtbot, panel, ready):
    ready.decode()
    qtbot.waitUntil(lambda: ready.results.comparison is not None)
    return panel


def plain(label):
    return re.sub(r"<[^>]+>", "", label.text())


def test_before_decoding_it_says_what_will_be_here(panel):
    assert "once this trial is decoded" in panel.note.text()
    assert not panel.consistency_map.isEnabled()


def test_every_score_has_its_chance_level_beside_it(scored, ready):
    assert plain(scored.decoded) == "decoded 4 of 4"
    assert re.fullmatch(r"pixel r −?\.\d\d ± \.\d\d chance −?\.\d\d", plain(scored.pixel))
    assert re.fullmatch(r"rank \d\.\d of 6 chance 3\.5", plain(scored.rank))
    assert plain(scored.agreement).startswith("agreement r ")
    assert all(label.toolTip() for label in (scored.pixel, scored.rank, scored.agreement))


@pytest.mark.parametrize("width", [400, 480, 1000])
def test_no_score_is_cut_in_a_narrow_panel(qtbot, scored, width):
    scored.resize(width, 40)
    labels = (scored.decoded, scored.pixel, scored.ssim, scored.rank, scored.agreement)
    qtbot.waitUntil(lambda: scored.height() >= scored.layout().heightForWidth(scored.width()))
    assert scored.width() == width
    for label in labels:
        assert label.width() >= label.sizeHint().width()
        assert scored.rect().contains(label.geometry())
    places = [label.geometry() for label in labels]
    assert not any(a.intersects(b) for a, b in itertools.combinations(places, 2))


def test_buttons_leave_the_width_to_the_scores_of_a_narrow_panel(qtbot, scored):
    def one_beneath_the_other():
        return scored.difference_map.y() > scored.consistency_map.y()

    scored.resize(700, 60)
    qtbot.waitUntil(lambda: not one_beneath_the_other())
    scored.resize(420, 60)
    qtbot.waitUntil(one_beneath_the_other)
    assert scored.minimumHeight() < 90


def test_a_single_sample_has_no_spread_and_no_consistency(qtbot, panel, ready):
    ready.set_seeds(0, 1)
    ready.decode()
    qtbot.waitUntil(lambda: ready.results.comparison is not None)
    assert "±" not in plain(panel.pixel)
    assert not panel.agreement.isVisible()
    assert not panel.consistency_map.isEnabled()


def test_the_scores_go_with_their_trial(scored, ready):
    ready.set_trial(1)
    assert not scored.pixel.isVisible()
    ready.set_trial(0)
    assert scored.pixel.isVisible()


def test_the_buttons_choose_the_maps(qtbot, scored, ready):
    qtbot.mouseClick(scored.consistency_map, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(scored.difference_map, Qt.MouseButton.LeftButton)
    assert ready.results.maps == {"consistency", "difference"}
    qtbot.mouseClick(scored.consistency_map, Qt.MouseButton.LeftButton)
    assert ready.results.maps == {"difference"}


def test_without_a_classifier_it_says_so_and_why(qtbot, scored, ready):
    qtbot.waitUntil(lambda: ready.results.recognitions is not None)
    assert scored.note.text() == "no n-way accuracy"
    assert scored.note.toolTip() == "no classifier"
    assert not scored.ways.isVisible()


def test_n_way_accuracy_has_chance_and_protocol(qtbot, panel, ready, classifier):
    ready.results._load_classifiers = lambda subject, model: {"concept": classifier}
    ready.decode()
    qtbot.waitUntil(lambda: ready.results.recognitions is not None)
    assert re.fullmatch(r"10-way concept (1?\.\d\d) chance \.10", plain(panel.ways))
    assert "twelve, as it is; chance .10; mean over samples" in panel.ways.toolTip()
    assert re.fullmatch(r"SSIM −?\.\d\d chance −?\.\d\d", plain(panel.ssim))
    assert panel.note.text() == ""


def test_what_training_made_of_test_trials_stands_beside_the_scores(qtbot, panel, ready, decoder):
    ready.results.set_model(replace(decoder.info, test_use=("adapted to their fMRI",)))
    ready.decode()
    qtbot.waitUntil(lambda: ready.results.recognitions is not None)
    assert "training used test trials" in panel.note.text()
    assert "adapted to their fMRI" in panel.note.toolTip()
