"""Entries of the history that are not whole."""

import json
import subprocess
import sys

import numpy as np
import pytest

from mindvis_gui.decoding import history_folder
from mindvis_gui.decoding.history_folder import (
    HistoryEntry,
    read_entry,
    read_history,
    write_entry,
)
from mindvis_gui.decoding.request import DecodeRequest
from mindvis_gui.errors import DataError


@pytest.fixture
def incomplete(tmp_path):
    """Return the file of an entry whose request lacks nearly all."""
    path = tmp_path / "entry.json"
    entry = {"source": "", "when": "", "device": "cpu", "versions": {}, "seconds": 1.0}
    document = {"format": "mindvis history 1", "request": {"seeds": []}, **entry}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_an_incomplete_entry_is_none(incomplete):
    assert read_entry(incomplete) is None


def test_an_incomplete_entry_is_none_where_python_leaves_assertions_out(incomplete):
    code = (
        "import sys; from pathlib import Path\n"
        "from mindvis_gui.decoding.history_folder import read_entry\n"
        "print(read_entry(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-O", "-c", code, str(incomplete)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"


def test_a_history_on_a_disk_that_fails_is_one_sentence(failing, tmp_path):
    folder = tmp_path / "history"
    folder.mkdir()
    with (
        failing(folder),
        pytest.raises(DataError, match=r"history: what .* cannot be read \(Input/output error\)"),
    ):
        read_history(folder)


def test_entries_beyond_the_limit_are_left_out_where_they_cannot_be_removed(
    failing, tmp_path, monkeypatch
):
    for seed in range(3):
        request = DecodeRequest("tiny", seed, np.zeros(3, np.float32), (seed,)).to_json()
        entry = HistoryEntry(request, "", f"2026-01-0{seed + 1}", "cpu", {}, 1.0)
        write_entry(entry, tmp_path)
    monkeypatch.setattr(history_folder, "_MOST", 2)
    with failing(tmp_path, writing_alone=True):
        found = read_history(tmp_path)
    assert sorted(entry.request["trial"] for entry in found.values()) == [1, 2]
    assert len(list(tmp_path.glob("*.json"))) == 3
