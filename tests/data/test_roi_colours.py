"""Colours of regions are told apart, also by eyes that lack one kind of cones."""

import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from mindvis_gui.data.roi_colours import ROI_COLOURS, roi_colours
from mindvis_gui.data.subject import Roi

# Machado, Oliveira & Fernandes (2009), severity 1, of linear RGB.
SEEN = {
    "with all cones": np.eye(3),
    "without red": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "without green": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "without blue": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def colours(count):
    rois = [Roi(f"r{i}", np.arange(3)) for i in range(count)]
    return list(roi_colours(rois).values())


def closest(count, seen):
    """Return the CIEDE2000 of the two of the first colours that look most alike."""
    channels = [[int(code[at : at + 2], 16) for at in (1, 3, 5)] for code in colours(count)]
    rgb = np.array(channels) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ np.array(SEEN[seen]).T, 0, 1)
    shown = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    lab = rgb2lab(shown[None])[0]
    apart = deltaE_ciede2000(lab[:, None], lab[None])
    return apart[~np.eye(count, dtype=bool)].min()


def test_the_first_are_those_of_okabe_and_ito():
    assert colours(7) == list(ROI_COLOURS)


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize(("count", "least"), [(7, 10), (14, 8), (26, 6), (40, 4.5)])
def test_no_two_look_alike(seen, count, least):
    assert closest(count, seen) > least


def test_no_colour_comes_twice_among_a_hundred_regions():
    assert len(set(colours(100))) == 100


def test_a_colour_that_was_chosen_stays():
    rois = [Roi("a", np.arange(3)), Roi("b", np.arange(3), made="sphere", colour="#123456")]
    assert roi_colours(rois)["b"] == "#123456"
