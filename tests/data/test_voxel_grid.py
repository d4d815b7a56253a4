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
