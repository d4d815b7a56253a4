from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel

from mindvis_gui.analysis.decoded_trial import SAMPLE_NOTICE
from mindvis_gui.decoding.request import N_SEEDS
from mindvis_gui.decoding.sampling_settings import PRESETS, Sampling
from mindvis_gui.views.decode_panel import DecodePanel


@pytest.fixture
def panel(qtbot, session):
    made = DecodePanel(session)
    qtbot.addWidget(made)
    made.resize(250, 800)
    with qtbot.waitExposed(made):
        made.show()
    return made


def texts(panel):
    return [text.text() for text in panel.findChildren(QLabel) if text.isVisible()]


def choose(qtbot, box, text):
    box.setCurrentIndex(box.findText(text))
    box.activated.emit(box.currentIndex())


def test_it_says_what_a_decoded_image_is(panel):
    assert SAMPLE_NOTICE in texts(panel)


def test_presets(qtbot, panel, session):
    qtbot.mouseClick(panel.presets["paper"], Qt.MouseButton.LeftButton)
    assert session.sampling == PRESETS["paper"]
    assert panel.steps.value() == 250
    assert panel.presets["paper"].isChecked()
    assert not panel.presets["fast"].isChecked()


def test_preset_clicked_twice_stays_chosen(qtbot, panel):
    for _ in range(2):
        qtbot.mouseClick(panel.presets["fast"], Qt.MouseButton.LeftButton)
    assert panel.presets["fast"].isChecked()


def test_other_options_are_no_preset(panel, session):
    panel.steps.setValue(25)
    assert session.sampling == Sampling("dpm++", 25, "auto")
    assert not any(button.isChecked() for button in panel.presets.values())


def test_seeds(panel, session):
    panel.first_seed.setValue(7)
    panel.samples.setValue(2)
    assert (session.first_seed, session.n_samples) == (7, 2)
    session.set_seeds(100, 3)
    assert (panel.first_seed.value(), panel.samples.value()) == (100, 3)


@pytest.mark.parametrize("seed", [2**31, N_SEEDS - 40])
def test_seeds_may_have_all_their_32_bits(qtbot, panel, session, seed):
    with qtbot.capture_exceptions() as errors:
        session.set_seeds(seed, 3)
    assert not errors
    assert panel.first_seed.text() == str(seed)
    panel.samples.setValue(2)
    assert (session.first_seed, session.n_samples) == (seed, 2)


def test_no_seed_is_beyond_the_last(panel, session):
    panel.first_seed.setValue(N_SEEDS - 2)
    assert (session.first_seed, session.n_samples) == (N_SEEDS - 2, 2)
    assert panel.samples.value() == 2


def test_64_samples_can_be_typed(qtbot, panel, session):
    panel.samples.selectAll()
    qtbot.keyClicks(panel.samples, "64")
    assert session.n_samples == 64


def test_dice_asks_for_new_seeds(qtbot, panel):
    with qtbot.waitSignal(panel.new_seed_wanted):
        qtbot.mouseClick(panel.dice, Qt.MouseButton.LeftButton)


def test_what_cannot_be_is_explained_and_not_set(qtbot, panel, session):
    panel.steps.setValue(30)
    choose(qtbot, panel.sampler, "PLMS")
    assert "divides 1000" in panel.complaint
    assert panel.complaint in texts(panel)
    assert session.sampling == Sampling("dpm++", 30, "auto")
    session.set_seeds(5, 2)
    assert panel.steps.value() == 30
    panel.steps.setValue(50)
    assert panel.complaint == ""
    assert session.sampling == Sampling("plms", 50, "auto")


def test_a_preset_ends_a_complaint(qtbot, panel, session):
    panel.steps.setValue(30)
    choose(qtbot, panel.sampler, "PLMS")
    qtbot.mouseClick(panel.presets["fast"], Qt.MouseButton.LeftButton)
    assert panel.complaint == ""
    assert panel.sampler.currentText().startswith("DPM")
    assert panel.steps.value() == 10


def test_lesion_leaves_one_region_out(qtbot, panel, opened):
    assert "7 of 7" in texts(panel)
    choose(qtbot, panel.lesion, "V1")
    assert opened.used_rois == {"V2", "V3", "hV4", "LOC", "FFA", "PPA"}
    assert "6 of 7" in texts(panel)
    choose(qtbot, panel.lesion, "none")
    assert len(opened.used_rois) == 7


def test_lesion_shows_what_was_chosen_elsewhere(panel, opened):
    opened.set_used_rois(opened.used_rois - {"FFA"})
    assert panel.lesion.currentText() == "FFA"
    opened.set_used_rois(opened.used_rois - {"PPA"})
    assert panel.lesion.currentIndex() == -1
    assert panel.lesion.placeholderText() == "several"


def test_apply_mask(qtbot, panel, opened):
    assert "75% masked" in texts(panel)
    panel.apply_mask.click()
    assert opened.masking.applied
    opened.masking.set_applied(False)
    assert not panel.apply_mask.isChecked()


def test_advanced_unfolds(qtbot, panel, ready):
    assert not panel.precision.isVisible()
    qtbot.mouseClick(panel.advanced, Qt.MouseButton.LeftButton)
    assert panel.precision.isVisible()
    assert "CPU · fp32" in texts(panel)
    assert "32 × 32 px" in texts(panel)
    choose(qtbot, panel.precision, "bf16")
    assert ready.sampling.precision == "bf16"


def test_guidance_is_off_where_the_model_asks_for_none(panel, session):
    assert panel.guidance.text() == "off"
    panel.steps.setValue(25)
    assert session.sampling.guidance is None
    panel.guidance.setValue(2)
    assert session.sampling == Sampling("dpm++", 25, "auto", 2)


@pytest.mark.parametrize("typed", ["1.5", "2.5", "12.25"])
def test_guidance_is_typed_with_decimals(qtbot, panel, session, typed):
    """What is typed first is shown to others at once, and comes back before the rest is typed."""
    panel.guidance.setValue(3)
    panel.guidance.selectAll()
    qtbot.keyClicks(panel.guidance, typed)
    assert session.sampling.guidance == float(typed)
    assert float(panel.guidance.cleanText()) == float(typed)


def test_guidance_shows_what_the_model_asks_for(qtbot, panel, ready, monkeypatch):
    monkeypatch.setattr(ready.decoder, "info", replace(ready.decoder.info, guidance=1.5))
    ready.model_changed.emit()
    assert panel.guidance.value() == 1.5
    assert panel.presets["fast"].isChecked()
    qtbot.mouseClick(panel.presets["paper"], Qt.MouseButton.LeftButton)
    assert panel.guidance.text() == "off"
    assert ready.sampling.guidance == 1
    ready.set_sampling(Sampling("dpm++", 10, ready.decoder.info.precision, 1.5))
    assert panel.presets["fast"].isChecked()  # the same once the model has been asked
