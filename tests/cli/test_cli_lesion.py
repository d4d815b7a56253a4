import json
import os
from dataclasses import replace

import numpy as np
import pytest

import mindvis_gui
from mindvis_gui.cli import main
from mindvis_gui.data.subject import Roi
from mindvis_gui.files import only_writer


@pytest.fixture
def lesion(monkeypatch, tmp_path, subject, telling_decoder):
    monkeypatch.setattr(mindvis_gui, "open_subject", lambda path: subject)
    monkeypatch.setattr(mindvis_gui, "load_decoder", lambda *args: telling_decoder)

    def run(*options):
        return main(["lesion", "tiny.h5", "--out", str(tmp_path / "out"), *options])

    return run


def test_each_region_of_the_test_trials_by_default(lesion, telling_decoder, tmp_path, capsys):
    assert lesion() == 0
    assert len(telling_decoder.requests) == 6 * 8
    assert {request.seeds for request in telling_decoder.requests} == {(0, 1)}
    index = json.loads((tmp_path / "out/lesion.json").read_text())
    assert [each["name"] for each in index["lesions"]][:3] == ["V1", "V2", "V3"]
    assert index["lesions"][0]["meaning"] == "set to 0, the mean of the normalised response"
    assert len(index["trials"]) == 6
    text = capsys.readouterr().out
    assert "6 trials, 2 samples each" in text
    assert "chance" in text
    line = next(each for each in text.splitlines() if each.lstrip().startswith("V1"))
    assert "100" in line
    assert "−0." in line
    assert (tmp_path / "out/summary.csv").read_text().count("V1,zero,100") == 4


def test_a_region_of_every_voxel_is_noted(lesion, subject, tmp_path, monkeypatch, capsys):
    whole = Roi("VC", np.arange(subject.n_voxels))
    larger = replace(subject, rois=(whole, *subject.rois[:2]))
    monkeypatch.setattr(mindvis_gui, "open_subject", lambda path: larger)
    assert lesion("--trials", "0,1") == 0
    said = "VC holds all 700 voxels and was not left out."
    assert said in capsys.readouterr().out
    index = json.loads((tmp_path / "out/lesion.json").read_text())
    assert [each["name"] for each in index["lesions"]] == ["V1", "V2"]
    assert said in index["notes"]
    assert said in (tmp_path / "out/summary.md").read_text()


def test_trials_for_training_are_counted_in_every_table(lesion, subject, tmp_path, capsys):
    train = next(trial.index for trial in subject.trials if trial.split == "train")
    tested = [trial.index for trial in subject.trials if trial.split == "test"][:2]
    options = ("--lesions", "V1", "--seeds", "0")
    assert lesion("--trials", f"{tested[0]},{tested[1]}", *options) == 0
    assert "training" not in capsys.readouterr().out
    assert lesion("--trials", str(train), *options) == 0
    said = "1 of the 3 trials is for training: where the model was trained on this subject, it"
    assert said in " ".join(capsys.readouterr().out.split())
    for table in ("summary.md", "summary.tex"):
        assert said in (tmp_path / "out" / table).read_text()
    index = json.loads((tmp_path / "out/lesion.json").read_text())
    assert sorted(each["split"] for each in index["trials"]) == ["test", "test", "train"]
    for entry in index["trials"]:
        del entry["split"]  # as in studies from before it
    (tmp_path / "out/lesion.json").write_text(json.dumps(index))
    assert lesion("--trials", str(train), *options) == 0
    assert said in " ".join(capsys.readouterr().out.split())


def test_what_training_saw_of_the_test_stands_beside_the_scores(
    lesion, telling_decoder, tmp_path, capsys
):
    telling_decoder.info = replace(telling_decoder.info, test_use=("it saw all of it",))
    assert lesion("--trials", "0", "--lesions", "V1", "--seeds", "0") == 0
    said = "Test trials were used in training: it saw all of it."
    assert said in capsys.readouterr().out
    for table in ("summary.md", "summary.tex"):
        assert said in (tmp_path / "out" / table).read_text()


def test_a_study_that_could_score_nothing_is_refused(
    lesion, telling_decoder, subject, tmp_path, monkeypatch, capsys
):
    unseen = tuple(replace(trial, stimulus_id="") for trial in subject.trials)
    monkeypatch.setattr(mindvis_gui, "open_subject", lambda path: replace(subject, trials=unseen))
    assert lesion() == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "tiny: none of 6 trials has a stimulus, so nothing can be scored" in said.err
    assert not telling_decoder.requests
    assert not (tmp_path / "out").exists()


def test_responses_normalised_by_test_trials_are_said(lesion, subject, monkeypatch, capsys):
    tests = tuple(replace(trial, split="test") for trial in subject.trials)
    monkeypatch.setattr(mindvis_gui, "open_subject", lambda path: replace(subject, trials=tests))
    assert lesion("--trials", "0", "--lesions", "V1") == 0
    assert "the mean and deviation of all trials" in capsys.readouterr().err


def test_the_command_repeated_decodes_what_is_missing(lesion, telling_decoder):
    assert lesion("--trials", "0,1") == 0
    telling_decoder.requests.clear()
    assert lesion("--trials", "0-2") == 0
    assert {request.trial for request in telling_decoder.requests} == {2}


def test_another_run_in_the_same_folder_is_refused(lesion, telling_decoder, tmp_path, capsys):
    assert lesion("--trials", "0") == 0
    before = (tmp_path / "out/lesion.json").read_bytes()
    telling_decoder.requests.clear()
    with only_writer(tmp_path / "out"):
        assert lesion("--trials", "0,1") == 1
    said = capsys.readouterr().err
    assert f"out: is being written by another run (process {os.getpid()}); wait for it" in said
    assert not telling_decoder.requests
    assert (tmp_path / "out/lesion.json").read_bytes() == before
    assert lesion("--trials", "0,1") == 0
    assert not list((tmp_path / "out").glob(".*"))


def test_groups_and_methods(lesion, tmp_path, capsys):
    options = ("--trials", "0", "--method", "noise", "--noise-seed", "3", "--seeds", "4")
    assert lesion("--lesions", "V1,early=V1+V2+V3,control=random:80", *options) == 0
    index = json.loads((tmp_path / "out/lesion.json").read_text())
    assert [each["n_voxels"] for each in index["lesions"]] == [100, 300, 80]
    assert {each["seed"] for each in index["lesions"]} == {3}
    assert index["seeds"] == [4]
    assert "1 trial, 1 sample each" in capsys.readouterr().out


def test_long_names_are_printed_to_their_end(lesion, capsys):
    names = [f"L_ctx_{'and_'.join(['G_S_occipital'] * 8)}_{end}" for end in ("inf", "sup")]
    assert lesion("--trials", "0-1", "--lesions", f"{names[0]}=V1,{names[1]}=V2") == 0
    out = capsys.readouterr().out
    assert "…" not in out
    assert [sum(end in line for line in out.splitlines()) for end in ("_inf", "_sup")] == [1, 1]


def test_how_samples_are_drawn(lesion, telling_decoder, tmp_path):
    options = ("--sampler", "ddim", "--steps", "20", "--guidance", "2")
    assert lesion("--trials", "0", "--lesions", "V1", *options) == 0
    (sampling,) = {request.sampling for request in telling_decoder.requests}
    assert (sampling.sampler, sampling.steps, sampling.guidance) == ("ddim", 20, 2)
    decoding = json.loads((tmp_path / "out/lesion.json").read_text())["decoding"]
    assert (decoding["sampler"], decoding["guidance"]) == ("ddim", 2)


def test_another_method_needs_another_folder(lesion, capsys):
    assert lesion("--trials", "0") == 0
    assert lesion("--trials", "0", "--method", "noise") == 1
    assert "choose another folder" in capsys.readouterr().err


def test_a_trial_that_fails_is_said_and_the_others_are_kept(lesion, telling_decoder, capsys):
    telling_decoder.fails = {1}
    assert lesion("--trials", "0-2") == 1
    captured = capsys.readouterr()
    assert "1 of 3 failed: trial 1: trial 1 cannot be decoded" in captured.err
    assert "2 trials" in captured.out


def test_of_many_that_fail_the_first_are_said_and_that_there_are_more(
    lesion, telling_decoder, capsys
):
    telling_decoder.fails = {0, 1, 2, 3}
    assert lesion("--trials", "0-4") == 1
    said = capsys.readouterr().err
    assert "4 of 5 failed: trial 0: " in said
    assert said.endswith("trial 2: trial 2 cannot be decoded; …\n")


def test_a_figure_says_how_the_study_was_decoded(lesion, tmp_path, capsys):
    decode = ["decode", "tiny.h5", "--trials", "0", "--out", str(tmp_path / "decoded")]
    assert main([*decode, "--steps", "10"]) == 0
    assert lesion("--trials", "0-1", "--steps", "20") == 0
    figure = ["figure", str(tmp_path / "decoded"), "--out", str(tmp_path / "figure.svg")]
    assert main([*figure, "--template", "lesion", "--study", str(tmp_path / "out")]) == 0
    drawn = (tmp_path / "figure.svg").read_text("utf-8")
    assert "20 steps" in drawn
    assert "10 steps" not in drawn
    index = json.loads((tmp_path / "out" / "lesion.json").read_text())
    del index["decoding"]
    (tmp_path / "out" / "lesion.json").write_text(json.dumps(index))
    assert main([*figure, "--template", "lesion", "--study", str(tmp_path / "out")]) == 1
    assert "lesion.json: is damaged" in capsys.readouterr().err


def test_a_run_does_not_fail_by_a_trial_of_an_earlier_one(lesion, telling_decoder, capsys):
    telling_decoder.fails = {1}
    lesion("--trials", "0-2")
    capsys.readouterr()
    assert lesion("--trials", "3") == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--lesions", "V9"), 1, "no region is called 'V9'"),
        (("--lesions", "all=V1+V2+V3+hV4+LOC+FFA+PPA"), 1, "leave some to decode from"),
        (("--lesions", "V1,V1"), 2, "names V1 twice"),
        (("--lesions", "a="), 2, "write V1 or early=V1"),
        (("--noise-seed", "1"), 2, "needs --method noise"),
        (("--method", "drop"), 2, "invalid choice"),
        (("--trials", "99"), 1, "trial 99 does not exist"),
    ],
)
def test_bad_options_say_what_to_do(lesion, capsys, options, code, message):
    if code == 2:
        with pytest.raises(SystemExit) as stop:
            lesion(*options)
        assert stop.value.code == 2
    else:
        assert lesion(*options) == 1
    assert message in capsys.readouterr().err
