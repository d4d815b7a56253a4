import numpy as np
from PySide6.QtGui import QColor, QImage

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


def test_colours_are_packed_as_qt_draws_them():
    image = QImage(1, 1, QImage.Format.Format_RGBA8888)
    image.setPixelColor(0, 0, QColor(200, 100, 50, 128))
    drawn = image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
    assert pack((200, 100, 50, 128))[0] == np.frombuffer(drawn.constBits(), np.uint32)[0]


def test_mixing_is_exact_to_the_nearest_in_every_channel():
    rng = np.random.default_rng(0)
    upper, lower = packed(rng.integers(0, 256, (2, 5000, 4), dtype=np.uint8))
    keep = 255.0 - unpacked(upper)[:, 3:]
    expected = unpacked(upper) + np.floor(unpacked(lower) * keep / 255 + 0.5)
    assert np.array_equal(unpacked(over(upper, lower)), expected)
