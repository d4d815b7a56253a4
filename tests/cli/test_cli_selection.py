import argparse
import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mindvis_gui.cli.selection import (
    mask_ratio,
    names,
    numbers,
    select_lesion,
    select_rois,
    select_trials,
    trial_choice,
)
from mindvis_gui.data.subject import Roi
from mindvis_gui.errors import DataError, RequestError


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3", (3,)), ("0,3,5-9", (0, 3, 5, 6, 7, 8, 9)), ("4-4", (4,)), (" 1 , 2 - 3 ", (1, 2, 3))],
)
def test_numbers_and_ranges(text, expected):
    assert numbers(text) == expected


@given(st.lists(st.integers(0, 10**6), min_size=1, unique=True))
def test_any_list_of_numbers_comes_back(values):
    assert numbers(",".join(map(str, values))) == tuple(values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' in '' is no number"),
        ("3,", "'' in '3,' is no number"),
        ("a", "'a' in 'a' is no number and no range; write for example 0,3,5-9"),
        ("-1", "'-1' in '-1' is no number"),
        ("1.5", "is no number"),
        ("1-2-3", "is no number"),
        ("9-5", "range '9-5' runs backwards; write 5-9"),
        ("1,0-3", "names 1 twice"),
        ("0-99999999", "holds more than 100,000 numbers"),
    ],
)
def test_wrong_lists_are_explained(text, message):
    with pytest.raises(argparse.ArgumentTypeError, match=message):
        numbers(text)


@given(st.text(max_size=20))
def test_any_text_is_numbers_or_refused(text):
    with contextlib.suppress(argparse.ArgumentTypeError):
        assert all(number >= 0 for number in numbers(text))


def test_trial_words():
    assert trial_choice("test") == "test"
    assert trial_choice("all") == "all"
    assert trial_choice("0,2") == (0, 2)
    with pytest.raises(argparse.ArgumentTypeError):
        trial_choice("tests")


@pytest.mark.parametrize("text", ["-0.1", "1", "1.5", "nan", "inf", "half", ""])
def test_mask_ratios_outside_the_range(text):
    with pytest.raises(argparse.ArgumentTypeError, match="no fraction from 0 up to"):
        mask_ratio(text)


def test_mask_ratios_inside_the_range():
    assert [mask_ratio(text) for text in ("0", "0.75", ".999")] == [0, 0.75, 0.999]


def test_names():
    assert names("V1, V2") == ("V1", "V2")
    with pytest.raises(argparse.ArgumentTypeError, match="no name"):
        names(" , ")


def test_trials_are_selected(subject):
    assert [trial.index for trial in select_trials(subject, "test")] == [0, 1, 2, 3, 4, 5]
    assert len(select_trials(subject, "all")) == 24
    assert [trial.index for trial in select_trials(subject, (7, 2))] == [7, 2]


def test_trials_that_do_not_exist(subject):
    with pytest.raises(DataError, match="tiny: trial 24 does not exist; choose among 0 to 23"):
        select_trials(subject, (0, 24))


def test_no_test_trials(subject):
    trials = tuple(replace(trial, split="train") for trial in subject.trials)
    with pytest.raises(DataError, match="no trial is marked as test; choose with --trials all"):
        select_trials(replace(subject, trials=trials), "test")


def test_regions_are_selected_in_the_subjects_order(subject):
    assert select_rois(subject, None) is None
    assert select_rois(subject, ("hV4", "V1")) == ("V1", "hV4")
    assert select_rois(subject, [roi.name for roi in subject.rois]) is None


def test_all_regions_are_not_the_whole_vector_where_voxels_lie_outside(subject):
    fewer = replace(subject, rois=subject.rois[:1])
    assert select_rois(fewer, None) is None
    assert select_rois(fewer, ("V1",)) == ("V1",)


def test_regions_to_leave_out_go_with_the_voxels_that_others_share(subject):
    everything = Roi("VC", np.arange(subject.n_voxels))
    shared = replace(subject, rois=(*subject.rois, everything))
    assert select_lesion(shared, None, None) is None
    lesion = select_lesion(shared, ("V1", "V2"), None)
    assert (lesion.name, lesion.method) == ("V1 + V2", "zero")
    both = np.union1d(subject.roi("V1").voxels, subject.roi("V2").voxels)
    assert np.array_equal(lesion.voxels, both)


def test_regions_that_do_not_exist(subject):
    with pytest.raises(DataError, match="no region is called 'V9'; it has: V1, V2"):
        select_rois(subject, ("V9",))
    with pytest.raises(DataError, match="no region is called 'V9'; it has: V1, V2"):
        select_lesion(subject, ("V9",), None)


def test_leaving_out_every_region(subject):
    with pytest.raises(RequestError, match="no region is left"):
        select_lesion(subject, [roi.name for roi in subject.rois], None)
