"""Entries of the history that are not whole."""

import json
import subprocess
import sys

import pytest

from mindvis_gui.decoding.history_folder import read_entry


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
