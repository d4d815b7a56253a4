"""A thread that must not wait reads no file, whatever the format."""

import builtins
import io

import numpy as np
import pytest

from mindvis_gui.data.array_file import open_arrays
from mindvis_gui.data.at_hand import NotAtHandError, only_at_hand
from tests.data.fuzz import ALL_MAKERS, open_as


@pytest.mark.parametrize("name", ALL_MAKERS)
def test_what_is_at_hand_opens_no_file_and_the_rest_says_so(tmp_path, monkeypatch, name):
    subject = open_as(ALL_MAKERS[name](tmp_path / "source"), name)
    trial = subject.trials[0]

    def refuse(file, *args, **kwargs):
        raise AssertionError(f"{file} was opened")

    asked = (lambda: subject.responses([0]), lambda: subject.stimulus(trial))
    for what in asked:
        with monkeypatch.context() as patch, only_at_hand():
            patch.setattr(io, "open", refuse)
            patch.setattr(builtins, "open", refuse)
            try:
                what()
            except NotAtHandError:
                pass
            else:
                continue  # it lies in memory
        what()  # other threads read it


def test_a_mapped_array_is_not_at_hand(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((4, 3), np.float32))
    rows = open_arrays(tmp_path / "a.npy").rows("a", trials_last=False)
    with only_at_hand(), pytest.raises(NotAtHandError):
        rows(np.array([1]))
    assert rows(np.array([1])).tolist() == [[1, 1, 1]]
