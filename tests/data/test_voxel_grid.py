import numpy as np
import pytest

from mindvis_gui.data.voxel_grid import infer_grid

LOW = np.array([-70.5, -104.0, -49.2])
LINE = np.array([0.0, 1, 2, 3])


def along_x(*steps):
    """Return positions 3 mm times `steps` apart along x, in two rows of y and of z."""
    mm = [(3 * x, 3.0 * y, 3.0 * z) for x in steps for y in (0, 1) for z in (0, 1)]
    return np.array(mm) + LOW


def test_positions_that_were_rounded_lie_on_their_grid():
    ijk = np.stack(np.unravel_index(np.arange(9 * 8 * 7), (9, 8, 7)), axis=1)
    found, affine = infer_grid((ijk * [2.348, 3.462, 3.0]).round(2) + LOW)
    np.testing.assert_array_equal(found, ijk)
    np.testing.assert_allclose(np.diag(affine)[:3], [2.348, 3.462, 3.0], atol=0.01)
    np.testing.assert_allclose(affine[:3, 3], LOW)


def turned(degrees, axis):
    """Return the rotation (3, 3) about an axis."""
    one, other = [each for each in range(3) if each != axis]
    rotation = np.eye(3)
    rotation[[one, other], [one, other]] = np.cos(np.radians(degrees))
    rotation[[one, other], [other, one]] = np.sin(np.radians(degrees)) * np.array([-1, 1])
    return rotation


def cortex(share):
    """Return ijk of that share of a shell with two halves apart, as of a visual cortex."""
    shape = np.array([40, 30, 36])
    ijk = np.stack(np.unravel_index(np.arange(shape.prod()), shape), axis=1)
    away = (ijk - (shape - 1) / 2) / (shape / 2)
    radius = np.linalg.norm(away, axis=1)
    inside = (radius < 1) & (radius > 0.65) & (np.abs(away[:, 0]) > 0.2) & (away[:, 1] < 0.2)
    return ijk[inside & (np.random.default_rng(0).random(len(ijk)) < share)]


@pytest.mark.parametrize("share", [1, 0.15])
@pytest.mark.parametrize("decimals", [6, 2, 1])
@pytest.mark.parametrize(
    "rotation", [np.eye(3), turned(4, 0), turned(-20, 0) @ turned(7, 2)], ids=["0", "4", "20"]
)
@pytest.mark.parametrize("steps", [(1.8, 1.8, 1.8), (2.348, 3.462, 3.0), (1.719, 1.719, 2.4)])
def test_rounded_positions_of_any_grid_lie_on_it(steps, rotation, decimals, share):
    ijk = cortex(share)
    mm = (ijk @ (rotation * steps).T + LOW).round(decimals)
    found, affine = infer_grid(mm)
    np.testing.assert_array_equal(found, ijk - ijk.min(axis=0))
    np.testing.assert_allclose(affine[:3, :3], rotation * steps, atol=2e-3)
    rounding = 10.0**-decimals
    np.testing.assert_allclose(found @ affine[:3, :3].T + affine[:3, 3], mm, atol=1.5 * rounding)


@pytest.mark.parametrize("decimals", [6, 1])
def test_positions_anywhere_are_on_no_grid(decimals):
    rng = np.random.default_rng(0)
    assert infer_grid(rng.uniform(-60, 60, size=(2000, 3)).round(decimals)) is None
    beside = cortex(1) @ (turned(20, 0) * 2.4).T
    beside[7] += [0.9, 0, 0]
    assert infer_grid(beside.round(decimals)) is None


@pytest.mark.parametrize("beside", [0.2, -0.2])
def test_a_position_beside_the_grid_is_on_none(beside):
    assert infer_grid(along_x(*LINE)) is not None
    assert infer_grid(along_x(*LINE, 4 + beside)) is None


def test_one_position_that_is_none_is_enough_to_refuse():
    for value in (np.nan, np.inf, 2e4):
        mm = along_x(*LINE)
        mm[5, 1] = value
        assert infer_grid(mm) is None


def test_a_grid_larger_than_any_brain_is_refused():
    far = np.array([[0, 0, 0], [0.2, 0.2, 0.2], [9000, 9000, 9000]])
    assert infer_grid(far) is None
