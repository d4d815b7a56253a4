import csv
import json

import numpy as np
import pytest

from mindvis_gui.analysis.sample_table import request_row, write_arrays, write_table
from mindvis_gui.data.lesion import Lesion
from mindvis_gui.data.preparation import Preparation
from mindvis_gui.data.trial_filter import TrialFilter
from mindvis_gui.errors import ExportError

ROWS = [{"trial": 0, "seed": 1, "r": 0.5, "rank": None}, {"trial": 1, "seed": 1, "r": 1, "rank": 2}]


def test_table_as_csv(tmp_path):
    write_table(ROWS, tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open() as file:
        read = list(csv.DictReader(file))
    assert read[0] == {"trial": "0", "seed": "1", "r": "0.5", "rank": ""}
    assert len(read) == 2


def test_a_row_says_what_was_done_to_the_response(decoded):
    lesion = Lesion("V1 + V2", np.arange(3), "noise", 4)
    steps = Preparation((TrialFilter.parse("session=1"),), "voxel", "test")
    plain, lesioned, prepared = (
        request_row(decoded(**changes).request.to_json(), 1)
        for changes in ({}, {"lesion": lesion}, {"preparation": steps})
    )
    assert (plain["lesion"], plain["preparation"]) == (None, None)
    assert lesioned == {**plain, "lesion": "without V1 + V2 (noise, seed 4)"}
    said = "session=1; z-scored by voxel; repeats averaged: test"
    assert prepared == {**plain, "preparation": said}


def test_table_as_parquet_or_one_line_why_not(tmp_path):
    path = tmp_path / "scores.parquet"
    try:
        from pyarrow import parquet
    except ImportError:
        with pytest.raises(ExportError, match="install it or choose CSV"):
            write_table(ROWS, path)
    else:
        write_table(ROWS, path)
        assert parquet.read_table(path).to_pylist() == ROWS


def test_arrays_with_their_rows_beside(tmp_path):
    pictures = [np.full((4, 4, 3), i, np.uint8) for i in range(2)]
    write_arrays(pictures, ROWS, tmp_path / "samples.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "samples.npy"), np.stack(pictures))
    assert json.loads((tmp_path / "samples.json").read_text())["rows"] == ROWS


@pytest.mark.parametrize("there", ['{"my": "settings"}', "[1, 2]", "no JSON", ""])
def test_rows_replace_no_file_of_something_else(tmp_path, there):
    (tmp_path / "samples.json").write_text(there)
    with pytest.raises(ExportError, match=r"samples\.json: .* give the array another name"):
        write_arrays([np.zeros((4, 4, 3), np.uint8)], ROWS[:1], tmp_path / "samples.npy")
    assert [path.name for path in tmp_path.iterdir()] == ["samples.json"]
    assert (tmp_path / "samples.json").read_text() == there


def test_an_array_replaces_an_older_one_with_its_rows(tmp_path):
    for value in (0, 1):
        picture = np.full((4, 4, 3), value, np.uint8)
        write_arrays([picture], ROWS[value:][:1], tmp_path / "samples.npy")
    assert np.load(tmp_path / "samples.npy").max() == 1
    assert json.loads((tmp_path / "samples.json").read_text())["rows"] == ROWS[1:]


@pytest.mark.parametrize(
    "write",
    [
        lambda path: write_table([], path / "a.csv"),
        lambda path: write_arrays([], [], path / "a.npy"),
        lambda path: write_arrays(
            [np.zeros((2, 2, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)], ROWS, path / "a.npy"
        ),
        lambda path: write_table(ROWS, path / "file" / "a.csv"),
    ],
)
def test_what_cannot_be_written_is_one_sentence(tmp_path, write):
    (tmp_path / "file").touch()
    with pytest.raises(ExportError):
        write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
