from itertools import permutations, product

import numpy as np
import pytest

from mindvis_gui.data.plane import planes

SIZES = (4, 6, 9)  # of the grid along x, y and z of the world
MM = (2.0, 3.0, 1.5)  # grid spacing along them


def grid(axes: tuple[int, ...], signs: tuple[int, ...]) -> tuple[tuple[int, ...], np.ndarray]:
    """Return shape and affine of a grid whose axis `axes[w]` runs along world axis w."""
    shape, affine = [0, 0, 0], np.zeros((4, 4))
    for world, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        shape[axis] = SIZES[world]
        affine[world, axis] = sign * MM[world]
        affine[world, 3] = (
            10.0 * world if sign > 0 else 10.0 * world + MM[world] * (SIZES[world] - 1)
        )
    affine[3, 3] = 1
    return (shape[0], shape[1], shape[2]), affine


@pytest.mark.parametrize("axes", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_each_of_the_48_orientations_draws_a_marked_voxel_where_its_mm_say(axes, signs):
    shape, affine = grid(axes, signs)
    marked = (1, 4, 7)  # in steps from the left, posterior, inferior corner
    mm = np.array([10.0 * w for w in range(3)]) + np.array(marked) * MM
    voxel = tuple(np.rint(np.linalg.solve(affine[:3, :3], mm - affine[:3, 3])).astype(int))
    volume = np.zeros(shape, dtype=np.uint8)
    volume[voxel] = 1
    for plane, (x, y) in zip(planes(shape, affine), ((1, 2), (0, 2), (0, 1)), strict=True):
        picture = plane.slice(volume, voxel[plane.through])
        assert np.argwhere(picture).tolist() == [[marked[y], marked[x]]], plane.name
        position = plane.position(voxel)
        assert position == ((marked[x] + 0.5) * MM[x], (marked[y] + 0.5) * MM[y])
        assert plane.voxel(*position, voxel) == voxel


def test_neurological_has_the_left_of_the_brain_on_the_left():
    sagittal, coronal, axial = planes((4, 6, 9), np.diag([2.0, 3.0, 1.5, 1.0]))
    assert sagittal.edges == ("P", "A", "I", "S")
    assert coronal.edges == ("L", "R", "I", "S")
    assert axial.edges == ("L", "R", "P", "A")


def test_radiological_mirrors_left_and_right_but_not_the_sagittal_plane():
    shape, affine = (4, 6, 9), np.diag([2.0, 3.0, 1.5, 1.0])
    sagittal, coronal, axial = planes(shape, affine, radiological=True)
    assert sagittal == planes(shape, affine)[0]
    assert coronal.edges[:2] == axial.edges[:2] == ("R", "L")
    volume = np.zeros(shape)
    volume[0, 2, 3] = 1  # far left
    assert np.argwhere(axial.slice(volume, 3)).tolist() == [[2, 3]]


def test_an_oblique_grid_is_drawn_along_its_nearest_axes():
    angle = np.deg2rad(20)
    turn = np.array(
        [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([2.0, 2.0, 3.0])
    axial = planes((5, 6, 7), affine)[2]
    assert (axial.across, axial.up, axial.through) == (0, 1, 2)
    assert axial.spacing == pytest.approx((2.0, 2.0))


@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_a_window_shows_the_box_of_the_grid(signs):
    shape, box = (5, 6, 7), (slice(1, 3), slice(0, 4), slice(5, 7))
    volume = np.zeros(shape, np.int32)
    volume[box] = 1
    for radiological in (False, True):
        for plane in planes(shape, np.diag([*signs, 1.0]), radiological=radiological):
            picture = plane.slice(volume, box[plane.through].start)
            seen = np.zeros_like(picture)
            seen[plane.window(box)] = 1
            assert np.array_equal(seen, picture)
