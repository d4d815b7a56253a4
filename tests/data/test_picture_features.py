import numpy as np
import pytest

from mindvis_gui.data.picture_features import (
    FREQUENCIES,
    MAP_SIDE,
    ORIENTATIONS,
    centred_shape,
    curvature_energy,
    gabor_energy,
    opponent_channels,
    receptive_fields,
    silhouette,
)

ROWS, COLUMNS = np.mgrid[:96, :96]


def grating(frequency, orientation):
    """Return a grating (1, 96, 96) whose bars change along `orientation` (from the right, up)."""
    x, y = COLUMNS / 8, -ROWS / 8  # degrees
    along = x * np.cos(orientation) + y * np.sin(orientation)
    return np.cos(2 * np.pi * frequency * along)[None].astype(np.float32)


def disc(x, y, radius):
    return (np.hypot(COLUMNS - x, ROWS - y) < radius)[None].astype(np.float32)


@pytest.mark.parametrize("band", range(len(FREQUENCIES)))
@pytest.mark.parametrize("orientation", range(ORIENTATIONS))
def test_a_grating_drives_its_own_gabor_most(band, orientation):
    picture = grating(FREQUENCIES[band], np.pi * orientation / ORIENTATIONS)
    energy = {(f, o): maps[0, 12:36, 12:36].mean() for f, o, maps in gabor_energy(picture)}
    assert max(energy, key=lambda key: energy[key]) == (band, orientation)


def test_energy_does_not_depend_on_the_phase():
    maps = next(maps for _, o, maps in gabor_energy(grating(FREQUENCIES[0], 0)) if o == 0)
    assert maps.shape == (1, MAP_SIDE, MAP_SIDE)
    inner = maps[0, 12:36, 12:36]
    assert inner.std() < 0.02 * inner.mean()


def test_uniform_fields_have_no_contours():
    flat = np.full((1, 96, 96), 0.7, dtype=np.float32)
    assert max(np.abs(maps).max() for *_, maps in gabor_energy(flat)) < 1e-4
    assert curvature_energy(flat).max() < 1e-2


def test_energy_is_where_the_contour_is():
    for *_, maps in gabor_energy(disc(24, 70, 8)):
        row, column = np.unravel_index(maps[0].argmax(), maps[0].shape)
        assert np.hypot(column - 12, row - 35) < 8


def test_curvature_is_found_on_discs_not_on_straight_edges():
    edge = (COLUMNS > 48)[None].astype(np.float32)
    inner = slice(8, 40)
    straight = curvature_energy(edge)[0, inner, inner].max()
    assert curvature_energy(disc(48, 48, 10)).max() > 5 * straight


def test_opponent_channels_of_pure_colours():
    colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]], dtype=np.uint8)
    luminance, red_green, blue_yellow = opponent_channels(colours[:, None, None])[..., 0, 0]
    assert np.allclose(luminance, [-1, 1, -0.402, -0.772], atol=1e-3)
    assert np.allclose(red_green, [0, 0, 1, 0])
    assert np.allclose(blue_yellow, [0, 0, -0.5, 1])


def test_the_silhouette_is_what_differs_from_the_border():
    picture = np.full((1, 96, 96, 3), 210, dtype=np.uint8)
    inside = disc(60, 40, 15)[0] > 0
    picture[0, inside] = (200, 30, 40)
    figure = silhouette(picture)[0]
    assert figure[inside].min() > 0.9
    assert figure[~inside].max() == 0


def test_shape_does_not_depend_on_place_or_size():
    shapes = centred_shape(np.concatenate([disc(40, 40, 12), disc(56, 50, 24)]))
    assert shapes.shape == (2, 16, 16)
    assert np.corrcoef(shapes[0].ravel(), shapes[1].ravel())[0, 1] > 0.95
    bar = (np.abs(ROWS - 48) < 6)[None] * disc(48, 48, 40)
    assert np.corrcoef(shapes[0].ravel(), centred_shape(bar).ravel())[0, 1] < 0.8


def test_receptive_fields_lie_right_and_up():
    fields = receptive_fields(np.array([[3.0, 2.0], [0.0, 0.0]]), np.array([0.5, 1.0]))
    assert np.allclose(fields.sum(axis=1), 1)
    row, column = np.unravel_index(fields[0].argmax(), (MAP_SIDE, MAP_SIDE))
    assert abs(column - 36) <= 1
    assert abs(row - 16) <= 1
