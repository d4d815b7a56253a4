from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from mindvis_gui.data.plane import planes
from mindvis_gui.views.blending import over
from mindvis_gui.views.colour_maps import packed, unpacked
from mindvis_gui.views.layers import compose
from mindvis_gui.views.slice_picture import PlaneImage

SHAPE = (9, 8, 7)


class Patch:
    """A layer of random colours in some rows and columns."""

    def __init__(self, rows, columns, rng):
        self.rows, self.columns = slice(*rows), slice(*columns)
        size = self.rows.stop - self.rows.start, self.columns.stop - self.columns.start
        self.colours = packed(rng.integers(0, 256, (*size, 4), dtype=np.uint8))

    def window(self, grid, plane):
        return self.rows, self.columns

    def picture(self, grid, plane, index):
        return self.colours.copy()

    @property
    def whole(self):
        whole = np.zeros((7, 8), np.uint32)
        whole[self.rows, self.columns] = self.colours
        return whole


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


@pytest.mark.parametrize(
    "windows",
    [
        [((1, 5), (2, 6)), ((3, 7), (0, 4))],  # overlap
        [((0, 2), (0, 2)), ((4, 7), (5, 8)), ((0, 7), (0, 8))],  # apart, and all
        [((0, 7), (0, 8)), ((2, 3), (3, 4))],
        [((3, 3), (0, 8)), ((1, 4), (1, 4))],  # without pixels
        [((5, 5), (2, 2))],
    ],
)
def test_layers_are_laid_over_each_other_wherever_they_are(windows):
    rng = np.random.default_rng(0)
    layers = [Patch(*window, rng) for window in windows]
    expected = np.zeros((7, 8), np.uint32)
    for layer in layers:
        expected = over(layer.whole, expected)
    plane = planes(SHAPE, np.diag([1.0, -1, 1, 1]))[0]  # sagittal, its columns mirrored
    picture, window = compose(layers, SimpleNamespace(shape=SHAPE), plane, 0)
    assert np.array_equal(picture, expected)
    inside = np.zeros(picture.shape, bool)
    inside[window] = True
    assert not picture[~inside].any()


def test_a_picture_is_drawn_alike_whole_or_in_its_window():
    colours = np.zeros((6, 8), np.uint32)
    colours[2:5, 1:4] = packed(np.random.default_rng(1).integers(0, 256, (3, 3, 4), dtype=np.uint8))
    drawn = []
    for window in (None, (slice(2, 5), slice(1, 4))):
        item, image = PlaneImage(), QImage(61, 47, QImage.Format.Format_RGB32)
        item.place(QRectF(3, 2, 48, 36))
        item.set_colours(colours, window)
        image.fill(QColor("grey"))
        painter = QPainter(image)
        item.paint(painter, None)
        painter.end()
        drawn.append(image)
    assert drawn[0] == drawn[1]
    assert drawn[0].pixelColor(2, 2) != drawn[0].pixelColor(3 + 6 * 2, 2 + 6 * 3)
