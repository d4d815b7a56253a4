import json
import shutil
from dataclasses import replace

import pytest

import mindvis_gui.data
from mindvis_gui.cli import main
from mindvis_gui.decoding.models import INDEX


@pytest.fixture
def opened(monkeypatch, subject):
    changed = replace(subject, notes=("No affine was given.", "Runs are unknown."))
    monkeypatch.setattr(mindvis_gui.data, "open_subject", lambda path: changed)
    return changed


def test_a_subject_as_text(opened, capsys):
    assert main(["info", "tiny.h5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "name           tiny" in lines
    assert "simulated      yes" in lines
    assert "trials         test 6 · train 18" in lines
    assert (
        "rois           V1 100 · V2 100 · V3 100 · hV4 100 · LOC 100 · FFA 100 · PPA 100" in lines
    )
    assert "voxel size mm  4.0 × 4.0 × 4.0" in lines
    assert lines[-2:] == ["notes          No affine was given.", "               Runs are unknown."]


def test_a_subject_as_json(opened, capsys):
    assert main(["info", "tiny.h5", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["kind"] == "subject"
    assert facts["voxels"] == 700
    assert facts["unit"] == "z"
    assert facts["trials"] == {"test": 6, "train": 18}
    assert facts["stimuli"] == 6
    assert facts["rois"]["hV4"] == 100
    assert facts["anatomy"] == [31, 37, 31]
    assert facts["notes"] == list(opened.notes)


def test_a_subject_without_positions(monkeypatch, subject, capsys):
    bare = replace(subject, ijk=None, affine=None, anatomy=None, rois=())
    monkeypatch.setattr(mindvis_gui.data, "open_subject", lambda path: bare)
    assert main(["info", "tiny.h5"]) == 0
    out = capsys.readouterr().out
    assert "grid           none" in out
    assert "rois           none" in out


def test_a_model_by_its_name(tmp_path, tiny_model_folder, monkeypatch, capsys):
    shutil.copytree(tiny_model_folder, tmp_path / "mine")
    monkeypatch.setenv("MINDVIS_MODELS", str(tmp_path))
    assert main(["info", "mine", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["kind"], facts["name"]) == ("model", "mine")


def test_what_is_neither_is_one_line(tmp_path, capsys):
    (tmp_path / "text.txt").write_text("hello")
    assert main(["info", str(tmp_path / "text.txt")]) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("mindvis: text.txt: ")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_the_demo_subject_says_that_it_is_simulated(capsys):
    assert main(["info", "demo", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["simulated"] is True
    assert facts["trials"]["test"] == 50


def test_no_name_is_not_the_current_folder(capsys, monkeypatch, tmp_path):
    (tmp_path / "model_index.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert main(["info", ""]) == 1
    error = "mindvis: the name of the subject is empty; give a file, a folder or 'demo'\n"
    assert capsys.readouterr().err == error
    with pytest.raises(SystemExit):
        main(["import-subject", "", "--out", "a.h5"])
    assert "a source has no name" in capsys.readouterr().err


@pytest.mark.parametrize("part", ["masked_model", "."])
def test_what_a_stage_of_the_training_wrote_is_called_so(tmp_path, tiny_model_folder, capsys, part):
    shutil.copytree(tiny_model_folder / part, tmp_path / "stage")
    (tmp_path / "stage" / "model_index.json").unlink(missing_ok=True)
    assert main(["info", str(tmp_path / "stage")]) == 1
    assert capsys.readouterr().err == (
        f"mindvis: {tmp_path / 'stage'}: holds networks but no whole model (model_index.json is "
        "missing); 'mindvis train ldm' makes one of what the other stages write\n"
    )


def test_what_a_model_saw_of_the_test_is_said(tmp_path, tiny_model_folder, capsys):
    folder = shutil.copytree(tiny_model_folder, tmp_path / "model")
    assert main(["info", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test_use"] == []
    index = json.loads((folder / INDEX).read_text())
    (folder / INDEX).write_text(json.dumps({**index, "test_use": ["it saw one", "it saw all"]}))
    assert main(["info", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(maxsplit=2)[-1] for line in lines if "it saw one" in line] == ["it saw one"]
    assert any(line.strip() == "it saw all" for line in lines)
