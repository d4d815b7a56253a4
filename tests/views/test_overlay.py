import numpy as np

from mindvis_gui.views.overlay import region_labels, region_table, sequential_colours
from mindvis_gui.views.theme import roi_colours


def test_a_place_without_a_voxel_is_transparent(subject):
    labels = region_labels(subject, frozenset({"V1"}))
    assert region_table(subject, labels, roi_colours(subject))[-1].tolist() == [0, 0, 0, 0]


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
