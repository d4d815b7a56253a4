"""What is added to a subject that its file does not say."""

from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.data.preparation import Preparation, prepare_subject
from mindvis_gui.data.recording import ArrayRecording, RowRecording
from mindvis_gui.data.repeats import shown_in_test, with_means
from mindvis_gui.data.subject import Trial
from mindvis_gui.data.supplements import with_split
from mindvis_gui.errors import DataError


@pytest.fixture
def like_nsd(subject):
    """Return a subject of three sessions of six pictures; two pictures are tested, with means.

    Each session shows pictures 0 to 3, which are shown again in each, and two of its own.
    """
    own = ((4, 5), (6, 7), (8, 9))
    shown = [number for session in range(3) for number in (*range(4), *own[session])]
    singles = [
        Trial(row, "test-single" if number < 2 else "train", f"p{number}", session=1 + row // 6)
        for row, number in enumerate(shown)
    ]
    trials, rows, notes = with_means(singles)
    values = np.random.default_rng(0).normal(size=(18, subject.n_voxels)).astype(np.float32)
    recording = RowRecording(lambda wanted: values[wanted], rows)
    return replace(subject, trials=trials, recording=recording, notes=tuple(notes))


def test_means_are_on_no_side_of_a_split(like_nsd):
    split = with_split(like_nsd, "session=3")
    assert [trial.index for trial in split.trials] == list(range(18))
    assert [trial.split for trial in split.trials] == ["train"] * 12 + ["test"] * 6
    assert {trial.presentations for trial in split.trials} == {1}
    assert np.array_equal(split.responses(range(18)), like_nsd.responses(range(18)))
    assert any(note.startswith("2 averaged trials are left out") for note in split.notes)
    averaged = prepare_subject(split, Preparation(average="all"))
    assert [t.presentations for t in averaged.trials if t.split == "train"] == [2] * 4 + [1] * 4


def test_rows_are_still_the_right_ones_where_means_come_first(like_nsd):
    order = [18, 19, *range(18)]
    turned = replace(
        like_nsd,
        trials=tuple(replace(like_nsd.trials[row], index=n) for n, row in enumerate(order)),
        recording=ArrayRecording(like_nsd.responses(order)),
    )
    split = with_split(turned, "trial=2-4")  # numbered as in the file
    assert [trial.index for trial in split.trials if trial.split == "test"] == [0, 1, 2]
    assert np.array_equal(split.responses([0, 17]), like_nsd.responses([0, 17]))


def test_pictures_on_both_sides_are_counted(like_nsd):
    split = with_split(like_nsd, "session=3")
    assert len(shown_in_test(split.trials)) == 8
    said = [note for note in split.notes if "8 of the 12 training trials show a picture" in note]
    assert len(said) == 1
    repeated = with_split(like_nsd, "repeated")
    assert not shown_in_test(repeated.trials)
    assert not [note for note in repeated.notes if "training trials show" in note]
    assert sum(trial.split == "test" for trial in repeated.trials) == 12


def test_means_without_single_trials_stay(like_nsd):
    singles = [trial for trial in like_nsd.trials if trial.split != "test-single"]
    alone = replace(
        like_nsd,
        trials=tuple(replace(trial, index=n) for n, trial in enumerate(singles)),
        recording=ArrayRecording(like_nsd.responses([trial.index for trial in singles])),
    )
    split = with_split(alone, "presentations=3")
    assert [trial.presentations for trial in split.trials if trial.split == "test"] == [3, 3]


def test_a_split_of_nothing_but_means_says_why(like_nsd):
    with pytest.raises(DataError, match=r"tests 0 of the 18 trials \(2 averaged ones, whose"):
        with_split(like_nsd, "presentations=3")
