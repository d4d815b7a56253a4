from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.data.preparation import Preparation, prepare_subject
from mindvis_gui.data.prepare import estimate_normalisation, measure_normalisation
from mindvis_gui.data.recording import ArrayRecording
from mindvis_gui.data.subject import Trial
from mindvis_gui.data.trial_filter import TrialFilter
from mindvis_gui.errors import DataError, RequestError


@pytest.fixture
def runs(subject):
    """Return a subject with 2 runs of 6 trials: 3 stimuli trained twice, one tested 6 times."""
    shown = [("train", f"s{n % 3}", 1 + n // 3) for n in range(6)]
    shown += [("test-single", "t", 1 + n // 3) for n in range(6)]
    trials = tuple(
        Trial(n, split, name, label=name, session=1, run=run)
        for n, (split, name, run) in enumerate(shown)
    )
    values = np.random.default_rng(3).normal(5, 2, (12, 700)).astype(np.float32)
    values[:, 9] = 4  # a voxel that never varies
    recording = ArrayRecording(values)
    return replace(subject, trials=trials, recording=recording, unit="percent"), values


def test_nothing_to_do_changes_nothing(runs):
    subject, _ = runs
    assert not Preparation()
    assert prepare_subject(subject, Preparation()) is subject


def test_z_scores_by_voxel_over_the_training_trials(runs):
    subject, values = runs
    prepared = prepare_subject(subject, Preparation(z_score="voxel"))
    std = values[:6].std(axis=0)
    std[9] = np.inf
    expected = (values - values[:6].mean(axis=0)) / std
    assert np.allclose(prepared.responses(range(12)), expected, atol=1e-4)
    assert prepared.unit == "z"
    assert prepared.trials == subject.trials
    assert "z-scored in each voxel over the training trials" in prepared.notes[-1]


@pytest.mark.parametrize("z_score", ["global", "voxel", "run"])
def test_a_filter_without_training_trials_scales_responses_as_they_were(runs, z_score):
    subject, _ = runs
    whole = prepare_subject(subject, Preparation(z_score=z_score))
    only_tests = (TrialFilter.parse("split=test-single"),)
    tests = prepare_subject(subject, Preparation(only_tests, z_score))
    assert measure_normalisation(tests) == measure_normalisation(whole)
    assert estimate_normalisation(tests) == estimate_normalisation(whole)
    if z_score != "run":  # which is over what a filter leaves of a run
        assert np.array_equal(tests.responses(range(6)), whole.responses(range(6, 12)))


def test_a_filter_that_leaves_training_trials_normalises_by_them(runs):
    subject, values = runs
    some = prepare_subject(subject, Preparation((TrialFilter.parse("run=1"),)))
    assert measure_normalisation(some).mean == pytest.approx(values[:3].mean(), rel=1e-6)


def test_notes_say_if_no_trial_is_for_training(runs):
    subject, _ = runs
    subject = replace(subject, trials=tuple(replace(t, split="test") for t in subject.trials))
    prepared = prepare_subject(subject, Preparation(z_score="voxel"))
    assert "over all trials, none being for training" in prepared.notes[-1]


def test_z_scores_by_run_over_all_its_trials(runs):
    subject, _ = runs
    prepared = prepare_subject(subject, Preparation(z_score="run"))
    assert prepared.unit == "z"
    assert "z-scored in each voxel over all trials of a run" in prepared.notes[-1]
    found = prepared.responses(range(12))
    for run in (1, 2):
        rows = [trial.index for trial in subject.trials if trial.run == run]
        assert np.allclose(found[rows].mean(axis=0), 0, atol=1e-5)
        assert np.allclose(np.delete(found[rows].std(axis=0), 9), 1, atol=1e-4)
    assert not found[:, 9].any()


def test_averages_test_presentations_or_all(runs):
    subject, values = runs
    tested = prepare_subject(subject, Preparation(average="test"))
    assert [t.split for t in tested.trials] == ["train"] * 6 + ["test-single"] * 6 + ["test"]
    assert tested.trials[-1] == Trial(12, "test", "t", "t", presentations=6)
    assert np.allclose(tested.responses([12])[0], values[6:].mean(axis=0), atol=1e-5)
    everything = prepare_subject(subject, Preparation(average="all"))
    means = [t for t in everything.trials if t.split == "train"]
    assert [(t.index, t.stimulus_id, t.presentations) for t in means] == [
        (0, "s0", 2),
        (1, "s1", 2),
        (2, "s2", 2),
    ]
    assert np.allclose(everything.responses([1])[0], values[[1, 4]].mean(axis=0), atol=1e-5)


def test_repeated_test_trials_become_single_ones_and_their_mean(runs):
    subject, values = runs
    trials = tuple(replace(t, split="test") if t.index > 5 else t for t in subject.trials)
    found = prepare_subject(replace(subject, trials=trials), Preparation(average="test"))
    assert [t.split for t in found.trials[6:]] == ["test-single"] * 6 + ["test"]
    assert np.allclose(found.responses([12])[0], values[6:].mean(axis=0), atol=1e-5)


def test_means_of_a_file_are_made_anew_from_z_scored_runs(runs):
    subject, _ = runs
    averaged = prepare_subject(subject, Preparation(average="test"))
    steps = Preparation(z_score="run")
    found = prepare_subject(averaged, steps).responses([12])[0]
    singles = prepare_subject(subject, steps).responses(range(6, 12))
    assert np.allclose(found, singles.mean(axis=0), atol=1e-5)


def test_test_trials_that_were_shown_once_are_z_scored_by_their_run(runs):
    subject, _ = runs
    expected = prepare_subject(subject, Preparation(z_score="run")).responses(range(12))
    trials = tuple(replace(t, split="test") if t.index > 5 else t for t in subject.trials)
    once = prepare_subject(replace(subject, trials=trials), Preparation(z_score="run"))
    assert [t.split for t in once.trials[6:]] == ["test"] * 6
    assert np.array_equal(once.responses(range(12)), expected)


def test_filters_number_the_trials_anew(runs):
    subject, values = runs
    steps = Preparation((TrialFilter.parse("run=2"), TrialFilter.parse("stimulus!=s0")))
    found = prepare_subject(subject, steps)
    assert [t.index for t in found.trials] == list(range(5))
    assert np.array_equal(found.responses(range(5)), values[[4, 5, 9, 10, 11]])
    assert "5 of 12 trials are kept (run=2, stimulus!=s0)" in found.notes[-1]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("trial=0-2,11", [0, 1, 2, 11]),
        ("split=train", [0, 1, 2, 3, 4, 5]),
        ("label!=t,s0", [1, 2, 4, 5]),
        ("session=1", list(range(12))),
    ],
)
def test_what_filters_keep(runs, text, rows):
    each = TrialFilter.parse(text)
    assert [t.index for t in each.kept(runs[0].trials)] == rows
    assert str(each) == text


@pytest.mark.parametrize(
    "text",
    [
        "session",
        "colour=3",
        "run=a",
        "run=3-1",
        "run=",
        "=3",
        "split=test,label=dog",
        "split!=test; run!=3",
    ],
)
def test_filters_that_make_no_sense(text):
    with pytest.raises(RequestError) as caught:
        TrialFilter.parse(text)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_prepared(runs):
    subject, _ = runs
    with pytest.raises(DataError, match="no trial is left by the filter run=9"):
        prepare_subject(subject, Preparation((TrialFilter.parse("run=9"),)))
    unknown = replace(subject, trials=tuple(replace(t, run=0) for t in subject.trials))
    with pytest.raises(DataError, match="the runs of 12 trials are not known"):
        prepare_subject(unknown, Preparation(z_score="run"))
    lonely = Preparation((TrialFilter.parse("trial=0-5,6"),), z_score="run")
    prepare_subject(subject, lonely)
    with pytest.raises(DataError, match="run 2 of session 1 has one trial only"):
        prepare_subject(subject, Preparation((TrialFilter.parse("trial=0-3"),), z_score="run"))
    mean = replace(subject, trials=(replace(subject.trials[0], split="test", presentations=9),))
    with pytest.raises(DataError, match="is a mean over runs and its single trials are not there"):
        prepare_subject(mean, Preparation(z_score="run"))


def test_steps_survive_json():
    steps = Preparation((TrialFilter.parse("run!=2-3"),), "voxel", "all")
    assert Preparation.from_json(steps.to_json()) == steps
    for values in ({}, {"filters": 3}, {**steps.to_json(), "z_score": "loud"}):
        with pytest.raises(RequestError):
            Preparation.from_json(values)


def test_pictures_are_those_of_the_subject(subject):
    prepared = prepare_subject(subject, Preparation((TrialFilter.parse("label=crab"),)))
    shown = subject.stimulus(subject.trials[1])
    assert np.array_equal(prepared.stimulus(prepared.trials[0]), shown)
    assert prepared.recording.encoded_stimulus("crab").startswith(b"\x89PNG")
    assert prepared.recording.encoded_stimulus("nobody") is None


def test_a_stimulus_is_filtered_by_its_name_with_or_without_suffix():
    names = ("a.png", "a.b", "b.JPG", "a", "2000000.5")
    trials = [Trial(row, "train", name, label=name) for row, name in enumerate(names)]

    def kept(words):
        return [trial.index for trial in TrialFilter.parse(words).kept(trials)]

    assert kept("stimulus=a") == [0, 3]
    assert kept("stimulus=a.png,b") == [0, 2]
    assert kept("stimulus!=a") == [1, 2, 4]
    assert kept("stimulus=2000000") == []
    assert kept("label=a") == [3]
