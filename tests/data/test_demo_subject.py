from collections import Counter

import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.paths import demo_subject_path


@pytest.fixture(scope="module")
def demo():
    return open_subject("demo")


@pytest.fixture(scope="module")
def shown(demo):
    """Return all pictures by split: stimulus id → picture."""
    pictures = {"train": {}, "test": {}}
    for trial in demo.trials:
        if trial.split in pictures:
            pictures[trial.split][trial.stimulus_id] = demo.stimulus(trial)
    return pictures


def of(demo, split):
    return [trial for trial in demo.trials if trial.split == split]


def test_it_says_that_it_is_simulated(demo):
    assert demo.simulated
    assert demo.display_name == "Demo (simulated)"
    assert "Simulated" in demo.notes[0]
    assert "MIT" in demo.licence


def test_the_file_is_small():
    assert demo_subject_path().stat().st_size < 11e6


def test_trials(demo):
    assert Counter(trial.split for trial in demo.trials) == {
        "test": 50,
        "train": 1200,
        "test-single": 1200,
    }
    assert all(trial.split == "test" for trial in demo.trials[:50])
    assert {trial.presentations for trial in of(demo, "test")} == {24}
    categories = {trial.category for trial in demo.trials}
    assert categories == {
        "animal",
        "food",
        "plant",
        "vehicle",
        "clothing",
        "building",
        "household",
        "face",
    }
    assert set(Counter(trial.label for trial in of(demo, "train")).values()) == {25}


def test_the_regions_cover_every_voxel_once(demo):
    sizes = {roi.name: len(roi.voxels) for roi in demo.rois}
    assert list(sizes) == ["V1", "V2", "V3", "hV4", "LOC", "FFA", "PPA"]
    assert demo.n_voxels == sum(sizes.values()) == 4200
    assert np.array_equal(np.concatenate([roi.voxels for roi in demo.rois]), np.arange(4200))


def test_forty_unseen_renderings_and_ten_unseen_concepts(demo):
    trained = {trial.label for trial in of(demo, "train")}
    unseen = [trial for trial in of(demo, "test") if trial.label not in trained]
    assert len(trained) == 48
    assert len(unseen) == 10
    assert {trial.category for trial in unseen} == {trial.category for trial in of(demo, "test")}


def test_no_test_rendering_is_trained_on(demo, shown):
    def renderings(split):
        # An id is split-[number-]concept-style, with dashes in all of them.
        return {i.split("-", 2 if split == "train" else 1)[-1] for i in shown[split]}

    assert len(renderings("test")) == 50
    assert not renderings("test") & renderings("train")


def test_no_test_picture_looks_like_a_training_picture(shown):
    def looks(pictures):
        stack = np.stack(list(pictures.values())).astype(np.float32)
        stack = stack.reshape(-1, 24, 4, 24, 4, 3).mean(axis=(2, 4)).reshape(len(stack), -1)
        stack -= stack.mean(axis=1, keepdims=True)
        return stack / np.linalg.norm(stack, axis=1, keepdims=True)

    alike = looks(shown["test"]) @ looks(shown["train"]).T
    assert alike.max() < 0.97


def test_every_stimulus_decodes(shown):
    for pictures in shown.values():
        for picture in pictures.values():
            assert picture.shape == (96, 96, 3)
            assert picture.std() > 5


def test_responses_are_standardised_and_ceilings_as_specified(demo):
    train = demo.responses([trial.index for trial in of(demo, "train")])
    assert train.mean() == pytest.approx(0, abs=0.02)
    assert train.std() == pytest.approx(1, abs=0.02)
    ceiling = demo.maps["noise ceiling"]
    assert 0.05 <= ceiling.min() < ceiling.max() <= 0.65
    assert ceiling.mean() == pytest.approx(0.25, abs=0.01)


def test_the_means_are_those_of_the_single_presentations(demo):
    singles: dict[str, list[int]] = {}
    for trial in of(demo, "test-single"):
        singles.setdefault(trial.stimulus_id, []).append(trial.index)
    for trial in of(demo, "test")[:5]:
        rows = singles[trial.stimulus_id]
        assert len(rows) == 24
        difference = demo.responses(rows).mean(axis=0) - demo.responses([trial.index])[0]
        assert np.abs(difference).max() < 0.1


def test_ridge_regression_identifies_the_test_stimuli(demo, shown):
    """A linear decoder of 16 × 16 thumbnails, as a lower bound for any better one."""

    def thumbnails(split):
        trials = of(demo, split)
        stack = np.stack([shown[split][t.stimulus_id] for t in trials]).astype(np.float32) / 255
        return stack.reshape(-1, 16, 6, 16, 6, 3).mean(axis=(2, 4)).reshape(len(stack), -1)

    x = demo.responses([trial.index for trial in of(demo, "train")])
    seen = thumbnails("train")
    kernel = x @ x.T / x.shape[1] + 0.1 * np.eye(len(x), dtype=np.float32)
    weights = np.linalg.solve(kernel, seen - seen.mean(axis=0))
    test = demo.responses([trial.index for trial in of(demo, "test")])
    decoded = test @ x.T / x.shape[1] @ weights + seen.mean(axis=0)
    correlation = np.corrcoef(decoded, thumbnails("test"))[:50, 50:]
    own = np.diag(correlation)
    assert (own[:, None] > correlation).sum() / (50 * 49) > 0.97
    assert own.mean() > 0.75
