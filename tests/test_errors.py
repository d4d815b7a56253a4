import errno
from gzip import BadGzipFile
from pathlib import Path

import pytest

from mindvis_gui.data.hdf5 import damage_reported
from mindvis_gui.errors import DataError, reason_of, refusal_of


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


@pytest.mark.parametrize(
    "error", [BadGzipFile("no gzip file"), ValueError("errno = 5"), KeyError(5)]
)
def test_content_that_makes_no_sense_was_not_refused_by_the_system(error):
    assert refusal_of(error) == ""


def test_what_the_system_says_is_told_alone():
    assert "(Input/output error)" in refusal_of(OSError(errno.EIO, "Input/output error", "a.npz"))
