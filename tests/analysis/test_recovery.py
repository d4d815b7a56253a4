import numpy as np
import pytest

from mindvis_gui.analysis.recovery import interpolation_baseline, recovery_by_region
from mindvis_gui.data.subject import Roi


def test_a_straight_line_is_recovered_from_its_ends():
    vector = np.linspace(-1, 1, 40, dtype=np.float32)
    kept = np.zeros(40, bool)
    kept[[0, 39]] = True
    assert interpolation_baseline(vector, kept) == pytest.approx(1.0)


def test_it_agrees_with_a_correlation_by_hand():
    vector = np.array([0, 5, 2, -1, 4, 3, 6], np.float32)
    kept = np.array([True, False, True, False, True, False, True])
    guess = [1.0, 3.0, 5.0]  # half-way between the neighbours
    assert interpolation_baseline(vector, kept) == pytest.approx(
        np.corrcoef(guess, [5, -1, 3])[0, 1]
    )


@pytest.mark.parametrize("n_masked", [0, 1, 8])
def test_it_is_undefined_without_two_masked_voxels_or_a_kept_one(n_masked):
    kept = np.arange(8) >= n_masked
    assert np.isnan(interpolation_baseline(np.arange(8, dtype=np.float32), kept))


def test_regions_are_correlated_over_their_masked_voxels_alone():
    vector = np.array([1, 2, 3, 9, 5, 4, 3, 2], np.float32)
    recovered = np.array([2, 4, 6, -50, 5, 7, 1, 2], np.float32)
    kept = np.zeros(8, bool)
    kept[3] = True
    few = Roi("one", np.array([2, 3])), Roi("none", np.array([3]))
    rois = (Roi("a", np.arange(4)), Roi("b", np.arange(4, 8)), *few)
    found = recovery_by_region(vector, recovered, kept, rois)
    small = recovery_by_region(vector, recovered * np.float32(1e-3), kept, rois)
    assert small == pytest.approx(found, nan_ok=True)
    assert found["a"] == pytest.approx(1.0)
    assert found["b"] == pytest.approx(np.corrcoef(vector[4:], recovered[4:])[0, 1])
    assert np.isnan([found["one"], found["none"]]).all()


@pytest.mark.parametrize("flat", ["vector", "recovered"])
def test_what_does_not_vary_correlates_with_nothing(flat):
    values = {"vector": np.arange(4.0), "recovered": np.arange(4.0) ** 2, flat: np.full(4, 0.1)}
    as_float32 = {name: each.astype(np.float32) for name, each in values.items()}
    rois = (Roi("a", np.arange(4)), Roi("two", np.array([1, 2])))
    found = recovery_by_region(**as_float32, kept=np.zeros(4, bool), rois=rois)
    assert np.isnan([found["a"], found["two"]]).all()


def test_two_masked_voxels_are_enough():
    vector = np.array([0, 1, 2, 4, 4], np.float32)
    kept = np.array([True, False, True, False, True])
    assert interpolation_baseline(vector, kept) == pytest.approx(1.0)
    found = recovery_by_region(vector, -vector, kept, (Roi("a", np.arange(5)),))
    assert found == {"a": pytest.approx(-1.0)}
