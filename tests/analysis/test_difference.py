import numpy as np

from mindvis_gui.analysis.difference import difference_map


def test_it_is_the_mean_over_colours_without_wrapping_around():
    a = np.zeros((2, 3, 3), np.uint8)
    b = a.copy()
    b[1, 2] = (30, 0, 255)
    expected = np.zeros((2, 3), np.float32)
    expected[1, 2] = 95
    assert np.array_equal(difference_map(a, b), expected)
    assert np.array_equal(difference_map(b, a), expected)
