from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.cli import main
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.decoding.models import read_model_info


@pytest.fixture
def file(tmp_path, subject_factory):
    path = tmp_path / "mine.h5"
    write_subject(path, subject_factory(), dtype="float32")
    return str(path)


SMALL = ["--width", "32", "--depth", "1", "--heads", "2"]


@pytest.fixture
def masked(file, tmp_path):
    out = tmp_path / "masked"
    assert main(["train", "mbm", file, "--out", str(out), "--steps", "2", *SMALL]) == 0
    return str(out)


def test_all_stages_make_a_model(file, masked, tiny_model_folder, tmp_path):
    adapted, model = str(tmp_path / "adapted"), tmp_path / "model"
    command = ["train", "adapt", file, "--masked-model", masked, "--out", adapted, "--steps", "2"]
    assert main(command) == 0
    command = ["train", "ldm", file, "--masked-model", adapted, "--base", str(tiny_model_folder)]
    assert main([*command, "--out", str(model), "--steps", "2"]) == 0
    info = read_model_info(model)
    assert (info.n_voxels, info.image_size, info.has_masked_model) == (700, 32, True)
    assert info.dataset == "tiny (simulated)"


def test_masked_model_of_another_length_is_refused(
    masked, tmp_path, subject_factory, tiny_model_folder, capsys
):
    whole = subject_factory()
    shorter = replace(
        whole,
        n_voxels=600,
        ijk=whole.ijk[:600],
        rois=(),
        recording=type(whole.recording)(
            whole.responses(range(len(whole.trials)))[:, :600].astype(np.float32),
            {t.stimulus_id: whole.stimulus(t) for t in whole.trials},
        ),
    )
    path = tmp_path / "shorter.h5"
    write_subject(path, shorter, dtype="float32")
    command = ["train", "adapt", str(path), "--masked-model", masked, "--out", str(tmp_path / "o")]
    assert main([*command, "--steps", "1"]) == 1
    assert "700 voxels" in capsys.readouterr().err


def test_folder_without_model_is_refused(file, tmp_path, capsys):
    command = [
        "train",
        "adapt",
        file,
        "--masked-model",
        str(tmp_path),
        "--out",
        str(tmp_path / "o"),
    ]
    assert main([*command, "--steps", "1"]) == 1
    assert "no masked model" in capsys.readouterr().err
