from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mindvis_gui.analysis.identification import (
    expected_top_k,
    n_way_identification,
    n_way_places,
    top_k_accuracy,
)
from mindvis_gui.errors import DataError

GOLDEN = Path(__file__).parents[1] / "data_golden" / "15_metrics.npz"


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return dict(file)


@pytest.mark.parametrize(
    ("n", "draws", "k"), [(50, 50, 1), (50, 1000, 1), (100, 100, 1), (50, 50, 5), (2, 40, 1)]
)
def test_n_way_top_k_is_the_published_codes_bit_for_bit(golden, n, draws, k):
    generator = np.random.RandomState(2022)  # the published code's one state for all pictures
    for i, expected in enumerate(golden[f"topk_n{n}_t{draws}_k{k}_mean_std_f64"]):
        places = n_way_places(golden["probs"][i], golden["class_id"][i], n, draws, generator)
        assert top_k_accuracy(places, k) == expected[0]
        assert np.std(places < k) == pytest.approx(expected[1], abs=1e-15)


def test_ties_count_as_correct(golden):
    places = n_way_places(np.full(10, 0.1), 4, 5, 20, np.random.RandomState(0))
    assert top_k_accuracy(places, 1) == golden["tie_mean_std_f64"][0] == 1.0


@given(st.lists(st.integers(0, 5), min_size=2, max_size=12), st.integers(0, 5), st.integers(2, 6))
def test_n_way_identification_is_what_all_draws_come_to(others, own, n):
    from itertools import combinations

    scores = np.array(others, dtype=np.float64)
    if len(others) < n - 1:
        with pytest.raises(DataError, match=f"{n}-way identification needs"):
            n_way_identification(own, scores, n)
        return
    wins = [all(score < own for score in drawn) for drawn in combinations(others, n - 1)]
    assert n_way_identification(own, scores, n) == pytest.approx(np.mean(wins))
    assert n_way_identification(own, scores[::-1], n) == n_way_identification(own, scores, n)


@pytest.mark.parametrize("n", [2, 10])
def test_a_guess_is_identified_at_chance(n):
    scores = np.random.default_rng(0).random((4000, 20))
    found = [n_way_identification(row[0], row[1:], n) for row in scores]
    assert np.mean(found) == pytest.approx(1 / n, abs=0.02)


@pytest.mark.parametrize(("n", "k"), [(50, 1), (50, 5), (100, 5)])
def test_a_guess_is_classified_at_chance(n, k):
    rng = np.random.default_rng(0)
    found = [
        top_k_accuracy(n_way_places(rng.random(200), int(rng.integers(200)), n, 20, rng), k)
        for _ in range(600)
    ]
    assert np.mean(found) == pytest.approx(k / n, abs=0.02)


def test_draws_come_to_the_expected_accuracy():
    rng = np.random.default_rng(3)
    probabilities = rng.random(200)
    for true_class in (int(i) for i in np.argsort(probabilities)[[-3, -8, -30]]):
        better = int((probabilities > probabilities[true_class]).sum())
        places = n_way_places(probabilities, true_class, 20, 4000, rng)
        for k in (1, 3):
            expected = expected_top_k(better, 200, 20, k)
            assert top_k_accuracy(places, k) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("n", [1, 11])
def test_more_ways_than_classes_are_refused(n):
    with pytest.raises(DataError, match="2 to the classifier's 10 classes"):
        n_way_places(np.full(10, 0.1), 0, n, 5, np.random.default_rng(0))
