"""Readers and preparation against what the published code makes of the same files."""

from pathlib import Path

import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.data.hcp import windows
from mindvis_gui.data.prepare import (
    Normalisation,
    measure_normalisation,
    pad_to_length,
    pad_to_patches,
)
from tests.published_normalisation import published_normalisation

GOLDEN = Path(__file__).parents[1] / "data_golden"
GOD = GOLDEN / "published" / "GOD" / "sbj_3.npz"
BOLD5000 = GOLDEN / "published" / "BOLD5000"
HCP = GOLDEN / "published" / "HCP" / "dummy_sub_01" / "HCP_visual_voxel.npz"


def golden(name):
    with np.load(GOLDEN / f"{name}.npz") as arrays:
        return dict(arrays)


def of(subject, split):
    return [trial for trial in subject.trials if trial.split == split]


def prepared(subject, split, normalisation):
    responses = subject.responses([trial.index for trial in of(subject, split)])
    return normalisation.apply(pad_to_patches(responses, 16))


def pictures(subject, split):
    return np.stack([subject.stimulus(trial) for trial in of(subject, split)])


def test_padding():
    known = golden("10_preproc")
    assert np.array_equal(pad_to_patches(known["a"], 16), known["pad16_37"])
    assert np.array_equal(pad_to_patches(known["b"], 16), known["pad16_32"])
    assert np.array_equal(pad_to_length(known["c3"], 50), known["pad_to_length_50"])


def test_normalisation():
    known = golden("10_preproc")
    own = Normalisation(float(known["a"].mean()), float(known["a"].std()), "itself")
    assert own.apply(known["a"]) == pytest.approx(known["norm"], abs=1e-6)
    given = Normalisation(0.4, 1.7, "given")
    assert given.apply(known["a"]) == pytest.approx(known["norm_with"], abs=1e-6)


def test_windows_of_a_time_series():
    known = golden("10_preproc")
    means = np.stack([known["ts_in"][frames].mean(axis=0) for frames in windows(45)])
    padded = pad_to_patches(means, 16)
    assert (padded - padded.mean()) / padded.std() == pytest.approx(known["ts_out"], abs=1e-5)


def test_god_responses_pictures_and_classes():
    known, subject = golden("11_god"), open_subject(GOD)
    statistics = published_normalisation(subject, "GOD")
    train = prepared(subject, "train", statistics["train"])
    assert train == pytest.approx(known["train_fmri"], abs=1e-5)
    assert prepared(subject, "test", statistics["test"]) == pytest.approx(
        known["test_fmri"], abs=1e-6
    )
    assert prepared(subject, "test-single", statistics["test-single"])[0] == pytest.approx(
        known["nonavg_fmri_first"], abs=1e-6
    )
    assert train.shape[1] == known["num_voxels"]
    for split in ("train", "test"):
        assert np.array_equal(pictures(subject, split), known[f"{split}_image"])
    numbered: dict[str, int] = {}
    for split in ("train", "test"):
        for trial, naive in zip(of(subject, split), known[f"{split}_naive"], strict=True):
            assert numbered.setdefault(trial.category, int(naive)) == naive
    assert sorted(numbered.values()) == list(range(len(numbered)))
    classes = ["tench", "goldfish", "ostrich", "dog", "newt", "iguana", "duck", "swan"]
    for split in ("train", "test"):
        labels = [classes.index(trial.label) for trial in of(subject, split)]
        assert labels == known[f"{split}_class"].tolist()


def test_god_test_responses_are_normalised_like_the_training_ones_here_but_not_as_published():
    known, subject = golden("11_god"), open_subject(GOD)
    raw = pad_to_patches(subject.responses([t.index for t in of(subject, "test")]), 16)
    assert known["test_fmri"] == pytest.approx(raw, abs=1e-6)
    ours = measure_normalisation(subject)
    assert np.abs(prepared(subject, "test", ours) - known["test_fmri"]).max() > 0.5
    assert ours.apply(raw) == pytest.approx((raw - ours.mean) / ours.std, abs=1e-5)


def test_published_statistics_count_the_padding_ours_do_not():
    subject = open_subject(GOD)
    responses = subject.responses([trial.index for trial in of(subject, "train")])
    padded = pad_to_patches(responses, 16)
    published = published_normalisation(subject, "GOD")["train"]
    assert (published.mean, published.std) == pytest.approx((padded.mean(), padded.std()), rel=1e-5)
    ours = measure_normalisation(subject)
    assert (ours.mean, ours.std) == pytest.approx((responses.mean(), responses.std()), rel=1e-5)
    assert ours.mean != pytest.approx(published.mean, rel=1e-5)


def test_bold5000_responses_and_pictures():
    known, subject = golden("12_bold5000"), open_subject(BOLD5000)
    statistics = published_normalisation(subject, "BOLD5000")
    for split in ("train", "test"):
        vectors = prepared(subject, split, statistics[split])
        assert vectors == pytest.approx(known[f"{split}_fmri"], abs=1e-5)
        assert np.array_equal(pictures(subject, split), known[f"{split}_image"])
    assert vectors.shape[1] == known["num_voxels"]
    single = [trial for trial in subject.trials if trial.split != "test"]
    assert [trial.stimulus_id for trial in single] == known["stimuli"].tolist()


def test_bold5000_single_test_trials():
    known, subject = golden("12_bold5000"), open_subject(BOLD5000)
    statistics = published_normalisation(subject, "BOLD5000")
    averaged, single = (
        prepared(subject, split, statistics[split]) for split in ("test", "test-single")
    )
    assert known["nonavg_train_n"] == len(of(subject, "train"))
    # The published code has the means first, then the repetitions stimulus by stimulus.
    order = [t.stimulus_id for t in of(subject, "test")]
    shown = [order.index(t.stimulus_id) for t in of(subject, "test-single")]
    vectors = np.concatenate([averaged, single[np.argsort(shown, kind="stable")]])
    assert vectors == pytest.approx(known["nonavg_test_fmri"], abs=1e-5)


def test_bold5000_is_normalised_by_its_training_trials_here_but_by_all_as_published():
    subject = open_subject(BOLD5000)
    published = published_normalisation(subject, "BOLD5000")
    assert published["train"] == published["test"]
    everything = pad_to_patches(subject.responses(range(18)), 16)
    assert published["test"].mean == pytest.approx(everything.mean(), rel=1e-5)
    assert measure_normalisation(subject).mean != pytest.approx(everything.mean(), rel=1e-5)


def test_hcp_responses():
    subject = open_subject(HCP)
    statistics = published_normalisation(subject, "HCP")
    vectors = prepared(subject, "train", statistics["train"])
    assert vectors == pytest.approx(golden("13_hcp")["data"][:, 0], abs=1e-5)
