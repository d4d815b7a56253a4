"""Some mutants of every format; `python -m tests.data.fuzz --count 2000` opens many more."""

import os

import pytest

pytest.importorskip("resource", reason="mutants are bounded by limits that only POSIX has")

from tests.data.fuzz import ALL_MAKERS, fuzz

COUNT = int(os.environ.get("MINDVIS_FUZZ_COUNT", "60"))
SECONDS_A_THOUSAND = 300  # far more than any format needs


@pytest.mark.timeout(120 + SECONDS_A_THOUSAND * COUNT // 1000)
@pytest.mark.parametrize("name", ALL_MAKERS)
def test_mutants_are_refused_or_open(name):
    outcome = fuzz(name, COUNT)
    assert outcome.failures == []
    assert outcome.counts["refused"] > COUNT // 8  # of large files most bytes are values
    assert outcome.counts.total() == COUNT
