"""The command line as a user runs it: a subject file, a model folder, real networks."""

import json
from dataclasses import replace

import numpy as np
import pytest

from mindvis_gui.analysis.export import read_request
from mindvis_gui.cli import main
from mindvis_gui.data import open_subject
from mindvis_gui.data.subject import Roi
from mindvis_gui.data.subject_file import write_subject
from mindvis_gui.decoding.decoder import MindVisDecoder
from mindvis_gui.decoding.request import vector_sha256

N_VOXELS = 100  # of the tiny model


class FewVoxels:
    def __init__(self, recording):
        self._recording = recording
        self.stimulus = recording.stimulus

    def responses(self, indices):
        return self._recording.responses(indices)[:, :N_VOXELS]


class Negative(FewVoxels):
    def __init__(self, recording, n_voxels):
        super().__init__(recording)
        self._n_voxels = n_voxels

    def responses(self, indices):
        return -self._recording.responses(indices)[:, : self._n_voxels]


@pytest.fixture
def subject_path(tmp_path, subject):
    small = replace(
        subject,
        n_voxels=N_VOXELS,
        rois=(Roi("V1", np.arange(60)), Roi("V2", np.arange(60, N_VOXELS))),
        ijk=subject.ijk[:N_VOXELS],
        recording=FewVoxels(subject.recording),
    )
    write_subject(tmp_path / "subject.h5", small)
    return tmp_path / "subject.h5"


@pytest.fixture
def decode(tmp_path, subject_path, tiny_model_folder):
    def run(out, *options):
        words = ["decode", str(subject_path), "--model", str(tiny_model_folder), "--device", "cpu"]
        return main([*words, "--out", str(tmp_path / out), "--steps", "4", *options])

    return run


def pictures(folder):
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


def test_decode_twice_gives_identical_pictures(tmp_path, decode):
    assert decode("first", "--trials", "1,3", "--seeds", "0-2") == 0
    assert decode("second", "--trials", "1,3", "--seeds", "0-2") == 0
    first = pictures(tmp_path / "first")
    assert len(first) == 2 * 4
    assert first == pictures(tmp_path / "second")
    samples = [content for name, content in first.items() if "seed" in name]
    assert len(set(samples)) == len(samples)


@pytest.mark.parametrize("sampler", ["plms", "ddim", "dpm++"])
def test_seed_3_is_the_same_alone_and_among_five(tmp_path, decode, sampler):
    options = ("--trials", "2", "--sampler", sampler)
    assert decode("alone", *options, "--seeds", "3") == 0
    assert decode("many", *options, "--seeds", "0-4") == 0
    name = "trial-0002_seed-0003.png"
    assert pictures(tmp_path / "alone")[name] == pictures(tmp_path / "many")[name]


def test_silencing_a_region_changes_the_samples(tmp_path, decode):
    options = ("--trials", "2", "--seeds", "0")
    assert decode("whole", *options) == 0
    assert decode("without", *options, "--without-rois", "V1") == 0
    name = "trial-0002_seed-0000.png"
    request = read_request(tmp_path / "without" / name)
    assert (request["rois"], request["lesion"]["name"]) == (None, "V1")
    assert pictures(tmp_path / "whole")[name] != pictures(tmp_path / "without")[name]


def test_from_decode_to_figure(tmp_path, decode):
    assert decode("out", "--trials", "0-1", "--seeds", "0-1", "--mask-ratio", "0.5") == 0
    index = json.loads((tmp_path / "out" / "decode.json").read_text())
    assert index["model"]["name"] == "tiny"
    assert len(index["model"]["hash"]) == 64
    assert all(len(trial["scores"]) == 2 for trial in index["trials"])
    assert main(["figure", str(tmp_path / "out"), "--out", str(tmp_path / "figure.pdf")]) == 0
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")


def test_a_figure_of_the_mask_is_of_the_response_that_was_decoded(
    tmp_path, decode, subject_path, tiny_model_folder, monkeypatch, capsys
):
    scenes = []
    recover = MindVisDecoder.recover

    def remembered(self, vector, mask):
        scenes.append(vector_sha256(vector))
        return recover(self, vector, mask)

    monkeypatch.setattr(MindVisDecoder, "recover", remembered)
    assert decode("out", "--trials", "1", "--seeds", "0", "--filter", "trial=2-9") == 0
    words = ["figure", str(tmp_path / "out"), "--template", "mask", "--out"]
    words += [str(tmp_path / "mask.png"), "--model", str(tiny_model_folder), "--subject"]
    assert main([*words, str(subject_path)]) == 0
    index = json.loads((tmp_path / "out" / "decode.json").read_text())
    assert scenes == [index["trials"][0]["request"]["vector_sha256"]]
    capsys.readouterr()
    for name, other in (("other", {}), ("wide", {"n_voxels": 90})):
        changed = replace(open_subject(subject_path), name=name, **other)
        recording = changed.recording
        changed = replace(changed, recording=Negative(recording, changed.n_voxels), rois=())
        write_subject(tmp_path / f"{name}.h5", replace(changed, ijk=None, affine=None, maps={}))
        assert main([*words, str(tmp_path / f"{name}.h5")]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert "trial 1 was not decoded from the response" in first
    assert "trained on 100 voxels but wide has 90" in second


def test_a_figure_of_a_mask_that_is_damaged_is_one_line(
    tmp_path, decode, subject_path, tiny_model_folder, capsys
):
    assert decode("out", "--trials", "1", "--seeds", "0", "--mask-ratio", "0.5") == 0
    path = tmp_path / "out" / "decode.json"
    index = json.loads(path.read_text())
    index["trials"][0]["request"]["mask"]["masked"][0] = 99_999
    path.write_text(json.dumps(index))
    words = ["figure", str(tmp_path / "out"), "--template", "mask", "--subject", str(subject_path)]
    words += ["--model", str(tiny_model_folder), "--out", str(tmp_path / "mask.png")]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert f"{tmp_path / 'out'}: trial 1: the mask of this sample is incomplete" in said
    assert said.count("\n") == 1


def test_info_on_both(subject_path, tiny_model_folder, capsys):
    assert main(["info", str(subject_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["voxels"] == N_VOXELS
    assert main(["info", str(tiny_model_folder), "--json"]) == 0
    model = json.loads(capsys.readouterr().out)
    assert model["kind"] == "model"
    assert model["voxels"] == N_VOXELS
    assert main(["info", str(tiny_model_folder)]) == 0
    assert "dataset       random numbers" in capsys.readouterr().out


def test_a_missing_model_is_one_line(tmp_path, subject_path, capsys):
    words = ["decode", str(subject_path), "--model", "nowhere", "--out", str(tmp_path / "out")]
    assert main(words) == 1
    err = capsys.readouterr().err
    assert err.startswith("mindvis: nowhere: no model")
    assert err.count("\n") == 1
