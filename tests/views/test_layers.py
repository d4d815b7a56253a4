import numpy as np

from mindvis_gui.views.colour_maps import packed, unpacked
from mindvis_gui.views.layers import over


def pack(*colours):
    return packed(np.array(colours, np.uint8))


def test_colours_are_mixed_by_their_opacity():
    red, half_blue, none = (255, 0, 0, 255), (0, 0, 255, 128), (0, 0, 0, 0)
    upper = pack(half_blue, half_blue, none, none, red)
    lower = pack(red, none, red, none, half_blue)
    assert unpacked(over(upper, lower)).tolist() == [
        [127, 0, 128, 255], [0, 0, 128, 128], [255, 0, 0, 255], [0, 0, 0, 0], [255, 0, 0, 255],
    ]  # fmt: skip


def test_two_that_are_half_seen_hide_more_than_one():
    grey = (100, 100, 100, 128)
    assert unpacked(over(pack(grey), pack(grey))).tolist() == [[75, 75, 75, 192]]
