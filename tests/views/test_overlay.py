import numpy as np

from mindvis_gui.views.overlay import (
    diverging_colours,
    diverging_table,
    region_labels,
    region_table,
    sequential_colours,
)
from mindvis_gui.views.theme import roi_colours


def test_a_place_without_a_voxel_is_transparent(subject):
    table = diverging_table(np.ones(5, np.float32), 2.0, 0.0)
    assert table.shape == (6, 4)
    assert table[np.array([-1, 0])].tolist()[0] == [0, 0, 0, 0]
    labels = region_labels(subject, frozenset({"V1"}))
    assert region_table(subject, labels, roi_colours(subject))[-1].tolist() == [0, 0, 0, 0]


def test_values_below_the_threshold_and_nan_are_transparent():
    values = np.array([-2.0, -0.4, 0.0, np.nan, 0.6], np.float32)
    assert diverging_table(values, 3.0, 0.5)[:, 3].tolist() == [255, 0, 0, 0, 255, 0]


def test_signs_differ_in_hue_and_values_beyond_the_range_take_its_end():
    low, middle, high, beyond = diverging_colours(np.array([-0.5, 0, 0.5, 7], np.float32)).tolist()
    assert low[2] > low[0]
    assert high[0] > high[2]
    assert sum(middle) < sum(low)
    assert beyond == diverging_colours(np.array([1], np.float32)).tolist()[0]


def test_only_visible_regions_are_coloured(subject):
    labels = region_labels(subject, frozenset({"V2"}))
    assert set(np.flatnonzero(labels)) == set(subject.roi("V2").voxels.tolist())
    table = region_table(subject, labels, roi_colours(subject))
    colour = roi_colours(subject)["V2"]
    assert table[subject.roi("V2").voxels[0]].tolist() == [*colour.getRgb()[:3], 255]


def test_sequential_colours_get_lighter():
    light = sequential_colours(np.linspace(0, 1, 9, dtype=np.float32)).sum(axis=1).tolist()
    assert light == sorted(light)
    assert light[0] < light[-1]
