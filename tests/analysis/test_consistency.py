import numpy as np
import pytest

from mindvis_gui.analysis.consistency import consistency


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (16, 16, 3), dtype=np.uint8) for _ in range(4)]


def test_mean_spread_and_similarity_are_those_of_numpy(pictures):
    found = consistency(pictures)
    values = np.stack(pictures).astype(float)
    np.testing.assert_array_equal(found.mean, np.round(values.mean(axis=0)).astype(np.uint8))
    np.testing.assert_allclose(found.spread, values.std(axis=0).mean(axis=-1), rtol=1e-5)
    expected = np.corrcoef(values.reshape(4, -1))
    np.testing.assert_allclose(found.similarity, expected, atol=1e-5)
    pairs = [expected[i, j] for i in range(4) for j in range(i)]
    assert found.agreement == pytest.approx(np.mean(pairs), abs=1e-5)


def test_same_pictures_agree_fully(pictures):
    found = consistency([pictures[0]] * 3)
    assert found.spread.max() == 0
    assert found.agreement == pytest.approx(1)


def test_extremes_have_the_largest_spread():
    black, white = np.zeros((4, 4, 3), np.uint8), np.full((4, 4, 3), 255, np.uint8)
    assert consistency([black, white]).spread.max() == pytest.approx(127.5)


def test_pictures_are_brought_to_the_size_of_the_first():
    small, large = np.full((8, 12, 3), 40, np.uint8), np.full((32, 16, 3), 60, np.uint8)
    np.testing.assert_array_equal(consistency([small, large]).mean, np.full((8, 12, 3), 50))
    np.testing.assert_array_equal(consistency([large, small]).mean, np.full((32, 16, 3), 50))


def test_one_picture_says_nothing(pictures):
    assert consistency(pictures[:1]) is None
