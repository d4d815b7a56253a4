import mmap
import tempfile
import weakref
from io import BytesIO

import numpy as np
import pytest

from mindvis_gui.data import scratch
from mindvis_gui.data.scratch import ReadOnce, ScratchRows, ScratchVectors
from mindvis_gui.errors import DataError

VALUES = np.random.default_rng(0).normal(size=(20, 7)).astype(np.float32)


@pytest.mark.parametrize("most", [0, 200, 1 << 20])
def test_rows_come_back_from_memory_or_file(most):
    rows = ScratchRows(iter(np.split(VALUES, [3, 3, 11])), 7, most_bytes=most)
    for chosen in ([0], [19, 2, 2], [], list(range(20))):
        assert np.array_equal(rows(np.array(chosen, dtype=np.int64)), VALUES[chosen])


@pytest.mark.parametrize(
    "keep",
    [
        lambda: ScratchRows([VALUES], 7, most_bytes=0),
        lambda: ScratchVectors(most_bytes=0).keep(VALUES[0]),
    ],
)
def test_a_full_disk_is_one_sentence(monkeypatch, keep):
    class Full(BytesIO):
        def write(self, content):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Full())
    with pytest.raises(DataError, match=r"No space left on device.*set TMPDIR"):
        keep()


@pytest.mark.parametrize(("most", "in_files"), [(0, 20), (3 * 28, 17), (1 << 20, 0)])
def test_vectors_are_the_same_in_memory_and_in_files(monkeypatch, most, in_files):
    monkeypatch.setattr(scratch, "_BLOCK_BYTES", 6 * 28)
    vectors = ScratchVectors(most)
    kept = [vectors.keep(row.copy()) for row in VALUES]
    assert np.array_equal(kept, VALUES)
    assert not any(each.flags.writeable for each in kept)
    maps = [map_of(each) for each in kept if map_of(each) is not None]
    assert len(maps) == in_files
    assert len(set(map(id, maps))) == -(-in_files // 6)


def test_a_file_of_vectors_goes_with_the_last_of_them(monkeypatch):
    monkeypatch.setattr(scratch, "_BLOCK_BYTES", 2 * 28)
    vectors = ScratchVectors(0)
    first, second = vectors.keep(VALUES[0].copy()), vectors.keep(VALUES[1].copy())
    file = weakref.ref(map_of(first))
    del vectors, first
    assert file() is not None
    assert np.array_equal(second, VALUES[1])
    del second
    assert file() is None


def map_of(array: np.ndarray) -> mmap.mmap | None:
    """Return the map of a file that an array lies in; None for one in memory."""
    while isinstance(array, np.ndarray):
        array = array.base
    return array.obj if isinstance(array, memoryview) else None


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
