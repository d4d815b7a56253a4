import tempfile

import numpy as np
import pytest

from mindvis_gui.data.scratch import ReadOnce, ScratchRows
from mindvis_gui.errors import DataError

VALUES = np.random.default_rng(0).normal(size=(20, 7)).astype(np.float32)


@pytest.mark.parametrize("most", [0, 200, 1 << 20])
def test_rows_come_back_from_memory_or_file(most):
    rows = ScratchRows(iter(np.split(VALUES, [3, 3, 11])), 7, most_bytes=most)
    for chosen in ([0], [19, 2, 2], [], list(range(20))):
        assert np.array_equal(rows(np.array(chosen, dtype=np.int64)), VALUES[chosen])


def test_a_full_disk_is_one_sentence(monkeypatch):
    class Full:
        def write(self, content):
            raise OSError(28, "No space left on device")

        def close(self):
            pass

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(DataError, match=r"No space left on device.*set TMPDIR"):
        ScratchRows([VALUES], 7, most_bytes=0)


def test_rows_are_made_once_when_asked_for():
    made = []

    def make():
        made.append(1)
        return ScratchRows([VALUES], 7)

    rows = ReadOnce(make)
    assert not made
    rows(np.array([1]))
    assert np.array_equal(rows(np.array([4])), VALUES[[4]])
    assert made == [1]
