from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mindvis_gui.data.grid import DisplayGrid, grey_levels
from mindvis_gui.data.subject import Subject, Volume
from mindvis_gui.errors import DataError


def brute_force(grid: DisplayGrid, subject: Subject) -> np.ndarray:
    """Look up every grid point by its mm, one by one."""
    at = {tuple(voxel): n for n, voxel in enumerate(subject.ijk.tolist())}
    result = np.full(grid.shape, -1)
    to_voxel = np.linalg.inv(subject.affine)
    for point in np.ndindex(grid.shape):
        mm = np.append(grid.to_mm(point), 1)
        result[point] = at.get(tuple(np.rint(to_voxel @ mm)[:3].astype(int).tolist()), -1)
    return result


def affine(step: float, angle: float, origin: tuple[float, float, float]) -> np.ndarray:
    """Return steps of `step` mm, turned about the x axis by `angle` radians."""
    matrix = np.eye(4)
    c, s = np.cos(angle), np.sin(angle)
    matrix[:3, :3] = step * np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    matrix[:3, 3] = origin
    return matrix


def small(subject: Subject, voxel_affine, anatomy_affine=None) -> Subject:
    block = np.argwhere(np.ones((4, 4, 4))) + np.array([2, 3, 4])
    ijk = block[np.random.default_rng(1).permutation(64)[:50]]
    data = np.arange(2184.0).reshape(12, 13, 14)
    volume = None if anatomy_affine is None else Volume(data, anatomy_affine)
    return replace(subject, ijk=ijk, n_voxels=50, rois=(), affine=voxel_affine, anatomy=volume)


@pytest.mark.parametrize("angle", [0.0, 0.3, -0.7])
@pytest.mark.parametrize("step", [1.1, 2.0, 3.3])
def test_every_grid_point_finds_the_voxel_of_its_mm(subject, angle, step):
    voxel_affine = affine(2.0, angle, (-9.3, 4.2, 1.7))
    subject = small(subject, voxel_affine, affine(step, 0.1, (-8.0, 2.0, 0.1)))
    grid = DisplayGrid.of(subject)
    expected = brute_force(grid, subject)
    assert (expected >= 0).any()
    assert np.array_equal(grid.voxel_at, expected)
    assert (grid.voxel_at[grid.box] >= 0).sum() == (expected >= 0).sum()


def test_without_anatomy_the_grid_is_that_of_the_voxels_with_a_margin(subject):
    subject = small(subject, affine(3.0, 0.2, (1, 2, 3)))
    grid = DisplayGrid.of(subject)
    assert grid.shape == (8, 8, 8)
    assert not grid.anatomy.any()
    for voxel, ijk in enumerate(subject.ijk):
        point = grid.voxel_position(voxel)
        assert np.allclose(grid.to_mm(point), (subject.affine @ [*ijk, 1])[:3])
    assert (grid.voxel_at >= 0).sum() == 50
    assert grid.voxel_at.flat[0] == -1


def turned(order, signs, tilt) -> np.ndarray:
    """Return steps of 2, 3 and 2.5 mm whose axes run along the world's in any order and sense."""
    steps = np.zeros((3, 3))
    for world, (axis, sign) in enumerate(zip(order, signs, strict=True)):
        steps[world, axis] = sign * (2.0, 3.0, 2.5)[world]
    matrix = np.eye(4)
    matrix[:3, :3] = affine(1.0, tilt, (0, 0, 0))[:3, :3] @ steps
    matrix[:3, 3] = (7.0, -11.0, 5.0)
    return matrix


@pytest.mark.parametrize("tilt", [0.0, 0.35])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_marked_voxel_is_where_its_mm_say_in_all_48_orientations(subject, order, tilt):
    for signs in product((1, -1), repeat=3):
        whole = small(subject, turned(order, signs, tilt))
        for anatomy in (None, Volume(np.ones((24, 24, 24)), around(whole))):
            grid = DisplayGrid.of(replace(whole, anatomy=anatomy))
            for voxel in (0, 17, 49):
                mm = (whole.affine @ [*whole.ijk[voxel], 1])[:3]
                at = grid.to_mm(grid.voxel_position(voxel))
                assert np.abs(at - mm).max() <= 1.5 + 0.01, (signs, anatomy is None)
                assert grid.voxel_at[grid.to_voxel(tuple(mm))] == voxel


def around(subject) -> np.ndarray:
    """Return the affine of an upright grid of 24 steps of 1 mm around the subject's voxels."""
    mm = subject.ijk @ subject.affine[:3, :3].T + subject.affine[:3, 3]
    matrix = np.eye(4)
    matrix[:3, 3] = np.rint(mm.mean(axis=0)) - 12
    return matrix


def test_shear_is_said(subject):
    sheared = affine(2.0, 0.3, (0, 0, 0))
    assert DisplayGrid.of(small(subject, sheared)).notes == ()
    sheared[:3, 1] += 0.2 * sheared[:3, 0]
    grid = DisplayGrid.of(small(subject, sheared))
    assert grid.shear == pytest.approx(11.3, abs=0.1)
    assert "11°" in grid.notes[0]


def test_voxels_outside_the_anatomy_are_not_drawn(subject):
    far = small(subject, affine(2.0, 0, (500, 0, 0)), affine(2.0, 0, (0, 0, 0)))
    grid = DisplayGrid.of(far)
    assert (grid.voxel_at == -1).all()
    assert grid.voxel_position(0) is None
    assert all(0 <= c < n for c, n in zip(grid.centre, grid.shape, strict=True))


@given(
    st.tuples(*[st.integers(-50, 50)] * 3),
    st.floats(-0.7, 0.7),
    st.floats(0.5, 4),
)
@settings(max_examples=50)
def test_mm_and_grid_points_are_inverse(point, angle, step):
    grid = DisplayGrid(
        np.zeros((2, 2, 2), np.uint8),
        affine(step, angle, (-90, -126, -72)),
        np.zeros((2, 2, 2), np.int32),
        (slice(0, 2),) * 3,
    )
    assert grid.to_voxel(tuple(grid.to_mm(point))) == point
    assert grid.spacing == pytest.approx([step] * 3)


def test_the_centre_is_a_voxel_with_a_response(subject):
    grid = DisplayGrid.of(subject)
    assert grid.voxel_at[grid.centre] >= 0


def test_positions_are_needed(subject):
    with pytest.raises(DataError, match="no voxel positions"):
        DisplayGrid.of(replace(subject, ijk=None))


def test_grid_arrays_are_read_only(subject):
    grid = DisplayGrid.of(subject)
    assert not any(a.flags.writeable for a in (grid.anatomy, grid.affine, grid.voxel_at))


def test_grey_levels_span_the_percentiles():
    data = np.linspace(0, 1000, 27_000).reshape(30, 30, 30)
    grey = grey_levels(data)
    assert grey.dtype == np.uint8
    assert grey.min() == 0
    assert grey.max() == 255
    assert (np.diff(grey.ravel().astype(int)) >= 0).all()
    assert grey.ravel()[13_500] == pytest.approx(255 * (0.5 - 0.02) / 0.975, abs=1.5)


def test_grey_levels_of_broken_or_flat_volumes():
    assert not grey_levels(np.full((4, 4, 4), 7.0)).any()
    data = np.random.default_rng(0).normal(100, 10, (8, 8, 8))
    data[0] = np.nan
    data[1] = np.inf
    data[2] = -np.inf
    grey = grey_levels(data)
    assert not grey[:3].any()
    assert grey[3:].max() == 255


def test_grey_levels_leave_the_data_alone():
    data = np.random.default_rng(0).normal(size=(8, 8, 8)).astype(np.float32)
    before = data.copy()
    data.setflags(write=False)
    grey_levels(data)
    assert np.array_equal(data, before)
