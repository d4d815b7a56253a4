import numpy as np
import pytest

from mindvis_gui.analysis.bootstrap import bootstrap_intervals


def mean(means):
    return means.mean(axis=-1)


def bootstrap_interval(values, stimuli, statistic, seed=0):
    (interval,) = bootstrap_intervals(values, stimuli, [statistic], seed)
    return interval


def names(n):
    return [f"{i:03d}" for i in range(n)]


def test_interval_is_that_of_the_normal_mean():
    values = np.random.default_rng(0).normal(5, 2, size=(400, 1))
    low, high = bootstrap_interval(values, names(400), mean)
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.01)
    assert high == pytest.approx(values.mean() + half, abs=0.01)


def test_interval_covers_the_truth_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr("mindvis_gui.analysis.bootstrap.RESAMPLES", 1000)
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(200):
        low, high = bootstrap_interval(rng.exponential(1.0, (40, 1)), names(40), mean)
        inside += low <= 1.0 <= high
    assert 0.86 <= inside / 200 <= 0.99  # percentile intervals of skewed values fall a little short


def test_trials_of_one_stimulus_are_drawn_together():
    values = np.repeat(np.random.default_rng(2).normal(size=(10, 1)), 24, axis=0)
    together = bootstrap_interval(values, [name for name in names(10) for _ in range(24)], mean)
    apart = bootstrap_interval(values, names(240), mean)
    once = bootstrap_interval(values[::24], names(10), mean)
    assert together == pytest.approx(once)
    assert together[1] - together[0] > 3 * (apart[1] - apart[0])


def test_order_of_trials_changes_nothing():
    rng = np.random.default_rng(3)
    values, stimuli = rng.normal(size=(12, 3)), np.array(names(12))
    order = rng.permutation(12)
    assert bootstrap_interval(values, stimuli.tolist(), mean) == pytest.approx(
        bootstrap_interval(values[order], stimuli[order].tolist(), mean)
    )


def test_seed_decides():
    values = np.random.default_rng(4).normal(size=(12, 2))
    first = bootstrap_interval(values, names(12), mean, seed=1)
    assert first == bootstrap_interval(values, names(12), mean, seed=1)
    assert first != bootstrap_interval(values, names(12), mean, seed=2)


def test_one_stimulus_has_no_interval():
    assert bootstrap_interval(np.ones((3, 2)), ["a", "a", "a"], mean) is None


def test_all_scores_are_of_the_same_draws():
    values = np.random.default_rng(5).normal(size=(12, 3))
    together = bootstrap_intervals(values, names(12), [mean, lambda means: means.max(axis=-1)])
    assert together[0] == bootstrap_interval(values, names(12), mean)
    assert together[1] > together[0]
