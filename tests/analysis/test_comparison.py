import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.analysis.comparison import MAX_OTHERS, compare, resized
from mindvis_gui.analysis.metrics import pixel_correlation, structural_similarity
from mindvis_gui.data.subject import Trial
from mindvis_gui.decoding.request import Sample
from mindvis_gui.errors import DataError


def test_scores_are_those_of_the_metrics(subject, decoded):
    result = decoded(trial=2)
    comparison = compare(result, subject)
    assert comparison.result is result
    assert comparison.stimulus.shape == (32, 32, 3)
    for sample, scores in zip(result.samples, comparison.scores, strict=True):
        assert scores.seed == sample.seed
        expected = pixel_correlation(sample.image, comparison.stimulus)
        assert scores.pixel_correlation == pytest.approx(expected, abs=1e-6)
        assert scores.ssim == structural_similarity(sample.image, comparison.stimulus)
    assert comparison.notes == ()


def test_the_own_stimulus_ranks_first_and_chance_is_lower(subject, decoded):
    comparison = compare(decoded(trial=0, noise=5), subject)
    assert comparison.n_candidates == 6
    assert [scores.rank for scores in comparison.scores] == [1, 1, 1]
    assert comparison.chance.rank == 3.5
    assert comparison.chance.pixel_correlation < min(s.pixel_correlation for s in comparison.scores)
    assert comparison.chance.ssim < min(s.ssim for s in comparison.scores)


def test_a_sample_of_another_stimulus_ranks_lower(subject, decoded):
    wrong = decoded(trial=5, noise=5)
    comparison = compare(replace(wrong, request=decoded(trial=0).request), subject)
    assert all(scores.rank > 1 for scores in comparison.scores)


def test_samples_of_two_sizes_are_each_compared_at_their_own(subject, decoded):
    result = decoded(trial=0, noise=5)
    halved = tuple(replace(sample, image=sample.image[::2, ::2]) for sample in result.samples)
    for samples, side in ((result.samples, 32), (halved, 16), (result.samples, 32)):
        comparison = compare(replace(result, samples=samples), subject)
        assert comparison.stimulus.shape == (side, side, 3)
        assert [scores.rank for scores in comparison.scores] == [1, 1, 1]


def test_a_flat_sample_is_last(subject, decoded):
    flat = Sample(np.full((32, 32, 3), 90, np.uint8), seed=0)
    comparison = compare(replace(decoded(seeds=(0,)), samples=(flat,)), subject)
    assert comparison.scores[0].pixel_correlation == 0
    assert comparison.scores[0].rank == comparison.n_candidates


def test_a_training_stimulus_is_ranked_among_the_test_stimuli(subject, decoded, monkeypatch):
    pictures = subject.recording._stimuli
    pictures["own"] = np.random.default_rng(0).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    trials = (*subject.trials[:10], Trial(10, "train", "own"), *subject.trials[11:])
    changed = replace(subject, trials=trials)
    assert compare(decoded(trial=10), changed).n_candidates == 7


def test_a_missing_stimulus_is_noted_and_not_scored(subject, decoded):
    del subject.recording._stimuli["crab"]
    comparison = compare(decoded(trial=1), subject)
    assert comparison.stimulus is None
    assert comparison.chance is None
    assert comparison.n_candidates == 0
    assert {(s.pixel_correlation, s.ssim, s.rank) for s in comparison.scores} == {
        (None, None, None)
    }
    assert [s.seed for s in comparison.scores] == [0, 1, 3]
    assert comparison.notes == ("trial 1 of tiny has no stimulus, so nothing can be scored",)
    assert comparison.consistency is not None


def test_stimuli_that_cannot_be_read_are_named(subject, decoded, monkeypatch):
    results = decoded(trial=1), decoded(trial=2)
    read = type(subject).stimulus

    def damaged(self, trial):
        if trial.index in (1, 3):
            raise DataError(f"picture {trial.index} is cut off")
        return read(self, trial)

    monkeypatch.setattr(type(subject), "stimulus", damaged)
    own, another = (compare(result, subject) for result in results)
    assert own.notes == ("trial 1 of tiny cannot be scored: picture 1 is cut off",)
    assert own.unread == ("picture 1 is cut off",)
    assert another.n_candidates == 4
    assert another.unread == ("picture 1 is cut off", "picture 3 is cut off")
    assert "unreadable test stimuli are no candidates (2)" in another.notes[-1]


def test_without_other_stimuli_there_is_no_rank(subject, decoded):
    trials = tuple(
        replace(trial, split="test" if trial.index == 0 else "train") for trial in subject.trials
    )
    comparison = compare(decoded(trial=0), replace(subject, trials=trials))
    assert comparison.scores[0].rank is None
    assert comparison.scores[0].pixel_correlation > 0.5
    assert comparison.chance is None
    assert "no other test stimulus" in comparison.notes[0]


def test_many_candidates_are_thinned_out_the_same_way_each_time(subject, decoded):
    rng = np.random.default_rng(0)
    n = MAX_OTHERS + 50
    for i in range(n):
        subject.recording._stimuli[f"s{i}"] = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    trials = tuple(Trial(i, "test", f"s{i}") for i in range(n))
    crowded, again = (replace(subject, trials=trials) for _ in range(2))

    def decoded_of(subject, trial):
        result = decoded(trial=0)
        return replace(result, request=replace(result.request, trial=trial))

    for trial in (0, 1, n - 1):
        comparison = compare(decoded_of(crowded, trial), crowded)
        assert comparison.n_candidates in (MAX_OTHERS, MAX_OTHERS + 1)
        assert comparison.scores == compare(comparison.result, again).scores


def test_candidates_are_opened_once_a_subject(subject, decoded, monkeypatch):
    first, second = decoded(trial=0), decoded(trial=1)
    compare(first, subject)
    opened = []
    read = subject.recording.stimulus
    monkeypatch.setattr(subject.recording, "stimulus", lambda key: opened.append(key) or read(key))
    assert compare(second, subject).n_candidates == 6
    assert opened == ["crab"]


def test_consistency_is_one_where_samples_are_the_same(subject, decoded):
    result = decoded(seeds=(0, 1))
    a = np.full((32, 32, 3), 200, np.uint8)
    b = a.copy()
    a[:, :8], b[:, :8] = 0, 255
    comparison = compare(replace(result, samples=(Sample(a, 0), Sample(b, 1))), subject)
    assert comparison.consistency.dtype == np.float32
    np.testing.assert_allclose(comparison.consistency[:, :8], 0)
    np.testing.assert_allclose(comparison.consistency[:, 8:], 1)
    assert not comparison.consistency.flags.writeable


def test_agreement_is_the_mean_over_pairs(subject, decoded):
    result = decoded(seeds=(0, 1, 2))
    one, two, three = (sample.image for sample in result.samples)
    expected = np.mean(
        [pixel_correlation(a, b) for a, b in ((one, two), (one, three), (two, three))]
    )
    assert compare(result, subject).agreement == pytest.approx(expected)


def test_one_sample_has_no_consistency(subject, decoded):
    comparison = compare(decoded(seeds=(3,)), subject)
    assert comparison.consistency is None
    assert comparison.agreement is None


def test_resized_averages_what_it_shrinks():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    small = resized(stripes, 16, 8)
    assert small.shape == (8, 16, 3)
    np.testing.assert_allclose(small[:, 1:-1], 100, atol=2)
    assert resized(stripes, 64, 64) is stripes


def test_the_window_imports_nothing_heavy_through_this():
    code = (
        "import sys, mindvis_gui.analysis.comparison, mindvis_gui.analysis.figures, "
        "mindvis_gui.analysis.export, mindvis_gui.analysis.decode_folder, "
        "mindvis_gui.analysis.recognition, mindvis_gui.analysis.similarities; "
        "sys.exit(', '.join({'matplotlib', 'skimage', 'scipy', 'torch'} & set(sys.modules)) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
