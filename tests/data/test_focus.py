"""Which patches a focus holds, and what they weigh."""

import pytest

from mindvis_gui.data.focus import Focus
from mindvis_gui.errors import RequestError


def test_range_of_voxels_is_rounded_down_to_whole_patches_as_published():
    assert Focus.on_range(0, 1500, 16).patches == tuple(range(93))  # 1500 / 16 = 93.75
    assert Focus.on_range(20, 50, 16).patches == (1, 2)


def test_region_takes_every_patch_that_holds_one_of_its_voxels():
    assert Focus.on_voxels([3, 4, 40, 1500], 16).patches == (0, 2, 93)


def test_weights_are_the_published_ones():
    weights = Focus.on_range(16, 48, 16).weights(5)
    assert weights == pytest.approx([0.4, 0.6, 0.6, 0.4, 0.4])
    assert Focus((1,), rate=0.8).weights(2) == pytest.approx([0.2, 0.8])


@pytest.mark.parametrize("rate", [0.0, 1.0, -1.0, float("nan")])
def test_rates_that_make_no_sense(rate):
    with pytest.raises(RequestError, match="focus rate"):
        Focus((0,), rate)


@pytest.mark.parametrize(("first", "last"), [(5, 5), (9, 3), (-1, 20)])
def test_ranges_that_are_none(first, last):
    with pytest.raises(RequestError, match="are no range"):
        Focus.on_range(first, last, 16)


def test_range_within_one_patch():
    with pytest.raises(RequestError, match="holds no patch"):
        Focus.on_range(17, 20, 16)


@pytest.mark.parametrize("patches", [(5,), (-1, 2)])
def test_patches_that_do_not_exist(patches):
    with pytest.raises(RequestError, match="response has patches 0 to 4"):
        Focus(patches).weights(5)
