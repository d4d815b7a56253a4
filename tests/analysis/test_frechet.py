import numpy as np
import pytest
from scipy.linalg import sqrtm

from mindvis_gui.analysis.frechet import frechet_distance
from mindvis_gui.errors import DataError


def test_it_is_the_formula_with_a_matrix_square_root():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(60, 5)) @ rng.normal(size=(5, 5)), rng.normal(1, 2, size=(40, 5))
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = sqrtm(first @ second).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(first + second - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a))


def test_a_shift_costs_its_square_and_nothing_else():
    a = np.random.default_rng(1).normal(size=(50, 3))
    assert 0 <= frechet_distance(a, a) < 1e-9
    assert frechet_distance(a, a + np.array([3, 0, 4])) == pytest.approx(25)


def test_singular_covariances_are_no_failure():
    a = np.random.default_rng(2).normal(size=(4, 20))
    assert 0 <= frechet_distance(a, a) < 1e-9


def test_one_picture_has_no_covariance():
    with pytest.raises(DataError, match="two pictures or more of each kind, not 1 and 5"):
        frechet_distance(np.zeros((1, 3)), np.zeros((5, 3)))
