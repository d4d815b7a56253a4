import numpy as np
import pytest

from mindvis_gui.session.overlays import COLOUR_MAPS, Look
from mindvis_gui.views.colour_maps import colour_table, value_colours


def colours(*values, **look):
    return value_colours(np.array(values, np.float32), Look(opacity=1.0, **look))


@pytest.mark.parametrize("name", COLOUR_MAPS)
def test_every_colour_map_has_256_colours(name):
    assert colour_table(name).shape == (256, 3)
    assert colour_table(name).dtype == np.uint8


def test_what_threshold_and_clipping_hide_and_nan_are_transparent():
    values = (-2.0, -0.4, 0.0, np.nan, 0.6, 2.5)
    assert colours(*values, threshold=0.5)[:, 3].tolist() == [255, 0, 0, 0, 255, 255]
    assert colours(*values, clip_low=-1, clip_high=2)[:, 3].tolist() == [0, 255, 255, 0, 255, 0]


def test_signs_differ_in_hue_and_values_beyond_the_range_take_its_end():
    low, middle, high, beyond = colours(-1.5, 0, 1.5, 7)[:, :3].astype(int).tolist()
    assert low[2] > low[0]
    assert high[0] > high[2]
    assert sum(middle) < sum(low)
    assert beyond == colours(3)[0, :3].tolist()


def test_opacity_is_the_alpha_and_a_range_without_width_has_one_colour():
    assert value_colours(np.ones(2, np.float32), Look(opacity=0.4))[:, 3].tolist() == [102, 102]
    assert len(np.unique(colours(0, 1, 2, low=1, high=1), axis=0)) == 1
