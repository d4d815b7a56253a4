from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mindvis_gui.analysis.metrics import (
    TWO_WAY_CHANCE,
    pixel_correlation,
    rank,
    rank_chance,
    structural_similarity,
    two_way_identification,
)
from mindvis_gui.errors import DataError

GOLDEN = Path(__file__).parents[1] / "data_golden" / "15_metrics.npz"
METRICS = {"pcc": pixel_correlation, "ssim": structural_similarity}
pictures = hnp.arrays(np.uint8, (8, 9, 3))


@pytest.fixture(scope="module")
def golden():
    with np.load(GOLDEN) as file:
        return dict(file)


@pytest.mark.parametrize("name", METRICS)
def test_values_are_those_of_the_published_code(golden, name):
    found = [METRICS[name](p, g) for p, g in zip(golden["pred"], golden["gt"], strict=True)]
    np.testing.assert_allclose(found, golden[f"value_{name}_u8_f64"], atol=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_two_way_identification_is_the_published_pair_wise_score(golden, name):
    found = []
    for i, image in enumerate(golden["pred"]):
        scores = np.array([METRICS[name](image, seen) for seen in golden["gt"]])
        found.append(two_way_identification(scores[i], np.delete(scores, i)))
    np.testing.assert_array_equal(found, golden[f"pairwise_{name}_u8_f64"])


def test_pair_wise_scores_that_are_not_all_one(golden):
    # The published squared error wraps around on bytes, which makes a score with some variety.
    found = []
    for i, image in enumerate(golden["pred"]):
        scores = np.array([-np.mean(np.square(image - seen)) for seen in golden["gt"]])
        found.append(two_way_identification(scores[i], np.delete(scores, i)))
    np.testing.assert_allclose(found, golden["pairwise_mse_u8_f64"])


@given(pictures, pictures)
def test_pixel_correlation_is_numpys(a, b):
    if a.std() == 0 or b.std() == 0:
        assert pixel_correlation(a, b) == 0
    else:
        expected = np.corrcoef(a.ravel(), b.ravel())[0, 1]
        assert pixel_correlation(a, b) == pytest.approx(expected, abs=2e-6)


@given(pictures)
def test_a_picture_is_most_like_itself(image):
    assert structural_similarity(image, image) == pytest.approx(1)
    if image.std() > 0:
        assert pixel_correlation(image, image) == pytest.approx(1)
        assert pixel_correlation(image, 255 - image) == pytest.approx(-1)


def test_unrelated_pixels_correlate_at_chance():
    rng = np.random.default_rng(0)
    scores = [
        pixel_correlation(*rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)) for _ in range(50)
    ]
    assert np.mean(scores) == pytest.approx(0, abs=0.01)


@given(hnp.arrays(np.float64, st.integers(1, 20), elements=st.floats(-1, 1)), st.floats(-1, 1))
def test_rank_and_two_way_identification_agree(others, own):
    n = others.size + 1
    assert 1 <= rank(own, others) <= n
    assert two_way_identification(own, others) == pytest.approx((n - rank(own, others)) / (n - 1))


def test_a_guess_scores_at_chance():
    scores = np.random.default_rng(1).random((4000, 10))
    ranks = [rank(row[0], row[1:]) for row in scores]
    two_way = [two_way_identification(row[0], row[1:]) for row in scores]
    assert np.mean(ranks) == pytest.approx(rank_chance(10), abs=0.15)
    assert np.mean(two_way) == pytest.approx(TWO_WAY_CHANCE, abs=0.02)


def test_ties_count_against_the_sample():
    assert rank(0.0, np.zeros(49)) == 50


def test_pictures_of_different_size_are_refused():
    small, large = np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)
    for metric in METRICS.values():
        with pytest.raises(DataError, match=r"\(8, 8, 3\) and \(8, 9, 3\)"):
            metric(small, large)


def test_ssim_says_when_a_picture_is_too_small():
    tiny = np.zeros((6, 8, 3), np.uint8)
    with pytest.raises(DataError, match="at least 7 × 7 pixels, not 6 × 8"):
        structural_similarity(tiny, tiny)


def test_two_way_identification_needs_another_stimulus():
    with pytest.raises(DataError, match="at least one other"):
        two_way_identification(0.5, np.array([]))
