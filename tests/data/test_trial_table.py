"""Trials from a table, and the pictures that they show."""

from dataclasses import replace

import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.data.notes import PICTURES as PICTURES_MISSING
from mindvis_gui.data.notes import without
from mindvis_gui.data.preparation import Preparation, prepare_subject
from mindvis_gui.data.subject import Trial
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.data.trial_filter import TrialFilter
from mindvis_gui.data.trial_table import complete_names, missing_pictures

PICTURES = {str(n): b"" for n in range(20)}


def trials(*names):
    return [Trial(row, "train", str(name)) for row, name in enumerate(names)]


def test_stimuli_that_count_from_1_where_pictures_count_from_0():
    """Nothing is missing but the last, while every other trial has its neighbour's picture."""
    missing, warning = missing_pictures(trials(*range(1, 21), 7), PICTURES)
    assert missing == "1 of the stimuli shown have no picture, for example '20'"
    assert warning == (
        "The pictures are numbered from 0 to 19: if the stimuli count from 1 to 20, every trial is "
        "shown with the picture after its own; take 1 off each number"
    )
    assert not without([missing, warning], *PICTURES_MISSING)


@pytest.mark.parametrize(
    "names",
    [
        [*range(21)],  # 0 is shown, so they count from 0
        [1, 2, 20, 25],  # more than one too far
        [1, 20, "n01443537_1"],
        [1, 20, "9" * 5000],
        [1, 2, 25],
    ],
)
def test_other_numbers_are_only_missing(names):
    assert len(missing_pictures(trials(*names), PICTURES)) == 1


@pytest.mark.parametrize("pictures", [{"a.png": b"", "1.png": b""}, {"0": b"", "x": b""}, {}])
def test_pictures_that_are_no_array_have_no_first_number(pictures):
    assert len(missing_pictures(trials(1, 2), pictures)) == 1


def test_nothing_is_said_where_every_stimulus_has_its_picture():
    assert missing_pictures(trials(0, 19, 1), PICTURES) == []


def test_events_of_something_else_are_said_as_long_as_they_are_there(subject, tmp_path):
    """They are trials for SC-MBM, too, and stop stage B after days of it."""
    shown = trials("a.png", "", "b.png", "")
    shown[1] = replace(shown[1], label="fixation")
    note = (
        "No stimulus is told of 2 of the 4 trials, such as trial 1 (fixation); --filter stimulus!= "
        "leaves these out"
    )
    assert missing_pictures(shown, {"a.png": b"", "b.png": b""}) == [note]
    assert missing_pictures(trials("", ""), {}) == []
    few = tuple(
        replace(trial, stimulus_id="" if trial.index in (3, 5) else trial.stimulus_id)
        for trial in subject.trials
    )
    write_subject(tmp_path / "all.h5", replace(subject, trials=few))
    found = open_subject(tmp_path / "all.h5")
    assert sum("No stimulus is told of 2 of the 24" in each for each in found.notes) == 1
    left = prepare_subject(found, Preparation((TrialFilter.parse("stimulus!="),)))
    write_subject(tmp_path / "left.h5", left)
    found = open_subject(tmp_path / "left.h5")
    assert len(found.trials) == 22
    assert not any("No stimulus" in each for each in found.notes)


def test_numbers_that_pandas_wrote_with_a_point_are_pictures():
    """It does so for a column in which some are missing."""
    files = {"7.png": b"", "8.0.png": b"", "x.png": b""}
    assert complete_names(["7.0", "8.0", "9.0", "7.5"], files) == ["7.png", "8.0.png", "9", "7.5"]
    assert complete_names(["7.0", "20.0"], PICTURES) == ["7", "20"]
    assert complete_names(["7.0"], {}) == ["7.0"]  # pictures that are added later are asked


def test_a_word_for_what_is_missing_is_a_stimulus_only_if_a_picture_is_called_so():
    cells = ["NA", "None", "x"]
    assert complete_names(cells, {"x.png": b""}) == ["", "", "x.png"]
    assert complete_names(cells, {"x.png": b"", "NA.png": b""}) == ["NA.png", "", "x.png"]
    assert complete_names(cells, {}) == cells


def test_small_and_capital_letters_may_differ_where_one_picture_is_left():
    files = dict.fromkeys(["IMG_1.JPG", "Äpfel.png", "a.png", "A.png", "b/X.png", "none.png"], b"")
    found = {
        "img_1.jpg": "IMG_1.JPG",
        "Img_1": "IMG_1.JPG",
        "stimuli/ÄPFEL.PNG": "Äpfel.png",
        "a.png": "a.png",
        "A": "A.png",
        "B/x.png": "b/X.png",
        "None": "",
    }
    assert complete_names(list(found), files) == list(found.values())
    assert complete_names(["a.PNG"], files) == ["a.PNG"]  # which of the two?


def test_pictures_in_folders_are_found_by_as_much_as_tells_them_apart():
    names = ["cat/1.png", "cat/2.jpg", "dog/1.png", "set/dog/3.png", "4.png", "5.png"]
    files = dict.fromkeys([*names, "set/bird/5.png"], b"")
    found = {
        "cat/1.png": "cat/1.png",
        "dog/1": "dog/1.png",
        "stimuli/dog/1.png": "dog/1.png",
        "C:\\stimuli\\cat\\2.jpg": "cat/2.jpg",
        "2": "cat/2.jpg",
        "dog/3.png": "set/dog/3.png",
        "stimuli/4.png": "4.png",
        "bird/5.png": "set/bird/5.png",
    }
    assert complete_names(list(found), files) == list(found.values())
    lost = ["1.png", "cat/3.png", "bird/2.jpg", "stimuli/dog/3.png"]  # of two, or of other folders
    assert complete_names(lost, files) == lost
