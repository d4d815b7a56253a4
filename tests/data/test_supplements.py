"""What is added to a subject that its file does not say."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mindvis_gui.data import open_subject
from mindvis_gui.data.glmsingle import read_glmsingle_subject
from mindvis_gui.data.nifti import read_nifti_subject
from mindvis_gui.data.positions import with_positions
from mindvis_gui.data.preparation import Preparation, prepare_subject
from mindvis_gui.data.recording import ArrayRecording, RowRecording
from mindvis_gui.data.repeats import shown_in_test, with_means
from mindvis_gui.data.subject import Subject, Trial
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.data.supplements import with_pictures, with_split, with_table
from mindvis_gui.data.trial_filter import TrialFilter
from mindvis_gui.errors import DataError
from tests.data.makers import make_glmsingle, make_glmsingle_matlab, make_nifti

_NOWHERE = "No grid beside the results: where the voxels lie is not known"


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


def test_means_over_sessions_are_of_no_session_and_no_run(like_nsd):
    singles = [replace(trial, run=trial.session) for trial in like_nsd.trials[:18]]
    means = with_means(singles)[0][18:]
    assert [(t.split, t.stimulus_id, t.presentations) for t in means] == [
        ("test", "p0", 3),
        ("test", "p1", 3),
    ]
    assert {(t.session, t.run) for t in means} == {(0, 0)}


def test_one_that_is_left_out_and_one_that_is_shared_are_counted_as_one():
    shown = [("a", "train", 1), ("a", "train", 1), ("b", "train", 1), ("b", "train", 2)]
    trials = tuple(
        Trial(n, split, name, presentations=count) for n, (name, split, count) in enumerate(shown)
    )
    subject = Subject(
        name="s",
        source=Path("s"),
        trials=trials,
        rois=(),
        n_voxels=3,
        recording=ArrayRecording(np.zeros((4, 3), np.float32)),
    )
    left_out, shared = with_split(subject, "trial=0").notes[1:]
    assert left_out.startswith("1 averaged trial is left out: the single trials are there")
    assert shared.startswith("1 of the 2 training trials shows a picture that is tested")
    with pytest.raises(DataError, match=r"0 of the 3 trials \(1 averaged trial, whose single tri"):
        with_split(subject, "stimulus=z")


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
    with pytest.raises(DataError, match=r"tests 0 of the 18 trials \(2 averaged trials, whose"):
        with_split(like_nsd, "presentations=3")


def written(path, stimuli):
    path.write_text("\n".join(["stimulus", *stimuli]), encoding="utf-8")
    return path


def test_a_table_finds_the_pictures_that_the_subject_has(tmp_path):
    folder = make_nifti(tmp_path / "mine")
    before = read_nifti_subject(folder)
    (folder / "trials.tsv").unlink()
    names = [trial.stimulus_id.removesuffix(".png") for trial in before.trials]
    after = with_table(read_nifti_subject(folder), written(tmp_path / "shown.csv", names))
    assert [t.stimulus_id for t in after.trials] == [t.stimulus_id for t in before.trials]
    assert after.notes == before.notes


def test_a_table_says_which_pictures_are_missing_now(tmp_path):
    subject = read_nifti_subject(make_nifti(tmp_path / "mine"))
    names = ["none", *(trial.stimulus_id for trial in subject.trials[1:])]
    told = with_table(subject, written(tmp_path / "shown.csv", names))
    assert "1 of the stimuli shown have no picture, for example 'none'" in told.notes
    assert with_table(told, written(tmp_path / "true.csv", ["0"] * len(names))).notes == ()


def test_what_was_not_known_is_not_said_once_it_is_told(tmp_path):
    results = make_glmsingle(tmp_path / "results")
    results.with_name("DESIGNINFO.npy").unlink()
    (tmp_path / "results" / "stimuli").rename(tmp_path / "elsewhere")
    subject = read_glmsingle_subject(results)
    assert any("showed is not known" in note for note in subject.notes)
    n = len(subject.trials)
    told = with_table(subject, written(tmp_path / "shown.csv", ["p1"] * (n - 1) + ["p2"]))
    assert not any("showed is not known" in note for note in told.notes)
    assert "2 of the stimuli shown have no picture, for example 'p1'" in told.notes
    pictured = with_pictures(told, tmp_path / "elsewhere")
    assert not any("no picture" in note for note in pictured.notes)


@pytest.mark.parametrize("make", [make_glmsingle, make_glmsingle_matlab])
def test_pictures_are_those_of_conditions_wherever_they_lie(tmp_path, make):
    results = make(tmp_path / "results")
    expected = open_subject(results)
    (tmp_path / "results" / "stimuli").rename(tmp_path / "elsewhere")
    found = with_pictures(open_subject(results), tmp_path / "elsewhere")
    assert [t.stimulus_id for t in found.trials] == [t.stimulus_id for t in expected.trials]
    assert [t.label for t in found.trials] == [t.label for t in expected.trials]
    assert sorted(found.notes) == sorted(expected.notes)
    (tmp_path / "elsewhere" / "p3.png").unlink()
    fewer = with_pictures(open_subject(results), tmp_path / "elsewhere")
    assert "8 of the stimuli shown have no picture" in " ".join(fewer.notes)


def test_where_voxels_lie_is_known_once_there_are_positions(subject, tmp_path):
    write_subject(tmp_path / "placed.h5", subject)
    bare = replace(subject, ijk=None, affine=None, anatomy=None, notes=("said", _NOWHERE))
    placed = with_positions(bare, tmp_path / "placed.h5")
    assert not any("not known" in note for note in placed.notes)
    assert placed.notes[0] == "said"


def test_pictures_that_a_filter_made_needless_are_not_missing(tmp_path):
    folder = make_nifti(tmp_path / "mine")
    (folder / "stimuli" / "0.png").unlink()
    subject = read_nifti_subject(folder)
    assert "1 of the stimuli shown have no picture, for example '0.png'" in subject.notes
    steps = Preparation((TrialFilter.parse("stimulus!=0.png"),))
    write_subject(tmp_path / "mine.h5", prepare_subject(subject, steps))
    assert not any("no picture" in note for note in open_subject(tmp_path / "mine.h5").notes)


@pytest.mark.parametrize(
    ("name", "header"), [("a.csv", "stimulus split"), ("a.tsv", "stimulus|split"), ("a.csv", "Run")]
)
def test_a_table_that_would_change_nothing_is_refused(subject, tmp_path, name, header):
    rows = [header.replace("stimulus", "cactus").replace("split", "test")] * len(subject.trials)
    (tmp_path / name).write_text("\n".join([header, *rows]), encoding="utf-8")
    said = rf"{name}: no column is called stimulus, label, .*; it has: {re.escape(header)}"
    with pytest.raises(DataError, match=said):
        with_table(subject, tmp_path / name)


@pytest.mark.parametrize(
    ("name", "header"), [("a.csv", "stimulus;split"), ("a.tsv", "stimulus,split")]
)
def test_a_table_may_come_from_any_spreadsheet(subject, tmp_path, name, header):
    rows = [header.replace("stimulus", "cactus").replace("split", "test")] * len(subject.trials)
    (tmp_path / name).write_text("\n".join([header, *rows]), encoding="utf-8")
    told = with_table(subject, tmp_path / name).trials
    assert {(trial.stimulus_id, trial.split) for trial in told} == {("cactus", "test")}


def test_whole_numbers_may_have_a_point_as_pandas_writes_them(subject, tmp_path):
    runs = [str(float(1 + trial.index // 4)) for trial in subject.trials]
    runs[2] = ""  # which makes the column one of floats
    (tmp_path / "a.csv").write_text("\n".join(["trial,run", *(f"x,{run}" for run in runs)]))
    told = with_table(subject, tmp_path / "a.csv")
    assert told.trials[1].run == 1
    assert told.trials[5].run == 2
    assert told.trials[2].run == subject.trials[2].run
    (tmp_path / "a.csv").write_text("\n".join(["run", *(["1.5"] * len(runs))]))
    with pytest.raises(DataError, match="column 'run' must hold integers"):
        with_table(subject, tmp_path / "a.csv")
