from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.data.subject import Roi
from mindvis_gui.session.used_regions import UsedRegions

V1, V2, MADE = (
    Roi("V1", np.arange(3)),
    Roi("V2", np.arange(3, 6)),
    Roi("mine", np.arange(2), made="painted"),
)


@pytest.fixture
def used():
    regions = UsedRegions()
    regions.set_regions((V1, V2))
    return regions


def test_all_regions_of_the_subject_are_the_whole_vector(used):
    assert used.decoded is None
    used.names = frozenset({"V2"})
    assert used.decoded == ("V2",)


def test_renamed_region_stays_in_use(used):
    used.set_regions((V1, V2, MADE))
    used.names = frozenset({"V2", "mine"})
    called = used.follow((V1, V2, replace(MADE, name="ours")))
    assert called["mine"] == "ours"
    assert used.decoded == ("V2", "ours")


def test_region_deleted_in_use_is_in_use_again_when_it_is_back(used):
    used.set_regions((V1, V2, MADE))
    used.names = frozenset({"V2", "mine"})
    used.follow((V1, V2))
    assert used.decoded == ("V2",)
    used.follow((V1, V2, MADE))
    assert used.decoded == ("V2", "mine")


def test_without_the_last_one_used_all_are(used):
    used.set_regions((V1, V2, MADE))
    used.names = frozenset({"mine"})
    used.follow((V1, V2))
    assert used.names == {"V1", "V2"}
