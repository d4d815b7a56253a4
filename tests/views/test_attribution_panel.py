import nibabel
import numpy as np
import pytest

from mindvis_gui.data.attribution import Attribution
from mindvis_gui.decoding.request import Step
from mindvis_gui.views import file_dialogs
from mindvis_gui.views.attribution_panel import AttributionPanel


class AttributingDecoder:
    """The fake decoder, which attributes three quarters to V1 and one, negative, to V2."""

    def __init__(self, decoder):
        self.info, self.decode, self.recover = decoder.info, decoder.decode, decoder.recover

    def attribute(self, request, sample, method):
        yield Step(1, 1)
        values = np.zeros(request.vector.size, np.float32)
        values[:100], values[100:200] = 0.75, -0.25
        return Attribution(request.trial, sample.seed, method, values)


@pytest.fixture
def decoded(qtbot, ready, decoder):
    ready.take_decoder(AttributingDecoder(decoder))
    with qtbot.waitSignal(ready.queue.decoded):
        ready.decode()
    return ready


@pytest.fixture
def panel(qtbot, decoded):
    made = AttributionPanel(decoded)
    qtbot.addWidget(made)
    made.resize(260, 700)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_without_samples_it_says_what_to_do(panel, decoded):
    decoded.set_trial(3)
    assert panel.sample.count() == 0
    assert not panel.run.isEnabled()
    assert panel.note.text() == "Decode the trial, then choose one of its samples."


def test_without_positions_nothing_is_said_to_be_on_the_brain(
    qtbot, subject, ready_window, decoded
):
    for name in ("ijk", "affine", "anatomy"):
        object.__setattr__(subject, name, None)
    with qtbot.waitSignal(decoded.trial_changed):
        decoded.open("tiny.h5")
    with qtbot.waitSignal(decoded.queue.decoded):
        decoded.decode()
    ready_window.workspace.show_panel("overlays", True)
    ready_window.workspace.show_panel("attribution", True)
    panel = ready_window.workspace.attribution_panel
    told = []
    decoded.message.connect(told.append)
    with qtbot.waitSignal(decoded.attributions.changed):
        panel.run.click()
    qtbot.waitUntil(lambda: decoded.idle)
    assert told == ["Integrated gradients of seed 0 is listed by region"]
    assert "on the brain" not in panel.caption.text()
    assert not panel.export.isEnabled()
    assert not ready_window.workspace.overlay_panel.add.isEnabled()


def test_the_chosen_sample_is_attributed_and_summed_by_region(qtbot, panel, decoded):
    panel.sample.setCurrentText("seed 3")
    with qtbot.waitSignal(decoded.attributions.changed):
        panel.run.click()
    assert decoded.attributions.found.seed == 3
    assert [(bar.name, round(bar.value)) for bar in panel.plot.bars][:3] == [
        ("V1", 75), ("V2", 25), ("V3", 0),
    ]  # fmt: skip
    assert "50 % remain" in panel.caption.text()
    panel.measure.setCurrentText("Share a voxel")
    assert panel.plot.bars[0].value == pytest.approx(0.75 * 7)


def test_the_choice_of_sample_survives_another_decode(qtbot, panel, decoded):
    panel.sample.setCurrentText("seed 2")
    with qtbot.waitSignal(decoded.results.result_changed):
        decoded.results.announce()
    assert panel.sample.currentText() == "seed 2"


def test_the_map_is_exported_from_the_window(qtbot, monkeypatch, ready_window, decoded, tmp_path):
    actions = ready_window.actions_by_id
    assert not actions["export_attribution"].isEnabled()
    with qtbot.waitSignal(decoded.attributions.changed):
        actions["attribute"].trigger()
    assert ready_window.workspace.is_shown("attribution")
    suggested = []

    def ask(parent, path):
        suggested.append(path.name)
        return tmp_path / "map.nii.gz"

    monkeypatch.setattr(file_dialogs, "ask_map_file", ask)
    with qtbot.waitSignal(decoded.message):
        actions["export_attribution"].trigger()
    assert suggested == ["trial-0000_seed-0000_gradients.nii.gz"]
    image = nibabel.load(tmp_path / "map.nii.gz")
    assert image.get_fdata()[tuple(decoded.subject.ijk[0])] == pytest.approx(0.75)
