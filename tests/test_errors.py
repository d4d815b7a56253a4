from pathlib import Path

import pytest

from mindvis_gui.data.hdf5 import damage_reported
from mindvis_gui.errors import DataError, reason_of


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError("not  a\n\tfile"), "not a file"),
        (ValueError("x" * 300), "x" * 200),
        (MemoryError(), "MemoryError"),
        (ValueError(" \n"), "ValueError"),
    ],
)
def test_an_error_gives_its_reason_in_one_short_line(error, reason):
    assert reason_of(error) == reason


def test_damage_of_which_nothing_is_said_is_called_by_its_kind():
    with (
        pytest.raises(DataError, match=r"damaged or incomplete \(MemoryError\)"),
        damage_reported(Path("a.h5")),
    ):
        raise MemoryError
