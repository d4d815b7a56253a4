"""The table of the demo's scores, on samples whose scores are known."""

from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from mindvis_gui.data import open_subject
from mindvis_gui.data.simulate import SimulatedCortex, Stimuli
from mindvis_gui.data.subject import Trial
from tools.demo import presentations
from tools.demo.presentations import new_presentations, one_of_each_concept
from tools.demo.scores import Shown, score, table
from tools.demo.sheet import write_sheet


class ByRed:
    """Sees in a picture the category of its first red value."""

    categories = ("animal", "food", "plant")

    def category(self, pictures):
        return pictures[:, 0, 0, 0].astype(np.int64) % 3


@pytest.fixture
def shown():
    stimuli = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8)
    stimuli[:, 0, 0, 0] = [0, 1, 0, 2]
    trials = [
        Trial(i, "test", f"s{i}", f"thing {i}", category)
        for i, category in enumerate(("animal", "food", "animal", "plant"))
    ]
    return Shown(trials, np.zeros((4, 5), np.float32), stimuli, {"one": np.arange(3)})


def test_the_stimuli_themselves_score_full_marks(shown):
    samples = np.repeat(shown.stimuli[:, None], 2, axis=1)
    (found,) = score(shown, samples, "fast", ByRed())
    assert found.trials == 3
    assert found.candidates == 4
    assert found.pixel_correlation == pytest.approx(1)
    assert found.two_way == found.top_1 == found.category == found.agreement == 1
    assert found.diversity == pytest.approx(0)
    assert found.sharpness == pytest.approx(1)
    # Of the two other trials of a group, one in three pairs shares the category.
    assert found.category_chance == pytest.approx(1 / 3)


def test_samples_of_other_stimuli_score_nothing(shown):
    samples = np.roll(shown.stimuli, 1, axis=0)[:, None].repeat(2, axis=1)
    (found,) = score(shown, samples, "fast", ByRed())
    assert found.pixel_correlation < 0.2
    assert found.top_1 == 0
    assert found.category == 0


def test_the_table_has_chance_in_brackets(shown):
    samples = np.repeat(shown.stimuli[:, None], 2, axis=1)
    rows = table([asdict(each) for each in score(shown, samples, "fast", ByRed())])
    assert "| fast | 3 one | 1.00 (" in rows
    assert "| 100% (1 in 4) |" in rows
    assert "–" not in rows


def test_without_a_classifier_categories_stay_empty(shown):
    samples = np.repeat(shown.stimuli[:, None], 2, axis=1)
    (found,) = score(shown, samples, "fast", None)
    assert (found.category, found.agreement, found.top_1) == (None, None, 1)
    assert "| – | – | – | 0.00 (1) |" in table([asdict(found)])


def test_the_sheet_holds_every_picture(tmp_path, shown):
    samples = np.repeat(shown.stimuli[:, None], 5, axis=1)
    write_sheet(tmp_path / "sheet.png", shown.stimuli, samples)
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert sheet.shape == (2 * 8 + 2, 3 * (6 * 8 + 2) + 2 * 8, 3)
    np.testing.assert_array_equal(sheet[:8, :8], shown.stimuli[0])
    np.testing.assert_array_equal(sheet[10:18, 10:18], shown.stimuli[3])


def test_new_presentations_are_new_and_like_the_old_ones(monkeypatch):
    subject = open_subject("demo")
    chosen = one_of_each_concept(subject, 0)
    assert len(chosen) == len({trial.label for trial in chosen}) == 48
    chosen = chosen[:6]
    # Drives standardised over six stimuli in place of 1,200: a moment in place of a minute.
    few = Stimuli(
        [trial.stimulus_id for trial in chosen],
        np.stack([subject.stimulus(trial) for trial in chosen]),
        [trial.label for trial in chosen],
        [trial.category for trial in chosen],
    )
    monkeypatch.setattr(
        presentations, "read_simulation", lambda _, cortex, seed: SimulatedCortex(cortex, few, seed)
    )
    again = new_presentations(subject, chosen, 24, 0)
    assert again.shape == (6, 24, subject.n_voxels)
    old = subject.responses([trial.index for trial in chosen])
    r = np.corrcoef(again.mean(axis=1), old)[:6, 6:]
    assert (r.argmax(axis=1) == np.arange(6)).all()
    assert np.diag(r).max() < 0.9  # not the old ones again
