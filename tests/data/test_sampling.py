from itertools import permutations, product

import numpy as np
import pytest

from mindvis_gui.data.sampling import GridSampler
from mindvis_gui.data.subject import Volume
from mindvis_gui.errors import DataError

SHAPE = (7, 8, 9)


def rotation(*angles: float) -> np.ndarray:
    """Return a turn about x, y and z by angles in radians."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        a, b = [i for i in range(3) if i != axis]
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


def oriented(order, signs, turn) -> np.ndarray:
    affine = np.eye(4)
    steps = np.zeros((3, 3))
    for world, (axis, sign) in enumerate(zip(order, signs, strict=True)):
        steps[world, axis] = sign * (2.0, 3.0, 2.5)[world]
    affine[:3, :3] = turn @ steps
    affine[:3, 3] = [3.0, -4.0, 5.0] - affine[:3, :3] @ (np.array((5, 6, 7)) // 2)
    return affine


GRID = np.diag([1.5, 1.5, 1.5, 1.0])
GRID[:3, 3] = [-2.03, -10.06, 0.09]  # no point half-way between two voxels


@pytest.mark.parametrize(
    "turn", [rotation(0, 0, 0), rotation(0.2, -0.15, 0.3)], ids=["", "oblique"]
)
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_marked_voxel_is_where_its_mm_say_in_every_orientation(order, turn):
    data = np.arange(5 * 6 * 7, dtype=np.float32).reshape(5, 6, 7)
    points = np.indices(SHAPE).reshape(3, -1)
    mm = GRID[:3, :3] @ points + GRID[:3, 3:]
    for signs in product((1, -1), repeat=3):
        affine = oriented(order, signs, turn)
        voxels = np.rint(np.linalg.solve(affine[:3, :3], mm - affine[:3, 3:])).astype(int)
        inside = ((voxels >= 0) & (voxels < np.array(data.shape)[:, None])).all(axis=0)
        expected = np.full(len(mm.T), np.nan, np.float32)
        expected[inside] = data[tuple(voxels[:, inside])]
        sampler = GridSampler(Volume(data, affine), GRID, SHAPE)
        for axis, count in enumerate(SHAPE):
            whole = np.stack([sampler.slice(axis, index) for index in range(count)], axis=axis)
            assert np.array_equal(whole.ravel(), expected, equal_nan=True), signs
        assert inside.sum() > 50


def test_single_points_agree_with_slices():
    data = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    sampler = GridSampler(
        Volume(data, oriented((1, 0, 2), (1, -1, 1), rotation(0.3, 0, 0))), GRID, SHAPE
    )
    picture = sampler.slice(1, 4)
    points = np.array([(x, 4, z) for x in range(7) for z in range(9)])
    assert np.array_equal(sampler.values(points), picture.ravel(), equal_nan=True)
    assert sampler.at((3, 4, 5)) == pytest.approx(picture[3, 5], nan_ok=True)


def test_a_sheared_volume_is_read_by_its_mm():
    sheared = np.eye(4)
    sheared[0, 1] = 1.0
    data = np.zeros((6, 3, 3), np.float32)
    data[0, 2, 1] = 1
    picture = GridSampler(Volume(data, sheared), np.eye(4), (6, 3, 3)).slice(2, 1)
    assert np.argwhere(picture == 1).tolist() == [[2, 2]]


def test_a_singular_affine_is_refused():
    with pytest.raises(DataError, match="singular"):
        GridSampler(Volume(np.zeros((2, 2, 2)), np.diag([1.0, 0, 1, 1])), np.eye(4), SHAPE)


def test_half_way_between_two_voxels_every_voxel_has_as_many_points():
    line = np.arange(4, dtype=np.float32).reshape(4, 1, 1)
    coarse = np.diag([2.0, 2.0, 2.0, 1.0])
    coarse[0, 3] = 1  # points 0 and 2, 2 and 4, …: each whole one lies half-way
    picture = GridSampler(Volume(line, coarse), np.eye(4), (8, 1, 1)).slice(2, 0)
    assert picture[:, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("order", ["C", "F", "none"])
def test_any_order_of_the_memory_will_do(order):
    data = np.random.default_rng(0).normal(size=(5, 6, 7)).astype(np.float32)
    stored = np.asarray(data, order=order) if order != "none" else np.repeat(data, 2, 1)[:, ::2]
    affine = oriented((1, 0, 2), (1, -1, 1), rotation(0.3, 0.1, 0.2))
    expected = GridSampler(Volume(data, affine), GRID, SHAPE).slice(1, 4)
    assert np.isfinite(expected).any()
    found = GridSampler(Volume(stored, affine), GRID, SHAPE).slice(1, 4)
    assert np.array_equal(found, expected, equal_nan=True)


def test_the_box_holds_the_volume_and_little_more():
    data = np.ones((2, 3, 4), np.float32)
    affine = np.eye(4)
    affine[:3, 3] = [3, 1, 2]
    sampler = GridSampler(Volume(data, affine), np.eye(4), (9, 9, 9))
    whole = np.stack([sampler.slice(0, index) for index in range(9)])
    inside = np.zeros(whole.shape, bool)
    inside[sampler.box] = True
    assert np.isfinite(whole[3:5, 1:4, 2:6]).all()
    assert np.isfinite(whole).sum() == data.size
    assert not np.isfinite(whole[~inside]).any()
    assert inside.sum() <= 4 * 5 * 6


def test_a_volume_beside_the_grid_is_nowhere():
    affine = np.eye(4)
    affine[:3, 3] = 100
    sampler = GridSampler(Volume(np.ones((2, 2, 2), np.float32), affine), np.eye(4), (9, 9, 9))
    assert not np.isfinite(sampler.slice(1, 4)).any()
    assert sampler.picture(1, 4, lambda values: values, np.float32(0)).size == 0
